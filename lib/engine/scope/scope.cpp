#include "davit/scope.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "davit/logs.hpp"
#include "engine/engine_impl.hpp"
#include "engine/scope/isolate.hpp"
#include "project/scope_record.hpp"
#include "supervisor/client/protocol.hpp"
#include "supervisor/client/scope_client.hpp"

#include <fmt/format.h>
#include <optional>
#include <unistd.h>
#include <utility>

namespace davit {

struct Scope::Impl {
    Engine engine;
    Project project;
    ScopeOptions options;
    ScopeRecord record;
    bool held = false; // the supervisor knows of it

    EngineAccess::Impl& library() { return EngineAccess::of(engine); }
    const Roots& roots() { return library().store.roots(); }
    void begin(const std::stop_token& stop);
    void end(bool take_down, const std::stop_token& stop = {});
    void look_for_abandoned();
    void up(const UpOptions& how, const std::stop_token& stop);
};

namespace {

ScopeRecord scope_record(const RecordStore& store, const Project& project, const ScopeOptions& options) {
    ScopeRecord r;
    r.owner = ::getpid();
    r.owner_start = sys::start_time(r.owner);
    r.boot_id = sys::boot_id();
    r.grace = options.grace.count();
    r.unique = options.unique;
    for (const auto& [unused, volume] : project.volumes)
        if (!volume.external && !store.volume(volume.name)) r.volumes.push_back(volume.name);
    return r;
}

} // namespace

// Those that the power or a whole machine's end has left: there is no process of theirs that could see to it.
void Scope::Impl::look_for_abandoned() {
    for (const auto& name : list_directory(roots().projects())) try {
            const ProjectPaths paths(roots(), name);
            const auto scope = exists(paths.scope()) ? read_scope(paths) : std::nullopt;
            if (!scope || owner_lives(*scope) || SupervisorClient::connect(roots(), name)) continue;
            SupervisorClient::connect_or_start(roots(), name); // its supervisor takes it down
        } catch (const Error& e) {
            log::debug("looking at the scope of project {}: {}", name, e.what());
        }
}

void Scope::Impl::begin(const std::stop_token& stop) {
    look_for_abandoned();
    // Before anything is made for the project, so that whatever is left of us has somebody who removes it.
    ScopeClient supervisor(roots(), project.name);
    const FileLock lock = library().lock(project.name, stop);
    if (!options.adopt && !library().store.container_ids(project.name).empty())
        throw error(Errc::conflict, "project {} has containers already", project.name)
            .with_hint("ScopeOptions::adopt takes it over; ScopeOptions::unique gives this one a name of its own");
    const auto other = read_scope(ProjectPaths(roots(), project.name));
    if (other && owner_lives(*other)) // this process's own, too
        throw error(Errc::conflict, "project {} ends with process {} already", project.name, other->owner)
            .with_hint("choose another name, or ScopeOptions::unique");
    record = scope_record(library().store, project, options);
    supervisor.hold(record);
    held = true;
}

void Scope::Impl::up(const UpOptions& how, const std::stop_token& stop) {
    if (!held) begin(stop); // after down(): it is to end with this process again
    else if (record.owner != ::getpid())
        throw error(Errc::conflict, "project {} ends with process {}, not with this one", project.name, record.owner);
    library().up(project, how, !how.no_start, {}, stop); // no revision: nobody comes back to it
}

void Scope::Impl::end(bool take_down, const std::stop_token& stop) {
    if (!held || record.owner != ::getpid()) return; // a forked child's copy
    held = false;
    try {
        if (take_down) library().withdraw(project, {}, "down", stop);
        ScopeClient(roots(), project.name).end(take_down, stop);
    } catch (...) {
        held = true; // it can be asked for again
        throw;
    }
}

Scope::Scope(const Project& project, const ScopeOptions& options, const EngineOptions& engine, std::stop_token stop)
    : impl_(std::make_unique<Impl>(Impl{Engine(engine), project, options, {}, false})) {
    constexpr std::size_t suffix_digits = 8;
    if (options.unique) impl_->project = renamed(project, project.name + "-" + sys::random_hex(suffix_digits));
    if (options.ephemeral_ports) free_ports(impl_->project);
    impl_->begin(stop);
    try {
        if (options.start) impl_->up(options.up, stop);
    } catch (...) {
        try {
            impl_->end(true);
        } catch (const Error& e) { // the reason is the first one; the supervisor goes on trying
            log::debug("taking down project {}: {}", impl_->project.name, e.what());
        }
        throw;
    }
}

Scope Engine::scope(const Project& project) { return scope(project, {}); }

Scope Engine::scope(const Project& project, const ScopeOptions& options, std::stop_token stop) {
    EngineOptions same = impl_->config;
    if (same.events) // one sink of two engines: never two events at once all the same
        same.events = [turn = impl_->events_mutex, sink = impl_->config.events](const Event& event) {
            const std::lock_guard guard(*turn);
            sink(event);
        };
    return Scope(project, options, same, std::move(stop));
}

Scope::Scope(Scope&&) noexcept = default;

Scope& Scope::operator=(Scope&& other) noexcept {
    Scope(std::move(other)).impl_.swap(impl_);
    return *this;
}

Scope::~Scope() {
    if (!impl_) return;
    try {
        impl_->end(true);
    } catch (const std::exception& e) {
        try {
            impl_->library().warn(impl_->project.name, fmt::format("the scope is not down yet: {}", e.what()));
        } catch (...) { // the sink's own affair
        }
    }
}

Engine& Scope::engine() { return impl_->engine; }
const Project& Scope::project() const { return impl_->project; }
const std::string& Scope::name() const { return impl_->project.name; }
void Scope::up(const UpOptions& options, std::stop_token stop) { impl_->up(options, stop); }
void Scope::down(std::stop_token stop) { impl_->end(true, stop); }
void Scope::release() { impl_->end(false); }

std::vector<ContainerInfo> Scope::containers() { return engine().containers(name()); }

ContainerInfo Scope::container(const std::string& service, int number) {
    for (ContainerInfo& c : containers())
        if (!c.oneoff && c.service == service && c.number == number) return std::move(c);
    auto missing = project().find(service) ? error(Errc::not_found, "service {} has no container {}", service, number)
                                           : error(Errc::not_found, "no such service: {}", service);
    throw missing.with_resource("service:" + service);
}

std::string Scope::address(const std::string& service, std::uint16_t port, const std::string& protocol) {
    const ContainerInfo c = container(service);
    for (const PublishedPort& p : c.ports) {
        if (p.target != port || p.protocol != protocol || p.host_port == 0) continue;
        std::string host = p.host_ip;
        if (host.empty() || host == "0.0.0.0") host = "127.0.0.1";
        else if (host == "::") host = "::1";
        const bool v6 = host.find(':') != std::string::npos;
        return fmt::format(fmt::runtime(v6 ? "[{}]:{}" : "{}:{}"), host, p.host_port);
    }
    throw error(Errc::not_found, "port {}/{} of service {} is not published", port, protocol, service)
        .with_resource("service:" + service)
        .with_hint(fmt::format("ports: [\"{}\"] publishes it on a free port", port));
}

std::string Scope::url(const std::string& service, std::uint16_t port, const std::string& scheme) {
    return scheme + "://" + address(service, port);
}

std::string Scope::log(const std::string& service) {
    std::string out;
    for (const ContainerInfo& c : containers()) {
        if (c.service != service) continue;
        read_log(c, {}, [&](const LogLine& line) {
            out += line.text;
            if (line.last) out += '\n';
            return true;
        });
    }
    return out;
}

ExecOutput Scope::exec(const std::string& service, std::vector<std::string> command, std::string_view input,
                       std::stop_token stop) {
    ExecOptions options;
    options.command = std::move(command);
    return exec(service, options, input, std::move(stop));
}

ExecOutput Scope::exec(const std::string& service, const ExecOptions& options, std::string_view input,
                       std::stop_token stop) {
    ExecOutput out;
    const auto sink = [&out](ExecStream stream, std::string_view text) {
        (stream == ExecStream::output ? out.stdout_text : out.stderr_text) += text;
    };
    out.exit_code = engine().exec(container(service), options, input, sink, std::move(stop));
    return out;
}

void Scope::wait(const std::vector<Wait>& waits, std::chrono::nanoseconds limit, std::stop_token stop) {
    davit::wait(engine(), name(), waits, limit, std::move(stop));
}

} // namespace davit

// Swarm: services.
#include "engine/swarm/swarm_impl.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "davit/labels.hpp"
#include "davit/service_flags.hpp"
#include "davit/swarm_objects.hpp"
#include "engine/engine_impl.hpp"
#include "engine/roots.hpp"
#include "engine/swarm/task_template.hpp"
#include "engine/swarm/template_steps.hpp"
#include "registry/reference.hpp"
#include "supervisor/client/protocol.hpp"
#include "swarm/orchestrator/change.hpp"

#include <algorithm>

namespace davit {

Swarm::Impl::Impl(EngineOptions with)
    : config(with), engine(with), silent([&] {
          with.events = {};
          return std::move(with);
      }()),
      store(roots_of(engine)), objects(store.roots(), swarm::make_service_memory()) {}

Swarm::Swarm(EngineOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
Swarm::Swarm(Swarm&&) noexcept = default;
Swarm& Swarm::operator=(Swarm&&) noexcept = default;
Swarm::~Swarm() = default;

void Swarm::Impl::warn(const std::string& project, const std::string& text) const {
    if (!config.events) return;
    Event event;
    event.kind = EventKind::warning;
    event.time_ns = sys::realtime_ns();
    event.project = project;
    event.text = text;
    config.events(event);
}

void Swarm::Impl::ensure_swarm() {
    if (swarm::ensure_swarm(engine))
        warn({}, "this machine is a swarm of one node now, until its last service, config and secret are removed");
}

swarm::Service Swarm::Impl::service(const std::string& id) const {
    auto found = objects.service(id);
    if (!found || found->removed_at != 0) throw error(Errc::not_found, "service {} not found", id);
    return std::move(*found);
}

// ---- what a specification refers to

namespace {

// "busybox" is shown as "busybox:latest".
std::string shown_image(const std::string& image) {
    const auto parsed = registry::Reference::try_parse(image);
    const bool plain = parsed && parsed->digest().empty();
    return plain ? parsed->familiar() : image;
}

const char* noun(swarm::FileKind kind) { return kind == swarm::FileKind::secret ? "secret" : "config"; }

} // namespace

void Swarm::Impl::resolve(swarm::ServiceSpec& spec) const {
    auto& container = spec.task.container;
    if (!registry::Reference::try_parse(container.image))
        throw error(Errc::invalid_project,
                    "rpc error: code = InvalidArgument desc = ContainerSpec: \"{}\" is not a valid repository/tag",
                    container.image);
    container.image = shown_image(container.image);
    const auto networks = store.networks();
    for (auto& attachment : spec.task.networks) {
        if (attachment.target == "none")
            throw error(Errc::not_found,
                        "could not find the corresponding predefined swarm network: network none not found");
        if (attachment.target == "host" || attachment.target == "bridge") continue;
        const auto found = std::find_if(networks.begin(), networks.end(), [&](const NetworkRecord& n) {
            return n.name == attachment.target || n.id == attachment.target;
        });
        if (found == networks.end() || found->leaving)
            throw error(Errc::not_found, "network {} not found",
                        found == networks.end() ? attachment.target : found->name);
        attachment.target = found->id;
    }
    auto files = [&](swarm::FileKind kind, std::vector<swarm::FileReference>& uses) {
        if (uses.empty()) return;
        const auto all = objects.files(kind);
        for (auto& use : uses) {
            const auto found = std::find_if(all.begin(), all.end(), [&](const swarm::Config& f) {
                return use.id.empty() ? f.spec.name == use.name : f.id == use.id;
            });
            if (found == all.end())
                throw error(Errc::not_found, "{} not found: {}", noun(kind), use.name.empty() ? use.id : use.name);
            use.id = found->id;
            use.name = found->spec.name;
        }
    };
    files(swarm::FileKind::config, container.configs);
    files(swarm::FileKind::secret, container.secrets);
}

// ---- acting

// Of the services of one deployment, all by one connection.
void Swarm::Impl::with_supervisor(const std::string& project, const std::function<void(SupervisorClient&)>& act) {
    if (!making || making->owner() != project) {
        auto supervisor = start_task_supervisor(store, project);
        return act(supervisor);
    }
    if (!owners_supervisor) owners_supervisor.emplace(start_task_supervisor(store, project));
    act(*owners_supervisor);
}

namespace {

void check_change(const swarm::ServiceSpec& from, const swarm::ServiceSpec& to) {
    if (from.name != to.name)
        throw error(Errc::invalid_project, "rpc error: code = Unimplemented desc = renaming services is not supported");
    if (from.mode.kind != to.mode.kind)
        throw error(Errc::invalid_project, "rpc error: code = Unimplemented desc = service mode change is not allowed");
}

void warn_of_credentials(const swarm::ServiceSpec& spec, std::vector<std::string>& warnings) {
    const auto& p = spec.task.container.privileges;
    if (p && !(p->credential_config.empty() && p->credential_file.empty() && p->credential_registry.empty()))
        warnings.push_back(
            fmt::format("service {}: the credential spec has no effect: it is for Windows containers", spec.name));
}

} // namespace

CreatedService Swarm::create_service(const swarm::ServiceSpec& given, const std::string& project,
                                     const ServiceOptions& options, std::stop_token stop) {
    check_spec(given);
    impl_->ensure_swarm();
    CreatedService out;
    swarm::Service service;
    service.id = out.id = swarm::new_id();
    service.project = project;
    service.version = service.spec_version = 1;
    service.created_at = service.updated_at = sys::realtime_ns();
    if (given.mode.job()) service.job_started_at = service.created_at;
    service.spec = given;
    impl_->resolve(service.spec);
    TemplateStager stager(impl_->store, impl_->objects, host_values(impl_->store));
    stager.check(service);
    impl_->claim_ports(service.spec, service.id, {}); // before anything is pulled, and told before the name, as Swarm
    impl_->claim_name(given.name);
    impl_->provide_bridge(service.spec, project);
    impl_->provide_image(service.spec, project, options, out.warnings, stop);
    {
        const FileLock held = swarm::lock_swarm(impl_->store.roots());
        if (!std::exchange(impl_->tidied, true)) swarm::remove_half_made(impl_->store.roots(), held);
        service.ports = impl_->claim_ports(service.spec, service.id, {});
        impl_->claim_name(given.name);
        service.template_version = stager.stage(service);
        impl_->objects.write(service);
    }
    for (const auto& warning : stager.warnings()) out.warnings.push_back(warning);
    warn_of_credentials(service.spec, out.warnings);
    impl_->warn_of_cluster(service.spec, out.warnings);
    impl_->recorded(service, options.command.empty() ? "service create" : options.command, [&] {
        impl_->with_supervisor(project, [&](SupervisorClient& s) { s.set_service({service, 0, false, 0}); });
    });
    return out;
}

namespace {

// One that was prepared when something was missing is no use.
bool is_rejected(const swarm::Store& objects, const swarm::Service& service) {
    const std::string file = swarm::template_file(objects.paths().prepared(service.id, service.template_version));
    const auto text = read_file_if_exists(file);
    return !text || !swarm::task_template_from_json(*text, file).rejected.empty();
}

} // namespace

std::vector<std::string> Swarm::update_service(const swarm::Service& seen, const swarm::ServiceSpec& given,
                                               const ServiceUpdateOptions& options, std::stop_token stop) {
    std::vector<std::string> warnings;
    ServiceChange change{impl_->service(seen.id), seen.spec_version, options.rollback, options.to_revision};
    swarm::Service& next = change.service;
    swarm::Service result = next; // as it stands in the history
    if (options.rollback) {
        impl_->check_previous(next);
        result.spec = next.spec = *next.previous;
        result.template_version = next.previous_template_version;
        next.template_version = 0;
    } else {
        check_spec(given);
        check_change(next.spec, given);
        const swarm::ServiceSpec before = std::exchange(next.spec, given);
        impl_->resolve(next.spec);
        TemplateStager stager(impl_->store, impl_->objects, host_values(impl_->store));
        stager.check(next);
        const bool other_image = options.resolve_image != ResolveImage::never ||
                                 before.task.container.image != next.spec.task.container.image;
        const bool rejected = is_rejected(impl_->objects, next);
        if (other_image || rejected) impl_->provide_image(next.spec, next.project, options, warnings, stop);
        const bool same = swarm::same_task(before, next.spec) && before.labels == next.spec.labels;
        if (!same || rejected) {
            impl_->provide_bridge(next.spec, next.project);
            next.ports = impl_->claim_ports(next.spec, next.id, next.ports);
            result.template_version = next.template_version = stager.stage(next);
        } else next.template_version = 0;
        for (const auto& warning : stager.warnings()) warnings.push_back(warning);
        warn_of_credentials(next.spec, warnings);
        if (before.task.placement != next.spec.task.placement) impl_->warn_of_cluster(next.spec, warnings);
        result.spec = next.spec;
    }
    {
        const FileLock held = swarm::lock_swarm(impl_->store.roots());
        next.ports = impl_->claim_ports(next.spec, next.id, next.ports);
    }
    const char* usual = options.rollback ? "service rollback" : "service update";
    impl_->recorded(result, options.command.empty() ? usual : options.command,
                    [&] { impl_->with_supervisor(next.project, [&](SupervisorClient& s) { s.set_service(change); }); });
    return warnings;
}

void Swarm::remove_service(const std::string& id, bool with_stack) {
    const swarm::Service service = impl_->service(id);
    const std::string owner = history_owner(service);
    const bool of_stack = service.project != swarm::services_project;
    const bool part = impl_->making && impl_->making->owner() == owner;
    std::optional<ServiceRevision> own;
    if (of_stack && !part && !with_stack) {
        own.emplace(impl_->new_revision(owner, "service rm"));
        own->remove(service.spec.name);
        own->begin();
    }
    try {
        impl_->with_supervisor(service.project, [&](SupervisorClient& s) { s.remove_service(id); });
    } catch (...) {
        if (own) own->drop();
        throw;
    }
    if (own) own->confirm();
    if (part) impl_->making->remove(service.spec.name);
    if (!of_stack) forget_history(owner);
    impl_->release_bridge(service.project);
    swarm::release_swarm(impl_->engine);
}

void Swarm::node_changed() {
    std::set<std::string> projects;
    for (const auto& service : impl_->objects.services()) projects.insert(service.project);
    for (const auto& project : projects) start_task_supervisor(impl_->store, project).node_changed();
}

StackContents Swarm::stack(const std::string& name) const {
    auto ours = [&](const swarm::Labels& labels) {
        const auto it = labels.find(label::stack);
        return it != labels.end() && it->second == name;
    };
    StackContents out;
    for (auto& service : impl_->objects.services())
        if (ours(service.spec.labels)) out.services.push_back(std::move(service));
    for (auto& network : impl_->engine.networks())
        if (ours(network.labels) && !network.leaving) out.networks.push_back(std::move(network));
    for (auto [kind, list] :
         {std::pair{swarm::FileKind::config, &out.configs}, {swarm::FileKind::secret, &out.secrets}})
        for (auto& file : impl_->objects.files(kind))
            if (ours(file.spec.labels)) {
                file.spec.data.clear();
                list->push_back(std::move(file));
            }
    return out;
}

} // namespace davit

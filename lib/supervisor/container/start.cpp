// Container: from created to running.
#include "supervisor/container/container.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "base/shared_with.hpp"
#include "base/sys.hpp"
#include "base/units.hpp"
#include "net/endpoint.hpp"
#include "net/netns.hpp"
#include "supervisor/network/wiring.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {
constexpr std::chrono::milliseconds connect_delay{20};
constexpr int most_connects = 150; // three seconds
} // namespace

void Container::start(bool hold_for_attach, Done done) {
    std::vector<Done> waiter{std::move(done)};
    try {
        set_desired(DesiredState::running);
    } catch (const Error& e) {
        return answer(waiter, &e);
    }
    const StartStep step = on_start(life());
    if (running() && status_owed_) save(); // who asks may have read otherwise
    if (step == StartStep::nothing) return answer(waiter, nullptr);
    start_waiters_.insert(start_waiters_.end(), waiter.begin(), waiter.end());
    if (step == StartStep::finish_hooks)
        return run_hooks(true, static_cast<std::size_t>(status_.post_start_begun),
                         guarded([this](const Error* e) { finish_start(e); }));
    if (step == StartStep::join) {
        if (run_ && hold_for_attach) run_->hold = true;
        return;
    }
    restart_timer_.reset();
    policy_.reset();
    status_.restart_count = 0;
    begin_run(hold_for_attach, false);
}

void Container::begin_run(bool hold, bool by_policy) {
    earlier_boot_ = false;
    run_ = std::make_unique<Run>();
    run_->hold = hold;
    run_->by_policy = by_policy;
    status_.stopped_by_user = false;
    status_.error.clear();
    status_.oom_killed = false;
    status_.next_restart = 0;
    status_.post_start_begun = status_.pre_stop_begun = 0;
    if (!record_.start_error.empty()) return start_failed(Error(Errc::failed, record_.start_error));
    if (record_.network_mode != "bridge") return connected(nullptr, nullptr);
    if (const NetworkLease* lease = world_.networks.lease(record_.id)) return connected(nullptr, lease);
    world_.networks.connect(record_,
                            guarded([this](const Error* e, const NetworkLease* lease) { connected(e, lease); }));
}

void Container::connected(const Error* error, const NetworkLease*) {
    if (!run_) return;
    if (error) return start_failed(*error);
    world_.take_turn(guarded([this] {
        if (!run_ || run_->launched) return;
        if (run_->stopping) // by a command that came before there was anything to stop
            return start_failed(
                Error(Errc::interrupted, run_->abandoned.empty()
                                             ? fmt::format("container {} was stopped before it began", record_.name)
                                             : run_->abandoned));
        try {
            launch();
        } catch (const Error& e) {
            if (!connect_later(e)) start_failed(e);
        }
    }));
}

// A macvlan link has its MAC until the kernel has taken the namespace of the last run away, some time after its end.
bool Container::connect_later(const Error& e) {
    if (e.os().value() != EADDRINUSE || run_->launched || run_->netns || ++run_->connects > most_connects) return false;
    run_->connect_timer = world_.loop.after(connect_delay, guarded([this] { connected(nullptr, nullptr); }));
    return true;
}

void Container::launch() {
    const NetworkLease* lease = world_.networks.lease(record_.id);
    sys::make_dirs(world_.paths.run_container(record_.id), 0700);
    run_->netns = make_netns(lease);
    world_.store.drop_last_run(record_);
    save(); // a new supervisor finds the addresses here
    spawn_shim();
}

namespace {

std::string machine_name() {
    char name[HOST_NAME_MAX + 1] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
}

} // namespace

// One that shares its namespaces, of this project or another.
pid_t Container::peer(const std::string& id, const char* shared) const {
    std::string name = id.substr(0, 12);
    ContainerState state = ContainerState::exited;
    if (Container* own = world_.find(id)) {
        if (own->running()) return own->status().pid;
        name = own->record().name;
        state = own->status().state;
    } else {
        for (const auto& project : list_directory(world_.store.roots().projects())) {
            const auto record = world_.store.container(project, id);
            if (!record) continue;
            name = record->name;
            const ContainerStatus status = world_.store.status(*record);
            if (status.pid != 0) return status.pid;
            state = status.state;
        }
    }
    if (std::string_view(shared) == "network")
        throw error(Errc::conflict, "cannot join network namespace of a non running container: container {} is {}",
                    name, to_string(state));
    throw error(Errc::conflict, "failed to join {} namespace: container {} is not running", shared, id);
}

namespace {

// On the default network, which knows no names, those of linked containers stand in /etc/hosts.
void add_links(ContainerRecord& record, const NetworkLease& lease, const World& world) {
    for (const Attachment& a : lease.attachments) {
        if (!a.network->options().default_bridge) continue;
        for (const auto& [alias, targets] : a.wish->links)
            for (const auto& target : targets) {
                Container* other = world.named(target);
                if (!other || !other->running())
                    throw error(Errc::conflict, "Cannot link to a non running container: /{} AS /{}/{}", target,
                                record.name, alias);
                for (const auto& endpoint : other->status().endpoints)
                    if (endpoint.network == a.network->name())
                        record.extra_hosts.emplace_back(
                            fmt::format("{} {} {}", alias, other->record().id.substr(0, 12), target), endpoint.ipv4);
            }
    }
}

} // namespace

UniqueFd Container::make_netns(const NetworkLease* lease) {
    const std::string& mode = record_.network_mode;
    if (const SharedWith shared = SharedWith::parse(mode); shared.is_container())
        return net::netns_of(peer(std::string(shared.name), "network"));
    if (mode == "host" || mode == "none") {
        write_files(wire_without_network(record_, world_.networks.host_resolv(),
                                         read_file_if_exists("/etc/hosts").value_or(""), machine_name()));
        return mode == "none" ? net::create_netns() : UniqueFd();
    }
    if (!lease) throw error(Errc::failed, "container {} has no addresses", record_.name);
    ContainerRecord linked = record_;
    add_links(linked, *lease, world_);
    Wiring wiring = wire(linked, lease->attachments, world_.networks.group(), world_.networks.host_resolv());
    UniqueFd netns = net::create_netns();
    net::attach(world_.host, netns.get(), wiring.plan);
    if (wiring.dns) {
        net::dns::ServeSpec serve{wiring.client, wiring.upstreams, wiring.external};
        world_.dns.serve(std::move(serve), net::dns::open_sockets(netns.get()), netns.get());
    }
    if (record_.ecs && record_.ecs->metadata) world_.serve_metadata(record_.id, netns.get());
    world_.networks.join(record_.id, netns.get(), false);
    world_.networks.publish(record_, record_.takes_over.empty());
    status_.endpoints = wiring.endpoints;
    status_.ports = lease->ports;
    write_files(wiring);
    return netns;
}

void Container::write_files(const Wiring& wiring) {
    // In place: the files are bind-mounted, and a restart keeps their inode.
    write_file_in_place(world_.paths.hosts(record_.id), wiring.hosts);
    write_file_in_place(world_.paths.resolv_conf(record_.id), wiring.resolv_conf);
    write_file_in_place(world_.paths.hostname(record_.id), wiring.hostname);
}

namespace {

runtime::ShimLog shim_log(const ContainerRecord& record, const ProjectPaths& paths) {
    runtime::ShimLog log;
    if (record.log.driver == "none") log.driver = runtime::ShimLog::Driver::none;
    log.path = paths.log(record.id);
    auto option = [&](const char* key) {
        auto it = record.log.options.find(key);
        return it == record.log.options.end() ? std::string() : it->second;
    };
    if (auto size = parse_bytes(option("max-size")); size && *size > 0)
        log.max_size = static_cast<std::uint64_t>(*size);
    if (auto files = parse_int(option("max-file")); files && *files > 0) log.max_files = static_cast<unsigned>(*files);
    if (record.log.driver == "local" && log.max_size == 0) {
        log.max_size = 20u << 20;
        log.max_files = 5;
    }
    return log;
}

} // namespace

runtime::ShimStart Container::shim_start() const {
    runtime::ShimStart s;
    s.shim_path = world_.shim_path;
    s.shim_exe = world_.shim_exe();
    s.id = record_.id;
    s.run_dir = world_.paths.run_container(record_.id);
    s.log = shim_log(record_, world_.paths);
    s.hold_for_attach = run_->hold;
    s.stdin_once = record_.oneoff || record_.stdin_once;
    s.supervisor_argv = world_.supervisor_argv;
    s.supervisor_lock = world_.paths.supervisor_lock();
    return s;
}

void Container::spawn_shim() {
    runtime::ShimStart s = shim_start();
    UniqueFd steps = sys::open(world_.paths.steps(record_.id), O_RDONLY);
    s.steps_fd = steps.get();
    s.net_ns = run_->netns ? run_->netns.get() : -1;
    std::vector<UniqueFd> keep;
    auto join = [&](const std::string& mode, const char* ns) -> int {
        const SharedWith shared = SharedWith::parse(mode);
        if (!shared.is_container()) return -1;
        const pid_t other = peer(std::string(shared.name), std::string_view(ns) == "ipc" ? "IPC" : "PID");
        keep.push_back(sys::open(fmt::format("/proc/{}/ns/{}", other, ns), O_RDONLY));
        int fd = keep.back().get();
        keep.push_back(sys::pidfd_open(other));
        (std::string_view(ns) == "ipc" ? s.peer_pidfd : s.pid_peer_pidfd) = keep.back().get();
        return fd;
    };
    s.ipc_ns = join(record_.ipc_mode, "ipc");
    s.pid_ns = join(record_.pid_mode, "pid");
    sys::make_dirs(world_.paths.container(record_.id) + "/log", 0700);
    ::unlink(world_.paths.exit_file(record_.id).c_str());
    runtime::ShimConnection shim = world_.start_shim(s); // reaped with all others; its end shows on the socket
    run_->launched = true;
    attach_shim(std::move(shim));
}

void Container::attach_shim(runtime::ShimConnection connection) {
    run_->shim.emplace(std::move(connection));
    run_->shim_watch = world_.loop.watch_fd(run_->shim->fd(), EPOLLIN, [this](std::uint32_t) { on_shim_readable(); });
}

// What is kept for a successor is no condition of a start.
void Container::park_descriptors() {
    if (!run_->shim) return;
    try {
        park();
    } catch (const Error& e) {
        log::warning("keeping the sockets of container {} in its shim: {}", record_.name, e.describe());
    }
}

void Container::park() {
    if (auto dns = world_.dns.fds_of(record_.id); !dns.empty()) run_->shim->park("dns", dns);
    const std::vector<int> ports = world_.networks.sockets_of(record_.id);
    constexpr std::size_t per_message = 30;
    for (std::size_t at = 0; at < ports.size(); at += per_message)
        run_->shim->park(fmt::format("ports.{}", at / per_message),
                         {ports.begin() + static_cast<std::ptrdiff_t>(at),
                          ports.begin() + static_cast<std::ptrdiff_t>(std::min(at + per_message, ports.size()))});
}

void Container::park_ports() {
    if (running() && run_) park_descriptors();
}

void Container::started() {
    status_.exit_code = 0;
    status_.exit_known = true;
    status_.finished_at = 0;
    began_ = std::chrono::steady_clock::now();
    if (checked()) health_ = std::make_unique<HealthMonitor>(*record_.healthcheck, status_.started_at);
    set_state(ContainerState::running);
    emit(EventKind::container_started);
    if (!run_->netns && world_.networks.lease(record_.id)) adopt_wiring(); // started under an earlier supervisor
    park_descriptors();
    start_health(false);
    run_hooks(true, 0, guarded([this](const Error* e) {
                  if (e) return finish_start(e);
                  if (record_.ports.empty()) return finish_start(nullptr);
                  world_.networks.when_committed(guarded([this](const Error* commit) { finish_start(commit); }));
              }));
}

void Container::finish_start(const Error* error) { answer(start_waiters_, error); }

void Container::start_failed(Error error) {
    run_->failed = std::move(error);
    // With a shim its end follows.
    if (!run_->shim) end_run();
}

} // namespace davit::supervisor

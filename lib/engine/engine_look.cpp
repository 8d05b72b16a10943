#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "engine/listing.hpp"
#include "engine/machine/machine.hpp"
#include "engine/network_info.hpp"
#include "engine/observe.hpp"
#include "network/builtin.hpp"
#include "reconcile/labels.hpp"
#include "supervisor/client/protocol.hpp"
#include "supervisor/policy/health.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <poll.h>
#include <set>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <tuple>
#include <unistd.h>

namespace davit {

namespace {

std::vector<AttachedNetwork> networks_of(const ContainerRecord& record, const ContainerStatus& status) {
    std::vector<AttachedNetwork> out;
    for (const auto& endpoint : record.endpoints) {
        AttachedNetwork& n = out.emplace_back();
        n.name = endpoint.network;
        n.compose_name = endpoint.compose_name;
        n.aliases = endpoint.aliases;
        for (const auto& live : status.endpoints) {
            if (live.network != endpoint.network) continue;
            n.ipv4 = live.ipv4;
            n.ipv6 = live.ipv6;
            n.mac = live.mac;
        }
    }
    return out;
}

bool ended(const ContainerStatus& status) {
    return status.state == ContainerState::exited || status.state == ContainerState::dead;
}

} // namespace

ContainerInfo Engine::Impl::info(const ContainerRecord& r, const ContainerStatus& s) const {
    ContainerInfo c;
    c.id = r.id;
    c.name = r.name;
    c.project = r.project;
    c.service = r.service;
    c.number = r.number;
    c.oneoff = r.oneoff;
    c.auto_remove = r.auto_remove;
    c.image = r.image;
    c.image_id = r.image_id;
    c.config_hash = r.config_hash;
    c.labels = r.labels;
    c.command = r.command;
    c.created = r.created;
    c.state = s.state;
    c.health = s.health;
    c.failing_streak = s.failing_streak;
    c.pid = s.pid;
    c.started_at = s.started_at;
    c.finished_at = s.finished_at;
    c.exit_code = s.exit_code;
    c.exit_known = s.exit_known;
    c.oom_killed = s.oom_killed;
    c.error = s.error;
    c.restart_count = s.restart_count;
    c.network_mode = r.network_mode;
    c.networks = networks_of(r, s);
    c.ports = s.ports;
    c.expose = r.expose;
    for (const auto& m : r.mounts) c.mounts.push_back({m.type, m.name, m.source, m.target, m.read_only, m.anonymous});
    c.tty = r.tty;
    c.open_stdin = r.open_stdin;
    c.log_driver = r.log.driver;
    if (r.log.driver != "none") c.log_path = ProjectPaths(store.roots(), r.project).log(r.id);
    return c;
}

namespace {

// One whose process has ended is looked at anew: its supervisor may not have said so yet.
bool is_as_listed(const ListedContainer& c) {
    return c.status.inode != 0 && (c.info.pid == 0 || sys::start_time(c.info.pid) == c.pid_start);
}

} // namespace

ListedContainer Engine::Impl::listed(const std::string& project, const std::string& id) const {
    const ProjectPaths paths(store.roots(), project);
    ListedContainer out;
    out.record = FileStamp::of(paths.record(id)); // before they are read
    out.status = FileStamp::of(paths.status(id));
    const auto record = store.container(project, id);
    if (!record) return out;
    const ContainerStatus status = store.status(*record);
    out.pid_start = status.pid_start;
    out.hook = record->labels.contains(label::hook);
    out.info = info(*record, status);
    return out;
}

std::vector<ContainerInfo> Engine::containers(const std::string& project) {
    constexpr std::size_t worth_listing = 16;
    const ProjectPaths paths(impl_->store.roots(), project);
    const auto ids = impl_->store.container_ids(project);
    std::optional<Listing> listing;
    if (ids.size() >= worth_listing) listing.emplace(impl_->store.roots(), project);
    std::vector<ContainerInfo> out;
    for (const std::string& id : ids) {
        std::optional<ListedContainer> c;
        if (listing) c = listing->find(id, FileStamp::of(paths.record(id)), FileStamp::of(paths.status(id)));
        if (!c || !is_as_listed(*c)) c = impl_->listed(project, id);
        if (c->info.id.empty()) continue; // half-made, or gone meanwhile
        if (listing) listing->add(*c);
        if (!c->hook) out.push_back(std::move(c->info));
    }
    if (listing) listing->write();
    std::sort(out.begin(), out.end(), [](const ContainerInfo& a, const ContainerInfo& b) {
        return std::tie(a.service, a.oneoff, a.number, a.created) < std::tie(b.service, b.oneoff, b.number, b.created);
    });
    return out;
}

std::vector<ContainerInfo> Engine::all_containers() {
    std::vector<ContainerInfo> out;
    // Those of stacks too, which are no compose projects.
    for (const auto& project : list_directory(impl_->store.roots().projects()))
        for (ContainerInfo& c : containers(project)) out.push_back(std::move(c));
    return out;
}

std::optional<ContainerInfo> Engine::container(const std::string& project, const std::string& id_or_name) {
    std::optional<ContainerInfo> by_prefix;
    for (auto& c : containers(project)) {
        if (c.name == id_or_name || c.id == id_or_name) return c;
        if (id_or_name.size() >= 4 && c.id.compare(0, id_or_name.size(), id_or_name) == 0) by_prefix = std::move(c);
    }
    return by_prefix;
}

std::vector<HealthCheckResult> Engine::health_log(const ContainerInfo& container) {
    const ProjectPaths paths(impl_->store.roots(), container.project);
    return supervisor::parse_health_log(read_file_if_exists(paths.health_log(container.id)).value_or(""));
}

std::vector<ProjectInfo> Engine::projects() {
    std::vector<ProjectInfo> out;
    for (const auto& record : impl_->store.projects()) {
        ProjectInfo& p = out.emplace_back();
        p.name = record.name;
        p.working_dir = record.working_dir;
        p.config_files = record.config_files;
        for (const auto& c : observe_containers(impl_->store, record.name))
            if (!c.record.oneoff) ++p.containers[c.status.state];
    }
    return out;
}

std::vector<NetworkInfo> Engine::networks(const std::string& project) {
    std::vector<NetworkRecord> records = impl_->store.networks();
    if (project.empty()) add_builtin_networks(records, impl_->store.roots().run);
    std::vector<NetworkInfo> out;
    for (const auto& r : records)
        if (project.empty() || r.project == project) out.push_back(info_of(r));
    return out;
}

// The supervisor replaces state.json by rename: one inotify watch a container misses nothing and
// needs nobody to answer.
void Engine::wait(const std::string& project, const std::vector<std::string>& ids,
                  const std::function<void(const ExitResult&)>& on_end, std::stop_token stop) {
    const ProjectPaths paths(impl_->store.roots(), project);
    UniqueFd inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) throw sys_error(errno, "watching the containers of project {}", project);
    const std::stop_callback on_stop(stop, [&] { ::eventfd_write(wake.get(), 1); });

    bool watched = static_cast<bool>(inotify); // there are 128 for all containers of root's; without one: look again
    std::map<std::string, ContainerRecord> open;
    for (const auto& id : ids) {
        auto record = impl_->store.container(project, id);
        if (!record) throw machine::no_such_container(id);
        open.emplace(id, std::move(*record));
        if (watched &&
            ::inotify_add_watch(inotify.get(), paths.run_container(id).c_str(),
                                IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF) < 0 &&
            errno != ENOENT)
            watched = false;
    }
    SupervisorClient::look_after(impl_->store.roots(), project); // somebody has to see the end
    for (;;) {
        for (auto it = open.begin(); it != open.end();) {
            const ContainerStatus status = impl_->store.status(it->second);
            const bool gone = !exists(paths.run_container(it->first));
            if (!ended(status) && !gone) {
                ++it;
                continue;
            }
            on_end({impl_->info(it->second, status), status.exit_code});
            it = open.erase(it);
        }
        if (open.empty()) return;
        pollfd fds[2] = {{inotify.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
        constexpr int look_again_ms = 100;
        if (::poll(fds, 2, watched ? -1 : look_again_ms) < 0 && errno != EINTR)
            throw sys_error(errno, "waiting for containers");
        if (stop.stop_requested()) throw error(Errc::interrupted, "interrupted");
        char drained[4096];
        while (inotify && ::read(inotify.get(), drained, sizeof drained) > 0) {}
    }
}

bool Engine::wait_removed(const std::string& project, const std::string& id, std::chrono::milliseconds limit,
                          std::stop_token stop) {
    const ProjectPaths paths(impl_->store.roots(), project);
    const auto end = std::chrono::steady_clock::now() + limit;
    UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake) throw sys_error(errno, "watching container {}", id);
    const std::stop_callback on_stop(stop, [&] { ::eventfd_write(wake.get(), 1); });
    // Looked at again and again, after 0.2 ms first: it takes less than a millisecond, while closing a descriptor of
    // inotify that watched something waits 15 ms for the kernel (fsnotify_destroy_group).
    for (long pause_ns = 200'000; exists(paths.container(id)); pause_ns = std::min(pause_ns * 2, 50'000'000L)) {
        if (std::chrono::steady_clock::now() >= end || stop.stop_requested()) return false;
        pollfd woken{wake.get(), POLLIN, 0};
        const timespec pause{0, pause_ns};
        if (::ppoll(&woken, 1, &pause, nullptr) < 0 && errno != EINTR)
            throw sys_error(errno, "watching container {}", id);
    }
    // With the machine's last container its supervisor and network go; who waited sees all of it gone.
    if (project == machine_project && impl_->store.container_ids(project).empty())
        SupervisorClient::connect(impl_->store.roots(), project);
    return true;
}

void Engine::subscribe(const std::string& project, const std::function<bool(const Event&)>& sink,
                       std::stop_token stop) {
    SupervisorClient::look_after(impl_->store.roots(), project);
    if (auto supervisor = SupervisorClient::connect(impl_->store.roots(), project))
        supervisor->subscribe(sink, std::move(stop));
}

} // namespace davit

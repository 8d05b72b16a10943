#include "supervisor/doctor/doctor.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "net/doctor.hpp"
#include "project/names.hpp"
#include "project/store.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/host_facts.hpp"
#include "supervisor/doctor/scan.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sys/mount.h>
#include <thread>
#include <unistd.h>

namespace davit {

using doctor::Machine;
using Kind = Leak::Kind;

namespace {

constexpr std::pair<net::Finding::Kind, Kind> network_kinds[] = {
    {net::Finding::Kind::bridge, Kind::bridge},        {net::Finding::Kind::veth, Kind::interface},
    {net::Finding::Kind::table, Kind::firewall_table}, {net::Finding::Kind::foreign_rule, Kind::firewall_rule},
    {net::Finding::Kind::sysctl, Kind::sysctl},        {net::Finding::Kind::state_file, Kind::network_state},
};

void add_network(const Machine& m, std::vector<Leak>& out) {
    std::vector<net::OtherRoot> others;
    for (const auto& [run_dir, projects] : m.others) others.push_back({run_dir, {projects.begin(), projects.end()}});
    for (auto& f : net::find_leaks(m.roots.run, m.with_networks, others))
        for (const auto& [from, to] : network_kinds)
            if (f.kind == from) out.push_back({to, f.name, f.project, f.text, f.remedy});
}

// Those of ECS tasks have theirs in one of the task. An empty one goes with the project's.
std::vector<std::string> containers_groups(const runtime::HostFacts& host, const std::string& project) {
    std::vector<std::string> out;
    for (const auto& child : runtime::cgroup_children(host, project)) {
        if (!child.starts_with("task-")) out.push_back(child);
        else
            for (const auto& inner : runtime::cgroup_children(host, project + "/" + child))
                out.push_back(child + "/" + inner);
    }
    return out;
}

void add_cgroups(const Machine& m, std::vector<Leak>& out) {
    runtime::HostFacts host = runtime::HostFacts::probe();
    auto leak = [&](const std::string& group, const std::string& project, const std::string& why) {
        out.push_back({Kind::cgroup, group, project, fmt::format("control group {} {}", group, why),
                       "davit system doctor --fix"});
    };
    for (const auto& project : runtime::cgroup_children(host, "davit")) {
        std::string group = "davit/" + project;
        if (m.busy(project) || m.is_others(project)) continue;
        if (!m.supervised(project) && !m.knows(project)) {
            leak(group, project, "belongs to no project");
            continue;
        }
        for (const auto& child : containers_groups(host, group)) {
            if (child == "supervisor"
                    ? m.supervised(project) || !runtime::cgroup_processes(host, group + "/supervisor").empty()
                    : m.running.contains(child.substr(child.rfind('/') + 1)))
                continue;
            leak(group + "/" + child, project,
                 child == "supervisor" ? "is of a supervisor that is gone" : "is of a container that does not run");
        }
    }
}

void add_processes(const Machine& m, std::vector<Leak>& out) {
    for (const auto& p : m.processes) {
        bool shim = p.container.size() == 64;
        if (shim && m.held.contains(p.container) && !m.busy(p.project)) {
            out.push_back(
                {Kind::process, std::to_string(p.pid), p.project,
                 fmt::format("davit-shim {} holds the start of container {} of project {} for a command that is gone",
                             p.pid, p.container.substr(0, 12), p.project),
                 fmt::format("davit -p {} down", p.project)});
            continue;
        }
        if (shim ? m.containers.contains(p.container) : m.knows(p.project) || m.supervised(p.project)) continue;
        out.push_back({Kind::process, std::to_string(p.pid), p.project,
                       shim ? fmt::format("davit-shim {} serves the container {}, of which there is no record", p.pid,
                                          p.container.substr(0, 12))
                            : fmt::format("davit-supervisor {} serves the project {}, of which there is no record",
                                          p.pid, p.project),
                       fmt::format("kill -9 {}", p.pid)});
    }
    for (const auto& [id, project] : m.running) {
        bool shim =
            std::any_of(m.processes.begin(), m.processes.end(), [&](const auto& p) { return p.container == id; });
        if (shim || m.supervised(project)) continue;
        out.push_back(
            {Kind::unsupervised, id, project,
             fmt::format("container {} of project {} runs without shim and supervisor", id.substr(0, 12), project),
             fmt::format("davit -p {} restart", project)});
    }
}

void add_run_directories(const Machine& m, std::vector<Leak>& out) {
    for (const auto& project : list_directory(m.roots.run_projects())) {
        if (m.busy(project)) continue;
        ProjectPaths paths(m.roots, project);
        if (!m.knows(project) && !m.supervised(project)) {
            out.push_back({Kind::run_directory, paths.run, project,
                           fmt::format("{} is of project {}, which has no containers or networks", paths.run, project),
                           "rm -r " + paths.run});
            continue;
        }
        if (exists(paths.supervisor_socket()) && !m.supervised(project))
            out.push_back({Kind::supervisor_socket, paths.supervisor_socket(), project,
                           fmt::format("{} is left of a supervisor that is dead", paths.supervisor_socket()),
                           "rm " + paths.supervisor_socket()});
        for (const auto& id : list_directory(paths.run_containers()))
            if (!m.containers.contains(id))
                out.push_back({Kind::run_directory, paths.run_container(id), project,
                               fmt::format("{} is of a container without record", paths.run_container(id)),
                               "rm -r " + paths.run_container(id)});
    }
    for (const auto& network : list_directory(m.roots.run_networks()))
        for (const auto& file : list_directory(m.roots.run_networks() + "/" + network)) {
            std::string project = file.substr(0, file.find_last_of('.')),
                        path = m.roots.run_networks() + "/" + network + "/" + file;
            if ((!file.ends_with(".json") && !file.ends_with(".applied")) || m.supervised(project) ||
                m.any_running(project))
                continue;
            out.push_back({Kind::endpoints_file, path, project,
                           fmt::format("{} names endpoints of project {}, which does not run", path, project),
                           "rm " + path});
        }
}

void add_state_directories(const Machine& m, std::vector<Leak>& out) {
    const RecordStore store(m.roots);
    for (const auto& project : list_directory(m.roots.projects())) {
        if (m.busy(project)) continue;
        ProjectPaths paths(m.roots, project);
        for (const auto& entry : list_directory(paths.staging()))
            out.push_back({Kind::staging, paths.staging(entry), project,
                           fmt::format("{} was made for a plan that nobody carries out", paths.staging(entry)),
                           "rm -r " + paths.staging(entry)});
        for (const auto& id : list_directory(paths.containers()))
            if (!store.container(project, id))
                out.push_back({Kind::container_directory, paths.container(id), project,
                               fmt::format("{} has no record", paths.container(id)), "rm -r " + paths.container(id)});
    }
    for (const auto& network : list_directory(m.roots.addresses()))
        for (const auto& file : list_directory(m.roots.addresses() + "/" + network)) {
            const std::string project = file.substr(0, file.find_last_of('.')),
                              path = m.roots.addresses() + "/" + network + "/" + file;
            if (file.ends_with(".json") && !m.knows(project) && !m.supervised(project) && !m.busy(project))
                out.push_back({Kind::addresses_file, path, project,
                               fmt::format("{} keeps addresses for project {}, which has no containers or networks",
                                           path, project),
                               "rm " + path});
        }
    for (const auto& volume : list_directory(m.roots.volumes())) {
        std::string path = m.roots.volumes() + "/" + volume;
        // What is mounted over it may hide its record: that goes first, and then there is another look.
        bool hidden = std::find(m.mounts.begin(), m.mounts.end(), path) != m.mounts.end();
        if (!hidden && !exists(path + "/volume.json"))
            out.push_back({Kind::volume_directory, path, "",
                           fmt::format("{} has no record: no volume is called {}", path, volume), "rm -r " + path});
    }
    for (const auto& path : m.temporary_files)
        out.push_back({Kind::temporary_file, path, "", fmt::format("{} is left of a write that was interrupted", path),
                       "rm " + path});
}

void add_mounts(const Machine& m, std::vector<Leak>& out) {
    for (const auto& mount : m.mounts)
        out.push_back({Kind::mount, mount, "",
                       fmt::format("something is mounted at {}; davit mounts nothing there", mount),
                       "umount " + mount});
}

// A command that has ended a moment ago leaves what ends by itself: the group of its supervisor, which is removed from
// outside, or a socket.
constexpr std::chrono::milliseconds look_again{100};
constexpr int looks = 6;

void add_names(const Machine& m, std::vector<Leak>& out) {
    for (const auto& name : NameIndex(m.roots).wrong())
        out.push_back({Kind::container_name, name, "",
                       fmt::format("the container name {} is noted for a container that is gone, or not noted", name),
                       "davit system doctor --fix"});
}

std::vector<Leak> look(const Roots& roots) {
    Machine machine = doctor::scan(roots);
    std::vector<Leak> out;
    add_mounts(machine, out);
    add_processes(machine, out);
    add_cgroups(machine, out);
    add_network(machine, out);
    add_run_directories(machine, out);
    add_state_directories(machine, out);
    add_names(machine, out);
    return out;
}

} // namespace

std::vector<Leak> find_leaks(const Roots& roots) {
    std::vector<Leak> found = look(roots);
    for (int i = 1; i < looks && !found.empty(); ++i) {
        std::this_thread::sleep_for(look_again);
        const std::vector<Leak> now = look(roots);
        std::erase_if(found, [&](const Leak& leak) {
            return std::none_of(now.begin(), now.end(), [&](const Leak& other) {
                return other.kind == leak.kind && other.name == leak.name && other.project == leak.project;
            });
        });
    }
    return found;
}

namespace {

void fix_network(const Roots& roots, const Leak& leak) {
    net::MachineLock lock = net::MachineLock::acquire(roots.run);
    net::Finding f{};
    for (const auto& [from, to] : network_kinds)
        if (to == leak.kind) f.kind = from;
    f.name = leak.name;
    f.project = leak.project;
    net::repair(lock, f);
}

void fix_cgroup(const std::string& group) {
    runtime::HostFacts host = runtime::HostFacts::probe();
    runtime::cgroup_kill(host, group);
    if (!runtime::remove_cgroup(host, group))
        throw error(Errc::failed, "processes in the control group {} do not end", group);
    // What it lay in goes with the last one, as at a project's end.
    for (std::string above = group; above.find('/') != std::string::npos;) {
        above.resize(above.find_last_of('/'));
        runtime::remove_empty_cgroup(host, above);
    }
}

// The kernel's record of the container's process ends with its cgroup.
void fix_unsupervised(const Roots& roots, const Leak& leak) {
    RecordStore store(roots);
    if (auto record = store.container(leak.project, leak.name)) fix_cgroup(record->cgroup);
}

} // namespace

void fix_leak(const Roots& roots, const Leak& leak) {
    switch (leak.kind) {
    case Kind::bridge:
    case Kind::interface:
    case Kind::firewall_table:
    case Kind::firewall_rule:
    case Kind::sysctl:
    case Kind::network_state: return fix_network(roots, leak);
    case Kind::cgroup: return fix_cgroup(leak.name);
    case Kind::process: {
        UniqueFd process = sys::pidfd_open(std::atoi(leak.name.c_str()));
        sys::pidfd_send_signal(process.get(), SIGKILL);
        return;
    }
    case Kind::service:
    case Kind::image_leftover: return; // the client's: this layer knows neither
    case Kind::unsupervised: return fix_unsupervised(roots, leak);
    case Kind::mount:
        if (::umount2(leak.name.c_str(), MNT_DETACH) < 0) throw sys_error(errno, "unmounting {}", leak.name);
        return;
    case Kind::container_name: return NameIndex(roots).rebuild();
    case Kind::supervisor_socket:
    case Kind::temporary_file: ::unlink(leak.name.c_str()); return;
    case Kind::endpoints_file:
    case Kind::addresses_file: {
        ::unlink(leak.name.c_str());
        const std::string network = leak.name.substr(0, leak.name.find_last_of('/'));
        if (::rmdir(network.c_str()) == 0) ::rmdir(roots.addresses().c_str()); // with its last
        return;
    }
    case Kind::run_directory:
    case Kind::staging:
    case Kind::container_directory:
    case Kind::volume_directory: return sys::remove_tree(leak.name);
    }
}

} // namespace davit

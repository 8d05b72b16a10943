#include "runtime/cgroup.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <csignal>
#include <dirent.h>
#include <fcntl.h>
#include <set>
#include <sstream>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace davit::runtime {
namespace {

constexpr auto making_limit = std::chrono::seconds(5);
constexpr auto removal_limit = std::chrono::seconds(2);
constexpr auto removal_step = std::chrono::microseconds(200);

bool has(const CgroupHierarchy& h, std::string_view controller) {
    return std::find(h.controllers.begin(), h.controllers.end(), controller) != h.controllers.end();
}

// A group name from outside must not lead out of the hierarchy.
std::string directory(const CgroupHierarchy& h, const std::string& cgroup) {
    std::string slashed = "/" + cgroup + "/";
    if (cgroup.empty() || cgroup[0] == '/' || slashed.find("/../") != std::string::npos ||
        slashed.find("//") != std::string::npos)
        throw error(Errc::failed, "'{}' is no cgroup path", cgroup);
    return h.mount_point + "/" + cgroup;
}

// Gone, or the controller has no such file: nothing.
std::optional<std::string> read(const std::string& path) {
    try {
        return read_file_if_exists(path);
    } catch (const Error&) {
        return std::nullopt; // ENODEV: removed while it was open
    }
}

bool write(const std::string& path, std::string_view value) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    return fd && ::write(fd.get(), value.data(), value.size()) == static_cast<ssize_t>(value.size());
}

std::vector<std::string> subdirectories(const std::string& dir) {
    std::vector<std::string> out;
    DIR* d = ::opendir(dir.c_str());
    if (!d) return out;
    while (dirent* e = ::readdir(d))
        if (const std::string_view name = e->d_name; e->d_type == DT_DIR && name != "." && name != "..")
            out.emplace_back(name);
    ::closedir(d);
    return out;
}

void processes_below(const std::string& dir, std::set<pid_t>& out) {
    if (auto text = read(dir + "/cgroup.procs")) {
        std::istringstream pids(*text);
        for (pid_t pid; pids >> pid;)
            if (pid > 0) out.insert(pid); // 0: in a pid namespace we cannot see
    }
    for (const std::string& name : subdirectories(dir)) processes_below(dir + "/" + name, out);
}

std::string freezer_file(const HostFacts& host, const std::string& cgroup, bool* v2) {
    for (const CgroupHierarchy& h : host.cgroups)
        if (!h.v2 && has(h, "freezer")) return *v2 = false, directory(h, cgroup) + "/freezer.state";
    for (const CgroupHierarchy& h : host.cgroups)
        if (h.v2) return *v2 = true, directory(h, cgroup) + "/cgroup.freeze";
    return "";
}

void thaw(const HostFacts& host, const std::string& cgroup) {
    bool v2 = false;
    std::string file = freezer_file(host, cgroup, &v2);
    if (!file.empty()) write(file, v2 ? "0" : "THAWED");
}

// Below first. false: a task is still in there.
bool remove_below(const std::string& dir) {
    bool gone = true;
    for (const std::string& name : subdirectories(dir)) gone = remove_below(dir + "/" + name) && gone;
    return ::rmdir(dir.c_str()) == 0 || errno == ENOENT || (errno != EBUSY && gone);
}

// v1 cpusets take no task until cpus and mems are filled, from the top down.
void fill_cpuset(const std::string& parent, const std::string& dir) {
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
        auto own = read(dir + file), theirs = read(parent + file);
        if (own && own->find_first_not_of("\n") == std::string::npos && theirs) write(dir + file, *theirs);
    }
}

std::string make_levels_once(const CgroupHierarchy& h, const std::string& cgroup) {
    std::string at = h.mount_point;
    std::istringstream parts(cgroup);
    for (std::string part; std::getline(parts, part, '/');) {
        std::string next = at + "/" + part;
        if (::mkdir(next.c_str(), 0755) == 0) ::chmod(next.c_str(), 0755); // the umask; limits are for all to read
        else if (errno != EEXIST) throw sys_error(errno, "making the cgroup {}", next);
        if (!h.v2 && has(h, "cpuset")) fill_cpuset(at, next);
        at = next;
    }
    return at;
}

// A level above that is still empty may be removed by another project that has just ended: ENOENT, and
// it is made again. Once our level is in it, nobody can.
std::string make_levels(const CgroupHierarchy& h, const std::string& cgroup) {
    for (const auto end = std::chrono::steady_clock::now() + making_limit;;) try {
            return make_levels_once(h, cgroup);
        } catch (const Error& e) {
            if (e.os().value() != ENOENT || std::chrono::steady_clock::now() > end) throw;
        }
}

} // namespace

std::vector<pid_t> cgroup_processes(const HostFacts& host, const std::string& cgroup) {
    std::set<pid_t> all;
    for (const CgroupHierarchy& h : host.cgroups) processes_below(directory(h, cgroup), all);
    return {all.begin(), all.end()};
}

void cgroup_kill(const HostFacts& host, const std::string& cgroup) {
    for (const CgroupHierarchy& h : host.cgroups)
        if (h.v2) write(directory(h, cgroup) + "/cgroup.kill", "1");
    // Forking processes can slip through one pass; each pass leaves fewer.
    for (int pass = 0; pass < 100; ++pass) {
        std::vector<pid_t> pids = cgroup_processes(host, cgroup);
        for (pid_t pid : pids) ::kill(pid, SIGKILL);
        thaw(host, cgroup); // v1: SIGKILL waits for the thaw
        if (pids.empty()) return;
        std::this_thread::sleep_for(removal_step);
    }
}

UniqueFd make_v2_cgroup(const HostFacts& host, const std::string& cgroup) {
    for (const CgroupHierarchy& h : host.cgroups) {
        directory(h, cgroup); // checks the name
        if (h.v2) return sys::open(make_levels(h, cgroup), O_PATH | O_DIRECTORY);
    }
    return {};
}

namespace {

bool is_in(const std::string& dir) {
    std::istringstream pids(read(dir + "/cgroup.procs").value_or(""));
    for (pid_t pid; pids >> pid;)
        if (pid == ::getpid()) return true;
    return false;
}

} // namespace

void join_cgroup(const HostFacts& host, const std::string& cgroup) {
    for (const CgroupHierarchy& h : host.cgroups) {
        directory(h, cgroup); // checks the name
        std::string dir = make_levels(h, cgroup);
        if (h.v2 && is_in(dir)) continue;
        // A single thread moves itself through `tasks` without an RCU grace period; v2 has only the slow way.
        std::string file = dir + (h.v2 ? "/cgroup.procs" : "/tasks");
        if (!write(file, "0")) throw sys_error(errno, "entering the cgroup {}", dir);
    }
}

bool remove_cgroup(const HostFacts& host, const std::string& cgroup) {
    auto end = std::chrono::steady_clock::now() + removal_limit;
    bool all = true;
    for (const CgroupHierarchy& h : host.cgroups) {
        std::string dir = directory(h, cgroup);
        bool gone = remove_below(dir);
        while (!gone && std::chrono::steady_clock::now() < end) {
            std::this_thread::sleep_for(removal_step);
            gone = remove_below(dir);
        }
        all = all && gone;
    }
    return all;
}

void remove_empty_cgroup(const HostFacts& host, const std::string& cgroup) {
    for (const CgroupHierarchy& h : host.cgroups) ::rmdir(directory(h, cgroup).c_str());
}

std::vector<std::string> cgroup_children(const HostFacts& host, const std::string& cgroup) {
    std::set<std::string> names;
    for (const CgroupHierarchy& h : host.cgroups)
        for (std::string& name : subdirectories(directory(h, cgroup))) names.insert(std::move(name));
    return {names.begin(), names.end()};
}

} // namespace davit::runtime

#include "supervisor/daemon.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "net/state.hpp"
#include "project/store.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/host_facts.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace davit::supervisor {

std::optional<FileLock> take_supervisor_lock(const ProjectPaths& paths) {
    return FileLock::try_acquire_making(paths.supervisor_lock()); // its last holder removes the file
}

FileLock freed_first(FileLock lock) {
    constexpr int above_the_rest = 1000;
    UniqueFd copy(::fcntl(lock.fd(), F_DUPFD_CLOEXEC, above_the_rest));
    return copy ? FileLock(std::move(copy)) : std::move(lock); // a low limit
}

void remove_run_files(const Roots& roots, const ProjectPaths& paths) {
    ::unlink((paths.run + "/supervisor.log").c_str());
    ::unlink(paths.listing().c_str());
    ::unlink(paths.port_proxy_socket().c_str());
    ::rmdir(paths.run_containers().c_str());
    ::unlink(paths.supervisor_lock().c_str());
    ::rmdir(paths.run.c_str());
    for (const auto& dir : {paths.staging(), paths.containers(), paths.state}) ::rmdir(dir.c_str());
    for (const auto& dir : {roots.run_networks(), roots.run_projects()}) ::rmdir(dir.c_str());
    // Another project's supervisor may have it for a moment.
    constexpr int attempts = 100;
    for (int i = 0; i < attempts; ++i) {
        if (auto machine = net::MachineLock::try_acquire(roots.run)) {
            machine->remove_if_unused();
            break;
        }
        ::poll(nullptr, 0, 2);
    }
    ::rmdir(roots.run.c_str());
}

namespace {

constexpr off_t log_limit = 256 * 1024;

void log_to(int fd, log::Level level, std::string_view text) {
    struct stat st {};
    if (level < log::Level::warning || ::fstat(fd, &st) < 0 || st.st_size > log_limit) return;
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    tm parts{};
    ::gmtime_r(&now.tv_sec, &parts);
    char stamp[40];
    ::strftime(stamp, sizeof stamp, "%FT%TZ ", &parts);
    std::string line = std::string(stamp).append(text).append("\n");
    [[maybe_unused]] ssize_t n = ::write(fd, line.data(), line.size());
}

void raise_limit(int resource, rlim_t to) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) < 0) return;
    const rlimit wanted{to, to};
    if (to > limit.rlim_max && ::setrlimit(resource, &wanted) == 0) return;
    limit.rlim_cur = limit.rlim_max; // all that may be had without CAP_SYS_RESOURCE
    ::setrlimit(resource, &limit);
}

// Containers and what serves them run as the machine's own, as under dockerd, whoever typed the command under
// whatever limits and however nicely. What is forbidden stays as it is.
void take_machine_defaults() {
    raise_limit(RLIMIT_NOFILE, 0);
    for (int resource : {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_DATA, RLIMIT_AS, RLIMIT_RSS})
        raise_limit(resource, RLIM_INFINITY);
    const sched_param none{};
    ::sched_setscheduler(0, SCHED_OTHER, &none);
    ::setpriority(PRIO_PROCESS, 0, 0);
    constexpr int who_process = 1, of_nice = 0; // ioprio_set(2): derived from the nice value
    ::syscall(SYS_ioprio_set, who_process, 0, of_nice);
}

} // namespace

void leave_caller(const ProjectPaths& paths) {
    if (::chdir("/") < 0) throw sys_error(errno, "entering /");
    ::umask(077);
    take_machine_defaults();
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    ::prctl(PR_SET_NAME, "davit-superv");
    ::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr); // not the caller's, with its keys
    int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd : {0, 1, 2}) ::dup2(null, fd);
    if (null > 2) ::close(null);
    int file = ::open((paths.run + "/supervisor.log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    log::set_sink([file](log::Level level, std::string_view text) { log_to(file, level, text); });
}

// ---- control group

namespace {

std::string own_group(const std::string& project) { return "davit/" + project + "/supervisor"; }

std::map<std::string, std::string> present_groups() {
    std::map<std::string, std::string> out;
    std::ifstream in("/proc/self/cgroup");
    for (std::string line; std::getline(in, line);) {
        auto first = line.find(':'), second = line.find(':', first + 1);
        if (second != std::string::npos) out[line.substr(first + 1, second - first - 1)] = line.substr(second + 1);
    }
    return out;
}

std::string path_in(const std::map<std::string, std::string>& groups, const runtime::CgroupHierarchy& h) {
    std::string key;
    for (const auto& c : h.controllers) key += (key.empty() ? "" : ",") + c;
    if (h.v2) key.clear();
    auto it = groups.find(key);
    for (auto named = groups.begin(); h.named && named != groups.end(); ++named)
        if (h.mount_point.ends_with("/" + named->first.substr(named->first.find('=') + 1))) it = named;
    return it == groups.end() ? "/" : it->second;
}

} // namespace

namespace {

std::map<std::string, std::string> callers_groups; // as they were before fork_into_group()

// fork() of a process with one thread; -1 where it cannot be born there.
pid_t fork_into(const UniqueFd& v2_group) {
    if (!v2_group) return -1;
    clone_args args{};
    args.flags = CLONE_INTO_CGROUP;
    args.exit_signal = SIGCHLD;
    args.cgroup = static_cast<std::uint64_t>(v2_group.get());
    return static_cast<pid_t>(::syscall(SYS_clone3, &args, sizeof args));
}

} // namespace

pid_t fork_into_group(const std::string& project) {
    callers_groups = present_groups();
    UniqueFd group;
    try {
        group = runtime::make_v2_cgroup(runtime::HostFacts::probe(), own_group(project));
    } catch (const Error& e) {
        log::debug("staying in the caller's control group: {}", e.what());
    }
    pid_t pid = fork_into(group);
    return pid >= 0 ? pid : ::fork();
}

OwnCgroup::OwnCgroup(const std::string& project)
    : project_(project), before_(callers_groups.empty() ? present_groups() : callers_groups) {
    try {
        runtime::HostFacts host = runtime::HostFacts::probe();
        // Started by a shim of the project: entering it again would cost an RCU grace period, 7-14 ms (measured).
        joined_ = std::all_of(host.cgroups.begin(), host.cgroups.end(),
                              [&](const auto& h) { return path_in(before_, h).ends_with("/" + own_group(project)); });
        if (joined_) return;
        runtime::join_cgroup(host, own_group(project));
        joined_ = true;
        // v1: a container's cpuset is born with the project's CPUs; without them it takes no task.
        for (const auto& h : host.cgroups)
            if (!h.v2 && std::count(h.controllers.begin(), h.controllers.end(), "cpuset"))
                std::ofstream(h.mount_point + "/davit/" + project + "/cgroup.clone_children") << "1\n";
    } catch (const Error& e) {
        log::debug("staying in the caller's control group: {}", e.what());
    }
}

namespace {

bool write_to(const std::string& file) {
    std::ofstream out(file);
    out << "0\n";
    out.flush();
    return out.good();
}

// Leaving through cgroup.procs waits for an RCU grace period: a copy born outside goes on instead.
bool go_on_in(const std::string& v2_group) {
    const pid_t pid = fork_into(UniqueFd(::open(v2_group.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)));
    if (pid > 0) ::_exit(0);
    return pid == 0 || write_to(v2_group + "/cgroup.procs");
}

} // namespace

void OwnCgroup::leave() {
    if (!joined_) return;
    runtime::HostFacts host = runtime::HostFacts::probe();
    std::string v2_mount, v2_group;
    for (const auto& h : host.cgroups) {
        std::string path = path_in(before_, h);
        if (path.find(own_group(project_)) != std::string::npos) path = "/";
        if (h.v2) v2_mount = h.mount_point, v2_group = h.mount_point + path;
        else if (!write_to(h.mount_point + path + "/tasks")) write_to(h.mount_point + "/tasks");
    }
    // The caller's may be gone meanwhile (a service that was stopped, a session that ended), or take no processes.
    if (!v2_group.empty() && !go_on_in(v2_group)) go_on_in(v2_mount);
    runtime::remove_cgroup(host, "davit/" + project_);
    runtime::remove_empty_cgroup(host, "davit");
}

void take_back_start(const Roots& roots, const std::string& project) {
    try {
        RecordStore store(roots);
        if (!store.containers(project).empty()) return; // the next one goes on with all of it
        for (const auto& network : store.networks())
            if (network.project == project) return;
        OwnCgroup(project).leave();
        ::unlink(ProjectPaths(roots, project).supervisor_socket().c_str());
        remove_run_files(roots, ProjectPaths(roots, project));
    } catch (const Error& e) {
        log::debug("taking back what a failed start has made: {}", e.what());
    }
}

} // namespace davit::supervisor

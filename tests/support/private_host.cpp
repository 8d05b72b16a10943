// private-host [--keep PATH]… CMD…: runs CMD on a machine of its own and leaves nothing behind.
//
// New mount, network, pid, ipc, uts and cgroup namespaces; own /proc, /sys, /run, /tmp and
// /var/lib/davit (all tmpfs, except what --keep names); lo up; every cgroup hierarchy rooted in a directory made for
// the purpose. IP forwarding is off, or on with DAVIT_TEST_FORWARDING=1, whatever the machine has. When CMD ends, its
// pid namespace and with it every process it left is killed, and the cgroups are removed. Exit status: CMD's; 77 when
// not root; 125 when the host could not be made.
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <net/if.h>
#include <sched.h>
#include <sstream>
#include <stdexcept>
#include <string>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using std::string;

constexpr int exit_skip = 77;
constexpr int exit_broken = 125;

void check(bool ok, const string& what) {
    if (!ok) throw std::runtime_error(what + ": " + std::strerror(errno));
}

void mount_at(const char* type, const string& where, unsigned long flags, const string& data) {
    check(::mount(type, where.c_str(), type, flags, data.empty() ? nullptr : data.c_str()) == 0,
          "mounting " + string(type) + " on " + where);
}

void make_dirs(const string& path) {
    for (std::size_t at = 1; at != string::npos;) {
        at = path.find('/', at + 1);
        string part = path.substr(0, at);
        check(::mkdir(part.c_str(), 0755) == 0 || errno == EEXIST, "making " + part);
    }
}

void write_file(const string& path, const string& text) {
    int fd = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    check(fd >= 0, "opening " + path);
    bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ::close(fd);
    check(ok, "writing " + path);
}

string first_line(const string& path) {
    std::ifstream in(path);
    string line;
    std::getline(in, line);
    return line;
}

// ---- cgroups

struct Hierarchy {
    string mount_point;
    bool v2 = false;
    string options; // what mount(2) needs to show it again: "memory", "none,name=systemd"
    string own;     // the directory made for this host, seen from outside
    int lock = -1;  // held on that directory as long as a process of this host lives
};

// "cpu,cpuacct" from the super options "rw,cpu,cpuacct"; a named one has no controller.
string v1_options(const string& super) {
    string out;
    std::stringstream words(super);
    for (string w; std::getline(words, w, ',');)
        if (w != "rw" && w != "ro" && w != "xattr" && w.rfind("release_agent", 0) != 0)
            out += (out.empty() ? "" : ",") + w;
    return out.rfind("name=", 0) == 0 ? "none," + out : out;
}

std::vector<Hierarchy> hierarchies() {
    std::vector<Hierarchy> out;
    std::ifstream in("/proc/self/mountinfo");
    for (string line; std::getline(in, line);) {
        auto dash = line.find(" - ");
        if (dash == string::npos) continue;
        std::stringstream head(line.substr(0, dash)), tail(line.substr(dash + 3));
        string skip, point, type, source, super;
        head >> skip >> skip >> skip >> skip >> point;
        tail >> type >> source >> super;
        if (type == "cgroup2") out.push_back({point, true, "", ""});
        if (type == "cgroup") out.push_back({point, false, v1_options(super), ""});
    }
    return out;
}

// Where this process stands in a hierarchy, below its mount point.
string present_group(const Hierarchy& h) {
    std::ifstream in("/proc/self/cgroup");
    for (string line; std::getline(in, line);) {
        auto a = line.find(':'), b = line.find(':', a + 1);
        string names = line.substr(a + 1, b - a - 1), path = line.substr(b + 1);
        string wanted = h.options.rfind("none,", 0) == 0 ? h.options.substr(5) : h.options;
        if (h.v2 ? names.empty() : names == wanted) return path == "/" ? "" : path;
    }
    return "";
}

// All that is waited for what killed hosts have left: a process that outlives its host keeps its groups for ever.
bool patience() {
    static const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    return std::chrono::steady_clock::now() < until;
}

// What is frozen does not die (v1): it is killed already, and goes when it thaws.
void thaw(const string& dir) {
    const int fd = ::open((dir + "/freezer.state").c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    [[maybe_unused]] const ssize_t n = ::write(fd, "THAWED", 6);
    ::close(fd);
}

void remove_group(const string& dir, bool patient) {
    thaw(dir);
    if (DIR* d = ::opendir(dir.c_str())) {
        while (dirent* e = ::readdir(d))
            if (e->d_type == DT_DIR && string(e->d_name) != "." && string(e->d_name) != "..")
                remove_group(dir + "/" + e->d_name, patient);
        ::closedir(d);
    }
    // EBUSY for a moment after the last process ended: the kernel releases it after an RCU grace period.
    for (int i = 0; i < 200 && ::rmdir(dir.c_str()) < 0 && errno == EBUSY && (patient || patience()); ++i)
        ::usleep(10'000);
}

constexpr const char* group_prefix = "davit-host-"; // and the pid and pid namespace of the host's outer process

int lock_group(const string& dir) {
    int fd = ::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0 && ::flock(fd, LOCK_EX | LOCK_NB) == 0) return fd;
    if (fd >= 0) ::close(fd);
    return -1;
}

// A host that was SIGKILLed leaves its groups; the next one removes them. Whether it lives is told by its lock:
// a pid means nothing in another pid namespace, and CI has one of its own.
void sweep(const string& base) {
    DIR* d = ::opendir(base.c_str());
    if (!d) return;
    while (dirent* e = ::readdir(d)) {
        if (std::strncmp(e->d_name, group_prefix, std::strlen(group_prefix)) != 0) continue;
        string dir = base + "/" + e->d_name;
        int lock = lock_group(dir);
        if (lock < 0) continue;
        remove_group(dir, false);
        ::close(lock);
    }
    ::closedir(d);
}

string group_name() {
    struct stat st {};
    check(::stat("/proc/self/ns/pid", &st) == 0, "looking at the pid namespace");
    return group_prefix + std::to_string(::getpid()) + "-" + std::to_string(st.st_ino);
}

void make_group(Hierarchy& h, const string& name) {
    // v2: a group with processes has no controllers for its children, so only the root serves.
    string base = h.mount_point + (h.v2 ? "" : present_group(h));
    sweep(base);
    string dir = base + "/" + name;
    // Another host's sweep may come between making it and locking it: then it is made again.
    for (int i = 0; h.lock < 0 && i < 100; ++i) {
        check(::mkdir(dir.c_str(), 0755) == 0 || errno == EEXIST, "making " + dir);
        h.lock = lock_group(dir);
        struct stat held {
        }, there{};
        if (h.lock >= 0 &&
            (::fstat(h.lock, &held) != 0 || ::stat(dir.c_str(), &there) != 0 || held.st_ino != there.st_ino)) {
            ::close(h.lock);
            h.lock = -1;
        }
        if (h.lock < 0) ::usleep(10'000);
    }
    check(h.lock >= 0, "locking " + dir);
    h.own = dir;
    for (const char* file : {"cpuset.cpus", "cpuset.mems"}) {
        if (h.v2 || ::access((dir + "/" + file).c_str(), F_OK) != 0) continue;
        if (first_line(dir + "/" + file).empty()) write_file(dir + "/" + file, first_line(base + "/" + file) + "\n");
    }
    if (h.v2) check(::mkdir((dir + "/host").c_str(), 0755) == 0, "making " + dir + "/host");
}

// The namespace's root is the group entered first; its processes then make room in a leaf, since
// a v2 group with processes cannot hand controllers to its children.
void enter_leaf(const Hierarchy& h) {
    write_file(h.own + "/host/cgroup.procs", "0\n");
    std::stringstream controllers(first_line(h.own + "/cgroup.controllers"));
    for (string c; controllers >> c;) write_file(h.own + "/cgroup.subtree_control", "+" + c + "\n");
}

// ---- inside

// Seen through the new cgroup and network namespaces: what is mounted already shows the old ones.
void mount_sys(const std::vector<Hierarchy>& all) {
    check(::umount2("/sys", MNT_DETACH) == 0, "unmounting /sys");
    mount_at("sysfs", "/sys", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
    bool only_v2 = all.size() == 1 && all[0].v2 && all[0].mount_point == "/sys/fs/cgroup";
    if (!only_v2 && !all.empty()) mount_at("tmpfs", "/sys/fs/cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755");
    for (const Hierarchy& h : all) {
        if (h.mount_point.rfind("/sys/fs/cgroup", 0) != 0) continue;
        if (!only_v2) make_dirs(h.mount_point);
        mount_at(h.v2 ? "cgroup2" : "cgroup", h.mount_point, MS_NOSUID | MS_NODEV | MS_NOEXEC, h.options);
    }
}

void loopback_up() {
    int s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq r{};
    std::strcpy(r.ifr_name, "lo");
    r.ifr_flags = IFF_UP | IFF_RUNNING;
    check(s >= 0 && ::ioctl(s, SIOCSIFFLAGS, &r) == 0, "bringing lo up");
    ::close(s);
}

// A new network namespace takes them from the machine's first one, where Docker may have switched them on.
void set_forwarding() {
    const char* wanted = std::getenv("DAVIT_TEST_FORWARDING");
    write_file("/proc/sys/net/ipv4/ip_forward", wanted && string(wanted) == "1" ? "1\n" : "0\n");
    for (const char* part : {"all", "default"}) {
        string path = string("/proc/sys/net/ipv6/conf/") + part + "/forwarding";
        if (::access(path.c_str(), F_OK) == 0) write_file(path, "0\n");
    }
}

int clone_tree(const string& path) {
    return static_cast<int>(::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), 1u | O_CLOEXEC | AT_RECURSIVE));
}

void put_tree(int fd, const string& path) {
    struct stat st {};
    check(::fstat(fd, &st) == 0, "looking at " + path);
    make_dirs(S_ISDIR(st.st_mode) ? path : path.substr(0, path.find_last_of('/')));
    if (!S_ISDIR(st.st_mode)) ::close(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
    check(::syscall(SYS_move_mount, fd, "", AT_FDCWD, path.c_str(), 4u) == 0, "showing " + path);
    ::close(fd);
}

void mount_all(const std::vector<Hierarchy>& groups, const std::vector<string>& keep) {
    check(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "making mounts private");
    std::vector<std::pair<int, string>> kept;
    for (const string& dir : keep) {
        int fd = clone_tree(dir);
        check(fd >= 0, "keeping " + dir);
        kept.emplace_back(fd, dir);
    }
    mount_at("proc", "/proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "");
    mount_sys(groups);
    mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=755");
    // As on a disk: volumes and images lie here, and containers see their mount flags.
    mount_at("tmpfs", "/var/lib/davit", 0, "mode=700");
    mount_at("tmpfs", "/tmp", MS_NOSUID | MS_NODEV, "mode=1777");
    if (::access("/dev/shm", F_OK) == 0) mount_at("tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, "mode=1777");
    for (auto& [fd, dir] : kept) put_tree(fd, dir);
}

int status_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

// pid 1: orphans (supervisors) come to it; its end is the end of all.
[[noreturn]] void run_init(const std::vector<Hierarchy>& groups, const std::vector<string>& keep, const string& cwd,
                           char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
        mount_all(groups, keep);
        loopback_up();
        set_forwarding();
        ::sethostname("private-host", 12);
        check(::chdir(cwd.c_str()) == 0, "entering " + cwd);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "private-host: %s\n", e.what());
        ::_exit(exit_broken);
    }
    pid_t child = ::fork();
    if (child == 0) {
        ::setenv("DAVIT_PRIVATE_HOST", "1", 1);
        ::execvp(argv[0], argv);
        std::fprintf(stderr, "private-host: starting %s: %s\n", argv[0], std::strerror(errno));
        ::_exit(127);
    }
    for (;;) {
        int status = 0;
        pid_t pid = ::waitpid(-1, &status, 0);
        if (pid == child) ::_exit(status_of(status));
        if (pid < 0 && errno != EINTR) ::_exit(exit_broken);
    }
}

// Between the caller and pid 1: it stands in the new cgroups when the cgroup namespace is made.
[[noreturn]] void run_middle(const std::vector<Hierarchy>& groups, const std::vector<string>& keep, char** argv) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    char cwd[PATH_MAX];
    try {
        check(::getcwd(cwd, sizeof cwd) != nullptr, "finding the current directory");
        for (const auto& h : groups) write_file(h.own + "/cgroup.procs", "0\n");
        check(::unshare(CLONE_NEWCGROUP | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID) == 0,
              "making namespaces");
        for (const auto& h : groups)
            if (h.v2) enter_leaf(h);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "private-host: %s\n", e.what());
        ::_exit(exit_broken);
    }
    pid_t init = ::fork();
    if (init == 0) run_init(groups, keep, cwd, argv);
    int status = 0;
    while (::waitpid(init, &status, 0) < 0 && errno == EINTR) {}
    ::_exit(status_of(status));
}

// The place that each host mounts its own state over. Removing it would detach what other hosts have mounted there
// (rmdir(2) of a directory that is a mount point elsewhere), so the last one of those that share it does; the sticky
// bit says that a host made it.
class StatePlace {
public:
    StatePlace() {
        for (;;) {
            if (::mkdir(path, 0700) == 0) ::chmod(path, 01700);
            fd_ = ::open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (fd_ < 0 && errno == ENOENT) continue;
            struct stat held {
            }, there{};
            if (fd_ < 0 || (::flock(fd_, LOCK_SH) == 0 && ::fstat(fd_, &held) == 0 && ::stat(path, &there) == 0 &&
                            held.st_ino == there.st_ino))
                return;
            ::close(fd_);
        }
    }
    ~StatePlace() {
        struct stat held {};
        if (fd_ < 0) return;
        if (::fstat(fd_, &held) == 0 && (held.st_mode & S_ISVTX) && ::flock(fd_, LOCK_EX | LOCK_NB) == 0) ::rmdir(path);
        ::close(fd_);
    }
    StatePlace(const StatePlace&) = delete;

private:
    static constexpr const char* path = "/var/lib/davit";
    int fd_ = -1;
};

pid_t g_middle = 0;
void forward(int) {
    if (g_middle > 0) ::kill(g_middle, SIGKILL); // its init dies with it, and all below
}

} // namespace

int main(int argc, char** argv) {
    std::vector<string> keep;
    int at = 1;
    for (; at + 1 < argc && string(argv[at]) == "--keep"; at += 2)
        if (::access(argv[at + 1], F_OK) == 0) keep.emplace_back(argv[at + 1]);
    if (at >= argc) {
        std::fprintf(stderr, "usage: private-host [--keep PATH]... CMD...\n");
        return 2;
    }
    if (::geteuid() != 0) {
        std::fprintf(stderr, "skipped: a private host needs root\n");
        return exit_skip;
    }
    std::sort(keep.begin(), keep.end());
    std::vector<Hierarchy> groups = hierarchies();
    const StatePlace place;
    int code = exit_broken;
    try {
        for (auto& h : groups) make_group(h, group_name());
        for (int s : {SIGINT, SIGTERM, SIGHUP}) ::signal(s, forward);
        g_middle = ::fork();
        if (g_middle == 0) run_middle(groups, keep, argv + at);
        int status = 0;
        while (::waitpid(g_middle, &status, 0) < 0 && errno == EINTR) {}
        code = status_of(status);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "private-host: %s\n", e.what());
    }
    for (auto& h : groups)
        if (!h.own.empty()) remove_group(h.own, true);
    return code;
}

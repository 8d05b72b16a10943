// A hostile process inside a container, static so that any image runs it:
//   onlooker trace      with CAP_SYS_PTRACE: stops each process that appears and looks at all it has
//   onlooker look       without any capability: reads what everybody may of each process that appears
//   onlooker keys       names its session keyring and what is in it
//   onlooker climb      tries to leave the root by chroot, fchdir and ".."
// "early" is said of each process met before its program ran, "bad: …" of what it should not have had.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <string>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

using std::string;

// What `davit` was started with on the host, and what its helper was: nobody in the container may find it.
const char* const secrets[] = {"DAVIT_HOST_SECRET", "--run-dir", "shim.sock", "/tmp/box-", "/sys/fs/cgroup/"};

string slurp(const string& path) {
    string out;
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return out;
    char buffer[65536];
    for (ssize_t n; (n = ::read(fd, buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(n));
    ::close(fd);
    return out;
}

int last_pid() {
    const string load = slurp("/proc/loadavg");
    return std::atoi(load.c_str() + load.rfind(' ') + 1);
}

string field(const string& status, const char* key) {
    const auto at = status.find(string("\n") + key + ":");
    if (at == string::npos) return "";
    const auto begin = status.find_first_not_of(" \t", at + std::strlen(key) + 2);
    return status.substr(begin, status.find('\n', begin) - begin);
}

bool is_early(const string& dir) { return slurp(dir + "/comm") == "davit-shim\n"; }

void bad(const string& dir, const string& what) {
    std::printf("bad: %s %s\n", dir.c_str(), what.c_str());
    std::fflush(stdout);
}

bool same_file(const string& a, const string& b) {
    struct stat x {
    }, y{};
    if (::stat(a.c_str(), &x) < 0 || ::stat(b.c_str(), &y) < 0) return false;
    return x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

// ---- trace

// cap_add brings SYS_PTRACE, and it was given to us and to what is looked at alike.
void check_rights(const string& dir) {
    const string own = slurp("/proc/self/status"), theirs = slurp(dir + "/status");
    if (field(theirs, "State").empty()) return; // gone
    for (const char* key : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
        const auto have = std::strtoull(field(theirs, key).c_str(), nullptr, 16),
                   may = std::strtoull(field(own, key).c_str(), nullptr, 16);
        if (have & ~may) bad(dir, string(key) + " " + field(theirs, key));
    }
    for (const char* key : {"Seccomp", "NoNewPrivs", "Uid", "Gid", "Groups"})
        if (field(theirs, key) != field(own, key)) bad(dir, string(key) + " " + field(theirs, key));
}

void check_places(const string& dir) {
    for (const char* ns : {"mnt", "pid", "net", "ipc", "uts", "cgroup", "user"})
        if (const string path = string("/ns/") + ns; !same_file(dir + path, "/proc/self" + path)) bad(dir, path);
    for (const char* place : {"/root", "/cwd"}) {
        struct stat st {};
        if (same_file(dir + place, "/") || ::stat((dir + place).c_str(), &st) < 0) continue;
        bad(dir, string(place) + " " + std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino));
    }
    if (const string mounts = slurp(dir + "/mountinfo"); mounts != slurp("/proc/self/mountinfo"))
        bad(dir, "mountinfo " + mounts.substr(0, mounts.find('\n')));
    if (slurp(dir + "/cgroup") != slurp("/proc/self/cgroup")) bad(dir, "cgroup");
}

// Three pipes, as its streams, or the container's own /dev/null; nothing else, not even for a moment.
void check_descriptors(const string& dir) {
    DIR* d = ::opendir((dir + "/fd").c_str());
    if (!d) return;
    while (dirent* e = ::readdir(d)) {
        if (e->d_name[0] == '.') continue;
        const string path = dir + "/fd/" + e->d_name;
        struct stat st {};
        char link[256] = "";
        [[maybe_unused]] ssize_t n = ::readlink(path.c_str(), link, sizeof link - 1);
        if (::stat(path.c_str(), &st) < 0) continue;
        const bool fine = S_ISFIFO(st.st_mode) || (S_ISCHR(st.st_mode) && same_file(path, "/dev/null"));
        if (std::atoi(e->d_name) > 2 || !fine)
            bad(dir, string("descriptor ") + e->d_name + " " + link + " on " + std::to_string(st.st_dev));
    }
    ::closedir(d);
}

void check_text(const string& dir, const string& what, const string& text) {
    for (const char* secret : secrets)
        if (text.find(secret) != string::npos) bad(dir, what + " holds " + secret);
}

void check_memory(const string& dir) {
    check_text(dir, "cmdline", slurp(dir + "/cmdline"));
    check_text(dir, "environ", slurp(dir + "/environ"));
    const int mem = ::open((dir + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    const string maps = slurp(dir + "/maps");
    static char buffer[4 << 20];
    for (std::size_t at = 0; mem >= 0 && at < maps.size(); at = maps.find('\n', at) + 1) {
        unsigned long begin = 0, end = 0;
        char mode[8] = "", name[256] = "";
        if (std::sscanf(maps.c_str() + at, "%lx-%lx %7s %*s %*s %*s%255[^\n]", &begin, &end, mode, name) < 3) continue;
        if (std::strstr(name, "plan.bin") || std::strstr(name, "/dev/zero")) bad(dir, string("maps") + name);
        if (mode[1] != 'w') continue; // not what it had to write down
        const ssize_t n =
            ::pread(mem, buffer, std::min<std::size_t>(end - begin, sizeof buffer), static_cast<off_t>(begin));
        if (n > 0) check_text(dir, string("memory") + name, string(buffer, static_cast<std::size_t>(n)));
        if (maps.find('\n', at) == string::npos) break;
    }
    if (mem >= 0) ::close(mem);
}

void trace_one(int pid) {
    const string dir = "/proc/" + std::to_string(pid);
    if (::ptrace(PTRACE_SEIZE, pid, nullptr, nullptr) < 0) return;
    int status = 0;
    ::ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr);
    if (::waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status)) return;
    if (is_early(dir)) {
        check_rights(dir);
        check_places(dir);
        check_descriptors(dir);
        check_memory(dir);
        std::puts("early");
        std::fflush(stdout);
    }
    ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
}

// ---- look

string interfaces(const string& net_dev) {
    string out;
    for (std::size_t at = 0; at < net_dev.size(); at = net_dev.find('\n', at) + 1) {
        const auto colon = net_dev.find(':', at), end = net_dev.find('\n', at);
        if (colon < end) out += net_dev.substr(at, colon - at);
        if (end == string::npos) break;
    }
    return out;
}

constexpr int patience = 5000; // milliseconds

// schedstat begins with the time that it has had a processor; "" where the kernel does not count.
bool never_ran(const string& dir) { return slurp(dir + "/schedstat").rfind("0 ", 0) == 0; }

void look_one(int pid, const string& mounts, const string& groups, const string& devices) {
    const string dir = "/proc/" + std::to_string(pid);
    const bool early = is_early(dir);
    const string theirs = slurp(dir + "/mountinfo"), cgroup = slurp(dir + "/cgroup"), net = slurp(dir + "/net/dev");
    if (!theirs.empty() && theirs != mounts) bad(dir, "mountinfo:\n" + theirs);
    // A process that ends is shown at the root of each v1 hierarchy, and so is one that is being made: it has its
    // number before cgroup_post_fork(), and whoever makes it may lose the processor in between. It has not run then.
    for (int i = 0; i < patience && early && slurp(dir + "/cgroup") != groups && never_ran(dir); ++i) ::usleep(1000);
    if (early && cgroup != groups && slurp(dir + "/cgroup") != groups && is_early(dir)) bad(dir, "cgroup:\n" + cgroup);
    if (!net.empty() && interfaces(net) != devices) bad(dir, "net/dev:\n" + net);
    check_text(dir, "cmdline", slurp(dir + "/cmdline"));
    check_text(dir, "environ", slurp(dir + "/environ"));
    if (early) std::puts("early"), std::fflush(stdout);
}

// Numbers are given in order: what comes next has the next one.
template <typename F>
[[noreturn]] void each_new_process(F&& fn) {
    std::puts("ready");
    std::fflush(stdout);
    for (int seen = last_pid();;) {
        const int last = last_pid();
        for (int pid = seen + 1; pid <= last; ++pid) fn(pid);
        seen = std::max(last, seen);
        fn(seen + 1);
    }
}

int climb() {
    struct stat before {
    }, after{};
    ::stat("/", &before);
    ::mkdir("/below", 0700);
    const int here = ::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (here < 0 || ::chroot("/below") < 0 || ::fchdir(here) < 0) return std::perror("chroot"), 2;
    for (int i = 0; i < 100; ++i)
        if (::chdir("..") < 0) return std::perror(".."), 2;
    if (::chroot(".") < 0 || ::stat("/", &after) < 0) return std::perror("chroot ."), 2;
    return before.st_dev == after.st_dev && before.st_ino == after.st_ino ? 0 : 1;
}

// The session keyring: its name, and the keys in it.
int keys() {
    char text[512] = "";
    const long id = ::syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0);
    if (id < 0 || ::syscall(SYS_keyctl, KEYCTL_DESCRIBE, id, text, sizeof text - 1) < 0)
        return std::perror("keyctl"), 2;
    std::printf("%s %ld\n", std::strrchr(text, ';') + 1, id); // type;uid;gid;permissions;name
    std::int32_t inside[64];
    const long size = ::syscall(SYS_keyctl, KEYCTL_READ, id, inside, sizeof inside);
    for (long i = 0; i < size / 4; ++i)
        if (::syscall(SYS_keyctl, KEYCTL_DESCRIBE, inside[i], text, sizeof text - 1) > 0) std::puts(text);
    if (const long found = ::syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", "hostsecret", 0);
        found > 0)
        std::puts("hostsecret found");
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    const string what = argc > 1 ? argv[1] : "";
    if (what == "trace") each_new_process(trace_one);
    if (what == "climb") return climb();
    if (what == "keys") return keys();
    if (what != "look") return 2;
    const string mounts = slurp("/proc/self/mountinfo"), groups = slurp("/proc/self/cgroup"),
                 devices = interfaces(slurp("/proc/self/net/dev"));
    each_new_process([&](int pid) { look_one(pid, mounts, groups, devices); });
}

#include "runtime/exec/cgroups.hpp"

#include <csignal>
#include <ctime>
#include <dirent.h>
#include <linux/bpf.h>
#include <sys/stat.h>

namespace davit::exec {
namespace {

constexpr int max_depth = 32; // of groups below a container's; stack, 2 KiB each

bool failed(Report* why, Stage stage, int errnum, const char* detail) noexcept {
    *why = Report{};
    why->kind = ReportKind::failed;
    why->stage = stage;
    why->errnum = errnum;
    Text(why->detail, sizeof why->detail) << detail;
    return false;
}

// v1: a cpuset without cpus and mems takes no task; a level takes its parent's, from the top down.
void fill_cpuset(int parent, int dir) noexcept {
    static const char* const files[] = {"cpuset.cpus", "cpuset.mems"};
    char value[4096];
    for (const char* file : files) {
        if (read_file_at(dir, file, value, sizeof value) > 1) continue;
        if (read_file_at(parent, file, value, sizeof value) > 0) write_file_at(dir, file, value);
    }
    write_file_at(dir, "cgroup.clone_children", "1", 1); // groups below are then born filled
}

// Enabled one by one: a controller that this level was not given must not cost the others.
void hand_down(int dir, const char* controllers) noexcept {
    char one[64];
    for (const char* p = controllers; *p;) {
        std::size_t n = std::strcspn(p, " ");
        if (n < sizeof one) {
            std::memcpy(one, p, n);
            write_file_at(dir, "cgroup.subtree_control", one, n);
        }
        p += n + std::strspn(p + n, " ");
    }
}

// mkdir -p below the mount point; the last directory, opened.
int make_levels_once(const char* mount_point, const char* path, std::uint32_t flags, const char* controllers) noexcept {
    int parent = ::open(mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 && errno == ENOENT) return errno = ENODEV, -1; // there is no such hierarchy, and will be none
    char name[256];
    for (const char* p = path; parent >= 0 && *p;) {
        std::size_t n = std::strcspn(p, "/");
        if (n == 0 || n >= sizeof name || (p[0] == '.' && (n == 1 || (n == 2 && p[1] == '.')))) {
            ::close(parent);
            return errno = EINVAL, -1;
        }
        std::memcpy(name, p, n);
        name[n] = 0;
        p += n + std::strspn(p + n, "/");
        if (flags & cgroup_v2) hand_down(parent, controllers);
        if (::mkdirat(parent, name, 0755) < 0 && errno != EEXIST) {
            int why = errno;
            ::close(parent);
            return errno = why, -1;
        }
        int dir = ::openat(parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (dir >= 0 && flags & cgroup_cpuset) fill_cpuset(parent, dir);
        int why = errno;
        ::close(parent);
        parent = dir;
        errno = why;
    }
    return parent;
}

time_t seconds_of_boot() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

// An empty level above goes with the last project that was in it, maybe between two of our steps: a slow machine meets
// that more than once.
int make_levels(const char* mount_point, const char* path, std::uint32_t flags, const char* controllers) noexcept {
    constexpr time_t limit = 10;
    for (const time_t end = seconds_of_boot() + limit;;) {
        const int dir = make_levels_once(mount_point, path, flags, controllers);
        if (dir >= 0 || errno != ENOENT || seconds_of_boot() > end) return dir;
    }
}

bool has_all(int dir, const char* controllers) noexcept {
    char present[512] = " ";
    if (read_file_at(dir, "cgroup.controllers", present + 1, sizeof present - 1) < 0) return false;
    for (char* p = present; *p; ++p)
        if (*p == '\n') *p = ' ';
    for (const char* p = controllers; *p;) { // "+cpu +memory"
        std::size_t n = std::strcspn(p, " ");
        TextBuffer<64> word;
        word.text << " " << (*p == '+' ? p + 1 : p);
        word.data[n < sizeof word.data ? n : sizeof word.data - 1] = 0;
        const char* found = std::strstr(present, word.c_str());
        if (!found || found[std::strlen(word.c_str())] != ' ') return false;
        p += n + std::strspn(p + n, " ");
    }
    return true;
}

// The levels above exist as a rule, made for the project's other containers: one mkdir then.
int make_group(const char* mount_point, const char* path, std::uint32_t flags, const char* controllers) noexcept {
    TextBuffer<384> full;
    full.text << mount_point << "/" << path;
    if (full.text.full()) return errno = ENAMETOOLONG, -1;
    auto open_it = [&] { return ::open(full.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW); };
    if (flags & cgroup_exists) return open_it();
    if (::mkdir(full.c_str(), 0755) < 0) return make_levels(mount_point, path, flags, controllers);
    Fd dir(open_it());
    if (flags & cgroup_v2 && !has_all(dir.get(), controllers))
        return make_levels(mount_point, path, flags, controllers);
    return dir.release();
}

// Values for one file follow one another (a container's devices): it is opened once.
class LimitFile {
public:
    bool write(const StepView& steps, const CgroupSet& set, const WriteCgroup& s) noexcept {
        const char* file = steps.text(s.file);
        if (!fd_ || group_ != s.cgroup || std::strcmp(file_, file) != 0) {
            fd_.reset(::openat(set.entries[s.cgroup].dir, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
            group_ = s.cgroup;
            file_ = file;
        }
        return fd_ && ::pwrite(fd_.get(), steps.text(s.value), s.value.size, 0) == static_cast<ssize_t>(s.value.size);
    }

private:
    Fd fd_;
    std::uint32_t group_ = 0;
    const char* file_ = "";
};

bool load_device_filter(int dir, const void* code, std::size_t size) noexcept {
    static const char license[] = "Apache-2.0";
    bpf_attr load{};
    load.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
    load.insns = reinterpret_cast<std::uint64_t>(code);
    load.insn_cnt = static_cast<std::uint32_t>(size / 8);
    load.license = reinterpret_cast<std::uint64_t>(license);
    Fd program(to_int(::syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load)));
    Fd group(::openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    bpf_attr attach{};
    attach.target_fd = static_cast<std::uint32_t>(group.get());
    attach.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
    attach.attach_type = BPF_CGROUP_DEVICE;
    attach.attach_flags = BPF_F_ALLOW_MULTI;
    return program && group && ::syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) == 0;
}

// Groups that the container made below its own; their processes are gone with it.
void remove_children(int parent, int depth) noexcept {
    Fd dir(::openat(parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    alignas(8) char entries[2048];
    for (long n; (n = ::syscall(SYS_getdents64, dir.get(), entries, sizeof entries)) > 0;)
        for (long at = 0; at < n;) { // u64 inode, s64 offset, u16 length, u8 type, name
            std::uint16_t length = 0;
            std::memcpy(&length, entries + at + 16, sizeof length);
            unsigned char type = static_cast<unsigned char>(entries[at + 18]);
            const char* name = entries + at + 19;
            at += length;
            if (type != DT_DIR || !std::strcmp(name, ".") || !std::strcmp(name, "..")) continue;
            if (::unlinkat(dir.get(), name, AT_REMOVEDIR) == 0 || errno != EBUSY || depth == 0) continue;
            Fd child(::openat(dir.get(), name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
            remove_children(child.get(), depth - 1);
            ::unlinkat(dir.get(), name, AT_REMOVEDIR);
        }
}

void sleep_us(long us) noexcept {
    timespec t{0, us * 1000};
    ::nanosleep(&t, nullptr);
}

} // namespace

bool Cgroups::add(const StepView& steps, const MakeCgroup& s, bool running, Report* why) noexcept {
    const char* path = steps.text(s.path);
    if (set_.count == max_cgroups || s.mount_point.size >= sizeof Location::mount_point ||
        s.path.size >= sizeof Location::path)
        return failed(why, Stage::cgroup, ENAMETOOLONG, path);
    std::uint32_t flags = s.flags | (running ? std::uint32_t{cgroup_exists} : 0U);
    int dir = make_group(steps.text(s.mount_point), path, flags, steps.text(s.controllers));
    if (dir < 0) {
        int errnum = errno;
        TextBuffer<256> full;
        full.text << steps.text(s.mount_point) << "/" << path;
        return failed(why, Stage::cgroup, errnum, full.c_str());
    }
    std::strcpy(where_[set_.count].mount_point, steps.text(s.mount_point));
    std::strcpy(where_[set_.count].path, path);
    set_.entries[set_.count++] = {dir, s.flags};
    owned_ = owned_ || !(s.flags & cgroup_exists);
    return true;
}

bool Cgroups::make(const StepView& steps, Report* why, bool running) noexcept {
    // Whoever runs inside reads its own limits, whatever its uid: a JVM sizes its heap by them.
    mode_t own = ::umask(0022);
    bool ok = steps.each([&](const auto& s) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(s)>, MakeCgroup>) return add(steps, s, running, why);
        return true;
    });
    ::umask(own);
    if (ok && !running && frozen()) ok = failed(why, Stage::frozen, EBUSY, where_[0].path);
    return ok;
}

bool Cgroups::limit(const StepView& steps, Report* why, Sink sink, void* self) noexcept {
    bool again = false;
    LimitFile file;
    auto write = [&](const WriteCgroup& s, bool last) {
        if (s.cgroup >= set_.count) return failed(why, Stage::steps, EINVAL, steps.text(s.file));
        if (file.write(steps, set_, s)) return true;
        int errnum = errno;
        if (errnum == ENOENT && s.flags & write_optional) return true;
        if (!last && s.flags & write_retry) return again = true;
        TextBuffer<256> detail;
        detail.text << steps.text(s.file) << "=" << steps.text(s.value);
        if (!(s.flags & write_warn)) return failed(why, Stage::cgroup_limit, errnum, detail.c_str());
        Report r{};
        failed(&r, Stage::cgroup_limit, errnum, detail.c_str());
        r.kind = ReportKind::warning;
        sink(self, r);
        return true;
    };
    auto pass = [&](bool last) {
        return steps.each([&](const auto& s) {
            using T = std::remove_cvref_t<decltype(s)>;
            if constexpr (std::is_same_v<T, WriteCgroup>) return (last && !(s.flags & write_retry)) || write(s, last);
            else if constexpr (std::is_same_v<T, DeviceFilter>)
                return last ||
                       (s.cgroup < set_.count &&
                        load_device_filter(set_.entries[s.cgroup].dir, steps.bytes(s.code), s.code.size)) ||
                       failed(why, Stage::cgroup_device, errno, where_[0].path);
            else return true;
        });
    };
    return pass(false) && (!again || pass(true));
}

int Cgroups::entry_with(std::uint32_t flag) const noexcept {
    for (std::uint32_t i = 0; i < set_.count; ++i)
        if (set_.entries[i].flags & flag) return static_cast<int>(i);
    return -1;
}

int Cgroups::clone_target() const noexcept {
    int i = entry_with(cgroup_v2);
    return i < 0 ? -1 : set_.entries[i].dir;
}

int Cgroups::open_present(pid_t pid) const noexcept {
    int i = entry_with(cgroup_v2);
    if (i < 0) return -1;
    TextBuffer<48> file;
    file.text << "/proc/" << std::int64_t{pid} << "/cgroup";
    char groups[4096];
    if (read_file_at(AT_FDCWD, file.c_str(), groups, sizeof groups) <= 0) return -1;
    char* line = std::strncmp(groups, "0::/", 4) == 0 ? groups : std::strstr(groups, "\n0::/");
    if (!line) return -1;
    char* path = line + (*line == '\n' ? 5 : 4); // without the slash in front
    path[std::strcspn(path, "\n")] = 0;
    const Location& own = where_[i];
    std::size_t size = std::strlen(own.path);
    // Only below its own: a path from elsewhere ("/../x": another cgroup namespace) is none we may enter.
    if (std::strncmp(path, own.path, size) != 0 || path[size] != '/' || std::strstr(path, "/..")) return -1;
    TextBuffer<4096> full;
    full.text << own.mount_point << "/" << path;
    return full.text.full() ? -1 : ::open(full.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

int Cgroups::freeze(bool on) noexcept {
    int i = entry_with(cgroup_freezer);
    if (i < 0) return EOPNOTSUPP;
    bool v2 = set_.entries[i].flags & cgroup_v2;
    const char* value = v2 ? (on ? "1" : "0") : (on ? "FROZEN" : "THAWED");
    return write_file_at(set_.entries[i].dir, v2 ? "cgroup.freeze" : "freezer.state", value) ? 0 : errno;
}

bool Cgroups::frozen() const noexcept {
    int i = entry_with(cgroup_freezer);
    if (i < 0) return false;
    char state[64];
    bool v2 = set_.entries[i].flags & cgroup_v2;
    if (read_file_at(set_.entries[i].dir, v2 ? "cgroup.freeze" : "freezer.state", state, sizeof state) <= 0)
        return false;
    return v2 ? state[0] == '1' : std::strncmp(state, "FR", 2) == 0; // FROZEN, FREEZING
}

std::uint64_t Cgroups::oom_kills() const noexcept {
    int i = entry_with(cgroup_memory);
    if (i < 0) return 0;
    char text[1024];
    bool v2 = set_.entries[i].flags & cgroup_v2;
    if (read_file_at(set_.entries[i].dir, v2 ? "memory.events" : "memory.oom_control", text, sizeof text) <= 0)
        return 0;
    const char* line = std::strstr(text, "oom_kill ");
    std::uint64_t n = 0;
    for (const char* p = line ? line + 9 : ""; *p >= '0' && *p <= '9'; ++p)
        n = n * 10 + static_cast<std::uint64_t>(*p - '0');
    return n;
}

void Cgroups::kill_all() noexcept {
    int v2 = entry_with(cgroup_v2);
    if (v2 >= 0 && write_file_at(set_.entries[v2].dir, "cgroup.kill", "1", 1)) {
        if (frozen()) freeze(false); // v1: SIGKILL waits for the thaw
        return;
    }
    char pids[4096];
    for (int round = 0; round < 100 && set_.count; ++round) {
        if (read_file_at(set_.entries[0].dir, "cgroup.procs", pids, sizeof pids) <= 0) break;
        for (const char* p = pids; *p; p += std::strspn(p, "\n")) {
            pid_t pid = 0;
            for (; *p >= '0' && *p <= '9'; ++p) pid = pid * 10 + (*p - '0');
            if (pid > 0) ::kill(pid, SIGKILL);
            else break;
        }
        if (frozen()) freeze(false);
        sleep_us(200);
    }
}

bool Cgroups::occupied() const noexcept {
    char pids[32];
    return set_.count && read_file_at(set_.entries[0].dir, "cgroup.procs", pids, sizeof pids) > 0;
}

void Cgroups::close() noexcept {
    for (std::uint32_t i = 0; i < set_.count; ++i) ::close(set_.entries[i].dir);
    set_.count = 0;
}

bool Cgroups::remove(int limit_ms) noexcept {
    bool all = true;
    // Only without a pid namespace of its own can anything be left; it would keep the groups for ever.
    if (owned_ && occupied()) kill_all();
    int waited_us = 0;
    for (std::uint32_t i = 0; i < set_.count; ++i) {
        TextBuffer<384> full;
        full.text << where_[i].mount_point << "/" << where_[i].path;
        Fd dir(set_.entries[i].dir);
        // A task leaves its group a moment after it can be waited for.
        while (owned_ && ::rmdir(full.c_str()) < 0 && errno != ENOENT) {
            if (errno != EBUSY || waited_us > limit_ms * 1000) {
                all = false;
                break;
            }
            remove_children(dir.get(), max_depth);
            sleep_us(100);
            waited_us += 100;
        }
    }
    set_.count = 0;
    return all;
}

} // namespace davit::exec

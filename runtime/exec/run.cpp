// The two sequences: what is done before the program runs, outside and inside.
#include "runtime/exec/context.hpp"

#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <type_traits>

namespace davit::exec {

bool Context::fail(Stage stage, int errnum, const char* detail) noexcept {
    report = Report{};
    report.kind = ReportKind::failed;
    report.stage = stage;
    report.errnum = errnum;
    Text(report.detail, sizeof report.detail) << detail;
    return false;
}

bool Context::fail(Stage stage, int errnum, const char* detail, const char* second) noexcept {
    TextBuffer<sizeof report.detail> both;
    const char separator[] = {detail_separator, 0};
    both.text << detail << separator << second;
    return fail(stage, errnum, both.c_str());
}

void Context::warn(Stage stage, int errnum, const char* detail) noexcept {
    Report r{};
    r.kind = ReportKind::warning;
    r.stage = stage;
    r.errnum = errnum;
    Text(r.detail, sizeof r.detail) << detail;
    send(r);
}

bool Context::send(const Report& r, int fd) noexcept {
    iovec part{const_cast<Report*>(&r), sizeof r};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fd >= 0) {
        message.msg_control = control;
        message.msg_controllen = sizeof control;
        cmsghdr* head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(head), &fd, sizeof fd);
    }
    return ::sendmsg(channel, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof r);
}

namespace {

struct EarlyMounts {
    const MountStep* of[max_early_mounts];
    int fds[max_early_mounts];
    std::uint32_t count = 0, used = 0;

    int next(const MountStep& s) noexcept { return used < count && of[used] == &s ? fds[used++] : -1; }
};

bool open_early(Context& c, EarlyMounts& early) noexcept {
    return c.steps.each([&](const auto& s) {
        if constexpr (std::is_same_v<std::remove_cvref_t<decltype(s)>, MountStep>) {
            if (!(s.flags & mount_early) && !is_whole_host(c, s)) return true;
            if (early.count == max_early_mounts) return c.fail(Stage::mount_source, E2BIG, c.steps.text(s.source));
            int fd = open_early_source(c, s);
            if (fd < 0) return false;
            early.of[early.count] = &s;
            early.fds[early.count++] = fd;
        }
        return true;
    });
}

// What is done at its place in the list. The rest is only noted, or done by the caller.
template <typename T>
inline constexpr bool is_noted = std::is_same_v<T, CapabilityStep> || std::is_same_v<T, SeccompStep> ||
                                 std::is_same_v<T, WorkDir> || std::is_same_v<T, UmaskStep>;
template <typename T>
inline constexpr bool is_callers =
    std::is_same_v<T, MakeCgroup> || std::is_same_v<T, WriteCgroup> || std::is_same_v<T, DeviceFilter> ||
    std::is_same_v<T, JoinNamespace> || std::is_same_v<T, ExecuteStep> || std::is_same_v<T, NoNewPrivileges>;

void note(Context& c, const CapabilityStep& s) noexcept { c.caps = s, c.limits_caps = true; }
void note(Context& c, const SeccompStep& s) noexcept { c.filter = {c.steps.bytes(s.filter), s.filter.size, s.flags}; }
void note(Context& c, const WorkDir& s) noexcept { c.work_dir = c.steps.text(s.text); }
void note(Context& c, const UmaskStep& s) noexcept { c.umask = static_cast<mode_t>(s.number); }

bool run_steps(Context& c, EarlyMounts& early) noexcept {
    return c.steps.each([&](const auto& s) {
        using T = std::remove_cvref_t<decltype(s)>;
        if constexpr (is_noted<T>) return note(c, s), true;
        else if constexpr (is_callers<T>) return true;
        else if constexpr (std::is_same_v<T, MountStep>) return mount_step(c, s, early.next(s));
        else return step(c, s);
    });
}

bool finish(Context& c) noexcept {
    const auto* execute = c.steps.find<ExecuteStep>();
    if (!execute) return c.fail(Stage::steps, 0, "they execute nothing");
    if ((c.steps.header().flags & flag_terminal) && !open_terminal(c)) return false;
    // From here on this process has no children but the one.
    if (c.pid_ns >= 0 && ::syscall(SYS_setns, c.pid_ns, CLONE_NEWPID) < 0) return c.fail(Stage::namespaces, "pid");
    if (!enter_work_dir(c) || !apply_identity(c)) return false;
    if (const auto* s = c.steps.find<NoNewPrivileges>(); s && !step(c, *s)) return false;
    return step(c, *execute);
}

} // namespace

namespace {

// What is known of the host before we leave it.
bool remember_host(Context& c) noexcept {
    struct stat st {};
    if (::stat("/dev/null", &st) == 0) c.hosts_dev = st.st_dev;
    if (!c.birth) return true;
    c.own_proc = ::open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return c.own_proc >= 0 || c.fail(Stage::proc, "/proc/self");
}

} // namespace

bool become_container(Context& c) noexcept {
    // No process of another container may trace this one or look at its memory while it is set up.
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::umask(0);
    EarlyMounts early;
    return enter_cgroups(c) && find_ns_root(c) && remember_host(c) && join_namespaces(c) && open_early(c, early) &&
           run_steps(c, early) && finish(c);
}

namespace {

// Nothing of the host is open once this process is in the container's namespaces: a file of the image
// must not be able to lead there (CVE-2024-21626), nor a tracer (CVE-2016-9962).
bool keep_only_needed(Context& c) noexcept {
    int* const kept[] = {&c.channel, &c.join_pidfd, &c.stdio[0], &c.stdio[1], &c.stdio[2]};
    constexpr unsigned first = 3;
    unsigned next = 32; // which is below any limit that programs set
    for (int* fd : kept) {
        if (*fd < 0) continue;
        int copy = ::fcntl(*fd, F_DUPFD_CLOEXEC, static_cast<int>(next));
        if (copy < 0) return c.fail(Stage::descriptors, "");
        *fd = copy;
        next = static_cast<unsigned>(copy) + 1;
    }
    unsigned from = first;
    for (const int* fd : kept) {
        if (*fd < 0) continue;
        if (static_cast<unsigned>(*fd) > from) ::syscall(SYS_close_range, from, static_cast<unsigned>(*fd) - 1, 0);
        from = static_cast<unsigned>(*fd) + 1;
    }
    return ::syscall(SYS_close_range, from, ~0U, 0) == 0 || c.fail(Stage::descriptors, "");
}

} // namespace

bool become_exec(Context& c) noexcept {
    ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    ::umask(0);
    if (!remember_host(c) || !enter_cgroups(c)) return false;
    // Written through the host's procfs, which the container cannot have replaced.
    if (const auto* s = c.steps.find<OomScoreAdj>(); s && !step(c, *s)) return false;
    if (const auto* s = c.steps.find<Apparmor>(); s && !step(c, *s)) return false;
    if (!join_keyring(c, c.keyring) || !keep_only_needed(c)) return false;
    // All at once, or nothing: the root, the working directory and what the child will be born into.
    constexpr int namespaces =
        CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWPID;
    if (::syscall(SYS_setns, c.join_pidfd, namespaces) < 0) return c.fail(Stage::namespaces, "container's");
    c.own_proc = -1; // closed with the rest
    if (::chdir("/") < 0) return c.fail(Stage::work_dir, "/");
    bool ok = c.steps.each([&](const auto& s) {
        using T = std::remove_cvref_t<decltype(s)>;
        if constexpr (is_noted<T>) return note(c, s), true;
        else if constexpr (std::is_same_v<T, UserStep> || std::is_same_v<T, RlimitStep>) return step(c, s);
        else return true;
    });
    return ok && finish(c);
}

} // namespace davit::exec

// Who the process is and what it may do. The order is that of runc and crun, with the filter as
// late as possible so that a user's own profile needs to allow few calls.
#include "runtime/exec/context.hpp"

#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

namespace davit::exec {
namespace {

bool set_caps(std::uint64_t effective, std::uint64_t permitted, std::uint64_t inheritable) noexcept {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    auto low = [](std::uint64_t v) { return static_cast<std::uint32_t>(v); };
    auto high = [](std::uint64_t v) { return static_cast<std::uint32_t>(v >> 32); };
    __user_cap_data_struct data[2] = {{low(effective), low(permitted), low(inheritable)},
                                      {high(effective), high(permitted), high(inheritable)}};
    return ::syscall(SYS_capset, &head, data) == 0;
}

std::uint64_t present_permitted() noexcept {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct data[2] = {};
    if (::syscall(SYS_capget, &head, data) != 0) return 0;
    return data[0].permitted | std::uint64_t{data[1].permitted} << 32;
}

const char* resource_name(std::uint32_t resource) noexcept {
    static const char* const names[] = {"cpu",      "fsize",  "data",    "stack", "core",  "rss",
                                        "nproc",    "nofile", "memlock", "as",    "locks", "sigpending",
                                        "msgqueue", "nice",   "rtprio",  "rttime"};
    return resource < sizeof names / sizeof *names ? names[resource] : "rlimit";
}

// A file of this process in our own procfs; before there is one, in the host's.
bool write_own_file(const Context& c, const char* file, const char* value) noexcept {
    TextBuffer<64> path;
    if (c.own_proc >= 0) path.text << file + 1;
    else if (c.proc >= 0) path.text << std::int64_t{::getpid()} << file;
    else path.text << "/proc/self" << file;
    return write_file_at(c.own_proc >= 0 ? c.own_proc : c.proc >= 0 ? c.proc : AT_FDCWD, path.c_str(), value);
}

} // namespace

namespace {

// The set-up itself needs descriptors: raised now, while it may be, and lowered just before execve.
bool note_open_files(Context& c, rlimit wanted) noexcept {
    rlimit present{};
    if (::getrlimit(RLIMIT_NOFILE, &present) < 0) return c.fail(Stage::rlimit, "nofile");
    if (wanted.rlim_cur > wanted.rlim_max) return c.fail(Stage::rlimit, EINVAL, "nofile");
    rlimit raised{present.rlim_cur, wanted.rlim_max};
    if (wanted.rlim_max > present.rlim_max && ::setrlimit(RLIMIT_NOFILE, &raised) < 0) {
        if (errno != EPERM) return c.fail(Stage::rlimit, "nofile");
        wanted.rlim_max = present.rlim_max;
        if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
        TextBuffer<64> granted;
        granted.text << "nofile " << std::uint64_t{wanted.rlim_cur} << ":" << std::uint64_t{wanted.rlim_max};
        c.warn(Stage::rlimit, EPERM, granted.c_str());
    }
    c.open_files = wanted;
    c.limits_open_files = true;
    return true;
}

} // namespace

namespace {

// A helper counts as a process of the user, too, and clones one more: it leaves room for itself.
bool note_processes(Context& c, rlimit wanted) noexcept {
    rlimit with_helper = wanted;
    if (wanted.rlim_cur != RLIM_INFINITY) ++with_helper.rlim_cur;
    if (wanted.rlim_max != RLIM_INFINITY) ++with_helper.rlim_max;
    c.processes = wanted;
    c.limits_processes = true;
    return ::setrlimit(RLIMIT_NPROC, &with_helper) == 0;
}

} // namespace

bool limit_processes(Context& c) noexcept {
    return !c.limits_processes || ::setrlimit(RLIMIT_NPROC, &c.processes) == 0 || c.fail(Stage::rlimit, "nproc");
}

bool limit_open_files(Context& c) noexcept {
    return !c.limits_open_files || ::setrlimit(RLIMIT_NOFILE, &c.open_files) == 0 || c.fail(Stage::rlimit, "nofile");
}

// Without CAP_SYS_RESOURCE a hard limit cannot be raised; then the most that is granted is set and said.
bool step(Context& c, const RlimitStep& s) noexcept {
    const char* name = resource_name(s.resource);
    auto resource = static_cast<__rlimit_resource>(s.resource);
    rlimit wanted{s.soft, s.hard};
    if (s.soft_only) {
        if (::getrlimit(resource, &wanted) < 0) return c.fail(Stage::rlimit, name);
        wanted.rlim_cur = s.soft < wanted.rlim_max ? s.soft : wanted.rlim_max;
    }
    if (s.resource == RLIMIT_NOFILE) return note_open_files(c, wanted);
    if (s.resource == RLIMIT_NPROC && c.birth && note_processes(c, wanted)) return true;
    c.limits_processes = c.limits_processes && s.resource != RLIMIT_NPROC; // not granted: as for any other
    if (::setrlimit(resource, &wanted) == 0) return true;
    int why = errno;
    rlimit present{};
    if (why != EPERM || ::getrlimit(resource, &present) < 0) return c.fail(Stage::rlimit, why, name);
    if (wanted.rlim_max > present.rlim_max) wanted.rlim_max = present.rlim_max;
    if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
    if (::setrlimit(resource, &wanted) < 0) return c.fail(Stage::rlimit, name);
    TextBuffer<64> granted;
    granted.text << name << " " << std::uint64_t{wanted.rlim_cur} << ":" << std::uint64_t{wanted.rlim_max};
    c.warn(Stage::rlimit, why, granted.c_str());
    return true;
}

bool step(Context& c, const OomScoreAdj& s) noexcept {
    TextBuffer<32> value;
    value.text << s.number;
    if (write_own_file(c, "/oom_score_adj", value.c_str())) return true;
    if (errno != EACCES && errno != EPERM) return c.fail(Stage::oom_score, value.c_str());
    if (s.number != 0) c.warn(Stage::oom_score, errno, value.c_str());
    return true;
}

bool step(Context& c, const Apparmor& s) noexcept {
    const char* profile = c.steps.text(s.text);
    TextBuffer<300> value;
    value.text << "exec " << profile;
    static const char* const files[] = {"/attr/apparmor/exec", "/attr/exec"}; // the second: before 5.8
    for (const char* file : files)
        if (write_own_file(c, file, value.c_str())) return true;
    return c.fail(Stage::apparmor, profile);
}

bool step(Context& c, const NoNewPrivileges&) noexcept {
    return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 || c.fail(Stage::capabilities, "no_new_privs");
}

bool enter_work_dir(Context& c) noexcept {
    if (::chdir(c.work_dir) == 0) return true;
    if (errno != EACCES) return c.fail(Stage::work_dir, c.work_dir);
    c.work_dir_pending = true;
    return true;
}

bool apply_identity(Context& c) noexcept {
    if (c.limits_caps)
        for (std::uint32_t cap = 0; cap <= c.caps.last; ++cap)
            if (!(c.caps.bounding >> cap & 1) && ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
                return c.fail(Stage::capabilities, "bounding set");
    if (::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0) return c.fail(Stage::identity, "keepcaps");
    const Account& a = c.account;
    if (::syscall(SYS_setgroups, a.group_count, a.groups) < 0) return c.fail(Stage::identity, "groups");
    if (::syscall(SYS_setresgid, a.gid, a.gid, a.gid) < 0) return c.fail(Stage::identity, "gid");
    if (::syscall(SYS_setresuid, a.uid, a.uid, a.uid) < 0) return c.fail(Stage::identity, "uid");
    // The program is looked for with the rights it will run with; the rest is still needed for the filter.
    std::uint64_t permitted = present_permitted();
    if (c.limits_caps && !set_caps(a.uid ? 0 : c.caps.effective & permitted, permitted, 0))
        return c.fail(Stage::capabilities, "effective");
    if (c.work_dir_pending && ::chdir(c.work_dir) < 0) return c.fail(Stage::work_dir, c.work_dir);
    return true;
}

bool load_filter(Context& c) noexcept {
    if (c.filter.size == 0) return true;
    std::uint64_t permitted = present_permitted();
    if (!set_caps(permitted, permitted, 0)) return c.fail(Stage::seccomp, "raising capabilities");
    sock_fprog program{};
    program.len = static_cast<unsigned short>(c.filter.size / sizeof(sock_filter));
    program.filter = static_cast<sock_filter*>(const_cast<void*>(c.filter.code));
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, c.filter.flags, &program) != 0)
        return c.fail(Stage::seccomp, "filter");
    return true;
}

// Docker gives a user other than root the bounding set and nothing in hand.
bool drop_to_final(Context& c, std::uint64_t keep) noexcept {
    if (!c.limits_caps) return true;
    bool root = c.account.uid == 0;
    std::uint64_t limit = present_permitted();
    std::uint64_t ambient = c.caps.ambient & limit;
    std::uint64_t permitted = (root ? c.caps.permitted & limit : ambient) | (keep & limit);
    std::uint64_t effective = root ? c.caps.effective & permitted : ambient;
    if (!set_caps(effective, permitted, c.caps.inheritable & limit)) return c.fail(Stage::capabilities, "final set");
    for (std::uint32_t cap = 0; ambient && cap <= c.caps.last; ++cap)
        if (ambient >> cap & 1) ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
    return true;
}

// A descriptor of the host's that leaked would make the working directory one outside the root:
// the kernel then says "(unreachable)" (CVE-2024-21626).
bool check_work_dir(Context& c) noexcept {
    char path[4096];
    if (::syscall(SYS_getcwd, path, sizeof path) < 0) {
        // A longer name than fits is deep inside; a removed directory is nowhere.
        return errno == ERANGE || c.fail(Stage::escaped, c.work_dir);
    }
    return path[0] == '/' || c.fail(Stage::escaped, EACCES, c.work_dir);
}

} // namespace davit::exec

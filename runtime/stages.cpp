#include "runtime/stages.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace davit::runtime {
namespace {

using exec::Stage;

// {} is the detail.
const char* doing(Stage stage) {
    switch (stage) {
    case Stage::none: return "setting up the container {}";
    case Stage::steps: return "reading the steps: {}";
    case Stage::cgroup: return "making the cgroup {}";
    case Stage::cgroup_limit: return "limiting resources: writing {}";
    case Stage::cgroup_device: return "restricting devices of {}";
    case Stage::clone: return "creating the process {}";
    case Stage::join_cgroup: return "entering the cgroup ({})";
    case Stage::namespaces: return "entering the {} namespace";
    case Stage::rootfs: return "mounting the root file system ({})";
    case Stage::proc: return "mounting {}";
    case Stage::mount_source: return "opening the mount source {}";
    case Stage::mount_target: return "making the mount point {}";
    case Stage::mount: return "mounting {}";
    case Stage::device: return "making the device {}";
    case Stage::symlink: return "making the link {}";
    case Stage::work_dir: return "entering the working directory {}";
    case Stage::sysctl: return "setting the sysctl {}";
    case Stage::mask: return "masking {}";
    case Stage::pivot_root: return "changing the root {}";
    case Stage::hostname: return "setting the host name {}";
    case Stage::loopback: return "bringing {} up";
    case Stage::keyring: return "making a session keyring {}";
    case Stage::rlimit: return "setting the ulimit {}";
    case Stage::oom_score: return "setting oom_score_adj {}";
    case Stage::apparmor: return "applying the AppArmor profile {}";
    case Stage::user: return "looking up the user {}";
    case Stage::group: return "looking up the group {}";
    case Stage::identity: return "changing the user ({})";
    case Stage::capabilities: return "setting capabilities ({})";
    case Stage::seccomp: return "loading the seccomp filter ({})";
    case Stage::terminal: return "opening a terminal ({})";
    case Stage::stdio: return "connecting standard streams {}";
    case Stage::memory: return "preparing {}";
    case Stage::not_found:
    case Stage::not_executable: return "executing {}";
    case Stage::descriptors: return "closing descriptors {}";
    case Stage::escaped: return "checking the working directory {}";
    case Stage::frozen: return "running in a paused container {}";
    case Stage::protocol: return "talking to the shim ({})";
    case Stage::mount_kind: return "mounting on {}";
    case Stage::mount_subpath: return "opening the subpath {}";
    case Stage::mount_option: return "mounting on {}";
    case Stage::ended: return "running in a container that ends {}";
    }
    return "setting up the container {}";
}

std::string fill(const char* text, const std::string& detail) {
    std::string out = text;
    std::size_t at = out.find("{}");
    if (at == std::string::npos) return out;
    out.replace(at, 2, detail);
    for (const char* empty : {" ()", " "})
        if (detail.empty() && out.ends_with(empty)) out.erase(out.size() - std::strlen(empty));
    return out;
}

struct Detail {
    std::string first, second;
};

Detail detail_of(const exec::Report& r) {
    std::string text(r.detail, ::strnlen(r.detail, sizeof r.detail));
    std::size_t at = text.rfind(exec::detail_separator);
    if (at == std::string::npos) return {text, ""};
    return {text.substr(0, at), text.substr(at + 1)};
}

Error in_setup(Error e, const exec::Report& r) {
    if (r.stage == Stage::not_found) return e.with_exit_code(127);
    if (r.stage == Stage::not_executable) return e.with_exit_code(126);
    return e;
}

// A volume's directory by the name that people know it by.
std::string shown(const std::string& source) {
    if (source.empty()) return "what was to be mounted";
    constexpr std::string_view data = "/_data";
    if (!source.ends_with(data)) return source;
    std::string name = source.substr(0, source.size() - data.size());
    return "the volume '" + name.substr(name.rfind('/') + 1) + "'";
}

Error failed(int errnum, std::string what) {
    return errnum == 0 ? Error(Errc::failed, what) : make_sys_error(errnum, std::move(what));
}

// What Docker asks with "Are you trying to mount a directory onto a file (or vice-versa)?".
Error wrong_kind(const exec::Report& r, const Detail& d) {
    const std::string source = shown(d.second);
    if (r.errnum == ENOTDIR)
        return error(Errc::invalid_project,
                     "cannot mount {} on {}: {} is a directory, and in the container {} is a file", source, d.first,
                     source, d.first)
            .with_hint(fmt::format("a bind source that is missing is made as a directory: was the file missing when "
                                   "the project was first started? Then remove {}, "
                                   "put the file there and start again",
                                   d.second));
    return error(Errc::invalid_project, "cannot mount {} on {}: {} is a file, and in the container {} is a directory",
                 source, d.first, source, d.first)
        .with_hint(fmt::format("name a file as the target ({}/{}), or a directory as the source",
                               d.first == "/" ? "" : d.first, d.second.substr(d.second.rfind('/') + 1)))
        .with_exit_code(125); // docker's run: its text is not one of those that mean the command
}

Error no_mount_point(const exec::Report& r, const Detail& d) {
    if (r.errnum == EPERM)
        return error(Errc::invalid_project, "\"{}\" cannot be mounted because it leads into /proc", d.first);
    if (r.errnum == EROFS && !d.second.empty())
        return error(Errc::denied,
                     "the mount point {} cannot be made: {} is mounted read-only and has no such file or directory",
                     d.first, d.second)
            .with_hint(fmt::format("make it in what is mounted on {}, or mount that without ro (read_only)", d.second));
    if (r.errnum == ENOTDIR && !d.second.empty())
        return error(Errc::invalid_project, "the mount point {} cannot be made: {} is a file in the container", d.first,
                     d.second)
            .with_hint("choose another target");
    return failed(r.errnum, "while making the mount point " + d.first);
}

Error no_subpath(const exec::Report& r, const Detail& d) {
    const std::string source = d.second.empty() ? "the image" : shown(d.second);
    if (r.errnum != ENOENT && r.errnum != ENOTDIR)
        return failed(r.errnum, fmt::format("while opening {} of {}", d.first, source));
    return error(Errc::not_found, "{} has no '{}'", source, d.first)
        .with_hint("a subpath names what is there already: make it first, with a container that mounts the whole")
        .with_exit_code(127); // docker's run
}

struct Hint {
    Stage stage;
    int errnum; // 0: any
    const char* text;
};
// Where the kernel's word for it does not say what to do.
constexpr Hint hints[] = {
    {Stage::steps, 0, "remove the container and create it anew with 'davit up --force-recreate'"},
    {Stage::cgroup, EROFS,
     "/sys/fs/cgroup is mounted read-only: davit needs to make control groups (in a container: --privileged)"},
    {Stage::cgroup, EACCES,
     "davit needs to make control groups: does it run in a container, or under a security module?"},
    {Stage::cgroup, EPERM,
     "davit needs to make control groups: does it run in a container, or under a security module?"},
    {Stage::cgroup, EAGAIN,
     "a level above allows no more control groups: see cgroup.max.descendants and cgroup.max.depth"},
    {Stage::cgroup, ENOSPC,
     "the kernel has no more room for control groups of this kind: remove empty ones ('davit system doctor')"},
    {Stage::cgroup_limit, ENOENT, "this kernel, or a control group above davit's, does not have this limit"},
    {Stage::cgroup_limit, EACCES, "a control group above davit's does not pass this on"},
    {Stage::cgroup_limit, EBUSY, "the container needs more than that already"},
    {Stage::cgroup_limit, EINVAL, "the kernel does not take this value"},
    {Stage::cgroup_limit, ERANGE, "the kernel does not take this value"},
    {Stage::cgroup_device, EPERM, "loading a device filter needs CAP_BPF or CAP_SYS_ADMIN"},
    {Stage::clone, EAGAIN,
     "the limit of processes is reached: of the control group (pids.max), of the user (ulimit -u), or kernel.pid_max"},
    {Stage::clone, ENOSPC, "the limit of namespaces is reached: see /proc/sys/user/max_*_namespaces"},
    {Stage::clone, ENOMEM, "the machine is out of memory, or the pid namespace that was to be joined has ended"},
    {Stage::clone, EPERM, "making namespaces needs CAP_SYS_ADMIN"},
    {Stage::clone, EBUSY, "a control group above has processes of its own and cannot hold others"},
    {Stage::join_cgroup, ENOSPC,
     "the control group has no CPUs or no memory nodes: look at cpuset of the groups above"},
    {Stage::join_cgroup, EBUSY, "a control group above has processes of its own and cannot hold others"},
    {Stage::namespaces, ENOENT, "the container or process whose namespace it is has ended: start that first"},
    {Stage::namespaces, ESRCH, "the container whose namespace it is has ended: start that first"},
    {Stage::namespaces, EINVAL, "what is to be joined is no namespace of this kind, or the container has ended"},
    {Stage::namespaces, EPERM, "joining it needs CAP_SYS_ADMIN in the user namespace that owns it"},
    {Stage::namespaces, ENOSPC, "the limit of namespaces is reached: see /proc/sys/user/max_*_namespaces"},
    {Stage::rootfs, ENOENT, "a layer of the image is missing: pull it again, then 'davit up --force-recreate'"},
    {Stage::rootfs, ENODEV, "this kernel has no overlay file system: modprobe overlay"},
    {Stage::rootfs, EINVAL,
     "the file system of davit's state directory cannot hold an overlay (another overlay, NFS …): set DAVIT_STATE_DIR "
     "to one that can (ext4, xfs)"},
    {Stage::rootfs, EOPNOTSUPP,
     "the file system of davit's state directory cannot hold an overlay: set DAVIT_STATE_DIR to one that can (ext4, "
     "xfs)"},
    {Stage::rootfs, EBUSY,
     "the layer is in use by another mount: is an earlier process of this container left? See 'davit system doctor'"},
    {Stage::rootfs, ESTALE, "the container's own layer belongs to another image: 'davit up --force-recreate'"},
    {Stage::mount_source, ENOENT, "it was there when the container was made: put it back, or 'davit up' anew"},
    {Stage::mount_source, EACCES,
     "davit may not look there: a FUSE file system needs allow_root, and NFS exports no_root_squash"},
    {Stage::mount_source, EPERM, "davit may not mount it: is it a mount of another user namespace?"},
    {Stage::mount_source, ELOOP, "links there lead in a circle"},
    {Stage::mount_source, ESTALE, "the file system behind it has gone: mount it again"},
    {Stage::mount_source, ENOTCONN, "the file system behind it has gone: mount it again"},
    {Stage::mount_source, E2BIG, "at most 64 mounts of a container may have a propagation of their own"},
    {Stage::mount_source, EINVAL, "it is a mount that may not be shown elsewhere (unbindable)"},
    {Stage::mount_target, ELOOP,
     "links of the image lead in a circle there, or the image has a link in place of /proc or /sys"},
    {Stage::mount_target, ENOSPC, "the disk is full"},
    {Stage::mount, ENODEV, "this kernel has no such file system"},
    {Stage::mount, ENOENT, "there is no such device or server path"},
    {Stage::mount, ENOTBLK, "a file system of this kind lies on a block device"},
    {Stage::mount, EINVAL, "the kernel refuses the file system or its options: see the end of 'dmesg'"},
    {Stage::mount, EPERM, "a security module, or the lack of CAP_SYS_ADMIN, forbids it"},
    {Stage::mount_option, 0, "see mount(8) for the options of the file system"},
    {Stage::device, EEXIST, "the image has something else at this path"},
    {Stage::device, EPERM, "davit may not make device nodes here (user namespace, or no CAP_MKNOD)"},
    {Stage::symlink, EROFS, "the image's root, or a mount over it, is read-only"},
    {Stage::work_dir, ENOTDIR, "working_dir, or a part of it, is a file in the container"},
    {Stage::work_dir, ENOENT, "there is no such directory in the container"},
    {Stage::work_dir, EACCES, "the user of the container may not enter it"},
    {Stage::work_dir, EROFS, "it does not exist and cannot be made in a read-only mount"},
    {Stage::sysctl, ENOENT, "this kernel has no such sysctl, or not in a container: is its module loaded?"},
    {Stage::sysctl, EINVAL, "the kernel does not take this value"},
    {Stage::sysctl, ERANGE, "the kernel does not take this value"},
    {Stage::sysctl, EACCES, "it can be read only"},
    {Stage::sysctl, EPERM, "it cannot be set in a container"},
    {Stage::mask, ENOTDIR, "the image has something else at this path"},
    {Stage::rlimit, EPERM,
     "it is above what the machine grants davit: raise the hard limit of davit's service or shell"},
    {Stage::rlimit, EINVAL, "the soft limit may not be above the hard one"},
    {Stage::oom_score, EACCES, "only CAP_SYS_RESOURCE may make a container less likely to be killed"},
    {Stage::apparmor, ENOENT, "the profile is not loaded: see aa-status, and load it with apparmor_parser"},
    {Stage::apparmor, EACCES, "the profile that davit runs under may not change to it"},
    {Stage::identity, EAGAIN, "this user has too many processes (ulimit -u)"},
    {Stage::identity, EINVAL, "this id does not exist in the user namespace"},
    {Stage::identity, EPERM, "changing the user needs CAP_SETUID and CAP_SETGID"},
    {Stage::capabilities, EPERM, "davit does not have these capabilities itself"},
    {Stage::seccomp, EINVAL, "this kernel does not take the filter or one of its flags"},
    {Stage::seccomp, EACCES, "loading a filter needs CAP_SYS_ADMIN or no_new_privileges"},
    {Stage::seccomp, ENOMEM, "the filters of this process have become too long together"},
    {Stage::terminal, ENOENT, "the container has no /dev/pts: does a mount hide it?"},
    {Stage::terminal, ENOSPC, "there are no more terminals: see /proc/sys/kernel/pty/max"},
    {Stage::stdio, EMFILE, "davit has too many files open"},
    {Stage::keyring, ENOSYS, "this kernel has no keyrings"},
    {Stage::memory, 0, "the machine is out of memory"},
    {Stage::mount, ENOMEM, "the machine is out of memory"},
};

const char* hint_for(Stage stage, int errnum) {
    for (const Hint& h : hints)
        if (h.stage == stage && (h.errnum == errnum || h.errnum == 0)) return h.text;
    switch (errnum) {
    case ENOSPC:
    case EDQUOT: return "the disk is full";
    case ENOMEM: return "the machine is out of memory";
    case EMFILE:
    case ENFILE: return "too many files are open";
    case EROFS: return "the file system there is read-only";
    case ENAMETOOLONG: return "the path is too long";
    case ELOOP: return "links there lead in a circle";
    case EIO: return "the disk or the file system is broken: see the end of 'dmesg'";
    default: return "";
    }
}

Error completed(Error e, const exec::Report& r) {
    if (e.hint().empty()) e.with_hint(hint_for(r.stage, r.errnum));
    return r.errnum ? e.with_os(std::error_code(r.errnum, std::generic_category())) : e;
}

} // namespace

Error error_from_report(const exec::Report& r) {
    const Detail d = detail_of(r);
    const std::string& detail = d.first;
    bool path = detail.find('/') != std::string::npos;
    switch (r.stage) {
    case Stage::not_found:
        if (path)
            return in_setup(error(Errc::not_found, "exec: \"{0}\": stat {0}: no such file or directory", detail), r);
        return in_setup(error(Errc::not_found, "exec: \"{}\": executable file not found in $PATH", detail), r);
    case Stage::not_executable:
        if (r.errnum == EISDIR)
            return in_setup(error(Errc::denied, "exec: \"{}\": is a directory: permission denied", detail), r);
        return in_setup(error(Errc::denied, "exec: \"{}\": permission denied", detail), r);
    case Stage::user:
        return error(Errc::not_found, "unable to find user {}: no matching entries in passwd file", detail);
    case Stage::group:
        return error(Errc::not_found, "unable to find group {}: no matching entries in group file", detail);
    case Stage::escaped: return error(Errc::denied, "the working directory {} lies outside the container", detail);
    case Stage::frozen: return error(Errc::conflict, "the container is paused; unpause it first");
    case Stage::mount_kind: return completed(wrong_kind(r, d), r);
    case Stage::mount_target: return completed(no_mount_point(r, d), r);
    case Stage::mount_subpath: return completed(no_subpath(r, d), r);
    case Stage::ended: return error(Errc::conflict, "the container is not running (any more)");
    case Stage::clone:
        if (r.errnum != EAGAIN || !detail.empty()) break;
        return completed(make_sys_error(r.errnum, "no more processes can be made in the container"), r);
    default: break;
    }
    std::string what =
        fill(doing(r.stage), r.stage == Stage::mount && !d.second.empty() ? shown(d.second) + " on " + detail : detail);
    if (r.stage == Stage::mount_option) what = fmt::format("mounting on {}: option '{}'", detail, d.second);
    return completed(failed(r.errnum, "while " + what), r);
}

std::string warning_from_report(const exec::Report& r) {
    const std::string detail = detail_of(r).first;
    std::string what = fill(doing(r.stage), detail);
    if (r.stage == Stage::rlimit) return fmt::format("the machine grants no more than ulimit {}", detail);
    return fmt::format("{}: {} (ignored)", what, std::strerror(r.errnum));
}

} // namespace davit::runtime

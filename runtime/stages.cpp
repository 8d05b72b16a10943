#include "runtime/stages.hpp"

#include "base/error.hpp"

#include <cerrno>
#include <cstring>

namespace davit::runtime {
namespace {

using exec::Stage;

// {} is the detail.
const char* doing(Stage stage) {
    switch (stage) {
    case Stage::none: return "setting up the container {}";
    case Stage::plan: return "reading the step plan: {}";
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

std::string detail_of(const exec::Report& r) { return std::string(r.detail, ::strnlen(r.detail, sizeof r.detail)); }

Error in_setup(Error e, const exec::Report& r) {
    if (r.stage == Stage::not_found) return e.with_exit_code(127);
    if (r.stage == Stage::not_executable) return e.with_exit_code(126);
    return e;
}

} // namespace

Error error_from_report(const exec::Report& r) {
    std::string detail = detail_of(r);
    bool path = detail.find('/') != std::string::npos;
    switch (r.stage) {
    case Stage::not_found:
        if (path) return in_setup(error(Errc::not_found, "exec: \"{}\": no such file or directory", detail), r);
        return in_setup(error(Errc::not_found, "exec: \"{}\": executable file not found in $PATH", detail), r);
    case Stage::not_executable:
        if (r.errnum == EISDIR) return in_setup(error(Errc::denied, "exec: \"{}\": is a directory: permission denied", detail), r);
        return in_setup(error(Errc::denied, "exec: \"{}\": permission denied", detail), r);
    case Stage::user: return error(Errc::not_found, "unable to find user {}: no matching entries in passwd file", detail);
    case Stage::group: return error(Errc::not_found, "unable to find group {}: no matching entries in group file", detail);
    case Stage::escaped: return error(Errc::denied, "the working directory {} lies outside the container", detail);
    case Stage::frozen: return error(Errc::conflict, "the container is paused; unpause it first");
    default: break;
    }
    std::string what = fill(doing(r.stage), detail);
    if (r.errnum == 0) return error(Errc::failed, "while {}", what);
    return make_sys_error(r.errnum, "while " + what);
}

std::string warning_from_report(const exec::Report& r) {
    std::string what = fill(doing(r.stage), detail_of(r));
    if (r.stage == Stage::rlimit) return fmt::format("the machine grants no more than ulimit {}", detail_of(r));
    return fmt::format("{}: {} (ignored)", what, std::strerror(r.errnum));
}

} // namespace davit::runtime

// What a person reads when the set-up of a container failed: what, where, why, and what to do.
#include "runtime/stages.hpp"

#include "base/error.hpp"
#include "runtime/exec/report.hpp"

#include <cerrno>
#include <cstring>
#include <doctest/doctest.h>
#include <string>
#include <vector>

using namespace davit;
using namespace davit::runtime;
using exec::Stage;

namespace {

exec::Report report(Stage stage, int errnum, const std::string& detail) {
    exec::Report r{};
    r.kind = exec::ReportKind::failed;
    r.stage = stage;
    r.errnum = errnum;
    std::strncpy(r.detail, detail.c_str(), sizeof r.detail - 1);
    return r;
}

std::string told(Stage stage, int errnum, const std::string& detail) {
    return error_from_report(report(stage, errnum, detail)).describe();
}

struct Row {
    Stage stage;
    int errnum;
    const char* detail;
    std::vector<const char*> words; // all of them are said
};

constexpr int any_errno[] = {0,     EPERM,  ENOENT,       EIO,     E2BIG,  EAGAIN,    ENOMEM, EACCES,
                             EBUSY, EEXIST, ENODEV,       ENOTDIR, EISDIR, EINVAL,    EMFILE, ENOSPC,
                             EROFS, ERANGE, ENAMETOOLONG, ELOOP,   EDQUOT, EOPNOTSUPP};

} // namespace

TEST_CASE("a failed set-up is told with its place, its reason and what to do about it") {
    const Row rows[] = {
        {Stage::mount_kind,
         ENOTDIR,
         "/etc/passwd\n/home/me/conf",
         {"/home/me/conf is a directory", "/etc/passwd is a file", "missing", "remove /home/me/conf"}},
        {Stage::mount_kind,
         EISDIR,
         "/etc\n/home/me/file.txt",
         {"/home/me/file.txt is a file", "/etc is a directory", "/etc/file.txt"}},
        {Stage::mount_kind,
         ENOTDIR,
         "/etc/passwd\n/var/lib/davit/volumes/p_v/_data",
         {"the volume 'p_v' is a directory", "/etc/passwd is a file"}},
        {Stage::mount_kind, ENOTDIR, "/etc/passwd\ntmpfs", {"tmpfs", "/etc/passwd is a file"}},
        {Stage::mount_subpath,
         ENOENT,
         "a/b\n/var/lib/davit/volumes/p_v/_data",
         {"the volume 'p_v' has no 'a/b'", "make it first"}},
        {Stage::mount_subpath, ENOENT, "a/b\n", {"the image has no 'a/b'"}},
        {Stage::mount_subpath, ELOOP, "a/b\n/srv", {"a/b of /srv", "Too many levels"}},
        {Stage::mount_target, EROFS, "/m/sub\n/m", {"/m/sub cannot be made", "/m is mounted read-only", "without ro"}},
        {Stage::mount_target,
         ENOTDIR,
         "/etc/passwd/x\n/etc/passwd",
         {"/etc/passwd/x cannot be made", "/etc/passwd is a file", "another target"}},
        {Stage::mount_target, EPERM, "/p/x", {"/p/x", "/proc"}},
        {Stage::mount_target, ELOOP, "/proc", {"/proc", "links"}},
        {Stage::mount_source, ENOENT, "/srv/gone", {"/srv/gone", "No such file", "put it back"}},
        {Stage::mount_source, ESTALE, "/srv/nfs", {"/srv/nfs", "mount it again"}},
        {Stage::mount_option, EINVAL, "/t\nsize=abc", {"/t", "'size=abc'", "Invalid argument"}},
        {Stage::mount, ENODEV, "/data\nnosuchfs", {"nosuchfs on /data", "no such file system"}},
        {Stage::mount, ECONNREFUSED, "/data\nserver:/x", {"server:/x on /data", "Connection refused"}},
        {Stage::mount, EINVAL, "/data\n/var/lib/davit/volumes/v/_data", {"the volume 'v' on /data"}},
        {Stage::rootfs, ENOENT, "/var/lib/davit/images/layers/abc", {"abc", "pull it again"}},
        {Stage::rootfs, EINVAL, "overlay", {"DAVIT_STATE_DIR"}},
        {Stage::rootfs, ENODEV, "overlay", {"modprobe overlay"}},
        {Stage::cgroup, EROFS, "/sys/fs/cgroup/davit/x", {"/sys/fs/cgroup/davit/x", "read-only"}},
        {Stage::cgroup_limit, EINVAL, "cpu.max=1 2", {"cpu.max=1 2", "does not take"}},
        {Stage::clone, EAGAIN, "", {"no more processes", "pids.max"}},
        {Stage::clone, ENOSPC, "", {"max_*_namespaces"}},
        {Stage::join_cgroup, ENOSPC, "tasks", {"cpuset"}},
        {Stage::namespaces, ENOENT, "net", {"net namespace", "has ended"}},
        {Stage::device, EEXIST, "/dev/x", {"/dev/x", "something else"}},
        {Stage::work_dir, ENOTDIR, "/etc/passwd", {"/etc/passwd", "is a file"}},
        {Stage::sysctl, ENOENT, "net/ipv4/nope=1", {"net/ipv4/nope=1", "no such sysctl"}},
        {Stage::sysctl, EINVAL, "net/ipv4/ip_unprivileged_port_start=x", {"does not take this value"}},
        {Stage::rlimit, EPERM, "memlock", {"memlock", "hard limit"}},
        {Stage::apparmor, ENOENT, "mine", {"mine", "apparmor_parser"}},
        {Stage::seccomp, EINVAL, "filter", {"seccomp", "does not take"}},
        {Stage::terminal, ENOSPC, "/dev/pts/ptmx", {"pty/max"}},
        {Stage::user, 0, "me", {"unable to find user me"}},
        {Stage::group, 0, "us", {"unable to find group us"}},
        {Stage::escaped, EACCES, "/x", {"/x lies outside"}},
        {Stage::frozen, EBUSY, "", {"paused", "unpause"}},
    };
    for (const Row& row : rows) {
        const std::string text = told(row.stage, row.errnum, row.detail);
        CAPTURE(text);
        for (const char* word : row.words) CHECK_MESSAGE(text.find(word) != std::string::npos, word);
    }
}

TEST_CASE("no stage with no errno leaves a person with half a sentence") {
    for (auto stage = Stage::steps; stage <= Stage::mount_option;
         stage = static_cast<Stage>(static_cast<int>(stage) + 1))
        for (int errnum : any_errno)
            for (const char* detail : {"", "/a/place", "/a/place\n/another"}) {
                const std::string text = told(stage, errnum, detail);
                CAPTURE(text);
                CHECK(text.find("{}") == std::string::npos);
                CHECK(text.find("()") == std::string::npos);
                CHECK(text.find("Success") == std::string::npos);
                CHECK(text.size() > 10);
                if (*detail && stage != Stage::frozen) CHECK(text.find("/a/place") != std::string::npos);
                CHECK((std::string(detail) != "/a/place\n/another" || text.find('\n') == std::string::npos ||
                       text.find("\n  hint: ") == text.find('\n')));
            }
    // What there is no more of is said whatever was being done.
    for (auto stage = Stage::steps; stage <= Stage::mount_option;
         stage = static_cast<Stage>(static_cast<int>(stage) + 1)) {
        if (stage == Stage::not_found || stage == Stage::not_executable || stage == Stage::user ||
            stage == Stage::group || stage == Stage::escaped || stage == Stage::frozen)
            continue;
        for (int errnum : {ENOSPC, ENOMEM, EMFILE, EROFS, ELOOP})
            CHECK_MESSAGE(told(stage, errnum, "x").find("hint: ") != std::string::npos, static_cast<int>(stage));
    }
}

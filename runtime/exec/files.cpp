// Device nodes, links, directories and sysctls.
#include "runtime/exec/context.hpp"

#include <linux/magic.h>
#include <sys/stat.h>

namespace davit::exec {
namespace {

// CVE-2026-47766: an image whose /dev is a link must not make us unlink or create on the host; the
// parent is opened inside the root and everything happens relative to it.
bool same_node(int dir, const char* name, const DeviceNode& s) noexcept {
    struct stat st {};
    return ::fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & S_IFMT) == (s.mode & S_IFMT) &&
           st.st_rdev == s.device;
}

bool exists(const char* path) noexcept { return ::faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0; }

} // namespace

bool step(Context& c, const DeviceNode& s) noexcept {
    const char* path = c.steps.text(s.path);
    const char* name = nullptr;
    const int dir = parent_in_root(c, path, &name);
    if (dir < 0) return c.fail(Stage::device, path);
    if (::mknodat(dir, name, s.mode, s.device) < 0) {
        if (errno != EEXIST || !same_node(dir, name, s)) return c.fail(Stage::device, path);
    }
    if ((s.uid || s.gid) && ::fchownat(dir, name, s.uid, s.gid, AT_SYMLINK_NOFOLLOW) < 0)
        return c.fail(Stage::device, path);
    return true;
}

bool step(Context& c, const SymlinkStep& s) noexcept {
    const char* path = c.steps.text(s.path);
    const char* target = c.steps.text(s.target);
    // The kernel's own files are the same in every procfs, so the host's view answers.
    if (s.only_if_target_exists && !exists(target)) return true;
    const char* name = nullptr;
    const int dir = parent_in_root(c, path, &name);
    if (dir < 0 || (::symlinkat(target, dir, name) < 0 && errno != EEXIST)) return c.fail(Stage::symlink, path);
    return true;
}

bool step(Context& c, const MakeDir& s) noexcept {
    const char* path = c.steps.text(s.path);
    Fd fd(make_in_root(c.root, path, true, s.mode));
    struct stat st {};
    if (!fd || ::fstat(fd.get(), &st) < 0) return c.fail(Stage::work_dir, path);
    if (!S_ISDIR(st.st_mode)) return c.fail(Stage::work_dir, ENOTDIR, path);
    return true;
}

// Through our own procfs and without leaving it: CVE-2023-27561, CVE-2025-52881.
bool step(Context& c, const SysctlStep& s) noexcept {
    const char* path = c.steps.text(s.path);
    const char* value = c.steps.text(s.value);
    Fd fd(open_beneath(c.proc, path, O_WRONLY, RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS));
    if (fd && ::write(fd.get(), value, s.value.size) == static_cast<ssize_t>(s.value.size)) return true;
    int why = errno;
    TextBuffer<256> detail;
    detail.text << path + (std::strncmp(path, "sys/", 4) ? 0 : 4) << "=" << value;
    return c.fail(Stage::sysctl, why, detail.c_str());
}

} // namespace davit::exec

#include "archive/file_meta.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace davit::archive {

namespace {
bool privileged() {
    static const bool root = ::geteuid() == 0;
    return root;
}
} // namespace

void set_owner(int fd, uid_t uid, gid_t gid) {
    if (::fchown(fd, uid, gid) < 0 && (privileged() || errno != EPERM))
        throw sys_error(errno, "giving a file to {}:{}", uid, gid);
}

void set_modified(int fd, timespec when) {
    const timespec times[2] = {when, when};
    if (::futimens(fd, times) < 0) throw make_sys_error(errno, "setting a file's time");
}

void set_node_meta(int directory, const std::string& name, const NodeMeta& meta) {
    const UniqueFd node = sys::open_at(directory, name, O_PATH | O_NOFOLLOW);
    struct stat st {};
    if (::fstat(node.get(), &st) < 0) throw sys_error(errno, "looking at {}", name);
    const bool device = S_ISCHR(meta.mode) || S_ISBLK(meta.mode);
    if ((st.st_mode & S_IFMT) != (meta.mode & S_IFMT) || (device && st.st_rdev != meta.device))
        throw error(Errc::conflict, "{} was replaced while it was made", name);
    if (::fchownat(node.get(), "", meta.uid, meta.gid, AT_EMPTY_PATH) < 0 && (privileged() || errno != EPERM))
        throw sys_error(errno, "giving {} to {}:{}", name, meta.uid, meta.gid);
    if (!S_ISLNK(meta.mode)) in_context(name, [&] { sys::set_mode(node.get(), meta.mode & 07777); });
    const timespec times[2] = {meta.modified, meta.modified};
    if (::utimensat(node.get(), "", times, AT_EMPTY_PATH) < 0) throw sys_error(errno, "setting the time of {}", name);
}

bool is_layer_xattr(std::string_view name) {
    if (name.starts_with("trusted.overlay.") || name.starts_with("user.overlay.")) return false;
    if (name.starts_with("security.")) return name == "security.capability";
    return name.starts_with("user.") || name.starts_with("trusted.") || name.starts_with("system.posix_acl_");
}

void set_layer_xattr(int fd, const std::string& name, std::string_view value) {
    if (!is_layer_xattr(name)) return;
    if (::fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) == 0) return;
    if (errno == EOPNOTSUPP || (errno == EPERM && !privileged())) return;
    throw sys_error(errno, "setting the attribute {}", name);
}

void copy_xattrs(int from, int to) {
    const std::string source = fmt::format("/proc/self/fd/{}", from);
    char names[65536]; // XATTR_LIST_MAX
    ssize_t size = ::listxattr(source.c_str(), names, sizeof names);
    if (size < 0) {
        if (errno == EOPNOTSUPP) return;
        throw make_sys_error(errno, "listing extended attributes");
    }
    for (const char* name = names; name < names + size; name += std::string_view(name).size() + 1) {
        if (!is_layer_xattr(name)) continue;
        char value[65536]; // XATTR_SIZE_MAX
        ssize_t n = ::getxattr(source.c_str(), name, value, sizeof value);
        if (n >= 0) set_layer_xattr(to, name, {value, static_cast<std::size_t>(n)});
    }
}

} // namespace davit::archive

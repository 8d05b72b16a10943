#include "image/copy_up.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "image/file_meta.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace davit::image {

namespace {

void copy_bytes(int from, int to) {
    bool by_kernel = true;
    char buffer[65536];
    for (;;) {
        ssize_t n = -1;
        if (by_kernel) n = ::copy_file_range(from, nullptr, to, nullptr, 1u << 30, 0);
        if (by_kernel && n < 0 && (errno == EXDEV || errno == EINVAL || errno == EOPNOTSUPP || errno == ENOSYS)) by_kernel = false;
        if (!by_kernel) {
            n = ::read(from, buffer, sizeof buffer);
            if (n > 0) sys::write_all(to, {buffer, static_cast<std::size_t>(n)});
        }
        if (n == 0) return;
        if (n < 0 && errno != EINTR) throw make_sys_error(errno, "copying");
    }
}

} // namespace

void copy_directory_meta(const RootfsView::Entry& from, int to) {
    set_owner(to, from.status.st_uid, from.status.st_gid);
    if (::fchmod(to, from.status.st_mode & 07777) < 0) throw sys_error(errno, "setting the mode of {}", from.path);
    copy_xattrs(from.parts.front().get(), to);
    set_modified(to, from.status.st_mtim);
}

void ViewCopier::copy_file(const RootfsView::Entry& from, int to, const std::string& name) {
    const auto& st = from.status;
    const auto key = std::make_pair(st.st_dev, st.st_ino);
    if (st.st_nlink > 1) {
        if (auto it = linked_.find(key); it != linked_.end()) {
            if (::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", it->second.get()).c_str(), to, name.c_str(), AT_SYMLINK_FOLLOW) < 0)
                throw sys_error(errno, "linking {}", from.path);
            return;
        }
    }
    UniqueFd in = sys::open(fmt::format("/proc/self/fd/{}", from.parts.front().get()), O_RDONLY);
    UniqueFd out = sys::open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    copy_bytes(in.get(), out.get());
    set_owner(out.get(), st.st_uid, st.st_gid);
    if (::fchmod(out.get(), st.st_mode & 07777) < 0) throw sys_error(errno, "setting the mode of {}", from.path);
    copy_xattrs(in.get(), out.get());
    set_modified(out.get(), st.st_mtim);
    if (st.st_nlink > 1) linked_.emplace(key, sys::open_at(to, name, O_PATH | O_NOFOLLOW));
}

void ViewCopier::copy_node(const RootfsView::Entry& from, int to, const std::string& name) {
    const auto& st = from.status;
    if (S_ISREG(st.st_mode)) return copy_file(from, to, name);
    if (S_ISLNK(st.st_mode)) {
        if (::symlinkat(from.link_target.c_str(), to, name.c_str()) < 0) throw sys_error(errno, "linking {}", from.path);
        set_node_meta(to, name, {st.st_uid, st.st_gid, std::nullopt, st.st_mtim});
        return;
    }
    if (S_ISSOCK(st.st_mode)) return; // without its owner it is nothing
    if (::mknodat(to, name.c_str(), (st.st_mode & S_IFMT) | 0600, st.st_rdev) < 0) throw sys_error(errno, "making {}", from.path);
    set_node_meta(to, name, {st.st_uid, st.st_gid, st.st_mode & 07777, st.st_mtim});
}

void ViewCopier::copy_directory(const RootfsView::Entry& from, int to) {
    for (const auto& name : view_.names(from)) {
        auto entry = view_.child(from, name);
        if (!entry) continue;
        if (!entry->is_directory()) {
            copy_node(*entry, to, name);
            continue;
        }
        if (::mkdirat(to, name.c_str(), 0700) < 0) throw sys_error(errno, "making {}", entry->path);
        UniqueFd sub = sys::open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        copy_directory(*entry, sub.get());
    }
    copy_directory_meta(from, to);
}

bool copy_up(const std::vector<std::string>& layer_paths, const std::string& path, const std::string& destination) {
    RootfsView view(layer_paths);
    auto from = view.lookup(path);
    if (!from || !from->is_directory()) return false;
    UniqueFd to = sys::open(destination, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    return in_context("copying " + path + " of the image to " + destination, [&] {
        ViewCopier(view).copy_directory(*from, to.get());
        return true;
    });
}

} // namespace davit::image

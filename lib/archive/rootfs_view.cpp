#include "archive/rootfs_view.hpp"

#include "archive/layer_tree.hpp"
#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/kernel_abi.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <set>

namespace davit::archive {

namespace {

constexpr std::size_t most_in_view = 16; // directories on the way down, with a descriptor for each layer

UniqueFd reopen_directory(int path_fd) { return sys::open_at(path_fd, ".", O_RDONLY | O_DIRECTORY); }

std::string link_target(int path_fd) {
    char target[PATH_MAX];
    ssize_t n = ::readlinkat(path_fd, "", target, sizeof target);
    if (n < 0) throw sys_error(errno, "reading a symbolic link");
    return {target, static_cast<std::size_t>(n)};
}

} // namespace

RootfsView::RootfsView(std::vector<std::string> layers) {
    for (const auto& path : layers) roots_.push_back(sys::open(path, O_PATH | O_DIRECTORY));
}
RootfsView::RootfsView(RootfsView&&) noexcept = default;
RootfsView::~RootfsView() = default;

std::optional<RootfsView::Entry> RootfsView::child(const Entry& directory, const std::string& name) const {
    Entry out;
    for (std::size_t i = 0; i < directory.parts.size(); ++i) {
        UniqueFd fd(::openat(directory.parts[i].get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!fd) {
            if (errno == ENOENT) continue;
            throw sys_error(errno, "looking for {}", name);
        }
        struct stat st {};
        if (::fstat(fd.get(), &st) < 0) throw sys_error(errno, "looking at {}", name);
        if (is_whiteout(st)) break;
        const bool first = out.parts.empty();
        if (!first && !S_ISDIR(st.st_mode)) break; // a file under a directory is hidden
        if (first) out.status = st;
        out.parts.push_back(std::move(fd));
        out.layers.push_back(directory.layers[i]);
        if (!S_ISDIR(st.st_mode) || is_opaque(reopen_directory(out.parts.back().get()).get())) break;
    }
    if (out.parts.empty()) return std::nullopt;
    out.path = directory.path == "/" ? "/" + name : directory.path + "/" + name;
    if (S_ISLNK(out.status.st_mode)) out.link_target = link_target(out.parts.front().get());
    return out;
}

void RootfsView::open_again(Entry& directory) const {
    if (!directory.parts.empty()) return;
    const std::string below = directory.path == "/" ? "." : directory.path.substr(1);
    for (const std::size_t layer : directory.layers)
        directory.parts.push_back(
            sys::open_at2(roots_[layer].get(), below, O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS));
}

std::optional<RootfsView::Entry> RootfsView::lookup(std::string_view path, bool follow) const {
    auto root = [&] {
        Entry out;
        out.path = "/";
        for (std::size_t i = 0; i < roots_.size(); ++i) {
            out.parts.push_back(sys::open_at(roots_[i].get(), ".", O_PATH | O_DIRECTORY));
            out.layers.push_back(i);
        }
        if (!roots_.empty() && ::fstat(roots_.front().get(), &out.status) < 0)
            throw sys_error(errno, "looking at the image's root");
        return out;
    };
    if (roots_.empty()) return std::nullopt;
    std::vector<Entry> stack;
    stack.push_back(root());
    std::list<std::string> todo = split_path(path);
    int links = 0;
    while (!todo.empty()) {
        std::string name = std::move(todo.front());
        todo.pop_front();
        if (!stack.back().is_directory()) return std::nullopt;
        if (name == "..") {
            if (stack.size() > 1) stack.pop_back();
            open_again(stack.back());
            continue;
        }
        auto next = child(stack.back(), name);
        if (!next) return std::nullopt;
        if (!S_ISLNK(next->status.st_mode) || (todo.empty() && !follow)) {
            if (stack.size() >= most_in_view) stack[stack.size() - most_in_view].parts.clear();
            stack.push_back(std::move(*next));
            continue;
        }
        if (++links > max_links) throw error(Errc::failed, "too many symbolic links in '{}' of the image", path);
        if (next->link_target.starts_with('/')) {
            stack.resize(1);
            open_again(stack.back());
        }
        todo.splice(todo.begin(), split_path(next->link_target));
    }
    return std::move(stack.back());
}

std::vector<std::string> RootfsView::names(const Entry& directory) const {
    std::set<std::string> seen, visible; // seen: decided by a higher layer
    for (const auto& part : directory.parts) {
        UniqueFd fd = reopen_directory(part.get());
        Dir listing(::fdopendir(fd.get()));
        if (!listing) throw sys_error(errno, "listing {}", directory.path);
        fd.release();
        while (dirent* e = ::readdir(listing.get())) {
            std::string name = e->d_name;
            if (name == "." || name == ".." || !seen.insert(name).second) continue;
            struct stat st {};
            if ((e->d_type == DT_CHR || e->d_type == DT_UNKNOWN) &&
                ::fstatat(part.get(), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_whiteout(st))
                continue;
            visible.insert(std::move(name));
        }
    }
    return {visible.begin(), visible.end()};
}

std::optional<std::string> RootfsView::read_file(std::string_view path, std::size_t max_bytes) const {
    auto entry = lookup(path);
    if (!entry || !S_ISREG(entry->status.st_mode)) return std::nullopt;
    if (static_cast<std::uint64_t>(entry->status.st_size) > max_bytes)
        throw error(Errc::failed, "{} of the image has {} bytes, more than {}", path, entry->status.st_size, max_bytes);
    return sys::read_all(sys::reopen(entry->parts.front().get(), O_RDONLY).get());
}

} // namespace davit::archive

#include "archive/layer_writer.hpp"

#include "archive/file_meta.hpp"
#include "base/error.hpp"
#include "base/kernel_abi.hpp"
#include "base/sys.hpp"
#include "base/write_back.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace davit::archive {

namespace {

constexpr std::string_view whiteout_prefix = ".wh.";
constexpr std::string_view meta_prefix = ".wh..wh.";
constexpr std::string_view opaque_name = ".wh..wh..opq";

timespec modified(const TarEntry& e) { return {static_cast<time_t>(e.mtime), static_cast<long>(e.mtime_ns)}; }

void write_at(int fd, std::string_view bytes, std::uint64_t offset) {
    while (!bytes.empty()) {
        ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw make_sys_error(errno, "writing");
        bytes.remove_prefix(static_cast<std::size_t>(n));
        offset += static_cast<std::uint64_t>(n);
    }
}

void write_sparse(int fd, TarReader& tar, const TarEntry& entry) {
    std::string_view piece;
    for (auto segment : entry.segments) {
        while (segment.length > 0) {
            if (piece.empty()) piece = tar.data();
            auto now = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), segment.length)));
            write_at(fd, now, segment.offset);
            piece.remove_prefix(now.size());
            segment.offset += now.size();
            segment.length -= now.size();
        }
    }
    if (::ftruncate(fd, static_cast<off_t>(entry.size)) < 0) throw make_sys_error(errno, "writing");
}

// make() returns a system call's result; what is in the way is removed once.
template <typename F>
void make_in_place(LayerTree& tree, const LayerTree::Place& place, F&& make) {
    if (make() >= 0) return;
    if (errno == EEXIST) {
        tree.remove(place);
        if (make() >= 0) return;
    }
    throw sys_error(errno, "making {}", place.path());
}

} // namespace

LayerWriter::LayerWriter(const std::string& root)
    : tree_(root,
            {[this](const std::string& path) { held_.names(path.size()), result_.unsettled.implicit.insert(path); },
             [this](const std::string& path) { forget_below(path); }}) {}

namespace {
// "a" and "a/…", not "a.b", which sorts between them.
template <typename Sorted>
void erase_below(Sorted& from, const std::string& path) {
    from.erase(path);
    from.erase(from.lower_bound(path + "/"), from.lower_bound(path + "0")); // '0' comes after '/'
}
} // namespace

void LayerWriter::forget_below(const std::string& path) {
    erase_below(directories_, path);
    erase_below(result_.unsettled.implicit, path);
    erase_below(result_.unsettled.links, path);
}

void LayerWriter::remember(const std::string& path, const TarEntry& e) {
    held_.directory(path, e);
    directories_[path] = {e.mode, e.uid, e.gid, e.mtime_ns, e.mtime, e.xattrs};
}

void LayerWriter::add(TarReader& tar, const TarEntry& entry) {
    std::string path = clean_path(entry.path);
    if (path.empty()) return add_root(entry);
    if (add_mark(path)) return;
    if (entry.type == TarEntry::Type::directory) return add_directory(entry, path);
    LayerTree::Place place = tree_.place(path);
    switch (entry.type) {
    case TarEntry::Type::file: return add_file(tar, entry, place);
    case TarEntry::Type::hardlink: return add_hardlink(entry, place);
    case TarEntry::Type::symlink: return add_symlink(entry, place);
    default: return add_node(entry, place);
    }
}

void LayerWriter::add_root(const TarEntry& e) {
    if (e.type != TarEntry::Type::directory) throw error(Errc::failed, "the layer's root is no directory");
    remember("", e);
}

// Whiteouts speak of the layers below only: what this layer itself brings stays, wherever it comes
// in the tar (image-spec layer.md).
bool LayerWriter::add_mark(const std::string& path) {
    auto slash = path.find_last_of('/');
    std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
    if (!name.starts_with(whiteout_prefix)) return false;
    if (name.starts_with(meta_prefix) && name != opaque_name) return true; // aufs's own files
    LayerTree::Place place = tree_.place(path);
    if (name == opaque_name) {
        if (place.parent.empty()) {
            result_.opaque_root = true;
        } else {
            UniqueFd directory = sys::open_at(place.directory, ".", O_RDONLY | O_DIRECTORY);
            make_opaque(directory.get());
        }
        return true;
    }
    name.erase(0, whiteout_prefix.size());
    if (name.empty() || name == "." || name == "..") throw error(Errc::failed, "'{}' is no valid whiteout", path);
    struct stat st {};
    if (::fstatat(place.directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) {
        make_whiteout(place.directory, name);
    } else if (S_ISDIR(st.st_mode)) {
        UniqueFd directory = sys::open_at(place.directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        make_opaque(directory.get());
    }
    return true;
}

void LayerWriter::add_directory(const TarEntry& e, const std::string& path) {
    LayerTree::Place place = tree_.place(path);
    const std::string where = place.path();
    bool opaque = false;
    if (::mkdirat(place.directory, place.name.c_str(), 0700) < 0) {
        if (errno != EEXIST) throw sys_error(errno, "making the directory {}", where);
        struct stat st {};
        if (::fstatat(place.directory, place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0)
            throw sys_error(errno, "looking at {}", where);
        if (!S_ISDIR(st.st_mode)) {
            opaque = is_whiteout(st);
            tree_.remove(place);
            if (::mkdirat(place.directory, place.name.c_str(), 0700) < 0)
                throw sys_error(errno, "making the directory {}", where);
        }
    }
    if (opaque) {
        UniqueFd directory = sys::open_at(place.directory, place.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        make_opaque(directory.get());
    }
    result_.unsettled.implicit.erase(where);
    remember(where, e);
}

void LayerWriter::add_file(TarReader& tar, const TarEntry& e, const LayerTree::Place& place) {
    UniqueFd fd;
    make_in_place(tree_, place, [&] {
        fd.reset(
            ::openat(place.directory, place.name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        return fd.get();
    });
    if (e.sparse) {
        write_sparse(fd.get(), tar, e);
    } else {
        for (auto piece = tar.data(); !piece.empty(); piece = tar.data()) sys::write_all(fd.get(), piece);
        constexpr std::uint64_t worth_a_call = 256u << 10;
        if (e.size >= worth_a_call) start_write_back(fd.get(), 0, e.size);
    }
    // The owner first: chown drops setuid bits and capabilities.
    set_owner(fd.get(), e.uid, e.gid);
    if (::fchmod(fd.get(), e.mode) < 0) throw make_sys_error(errno, "setting the mode");
    for (const auto& [name, value] : e.xattrs) set_layer_xattr(fd.get(), name, value);
    set_modified(fd.get(), modified(e));
    result_.size += e.size;
}

void LayerWriter::add_hardlink(const TarEntry& e, const LayerTree::Place& place) {
    std::string target = clean_path(e.link);
    if (target.empty()) throw error(Errc::failed, "'{}' is a hard link to the root directory", e.path);
    // place() and find() share one cached parent: keep this one's directory.
    LayerTree::Place mine = place;
    UniqueFd directory = sys::open_at(place.directory, ".", O_PATH | O_DIRECTORY);
    mine.directory = directory.get();
    LayerTree::Place there = tree_.find(target);
    struct stat st {};
    if (there.directory < 0 || ::fstatat(there.directory, there.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0 ||
        is_whiteout(st)) {
        std::string source = there.directory < 0 ? target : there.path();
        if (auto waits = result_.unsettled.links.find(source); waits != result_.unsettled.links.end())
            source = waits->second;
        held_.names(mine.path().size() + source.size());
        result_.unsettled.links[mine.path()] = source;
        return;
    }
    if (S_ISDIR(st.st_mode)) throw error(Errc::failed, "'{}' is a hard link to the directory '{}'", e.path, e.link);
    if (there.path() == mine.path()) return;
    make_in_place(tree_, mine,
                  [&] { return ::linkat(there.directory, there.name.c_str(), mine.directory, mine.name.c_str(), 0); });
}

void LayerWriter::add_symlink(const TarEntry& e, const LayerTree::Place& place) {
    make_in_place(tree_, place, [&] { return ::symlinkat(e.link.c_str(), place.directory, place.name.c_str()); });
    set_node_meta(place.directory, place.name, {S_IFLNK, 0, modified(e), e.uid, e.gid});
}

void LayerWriter::add_node(const TarEntry& e, const LayerTree::Place& place) {
    mode_t type = e.type == TarEntry::Type::char_device    ? S_IFCHR
                  : e.type == TarEntry::Type::block_device ? S_IFBLK
                                                           : S_IFIFO;
    dev_t device = type == S_IFIFO ? 0 : makedev(e.device_major, e.device_minor);
    if (type == S_IFCHR && device == 0)
        throw error(Errc::failed, "'{}' is the character device 0:0, which overlayfs takes for a whiteout", e.path);
    if (type != S_IFIFO && ::geteuid() != 0) return; // nobody else may make devices, and /dev comes from the runtime
    make_in_place(tree_, place, [&] { return ::mknodat(place.directory, place.name.c_str(), type | 0600, device); });
    set_node_meta(place.directory, place.name, {type | e.mode, device, modified(e), e.uid, e.gid});
}

Unpacked LayerWriter::finish() {
    for (const auto& [path, meta] : directories_) {
        UniqueFd fd = sys::open_at2(tree_.root(), path.empty() ? "." : path, O_RDONLY | O_DIRECTORY, 0,
                                    RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
        set_owner(fd.get(), meta.uid, meta.gid);
        if (::fchmod(fd.get(), meta.mode) < 0) throw sys_error(errno, "setting the mode of {}", path);
        for (const auto& [name, value] : meta.xattrs) set_layer_xattr(fd.get(), name, value);
        set_modified(fd.get(), {static_cast<time_t>(meta.mtime), static_cast<long>(meta.mtime_ns)});
    }
    return std::move(result_);
}

Unpacked unpack_layer(ByteSource& from, const std::string& root) {
    TarReader tar(from);
    LayerWriter writer(root);
    TarEntry entry;
    while (tar.next(entry)) {
        try {
            writer.add(tar, entry);
        } catch (Error& e) {
            e.with_context("unpacking '" + entry.path + "'");
            throw;
        }
    }
    return writer.finish();
}

} // namespace davit::archive

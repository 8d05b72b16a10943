#include "rootfs/tree_writer.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "image/file_meta.hpp"
#include "image/layer_tree.hpp"
#include "image/tar_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <vector>

namespace davit::rootfs {

namespace {

using Type = image::TarEntry::Type;

timespec modified(const image::TarEntry& e) { return {static_cast<time_t>(e.mtime), static_cast<long>(e.mtime_ns)}; }

class Writer {
public:
    Writer(image::ByteSource& from, const WriteOptions& options) : tar_(from), options_(options) {}

    void run() {
        image::TarEntry entry;
        while (tar_.next(entry)) add(entry);
        // Last, because what is written into a directory changes its time and may need its mode.
        for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) finish_directory(*it);
    }

private:
    struct Place {
        int directory;
        std::string name;
    };

    void add(const image::TarEntry& e) {
        const std::string path = image::clean_path(e.path);
        if (path.empty()) return; // the directory itself stays as it is
        const Place place = place_of(path);
        struct stat st {};
        const bool there = ::fstatat(place.directory, place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
        if (e.type == Type::directory) return add_directory(e, place, path, there, st);
        if (there && S_ISDIR(st.st_mode)) throw error(Errc::conflict, "cannot overwrite directory \"{}\" with non-directory", shown(path));
        bool overwrite = false;
        if (there && ::unlinkat(place.directory, place.name.c_str(), 0) < 0) {
            overwrite = errno == EBUSY && S_ISREG(st.st_mode) && e.type == Type::file;
            if (!overwrite) throw sys_error(errno, "replacing {}", shown(path));
        }
        switch (e.type) {
        case Type::file: return add_file(e, place, path, overwrite);
        case Type::hardlink: return add_hardlink(e, place, path);
        case Type::symlink:
            if (::symlinkat(e.link.c_str(), place.directory, place.name.c_str()) < 0) throw sys_error(errno, "making {}", shown(path));
            return node_meta(e, place, false);
        default: return add_node(e, place, path);
        }
    }

    std::string shown(const std::string& path) const { return options_.directory.empty() || options_.directory == "." ? path : options_.directory + "/" + path; }

    // The parent directory, made when the archive did not bring it.
    Place place_of(const std::string& path) {
        const std::size_t slash = path.rfind('/');
        const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
        if (!parent_ || parent != parent_path_) {
            parent_ = open_directory(parent);
            parent_path_ = parent;
        }
        return {parent_.get(), path.substr(slash == std::string::npos ? 0 : slash + 1)};
    }

    UniqueFd open_directory(const std::string& path) {
        const std::string whole = path.empty() ? options_.directory : options_.directory + "/" + path;
        try {
            return sys::open_at2(options_.root, whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, options_.resolve | RESOLVE_NO_MAGICLINKS);
        } catch (const Error& e) {
            if (e.os().value() != ENOENT || path.empty()) throw;
        }
        const std::size_t slash = path.rfind('/');
        const UniqueFd above = open_directory(slash == std::string::npos ? "" : path.substr(0, slash));
        if (::mkdirat(above.get(), path.substr(slash == std::string::npos ? 0 : slash + 1).c_str(), 0755) < 0) throw sys_error(errno, "making {}", shown(path));
        return open_directory(path);
    }

    void add_directory(const image::TarEntry& e, const Place& place, const std::string& path, bool there, const struct stat& st) {
        if (there && !S_ISDIR(st.st_mode)) throw error(Errc::conflict, "cannot overwrite non-directory \"{}\" with directory", shown(path));
        if (!there && ::mkdirat(place.directory, place.name.c_str(), 0700) < 0) throw sys_error(errno, "making {}", shown(path));
        directories_.push_back({path, e});
    }

    void finish_directory(const std::pair<std::string, image::TarEntry>& one) {
        const auto& [path, e] = one;
        const UniqueFd fd = open_directory(path);
        if (options_.owners) image::set_owner(fd.get(), e.uid, e.gid);
        if (::fchmod(fd.get(), e.mode) < 0) throw sys_error(errno, "setting the mode of {}", shown(path));
        if (options_.owners)
            for (const auto& [name, value] : e.xattrs) image::set_layer_xattr(fd.get(), name, value);
        image::set_modified(fd.get(), modified(e));
    }

    void add_file(const image::TarEntry& e, const Place& place, const std::string& path, bool overwrite) {
        const int flags = O_WRONLY | O_NOFOLLOW | (overwrite ? O_TRUNC : O_CREAT | O_EXCL);
        const UniqueFd fd = in_context("writing " + shown(path), [&] { return sys::open_at(place.directory, place.name, flags, 0600); });
        std::size_t segment = 0;
        std::uint64_t at = 0;
        for (auto piece = tar_.data(); !piece.empty(); piece = tar_.data()) {
            while (e.sparse && !piece.empty()) {
                const auto& s = e.segments.at(segment);
                const auto now = piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), s.length - at)));
                if (::lseek(fd.get(), static_cast<off_t>(s.offset + at), SEEK_SET) < 0) throw sys_error(errno, "writing {}", shown(path));
                sys::write_all(fd.get(), now);
                piece.remove_prefix(now.size());
                at += now.size();
                if (at == s.length) ++segment, at = 0;
            }
            sys::write_all(fd.get(), piece);
        }
        if (e.sparse && ::ftruncate(fd.get(), static_cast<off_t>(e.size)) < 0) throw sys_error(errno, "writing {}", shown(path));
        // The owner first: chown drops setuid bits and capabilities.
        if (options_.owners) image::set_owner(fd.get(), e.uid, e.gid);
        if (::fchmod(fd.get(), e.mode) < 0) throw sys_error(errno, "setting the mode of {}", shown(path));
        if (options_.owners)
            for (const auto& [name, value] : e.xattrs) image::set_layer_xattr(fd.get(), name, value);
        image::set_modified(fd.get(), modified(e));
    }

    void add_hardlink(const image::TarEntry& e, const Place& place, const std::string& path) {
        const std::string target = image::clean_path(e.link);
        const std::size_t slash = target.rfind('/');
        const UniqueFd directory = open_directory(slash == std::string::npos ? "" : target.substr(0, slash));
        if (::linkat(directory.get(), target.substr(slash == std::string::npos ? 0 : slash + 1).c_str(), place.directory, place.name.c_str(), 0) < 0)
            throw sys_error(errno, "linking {} to {}", shown(path), e.link);
    }

    void add_node(const image::TarEntry& e, const Place& place, const std::string& path) {
        const mode_t type = e.type == Type::char_device ? S_IFCHR : e.type == Type::block_device ? S_IFBLK : S_IFIFO;
        const dev_t device = type == S_IFIFO ? 0 : makedev(e.device_major, e.device_minor);
        if (::mknodat(place.directory, place.name.c_str(), type | 0600, device) < 0) throw sys_error(errno, "making {}", shown(path));
        node_meta(e, place, true);
    }

    void node_meta(const image::TarEntry& e, const Place& place, bool has_mode) {
        struct stat st {};
        if (::fstatat(place.directory, place.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) throw make_sys_error(errno, "looking at a new file");
        image::set_node_meta(place.directory, place.name,
                             {options_.owners ? e.uid : st.st_uid, options_.owners ? e.gid : st.st_gid,
                              has_mode ? std::optional<mode_t>(e.mode) : std::nullopt, modified(e)});
    }

    image::TarReader tar_;
    const WriteOptions& options_;
    std::string parent_path_;
    UniqueFd parent_;
    std::vector<std::pair<std::string, image::TarEntry>> directories_;
};

} // namespace

void write_tree(image::ByteSource& tar, const WriteOptions& options) { Writer(tar, options).run(); }

} // namespace davit::rootfs

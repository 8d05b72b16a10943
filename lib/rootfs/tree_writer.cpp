#include "rootfs/tree_writer.hpp"

#include "archive/file_meta.hpp"
#include "archive/held_entries.hpp"
#include "archive/layer_tree.hpp"
#include "archive/tar_reader.hpp"
#include "archive/tar_stream.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <linux/openat2.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace davit::rootfs {

namespace {

using Type = archive::TarEntry::Type;

constexpr int max_links = 40; // as the kernel's own limit

timespec modified(const archive::TarEntry& e) { return {static_cast<time_t>(e.mtime), static_cast<long>(e.mtime_ns)}; }

class Writer {
public:
    Writer(archive::ByteSource& from, const WriteOptions& options) : tar_(from), options_(options) {}

    void run() {
        archive::TarEntry entry;
        while (tar_.next(entry)) add(entry);
        // Last, because what is written into a directory changes its time and may need its mode.
        for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) finish_directory(*it);
        tell();
    }

private:
    struct Place {
        int directory;
        std::string name;
    };
    // What stands where an entry goes, looked up once.
    struct Present {
        UniqueFd fd; // O_PATH; empty: nothing
        struct stat status {};
        bool is_mount = false;
        bool is_directory() const { return fd && S_ISDIR(status.st_mode); }
        bool is_device() const { return fd && (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode)); }
    };
    using Inode = std::pair<dev_t, ino_t>;
    struct Directory {
        std::string path;
        archive::TarEntry entry;
    };

    void add(const archive::TarEntry& e) {
        const std::string path = archive::clean_path(e.path);
        if (path.empty()) return; // the directory itself stays as it is
        if (!options_.special && leave_out(e, path)) return;
        const Place place = place_of(path);
        const Present present = present_at(place, path);
        if (e.type == Type::directory) return add_directory(e, place, path, present);
        if (present.is_directory())
            throw error(Errc::conflict, "cannot overwrite directory \"{}\" with non-directory", shown(path));
        if (present.is_mount) return write_over(e, present, path);
        if (present.is_device() && !is_device(e) && !options_.over_devices)
            throw error(Errc::conflict, "{} is a device: a file would take its place", shown(path));
        if (present.fd && ::unlinkat(place.directory, place.name.c_str(), 0) < 0)
            throw sys_error(errno, "replacing {}", shown(path));
        switch (e.type) {
        case Type::file: return add_file(e, place, path);
        case Type::hardlink: return add_hardlink(e, place, path);
        case Type::symlink:
            if (::symlinkat(e.link.c_str(), place.directory, place.name.c_str()) < 0)
                throw sys_error(errno, "making {}", shown(path));
            return node_meta(e, place, S_IFLNK, 0);
        default: return add_node(e, place, path);
        }
    }

    // Seen from another mount namespace, a mount point does not keep its file from being removed: the
    // kernel would take the container's mount away with it.
    Present present_at(const Place& place, const std::string& path) const {
        Present out;
        out.fd.reset(::openat(place.directory, place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        if (!out.fd && errno == ENOENT) return out;
        struct statx more {};
        if (!out.fd || ::fstat(out.fd.get(), &out.status) < 0 || ::statx(out.fd.get(), "", AT_EMPTY_PATH, 0, &more) < 0)
            throw sys_error(errno, "looking at {}", shown(path));
        out.is_mount = (more.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
        return out;
    }

    static bool is_device(const archive::TarEntry& e) {
        return e.type == Type::char_device || e.type == Type::block_device;
    }

    bool leave_out(const archive::TarEntry& e, const std::string& path) {
        const bool device = is_device(e);
        const bool link = e.type == Type::hardlink && left_out_.contains(archive::clean_path(e.link));
        if (device || link) {
            held_.names(path.size());
            left_out_.insert(path);
        }
        return device || link;
    }

    std::string shown(const std::string& path) const {
        constexpr std::size_t enough = 240;
        const std::string& directory = options_.directory;
        const std::string whole =
            directory.empty() || directory == "." ? path : directory + (directory.ends_with("/") ? "" : "/") + path;
        return whole.size() > enough ? whole.substr(0, enough) + "…" : whole;
    }

    // The parent directory, made when the archive did not bring it.
    Place place_of(const std::string& path) {
        const std::size_t slash = path.rfind('/');
        const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
        if (!parent_ || parent != parent_path_) {
            parent_ = open_made(parent);
            parent_path_ = parent;
        }
        return {parent_.get(), path.substr(slash == std::string::npos ? 0 : slash + 1)};
    }

    UniqueFd open_directory(const std::string& path) {
        const std::string whole = path.empty() ? options_.directory : options_.directory + "/" + path;
        try {
            return sys::open_at2(options_.root, whole, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0,
                                 options_.resolve | RESOLVE_NO_MAGICLINKS);
        } catch (const Error& e) {
            if (e.os().value() == ENAMETOOLONG) throw sys_error(ENAMETOOLONG, "writing {}", shown(path));
            if (e.os().value() != ENOENT || path.empty()) throw;
        }
        const std::size_t slash = path.rfind('/');
        const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash),
                          name = path.substr(slash == std::string::npos ? 0 : slash + 1);
        const UniqueFd above = open_directory(parent);
        if (::mkdirat(above.get(), name.c_str(), 0755) < 0) {
            if (errno != EEXIST || !options_.through_links || ++links_ > max_links)
                throw sys_error(errno, "making {}", shown(path));
            open_directory(link_target(above.get(), parent, name));
        } else if (options_.owner) {
            const UniqueFd made = sys::open_at(above.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
            archive::set_owner(made.get(), options_.owner->first, options_.owner->second);
        }
        return open_directory(path);
    }

    // Where a link leads that leads nowhere yet, from the root.
    std::string link_target(int directory, const std::string& parent, const std::string& name) const {
        std::string target(PATH_MAX, '\0');
        const ssize_t n = ::readlinkat(directory, name.c_str(), target.data(), target.size());
        if (n < 0) throw sys_error(EEXIST, "making {}", shown(parent + "/" + name));
        target.resize(static_cast<std::size_t>(n));
        const std::filesystem::path whole = target.starts_with("/") ? target : "/" + parent + "/" + target;
        return archive::clean_path(whole.lexically_normal().string());
    }

    // A directory that came with the tar is the one that was made, not what somebody put in its place.
    UniqueFd open_made(const std::string& path) {
        UniqueFd fd = open_directory(path);
        const auto made = made_.find(path);
        if (made != made_.end() && inode_of(fd.get()) != made->second)
            throw error(Errc::conflict, "{} was replaced while it was written", shown(path));
        return fd;
    }

    static Inode inode_of(int fd) {
        struct stat st {};
        if (::fstat(fd, &st) < 0) throw make_sys_error(errno, "looking at a directory");
        return {st.st_dev, st.st_ino};
    }

    void add_directory(const archive::TarEntry& e, const Place& place, const std::string& path,
                       const Present& present) {
        if (present.fd && !present.is_directory())
            throw error(Errc::conflict, "cannot overwrite non-directory \"{}\" with directory", shown(path));
        if (!present.fd && ::mkdirat(place.directory, place.name.c_str(), 0700) < 0)
            throw sys_error(errno, "making {}", shown(path));
        const UniqueFd fd = sys::open_at(place.directory, place.name, O_PATH | O_DIRECTORY | O_NOFOLLOW);
        held_.directory(path, e);
        made_[path] = inode_of(fd.get());
        directories_.push_back({path, e});
    }

    void finish_directory(const Directory& one) {
        const archive::TarEntry& e = one.entry;
        const UniqueFd fd = open_made(one.path);
        set_meta(fd.get(), e, e.mode, one.path);
    }

    std::pair<uid_t, gid_t> owner_of(const archive::TarEntry& e) const {
        return options_.owner.value_or(std::pair<uid_t, gid_t>(e.uid, e.gid));
    }

    void set_meta(int fd, const archive::TarEntry& e, mode_t mode, const std::string& path) const {
        // The owner first: chown drops setuid bits and capabilities.
        if (options_.owners) {
            const auto [uid, gid] = owner_of(e);
            archive::set_owner(fd, uid, gid);
        }
        if (::fchmod(fd, mode) < 0) throw sys_error(errno, "setting the mode of {}", shown(path));
        if (options_.owners)
            for (const auto& [name, value] : e.xattrs) archive::set_layer_xattr(fd, name, value);
        archive::set_modified(fd, modified(e));
    }

    void add_file(const archive::TarEntry& e, const Place& place, const std::string& path) {
        const UniqueFd fd = in_context("writing " + shown(path), [&] {
            return sys::open_at(place.directory, place.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        });
        write_data(fd.get(), e, path);
        mode_t mode = e.mode;
        if (!options_.special && (mode & (S_ISUID | S_ISGID))) {
            mode &= ~static_cast<mode_t>(S_ISUID | S_ISGID);
            held_.names(path.size());
            stripped_.push_back(path);
        }
        set_meta(fd.get(), e, mode, path);
    }

    // What is mounted there gets the contents, and stays the file it is. It may be the very file that is
    // being read: nothing is cut off before all of it has come.
    void write_over(const archive::TarEntry& e, const Present& present, const std::string& path) {
        if (!options_.over_mounts) throw error(Errc::conflict, "something is mounted at {}", shown(path));
        if (e.type != Type::file || !S_ISREG(present.status.st_mode))
            throw error(Errc::conflict, "{} is a mount point: only a file's contents can be written there",
                        shown(path));
        UniqueFd fd;
        try {
            fd = sys::reopen(present.fd.get(), O_WRONLY | O_NONBLOCK);
        } catch (const Error& problem) {
            if (problem.os().value() != EROFS) throw sys_error(problem.os().value(), "writing {}", shown(path));
            throw error(problem.kind(), "{} is mounted read-only", shown(path)).with_os(problem.os());
        }
        if (e.sparse && ::ftruncate(fd.get(), 0) < 0) throw sys_error(errno, "writing {}", shown(path));
        write_data(fd.get(), e, path);
        if (::ftruncate(fd.get(), static_cast<off_t>(e.size)) < 0) throw sys_error(errno, "writing {}", shown(path));
    }

    void write_data(int fd, const archive::TarEntry& e, const std::string& path) {
        std::size_t segment = 0;
        std::uint64_t at = 0;
        for (auto piece = tar_.data(); !piece.empty(); piece = tar_.data()) {
            while (e.sparse && !piece.empty()) {
                const auto& s = e.segments.at(segment);
                const auto now =
                    piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), s.length - at)));
                if (::lseek(fd, static_cast<off_t>(s.offset + at), SEEK_SET) < 0)
                    throw sys_error(errno, "writing {}", shown(path));
                sys::write_all(fd, now);
                piece.remove_prefix(now.size());
                at += now.size();
                if (at == s.length) ++segment, at = 0;
            }
            sys::write_all(fd, piece);
        }
        if (e.sparse && ::ftruncate(fd, static_cast<off_t>(e.size)) < 0)
            throw sys_error(errno, "writing {}", shown(path));
    }

    void add_hardlink(const archive::TarEntry& e, const Place& place, const std::string& path) {
        const std::string target = archive::clean_path(e.link);
        const std::size_t slash = target.rfind('/');
        const UniqueFd directory = open_directory(slash == std::string::npos ? "" : target.substr(0, slash));
        if (::linkat(directory.get(), target.substr(slash == std::string::npos ? 0 : slash + 1).c_str(),
                     place.directory, place.name.c_str(), 0) < 0)
            throw sys_error(errno, "linking {} to {}", shown(path), e.link);
    }

    void add_node(const archive::TarEntry& e, const Place& place, const std::string& path) {
        const mode_t type = e.type == Type::char_device ? S_IFCHR : e.type == Type::block_device ? S_IFBLK : S_IFIFO;
        const dev_t device = type == S_IFIFO ? 0 : makedev(e.device_major, e.device_minor);
        if (::mknodat(place.directory, place.name.c_str(), type | 0600, device) < 0)
            throw sys_error(errno, "making {}", shown(path));
        node_meta(e, place, type, device);
    }

    void node_meta(const archive::TarEntry& e, const Place& place, mode_t type, dev_t device) const {
        const auto owner = options_.owners ? owner_of(e) : std::pair<uid_t, gid_t>(::geteuid(), ::getegid());
        archive::set_node_meta(place.directory, place.name,
                               {type | e.mode, device, modified(e), owner.first, owner.second});
    }

    void tell() const {
        if (!options_.warning) return;
        const auto several = [](std::size_t n, const std::string& path) {
            return n == 1 ? path : fmt::format("{} and {} more", path, n - 1);
        };
        if (!left_out_.empty())
            options_.warning("left out, being a device: " + several(left_out_.size(), shown(*left_out_.begin())));
        if (!stripped_.empty())
            options_.warning("without its setuid and setgid bits: " +
                             several(stripped_.size(), shown(stripped_.front())));
    }

    archive::TarReader tar_;
    const WriteOptions& options_;
    std::string parent_path_;
    UniqueFd parent_;
    std::vector<Directory> directories_;
    std::map<std::string, Inode> made_; // what the tar brought
    std::set<std::string> left_out_;
    int links_ = 0;
    std::vector<std::string> stripped_;
    archive::HeldEntries held_{"archive"};
};

} // namespace

void write_tree(archive::ByteSource& tar, const WriteOptions& options) { Writer(tar, options).run(); }

void write_file(int root, const SmallFile& file) {
    std::string bytes;
    archive::TarStream tar([&](std::string_view more) { bytes += more; });
    archive::TarEntry entry;
    entry.path = file.path;
    entry.mode = file.mode & 07777;
    entry.uid = file.uid;
    entry.gid = file.gid;
    entry.mtime = std::time(nullptr);
    entry.size = file.content.size();
    tar.add(entry);
    tar.data(file.content);
    tar.finish();
    archive::MemorySource source(std::move(bytes));
    WriteOptions options;
    options.root = root;
    options.resolve = RESOLVE_IN_ROOT;
    options.directory = "/";
    options.over_mounts = false;
    options.over_devices = true;
    options.through_links = true;
    write_tree(source, options);
}

} // namespace davit::rootfs

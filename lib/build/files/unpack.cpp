#include "build/files/unpack.hpp"

#include "archive/file_meta.hpp"
#include "archive/held_entries.hpp"
#include "archive/layer_tree.hpp"
#include "archive/tar_reader.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"
#include "build/files/archive_source.hpp"
#include "build/files/locate.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <vector>

namespace davit::build {

namespace {

using TarType = archive::TarEntry::Type;
using Header = std::array<char, 512>;

// As tar(1) tells a header: the sum of its bytes stands in it.
bool is_tar_header(const Header& block) {
    constexpr std::size_t at = 148, size = 8;
    long expected = 0;
    bool digits = false;
    for (std::size_t i = at; i < at + size; ++i) {
        if (block[i] >= '0' && block[i] <= '7') {
            expected = expected * 8 + (block[i] - '0');
            digits = true;
        } else if (digits) break;
        else if (block[i] != ' ' && block[i] != '\0') return false;
    }
    if (!digits) return false;
    long plain = 0, with_sign = 0;
    for (std::size_t i = 0; i < block.size(); ++i) {
        const char c = i >= at && i < at + size ? ' ' : block[i];
        plain += static_cast<unsigned char>(c);
        with_sign += static_cast<signed char>(c);
    }
    return expected == plain || expected == with_sign;
}

UniqueFd duplicate(int fd) {
    UniqueFd out(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!out) throw make_sys_error(errno, "duplicating a descriptor");
    return out;
}

class Unpacker {
public:
    Unpacker(archive::ByteSource& bytes, int directory, const UnpackOptions& options)
        : tar_(bytes), root_(directory), options_(options) {}

    void run() {
        archive::TarEntry entry;
        while (tar_.next(entry)) {
            if (options_.stop.stop_requested()) throw error(Errc::interrupted, "unpacking was interrupted");
            in_context("unpacking " + entry.path, [&] { add(entry); });
        }
        // Last, as what is made in a directory changes its time; the innermost first.
        for (auto it = directories_.rbegin(); it != directories_.rend(); ++it) finish_directory(*it);
    }

private:
    struct Directory {
        std::string path;
        archive::TarEntry entry;
        dev_t device;
        ino_t inode;
    };
    struct Slot {
        int directory;
        std::string name;
    };

    LocateRules rules(bool make) {
        LocateRules out;
        out.refuse_escape = true;
        if (make)
            out.make = [this](int above, const std::string& name, const std::string& path) {
                if (::mkdirat(above, name.c_str(), 0755) < 0) throw sys_error(errno, "making the directory {}", path);
                const UniqueFd fd = sys::open_at(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
                const Owner owner = options_.owner.value_or(Owner{});
                archive::set_owner(fd.get(), owner.uid, owner.gid);
                if (::fchmod(fd.get(), 0755) < 0) throw sys_error(errno, "setting the mode of {}", path);
            };
        return out;
    }

    Slot slot_of(const std::string& path) {
        const std::size_t slash = path.rfind('/');
        const std::string parent = slash == std::string::npos ? "" : path.substr(0, slash);
        if (!parent_ || parent != parent_path_) {
            const LocateRules how = rules(true);
            auto found = locate(root_, parent + "/.", how);
            if (found && !found->exists()) {
                how.make(found->parent.get(), found->name, found->path);
                found = locate(root_, parent, how);
            }
            if (!found || !found->is_directory())
                throw error(Errc::conflict, "{} is used as a directory but is none", parent);
            parent_ = std::move(found->fd);
            parent_path_ = parent;
        }
        return {parent_.get(), path.substr(slash == std::string::npos ? 0 : slash + 1)};
    }

    void add(const archive::TarEntry& e) {
        const std::string path = archive::clean_path(e.path);
        if (path.empty()) return; // the destination itself stays as it is
        const Slot at = slot_of(path);
        if (e.type == TarType::directory) return add_directory(e, at, path);
        if (e.type == TarType::hardlink) return add_hardlink(e, at);
        remove(at);
        switch (e.type) {
        case TarType::file: return add_file(e, at);
        case TarType::symlink:
            if (::symlinkat(e.link.c_str(), at.directory, at.name.c_str()) < 0)
                throw make_sys_error(errno, "making the link");
            return node_meta(e, at, S_IFLNK, 0);
        default: return add_node(e, at);
        }
    }

    void remove(const Slot& at) {
        if (::unlinkat(at.directory, at.name.c_str(), 0) == 0) return;
        if (errno == ENOENT) return;
        if (errno != EISDIR && errno != EPERM) throw make_sys_error(errno, "replacing what is there");
        const UniqueFd keep = duplicate(at.directory);
        sys::remove_tree_at(keep.get(), at.name);
    }

    void add_directory(const archive::TarEntry& e, const Slot& at, const std::string& path) {
        struct stat st {};
        const bool there = ::fstatat(at.directory, at.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
        if (!there || !S_ISDIR(st.st_mode)) {
            if (there) remove(at);
            if (::mkdirat(at.directory, at.name.c_str(), 0700) < 0) throw make_sys_error(errno, "making the directory");
            if (::fstatat(at.directory, at.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0)
                throw make_sys_error(errno, "looking at the directory");
        }
        held_.directory(path, e);
        directories_.push_back({path, e, st.st_dev, st.st_ino});
    }

    void finish_directory(const Directory& one) {
        LocateRules how = rules(false);
        how.follow_last = false;
        const auto found = locate(root_, one.path, how);
        // A later entry may have replaced it.
        if (!found || !found->is_directory() || found->status.st_dev != one.device || found->status.st_ino != one.inode)
            return;
        const UniqueFd fd = sys::open_at(found->fd.get(), ".", O_RDONLY | O_DIRECTORY);
        in_context("unpacking " + one.path, [&] { meta(fd.get(), one.entry); });
    }

    Owner owner_of(const archive::TarEntry& e) const { return options_.owner.value_or(Owner{e.uid, e.gid}); }
    static timespec time_of(const archive::TarEntry& e) {
        return {static_cast<time_t>(e.mtime), static_cast<long>(e.mtime_ns)};
    }

    // The owner first: chown takes setuid bits and capabilities away.
    void meta(int fd, const archive::TarEntry& e) const {
        const Owner owner = owner_of(e);
        archive::set_owner(fd, owner.uid, owner.gid);
        if (::fchmod(fd, e.mode & 07777) < 0) throw make_sys_error(errno, "setting the mode");
        for (const auto& [name, value] : e.xattrs) archive::set_layer_xattr(fd, name, value);
        archive::set_modified(fd, time_of(e));
    }

    void node_meta(const archive::TarEntry& e, const Slot& at, mode_t type, dev_t device) const {
        const Owner owner = owner_of(e);
        archive::set_node_meta(at.directory, at.name,
                               {type | (e.mode & 07777), device, time_of(e), owner.uid, owner.gid});
    }

    void add_file(const archive::TarEntry& e, const Slot& at) {
        const UniqueFd fd = sys::open_at(at.directory, at.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
        std::size_t segment = 0;
        std::uint64_t done = 0; // of the segment
        for (auto piece = tar_.data(); !piece.empty(); piece = tar_.data()) {
            while (e.sparse && !piece.empty()) {
                const auto& s = e.segments.at(segment);
                const auto part =
                    piece.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), s.length - done)));
                if (::lseek(fd.get(), static_cast<off_t>(s.offset + done), SEEK_SET) < 0)
                    throw make_sys_error(errno, "writing the file");
                sys::write_all(fd.get(), part);
                piece.remove_prefix(part.size());
                done += part.size();
                if (done == s.length) ++segment, done = 0;
            }
            sys::write_all(fd.get(), piece);
        }
        if (e.sparse && ::ftruncate(fd.get(), static_cast<off_t>(e.size)) < 0)
            throw make_sys_error(errno, "writing the file");
        meta(fd.get(), e);
    }

    // The header of a hard link has a mode and an owner as well, and it comes later.
    void add_hardlink(const archive::TarEntry& e, const Slot& at) {
        LocateRules how = rules(false);
        how.follow_last = false;
        const auto target = locate(root_, archive::clean_path(e.link), how);
        if (!target || !target->exists())
            throw error(Errc::failed, "the hard link leads to {}, which is not there", e.link);
        if (target->is_directory()) throw error(Errc::failed, "the hard link leads to the directory {}", e.link);
        struct stat st {};
        if (::fstatat(at.directory, at.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_ino == target->status.st_ino && st.st_dev == target->status.st_dev)
            return;
        remove(at);
        if (::linkat(target->parent.get(), target->name.c_str(), at.directory, at.name.c_str(), 0) < 0)
            throw sys_error(errno, "linking it to {}", e.link);
        if (S_ISREG(target->status.st_mode)) meta(sys::reopen(target->fd.get(), O_RDONLY | O_NONBLOCK).get(), e);
    }

    void add_node(const archive::TarEntry& e, const Slot& at) {
        const mode_t type = e.type == TarType::char_device    ? S_IFCHR
                            : e.type == TarType::block_device ? S_IFBLK
                                                              : S_IFIFO;
        const dev_t device = type == S_IFIFO ? 0 : makedev(e.device_major, e.device_minor);
        if (::mknodat(at.directory, at.name.c_str(), type | 0600, device) < 0)
            throw make_sys_error(errno, "making the device or pipe");
        node_meta(e, at, type, device);
    }

    archive::TarReader tar_;
    int root_;
    const UnpackOptions& options_;
    std::string parent_path_;
    UniqueFd parent_;
    std::vector<Directory> directories_;
    archive::HeldEntries held_{"archive"};
};

} // namespace

bool is_archive(int fd) {
    archive::FileSource bytes(duplicate(fd), "an archive");
    Header block{};
    std::size_t have = 0;
    try {
        const auto plain = plain_bytes(bytes);
        while (have < block.size()) {
            const std::size_t n = plain->read(block.data() + have, block.size() - have);
            if (n == 0) return false;
            have += n;
        }
    } catch (const Error& e) {
        if (e.kind() != Errc::failed) throw; // what would read it is not installed
        return false;
    }
    return is_tar_header(block);
}

std::optional<std::int64_t> youngest_file(int fd, const std::stop_token& stop) {
    std::optional<std::int64_t> out;
    if (!is_archive(fd)) return out;
    archive::FileSource bytes(duplicate(fd), "an archive");
    const auto plain = plain_bytes(bytes);
    archive::StoppableSource until(*plain, stop);
    archive::TarReader tar(until);
    for (archive::TarEntry entry; tar.next(entry);) {
        heed(stop);
        if (entry.type == TarType::file) out = std::max(out.value_or(entry.mtime), entry.mtime);
    }
    return out;
}

FileDigest unpack_archive(int fd, int directory, const UnpackOptions& options) {
    archive::FileSource file(duplicate(fd), "an archive");
    archive::TeeSource bytes(file, Hasher::Kind::sha256);
    {
        const auto plain = plain_bytes(bytes);
        Unpacker(*plain, directory, options).run();
        // To its end, where the checksums of the compressed stream stand.
        std::vector<char> rest(64 * 1024);
        while (plain->read(rest.data(), rest.size()) > 0) {}
    }
    bytes.drain();
    return digest_from_hex(bytes.hex());
}

} // namespace davit::build

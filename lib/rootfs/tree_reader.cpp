#include "rootfs/tree_reader.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "image/file_meta.hpp"
#include "image/layer_tree.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <map>
#include <memory>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <vector>

#ifndef MQUEUE_MAGIC
#define MQUEUE_MAGIC 0x19800202
#endif

namespace davit::rootfs {

namespace {

using Type = image::TarEntry::Type;

bool shows_kernel(int fd) {
    struct statfs fs {};
    if (::fstatfs(fd, &fs) < 0) return false;
    static constexpr std::array magics{PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, MQUEUE_MAGIC};
    return std::any_of(magics.begin(), magics.end(), [&](auto magic) { return static_cast<long>(fs.f_type) == static_cast<long>(magic); });
}

std::vector<std::string> names_in(int directory) {
    const auto close = [](DIR* d) { ::closedir(d); };
    UniqueFd own = sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY);
    const std::unique_ptr<DIR, decltype(close)> list(::fdopendir(own.get()), close);
    if (!list) throw make_sys_error(errno, "listing a directory");
    own.release();
    std::vector<std::string> out;
    while (const dirent* entry = ::readdir(list.get()))
        if (const std::string name = entry->d_name; name != "." && name != "..") out.push_back(name);
    std::sort(out.begin(), out.end());
    return out;
}

std::string link_target(int directory, const std::string& name) {
    std::string out(PATH_MAX, '\0');
    const ssize_t n = ::readlinkat(directory, name.c_str(), out.data(), out.size());
    if (n < 0) throw sys_error(errno, "reading the link {}", name);
    out.resize(static_cast<std::size_t>(n));
    return out;
}

std::vector<std::pair<std::string, std::string>> xattrs_of(int fd) {
    std::vector<std::pair<std::string, std::string>> out;
    std::string names(65536, '\0'), value(65536, '\0'); // XATTR_LIST_MAX, XATTR_SIZE_MAX
    const ssize_t size = ::flistxattr(fd, names.data(), names.size());
    for (ssize_t at = 0; at < size;) {
        const std::string name = names.c_str() + at;
        at += static_cast<ssize_t>(name.size()) + 1;
        if (!image::is_layer_xattr(name)) continue;
        const ssize_t n = ::fgetxattr(fd, name.c_str(), value.data(), value.size());
        if (n >= 0) out.emplace_back(name, value.substr(0, static_cast<std::size_t>(n)));
    }
    return out;
}

class Reader {
public:
    Reader(TarStream& to, const ReadOptions& options) : to_(to), options_(options) {}

    void read(int directory, const std::string& name, const std::string& as) {
        struct stat st {};
        if (::fstatat(directory, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) < 0) throw sys_error(errno, "looking at {}", as);
        if (options_.overlay_marks && image::is_whiteout(st)) return mark(parent_of(as) + ".wh." + last_of(as));
        image::TarEntry entry = entry_of(st, as);
        if (S_ISDIR(st.st_mode)) return read_directory(directory, name, std::move(entry));
        if (S_ISSOCK(st.st_mode)) return;
        if (st.st_nlink > 1 && !S_ISLNK(st.st_mode)) {
            const auto [first, fresh] = linked_.emplace(std::pair(st.st_dev, st.st_ino), as);
            if (!fresh) {
                entry.type = Type::hardlink;
                entry.link = first->second;
                return to_.add(entry);
            }
        }
        if (S_ISREG(st.st_mode)) return read_file(directory, name, std::move(entry));
        if (S_ISLNK(st.st_mode)) entry.link = link_target(directory, name);
        to_.add(entry);
    }

    // The entries of a directory; `as` is empty or ends in a slash.
    void read_contents(int fd, const std::string& as) {
        if (shows_kernel(fd)) return;
        if (options_.overlay_marks && !as.empty() && image::is_opaque(fd)) mark(as + ".wh..wh..opq");
        for (const std::string& name : names_in(fd)) try {
                read(fd, name, as + name);
            } catch (const Error& e) {
                if (e.os().value() != ENOENT) throw; // removed since it was listed
            }
    }

private:
    static std::string parent_of(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }
    static std::string last_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

    static image::TarEntry entry_of(const struct stat& st, const std::string& as) {
        image::TarEntry e;
        e.path = as;
        e.mode = st.st_mode & 07777;
        e.uid = st.st_uid;
        e.gid = st.st_gid;
        e.mtime = st.st_mtim.tv_sec;
        if (S_ISREG(st.st_mode)) e.type = Type::file;
        if (S_ISDIR(st.st_mode)) e.type = Type::directory;
        if (S_ISLNK(st.st_mode)) e.type = Type::symlink;
        if (S_ISFIFO(st.st_mode)) e.type = Type::fifo;
        if (S_ISCHR(st.st_mode)) e.type = Type::char_device;
        if (S_ISBLK(st.st_mode)) e.type = Type::block_device;
        if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) {
            e.device_major = major(st.st_rdev);
            e.device_minor = minor(st.st_rdev);
        }
        return e;
    }

    void mark(const std::string& path) {
        image::TarEntry e;
        e.path = path;
        e.mode = 0;
        to_.add(e);
    }

    void read_directory(int parent, const std::string& name, image::TarEntry entry) {
        const UniqueFd fd = sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        entry.xattrs = xattrs_of(fd.get());
        if (!entry.path.ends_with("/")) entry.path += "/";
        to_.add(entry);
        read_contents(fd.get(), entry.path);
    }

    void read_file(int parent, const std::string& name, image::TarEntry entry) {
        const UniqueFd fd = sys::open_at(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
        struct stat st {};
        if (::fstat(fd.get(), &st) < 0 || !S_ISREG(st.st_mode)) throw error(Errc::failed, "{} was replaced while it was read", entry.path);
        entry.size = static_cast<std::uint64_t>(st.st_size);
        entry.xattrs = xattrs_of(fd.get());
        to_.add(entry);
        std::uint64_t left = entry.size;
        while (left) {
            const ssize_t n = ::read(fd.get(), buffer_.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size())));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) throw sys_error(errno, "reading {}", entry.path);
            if (n == 0) break;
            to_.data({buffer_.data(), static_cast<std::size_t>(n)});
            left -= static_cast<std::uint64_t>(n);
        }
        std::fill(buffer_.begin(), buffer_.end(), '\0');
        for (; left; left -= std::min<std::uint64_t>(left, buffer_.size()))
            to_.data({buffer_.data(), static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()))});
    }

    TarStream& to_;
    ReadOptions options_;
    std::map<std::pair<dev_t, ino_t>, std::string> linked_;
    std::vector<char> buffer_ = std::vector<char>(256 * 1024);
};

} // namespace

void read_tree(int directory, const std::string& name, const std::string& as, TarStream& to, const ReadOptions& options) {
    Reader reader(to, options);
    if (!options.contents_only) return reader.read(directory, name, as);
    const UniqueFd fd = sys::open_at(directory, name, O_RDONLY | O_DIRECTORY);
    reader.read_contents(fd.get(), as.empty() ? as : as + "/");
}

} // namespace davit::rootfs

#include "rootfs/tree_reader.hpp"

#include "archive/file_meta.hpp"
#include "archive/layer_tree.hpp"
#include "base/dir_chain.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <map>
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

using Type = archive::TarEntry::Type;

constexpr std::size_t max_shown = 64 << 20; // of a file without a size, as /proc/kcore and pipes of tracing are

bool shows_kernel(int fd) {
    struct statfs fs {};
    if (::fstatfs(fd, &fs) < 0) return false;
    static constexpr std::array magics{PROC_SUPER_MAGIC,    SYSFS_MAGIC,        CGROUP_SUPER_MAGIC,
                                       CGROUP2_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, MQUEUE_MAGIC};
    return std::any_of(magics.begin(), magics.end(),
                       [&](auto magic) { return static_cast<long>(fs.f_type) == static_cast<long>(magic); });
}

std::vector<std::string> names_in(DIR* list) {
    std::vector<std::string> out;
    errno = 0;
    while (const dirent* entry = ::readdir(list))
        if (const std::string_view name = entry->d_name; name != "." && name != "..") out.emplace_back(name);
    if (errno) throw make_sys_error(errno, "listing a directory");
    std::sort(out.begin(), out.end());
    return out;
}

std::string link_target(int link, const std::string& as) {
    std::string out(PATH_MAX, '\0');
    const ssize_t n = ::readlinkat(link, "", out.data(), out.size());
    if (n < 0) throw sys_error(errno, "reading the link {}", as);
    out.resize(static_cast<std::size_t>(n));
    return out;
}

std::string above(const std::string& path) { return path.substr(0, path.rfind('/') + 1); }
std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }

archive::TarEntry entry_of(const struct stat& st, const std::string& as) {
    archive::TarEntry e;
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

class Reader {
public:
    Reader(archive::TarStream& to, const ReadOptions& options) : to_(to), options_(options) {}

    void read_all(int directory, const std::string& name, const std::string& as) {
        if (UniqueFd below = read(directory, name, as))
            read_contents(std::move(below), as.ends_with("/") ? as : as + "/");
        else if (vanished_) throw sys_error(ENOENT, "looking at {}", as);
        else if (sockets_)
            throw error(Errc::unsupported, "{} is a socket: without the program that listens it cannot be copied", as);
    }

    void tell() const {
        if (!sockets_ || !options_.left_out) return;
        options_.left_out("left out, being a socket: " +
                          (sockets_ == 1 ? socket_ : fmt::format("{} and {} more", socket_, sockets_ - 1)));
    }

    // The entries of a directory and all below, without a call for each level: a container decides how
    // deep its directories are. `as` is empty or ends in a slash.
    void read_contents(UniqueFd top, const std::string& as) {
        struct Level {
            std::vector<std::string> names;
            std::size_t next, path_size;
        };
        std::string path = as;
        DirChain chain(std::move(top));
        std::vector<Level> way; // as long as the chain
        way.push_back({names_of(chain, path), 0, path.size()});
        while (!way.empty()) {
            Level& here = way.back();
            path.resize(here.path_size);
            if (here.next == here.names.size()) {
                way.pop_back();
                chain.leave();
                continue;
            }
            const std::string name = std::move(here.names[here.next++]);
            UniqueFd below = read(chain.fd(), name, path + name);
            if (!below) continue;
            path += name + "/";
            chain.enter(std::move(below));
            way.push_back({names_of(chain, path), 0, path.size()});
        }
    }

private:
    std::vector<std::string> names_of(DirChain& chain, const std::string& as) {
        if (shows_kernel(chain.fd())) return {};
        if (options_.overlay_marks && !as.empty() && archive::is_opaque(chain.fd())) mark(as + ".wh..wh..opq");
        return names_in(chain.list());
    }

    // One entry; of a directory the descriptor to go on with. Looked up once: what it is, is told by the
    // descriptor, and nothing is opened that could wait or act.
    UniqueFd read(int directory, const std::string& name, const std::string& as) {
        if (as.size() > options_.max_path)
            throw error(Errc::unsupported, "the path {}… has more than {} bytes", as.substr(0, 80), options_.max_path)
                .with_hint("no program could unpack it; remove those directories in the container");
        const UniqueFd entry(::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
        vanished_ = !entry && errno == ENOENT; // since it was listed
        if (vanished_) return {};
        struct stat st {};
        if (!entry || ::fstat(entry.get(), &st) < 0) throw sys_error(errno, "looking at {}", as);
        if (options_.overlay_marks && archive::is_whiteout(st))
            return mark(above(as) + ".wh." + name_in(as)), UniqueFd();
        archive::TarEntry e = entry_of(st, as);
        if (options_.modified) e.mtime = *options_.modified;
        if (S_ISDIR(st.st_mode)) return read_directory(entry.get(), std::move(e));
        if (S_ISSOCK(st.st_mode)) {
            if (++sockets_ == 1) socket_ = as;
            return {};
        }
        if (st.st_nlink > 1 && !S_ISLNK(st.st_mode)) {
            const auto [first, fresh] = linked_.emplace(std::pair(st.st_dev, st.st_ino), as);
            if (!fresh) {
                e.type = Type::hardlink;
                e.link = first->second;
                return to_.add(e), UniqueFd();
            }
        }
        if (S_ISREG(st.st_mode)) return read_file(entry.get(), std::move(e)), UniqueFd();
        if (S_ISLNK(st.st_mode)) e.link = link_target(entry.get(), as);
        to_.add(e);
        return {};
    }

    void mark(const std::string& path) {
        archive::TarEntry e;
        e.path = path;
        e.mode = 0;
        to_.add(e);
    }

    UniqueFd read_directory(int directory, archive::TarEntry entry) {
        UniqueFd fd = sys::open_at(directory, ".", O_RDONLY | O_DIRECTORY);
        entry.xattrs = xattrs_of(fd.get());
        if (!entry.path.ends_with("/")) entry.path += "/";
        to_.add(entry);
        return fd;
    }

    void read_file(int file, archive::TarEntry entry) {
        const UniqueFd fd = in_context(entry.path, [&] { return sys::reopen(file, O_RDONLY | O_NONBLOCK); });
        struct stat st {};
        if (::fstat(fd.get(), &st) < 0) throw sys_error(errno, "looking at {}", entry.path);
        if (shows_kernel(fd.get())) return read_shown(fd.get(), std::move(entry));
        entry.size = static_cast<std::uint64_t>(st.st_size);
        entry.xattrs = xattrs_of(fd.get());
        to_.add(entry);
        std::uint64_t left = entry.size;
        while (left) {
            const ssize_t n = ::read(fd.get(), buffer_.data(),
                                     static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size())));
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

    // The size that the kernel gives such a file says nothing: 0 in proc, a page in sysfs.
    void read_shown(int file, archive::TarEntry entry) {
        std::string text;
        for (;;) {
            const ssize_t n = ::read(file, buffer_.data(), buffer_.size());
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno != EAGAIN)
                throw sys_error(errno, "reading {}", entry.path); // EAGAIN: there may be more later, as in kmsg
            if (n <= 0) break;
            text.append(buffer_.data(), static_cast<std::size_t>(n));
            if (text.size() > max_shown)
                throw error(Errc::unsupported, "{} gives more than {} bytes", entry.path, max_shown);
        }
        entry.size = text.size();
        to_.add(entry);
        to_.data(text);
    }

    std::vector<std::pair<std::string, std::string>> xattrs_of(int fd) {
        std::vector<std::pair<std::string, std::string>> out;
        const ssize_t size = ::flistxattr(fd, names_.data(), names_.size());
        for (ssize_t at = 0; at < size;) {
            const std::string name = names_.data() + at;
            at += static_cast<ssize_t>(name.size()) + 1;
            if (!archive::is_layer_xattr(name)) continue;
            if (options_.only_capabilities && name != "security.capability") continue;
            const ssize_t n = ::fgetxattr(fd, name.c_str(), value_.data(), value_.size());
            if (n >= 0) out.emplace_back(name, std::string(value_.data(), static_cast<std::size_t>(n)));
        }
        return out;
    }

    archive::TarStream& to_;
    ReadOptions options_;
    bool vanished_ = false;
    std::size_t sockets_ = 0;
    std::string socket_; // the first of them
    std::map<std::pair<dev_t, ino_t>, std::string> linked_;
    std::vector<char> buffer_ = std::vector<char>(256 * 1024);
    std::vector<char> names_ = std::vector<char>(65536),
                      value_ = std::vector<char>(65536); // XATTR_LIST_MAX, XATTR_SIZE_MAX
};

} // namespace

void read_tree(int directory, const std::string& name, const std::string& as, archive::TarStream& to,
               const ReadOptions& options) {
    Reader reader(to, options);
    if (options.contents_only)
        reader.read_contents(sys::open_at(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
                             as.empty() ? as : as + "/");
    else reader.read_all(directory, name, as);
    reader.tell();
}

} // namespace davit::rootfs

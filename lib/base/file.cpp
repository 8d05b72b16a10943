#include "base/file.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

namespace davit {

namespace {

constexpr int writers_time = 3000; // ms
constexpr std::size_t largest = 1u << 30, largest_stream = 64u << 20;

std::string read_all_of(int fd, const std::string& path) {
    struct stat st {};
    const bool regular = ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    const std::size_t most = regular ? largest : largest_stream;
    if (regular && static_cast<std::uint64_t>(st.st_size) > most)
        throw error(Errc::failed, "{} has {} bytes, more than {} MiB", path, st.st_size, most >> 20);
    std::string out;
    if (regular && st.st_size > 0) out.reserve(static_cast<std::size_t>(st.st_size) + 1);
    char buffer[16384];
    for (;;) {
        const ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n == 0) return out;
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) throw make_sys_error(errno, "reading");
        out.append(buffer, static_cast<std::size_t>(n));
        if (out.size() > most) throw error(Errc::failed, "{} gives more than {} MiB", path, most >> 20);
    }
}

// Or there is something in it already. tee(2) tells without taking it out.
bool has_writer(int fifo) {
    const FdPair other = sys::pipe();
    return ::tee(fifo, other.second.get(), 1, SPLICE_F_NONBLOCK) != 0;
}

// Opening a device can act on it. What is only read, or somebody's terminal, is none of those.
bool is_harmless_device(const struct stat& st) {
    if (!S_ISCHR(st.st_mode)) return false;
    const unsigned kind = major(st.st_rdev), which = minor(st.st_rdev);
    const bool memory =
        kind == 1 && (which == 3 || which == 5 || which == 7 || which == 8 || which == 9); // null, zero, full, random
    return memory || (kind == 4 && which < 64) || kind == 5 || (kind >= 136 && kind <= 143);
}

// Looked at before it is opened. Empty, with the reason in errno: it cannot be opened.
UniqueFd open_if_harmless(const std::string& path) {
    const UniqueFd place(::open(path.c_str(), O_PATH | O_CLOEXEC));
    struct stat st {};
    if (!place || ::fstat(place.get(), &st) < 0) return {};
    if ((S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode)) && !is_harmless_device(st))
        throw error(Errc::failed, "{} is a device", path);
    UniqueFd fd(
        ::open(fmt::format("/proc/self/fd/{}", place.get()).c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (!fd) return {};
    pollfd wait{fd.get(), POLLIN, 0};
    if (S_ISFIFO(st.st_mode) && !has_writer(fd.get()) && ::poll(&wait, 1, writers_time) == 0 && !has_writer(fd.get()))
        throw error(Errc::unavailable, "{} is a pipe that nobody writes to", path);
    if (!S_ISREG(st.st_mode)) ::fcntl(fd.get(), F_SETFL, 0);
    return fd;
}

} // namespace

UniqueFd open_to_read(const std::string& path) {
    UniqueFd fd = open_if_harmless(path);
    if (!fd) throw sys_error(errno, "opening {}", path);
    return fd;
}

std::string read_file(const std::string& path) {
    UniqueFd fd = open_to_read(path);
    return in_context("reading " + path, [&] { return read_all_of(fd.get(), path); });
}

std::optional<std::string> read_file_if_exists(const std::string& path) {
    UniqueFd fd = open_if_harmless(path);
    if (!fd) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ESRCH) return std::nullopt;
        throw sys_error(errno, "opening {}", path);
    }
    try {
        return read_all_of(fd.get(), path);
    } catch (Error& e) {
        if (e.os().value() == ESRCH) return std::nullopt; // a /proc file whose process ended
        e.with_context("reading " + path);
        throw;
    }
}

namespace {
void fsync_directory_of(const std::string& path) {
    auto slash = path.find_last_of('/');
    UniqueFd dir = sys::open(slash == std::string::npos ? "."
                             : slash == 0               ? "/"
                                                        : path.substr(0, slash),
                             O_RDONLY | O_DIRECTORY);
    ::fsync(dir.get());
}
} // namespace

namespace {

void replace_file(const std::string& path, std::string_view bytes, mode_t mode, bool sync) {
    std::string temp = path + "." + sys::random_hex(8) + ".tmp";
    UniqueFd fd = sys::open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    try {
        ::fchmod(fd.get(), mode); // open's mode went through the umask
        sys::write_all(fd.get(), bytes);
        if (sync && ::fsync(fd.get()) < 0) throw sys_error(errno, "writing {}", path);
        if (::rename(temp.c_str(), path.c_str()) < 0) throw sys_error(errno, "renaming {} to {}", temp, path);
    } catch (...) {
        ::unlink(temp.c_str());
        throw;
    }
    if (sync) fsync_directory_of(path);
}

// Into the blocks that the file has already, which a full disk does not refuse. What is shorter than before is
// followed by blanks until the file is cut: whoever reads meanwhile sees a document that ends in blanks.
bool overwrite_file(const std::string& path, std::string_view bytes, mode_t mode, bool sync) {
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat st {};
    constexpr std::size_t block = 512; // of st_blocks
    if (!fd || ::fstat(fd.get(), &st) < 0 || !S_ISREG(st.st_mode) ||
        bytes.size() > static_cast<std::size_t>(st.st_blocks) * block)
        return false;
    std::string whole(bytes);
    whole.resize(std::max(whole.size(), static_cast<std::size_t>(st.st_size)), ' ');
    if (::pwrite(fd.get(), whole.data(), whole.size(), 0) != static_cast<ssize_t>(whole.size())) return false;
    if (::ftruncate(fd.get(), static_cast<off_t>(bytes.size())) < 0) return false;
    ::fchmod(fd.get(), mode);
    return !sync || ::fsync(fd.get()) == 0;
}

} // namespace

void write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode, bool sync) {
    try {
        replace_file(path, bytes, mode, sync);
    } catch (const Error& e) {
        const int why = e.os().value();
        if ((why != ENOSPC && why != EDQUOT) || !overwrite_file(path, bytes, mode, sync)) throw;
    }
}

void write_file_making(const std::string& path, std::string_view bytes, mode_t mode, bool sync) {
    constexpr int attempts = 1000; // each is lost to somebody else's last file in that directory
    for (int i = 1;; ++i) {
        try {
            // The one above may go as well while this one is made.
            if (i > 1) sys::make_dirs(path.substr(0, path.find_last_of('/')), 0700);
            return write_file_atomic(path, bytes, mode, sync);
        } catch (const Error& e) {
            if (e.os().value() != ENOENT || i == attempts) throw;
        }
    }
}

void write_file_in_place(const std::string& path, std::string_view bytes, mode_t mode) {
    UniqueFd fd = sys::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
    ::fchmod(fd.get(), mode);
    in_context("writing " + path, [&] { sys::write_all(fd.get(), bytes); });
}

WholeFile::WholeFile(const std::string& path, mode_t mode) : path_(path) {
    const auto slash = path.find_last_of('/');
    name_ = path.substr(slash == std::string::npos ? 0 : slash + 1);
    directory_ = sys::open(slash == std::string::npos ? "."
                           : slash == 0               ? "/"
                                                      : path.substr(0, slash),
                           O_PATH | O_DIRECTORY);
    struct stat st {};
    const bool there = !name_.empty() && ::fstatat(directory_.get(), name_.c_str(), &st, AT_SYMLINK_NOFOLLOW) == 0;
    if (name_.empty() || (there && S_ISDIR(st.st_mode))) throw error(Errc::conflict, "{} is a directory", path);
    if (there && !S_ISREG(st.st_mode))
        throw error(Errc::conflict, "{} is a {}, which a file would replace", path,
                    S_ISLNK(st.st_mode) ? "symbolic link" : "device or pipe")
            .with_hint("redirect the output instead");
    std::string temporary = ".davit-" + sys::random_hex(16);
    fd_ = sys::open_at(directory_.get(), temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
    temporary_ = std::move(temporary);
}

WholeFile::~WholeFile() {
    if (!temporary_.empty()) ::unlinkat(directory_.get(), temporary_.c_str(), 0);
}

void WholeFile::finish() {
    if (::renameat(directory_.get(), temporary_.c_str(), directory_.get(), name_.c_str()) < 0)
        throw sys_error(errno, "writing {}", path_);
    temporary_.clear();
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

namespace {
int operation(FileLock::Mode mode) { return mode == FileLock::Mode::shared ? LOCK_SH : LOCK_EX; }
// One that is there can be locked on a read-only disk too.
UniqueFd open_lock(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (!fd && errno == EROFS) fd.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) throw sys_error(errno, "opening {}", path);
    return fd;
}
} // namespace

FileLock FileLock::acquire(const std::string& path, Mode mode) {
    UniqueFd fd = open_lock(path);
    while (::flock(fd.get(), operation(mode)) < 0)
        if (errno != EINTR) throw sys_error(errno, "locking {}", path);
    return FileLock(std::move(fd));
}

std::optional<FileLock> FileLock::try_acquire(const std::string& path, Mode mode) {
    UniqueFd fd = open_lock(path);
    if (::flock(fd.get(), operation(mode) | LOCK_NB) == 0) return FileLock(std::move(fd));
    if (errno == EWOULDBLOCK) return std::nullopt;
    throw sys_error(errno, "locking {}", path);
}

std::optional<FileLock> FileLock::try_acquire_making(const std::string& path, Mode mode) {
    constexpr int attempts = 1000; // each is lost to somebody else's whole life in that directory
    for (int i = 1;; ++i) {
        try {
            sys::make_dirs(path.substr(0, path.find_last_of('/')), 0700);
            auto lock = try_acquire(path, mode);
            if (!lock || lock->still_at(path)) return lock;
        } catch (const Error& e) {
            if (e.os().value() != ENOENT || i == attempts) throw;
        }
    }
}

bool FileLock::still_at(const std::string& path) const {
    struct stat held {
    }, there{};
    return ::fstat(fd_.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino &&
           held.st_dev == there.st_dev;
}

} // namespace davit

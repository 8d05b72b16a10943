#include "base/file.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

namespace davit {

std::string read_file(const std::string& path) {
    UniqueFd fd = sys::open(path, O_RDONLY);
    return in_context("reading " + path, [&] { return sys::read_all(fd.get()); });
}

std::optional<std::string> read_file_if_exists(const std::string& path) {
    UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) {
        if (errno == ENOENT || errno == ENOTDIR || errno == ESRCH) return std::nullopt;
        throw sys_error(errno, "opening {}", path);
    }
    try {
        return sys::read_all(fd.get());
    } catch (Error& e) {
        if (e.os().value() == ESRCH) return std::nullopt; // a /proc file whose process ended
        e.with_context("reading " + path);
        throw;
    }
}

namespace {
void fsync_directory_of(const std::string& path) {
    auto slash = path.find_last_of('/');
    UniqueFd dir = sys::open(slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash),
                             O_RDONLY | O_DIRECTORY);
    ::fsync(dir.get());
}
} // namespace

void write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode, bool sync) {
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

void write_file_in_place(const std::string& path, std::string_view bytes, mode_t mode) {
    UniqueFd fd = sys::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode);
    ::fchmod(fd.get(), mode);
    in_context("writing " + path, [&] { sys::write_all(fd.get(), bytes); });
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

namespace {
int operation(FileLock::Mode mode) { return mode == FileLock::Mode::shared ? LOCK_SH : LOCK_EX; }
UniqueFd open_lock(const std::string& path) { return sys::open(path, O_RDWR | O_CREAT, 0600); }
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

bool FileLock::still_at(const std::string& path) const {
    struct stat held {}, there {};
    return ::fstat(fd_.get(), &held) == 0 && ::stat(path.c_str(), &there) == 0 && held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

} // namespace davit

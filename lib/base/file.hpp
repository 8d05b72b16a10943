// Whole files and locks.
#pragma once

#include "base/fd.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace davit {

// For what others may have put there: opens no device but terminals and the likes of /dev/null, and
// does not wait for a pipe that nobody writes to (its writer has three seconds to come). The descriptor blocks.
UniqueFd open_to_read(const std::string& path);
// Throws Error(failed) for what has more than 1 GiB, and for a device or pipe that gives more than 64 MiB.
std::string read_file(const std::string& path);
std::optional<std::string> read_file_if_exists(const std::string& path);
// Temporary file in the same directory, rename. sync: fsync before the rename and of the directory after.
// Where the disk is full, into the blocks of the file that is there, if they are enough.
void write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode = 0600, bool sync = true);
// With its directories (0700), which another process may take away while they are empty.
void write_file_making(const std::string& path, std::string_view bytes, mode_t mode = 0600, bool sync = true);
// Truncates and writes in place: for files that are bind-mounted into containers.
void write_file_in_place(const std::string& path, std::string_view bytes, mode_t mode = 0644);
// A file that appears whole or not at all: written beside `path` under a name of its own, which
// nobody can have prepared, and renamed. Its mode is this one, by the umask, whatever stood there. Throws
// Error(conflict) where path is a device, pipe, link or directory, which would be replaced.
class WholeFile {
public:
    explicit WholeFile(const std::string& path, mode_t mode = 0600);
    WholeFile(const WholeFile&) = delete;
    WholeFile& operator=(const WholeFile&) = delete;
    ~WholeFile();
    int fd() const { return fd_.get(); }
    void finish();

private:
    UniqueFd directory_, fd_;
    std::string path_, name_, temporary_;
};
bool exists(const std::string& path); // follows symbolic links

// flock(2) on a file of its own; released by the destructor or the process's end.
class FileLock {
public:
    enum class Mode { shared, exclusive };
    FileLock() = default;
    static FileLock acquire(const std::string& path, Mode mode = Mode::exclusive);
    static std::optional<FileLock> try_acquire(const std::string& path, Mode mode = Mode::exclusive);
    // Of a file that its last holder removes, together with its directory: both are made again, and what is
    // locked is what stands at the path.
    static std::optional<FileLock> try_acquire_making(const std::string& path, Mode mode = Mode::exclusive);
    explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {} // adopts a locked fd
    // False when the file was removed, or replaced, after it was opened: then the lock is nobody's.
    bool still_at(const std::string& path) const;
    int fd() const { return fd_.get(); }
    UniqueFd release() { return std::move(fd_); }
    explicit operator bool() const { return static_cast<bool>(fd_); }

private:
    UniqueFd fd_;
};

} // namespace davit

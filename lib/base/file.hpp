// Whole files and locks.
#pragma once

#include "base/fd.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace davit {

std::string read_file(const std::string& path);
std::optional<std::string> read_file_if_exists(const std::string& path);
// Temporary file in the same directory, rename. sync: fsync before the rename and of the directory after.
void write_file_atomic(const std::string& path, std::string_view bytes, mode_t mode = 0600, bool sync = true);
// Truncates and writes in place: for files that are bind-mounted into containers.
void write_file_in_place(const std::string& path, std::string_view bytes, mode_t mode = 0644);
bool exists(const std::string& path); // follows symbolic links

// flock(2) on a file of its own; released by the destructor or the process's end.
class FileLock {
public:
    enum class Mode { shared, exclusive };
    FileLock() = default;
    static FileLock acquire(const std::string& path, Mode mode = Mode::exclusive);
    static std::optional<FileLock> try_acquire(const std::string& path, Mode mode = Mode::exclusive);
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

// Docker's json-file format: {"log":"…\n","stream":"stdout","time":"…Z"} a line, with rotation. Lines
// over 16 KiB come in parts, of which only the last ends in \n; invalid UTF-8 becomes U+FFFD.
#pragma once

#include "runtime/exec/calls.hpp"

#include <cstddef>
#include <cstdint>

namespace davit::shim {

class LogWriter {
public:
    // path nullptr: driver none. Returns 0 or an errno.
    int open(const char* path, std::uint64_t max_size, unsigned max_files) noexcept;
    bool enabled() const noexcept { return path_ != nullptr; }
    // One entry; complete adds the newline. Goes to the file at flush() or when the buffer is full.
    void add(int stream, const char* line, std::size_t size, bool complete, std::int64_t time_ns) noexcept;
    void flush() noexcept;
    int rotate() noexcept;

    std::uint64_t lost_bytes() const noexcept { return lost_; }
    int lost_errno() const noexcept { return lost_errno_; }
    void forget_loss() noexcept { lost_ = 0; }

private:
    void put(const char* text, std::size_t size) noexcept;
    void put(const char* text) noexcept;
    void quote(const char* text, std::size_t size) noexcept;
    void put_time(std::int64_t time_ns) noexcept;
    int reopen(int extra_flags) noexcept;

    bool end_torn_line() noexcept;
    void lose(std::size_t bytes, int errnum) noexcept;

    exec::Fd file_;
    const char* path_ = nullptr;
    std::uint64_t max_size_ = 0, size_ = 0, lost_ = 0;
    unsigned max_files_ = 1;
    int lost_errno_ = 0;
    bool torn_ = false; // the file ends in the middle of an entry
    std::size_t used_ = 0;
    char buffer_[128 * 1024]; // an entry of 16 KiB quotes to 96 KiB at most
};

} // namespace davit::shim

#include "archive/byte_source.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace davit::archive {

namespace {
constexpr std::size_t scratch_size = 256 * 1024;
}

void ByteSource::skip(std::uint64_t bytes) {
    auto scratch = std::make_unique<char[]>(scratch_size);
    while (bytes > 0) {
        std::size_t n = read(scratch.get(), static_cast<std::size_t>(std::min<std::uint64_t>(bytes, scratch_size)));
        if (n == 0) return;
        bytes -= n;
    }
}

std::size_t MemorySource::read(char* to, std::size_t max) {
    std::size_t n = std::min(max, bytes_.size() - at_);
    std::memcpy(to, bytes_.data() + at_, n);
    at_ += n;
    return n;
}

void throw_if_stopped(const std::stop_token& stop) {
    if (stop.stop_requested()) throw error(Errc::interrupted, "cancelled");
}

std::size_t StoppableSource::read(char* to, std::size_t max) {
    throw_if_stopped(stop_);
    return from_.read(to, max);
}

FileSource::FileSource(UniqueFd fd, std::string name, std::uint64_t offset, std::uint64_t size)
    : fd_(std::move(fd)), name_(std::move(name)), at_(offset),
      end_(size > UINT64_MAX - offset ? UINT64_MAX : offset + size) {}

std::size_t FileSource::read(char* to, std::size_t max) {
    max = static_cast<std::size_t>(std::min<std::uint64_t>(max, end_ - at_));
    for (;;) {
        ssize_t n = ::pread(fd_.get(), to, max, static_cast<off_t>(at_));
        if (n >= 0) {
            at_ += static_cast<std::uint64_t>(n);
            return static_cast<std::size_t>(n);
        }
        if (errno != EINTR) throw sys_error(errno, "reading {}", name_);
    }
}

void FileSource::skip(std::uint64_t bytes) { at_ += std::min(bytes, end_ - at_); }

void StreamSource::Ring::operator()() const noexcept { ::eventfd_write(fd, 1); }

StreamSource::StreamSource(int fd, std::string name, std::stop_token stop)
    : fd_(fd), name_(std::move(name)), stop_(std::move(stop)) {
    if (!stop_.stop_possible()) return;
    stopped_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stopped_) throw sys_error(errno, "reading {}", name_);
    on_stop_.emplace(stop_, Ring{stopped_.get()});
}

std::size_t StreamSource::read(char* to, std::size_t max) {
    for (;;) {
        if (stopped_) {
            pollfd ready[] = {{fd_, POLLIN, 0}, {stopped_.get(), POLLIN, 0}};
            if (::poll(ready, 2, -1) < 0 && errno != EINTR) throw sys_error(errno, "reading {}", name_);
            throw_if_stopped(stop_);
            if (ready[0].revents == 0) continue;
        }
        ssize_t n = ::read(fd_, to, max);
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) throw sys_error(errno, "reading {}", name_);
    }
}

std::size_t TeeSource::read(char* to, std::size_t max) {
    std::size_t n = from_.read(to, max);
    hash_.update(to, n);
    bytes_ += n;
    if (copy_to_ >= 0) sys::write_all(copy_to_, {to, n});
    return n;
}

void TeeSource::drain() { skip(UINT64_MAX); }

} // namespace davit::archive

// System calls that glibc 2.36 does not wrap, and text without allocation. Everything here may be
// used between clone and execve.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#ifndef CLONE_CLEAR_SIGHAND // Linux 5.5
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif

namespace davit::exec {

// Owner of a descriptor in code that must not allocate; base/fd.hpp lives a layer above the shim.
class Fd {
public:
    Fd() = default;
    explicit Fd(int fd) noexcept : fd_(fd) {}
    Fd(Fd&& o) noexcept : fd_(o.release()) {}
    Fd& operator=(Fd&& o) noexcept {
        if (this != &o) reset(o.release());
        return *this;
    }
    ~Fd() { reset(); }
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept {
        int fd = fd_;
        fd_ = -1;
        return fd;
    }
    void reset(int fd = -1) noexcept {
        if (fd_ >= 0) ::close(fd_);
        fd_ = fd;
    }

private:
    int fd_ = -1;
};

inline int to_int(long value) noexcept { return static_cast<int>(value); }

// EAGAIN: a rename or mount elsewhere crossed the walk (openat2(2)); it is never the answer.
inline int open_beneath(int dir, const char* path, std::uint64_t flags, std::uint64_t resolve,
                        std::uint64_t mode = 0) noexcept {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = resolve;
    for (int i = 0;; ++i) {
        int fd = to_int(::syscall(SYS_openat2, dir, path, &how, sizeof how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || i == 1000) return fd;
    }
}
inline int open_in_root(int root, const char* path, std::uint64_t flags) noexcept {
    return open_beneath(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

inline int fs_open(const char* type) noexcept { return to_int(::syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }
inline int fs_config(int fs, unsigned command, const char* key, const void* value, int aux = 0) noexcept {
    return to_int(::syscall(SYS_fsconfig, fs, command, key, value, aux));
}
inline int fs_mount(int fs, std::uint64_t attributes) noexcept {
    return to_int(::syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes)));
}
inline int open_tree(int dir, const char* path, unsigned flags) noexcept {
    return to_int(::syscall(SYS_open_tree, dir, path, flags | OPEN_TREE_CLOEXEC));
}
inline int move_mount(int mount_fd, int target) noexcept {
    return to_int(
        ::syscall(SYS_move_mount, mount_fd, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH));
}
inline int set_mount_attr(int fd, unsigned flags, std::uint64_t set, std::uint64_t clear,
                          std::uint64_t propagation) noexcept {
    mount_attr attr{};
    attr.attr_set = set;
    attr.attr_clr = clear;
    attr.propagation = propagation;
    return to_int(::syscall(SYS_mount_setattr, fd, "", flags | AT_EMPTY_PATH, &attr, sizeof attr));
}

// Text into a fixed buffer; what does not fit is cut.
class Text {
public:
    Text(char* buffer, std::size_t size) noexcept : at_(buffer), end_(buffer + size - 1) { *at_ = 0; }
    Text& operator<<(const char* s) noexcept {
        while (*s && at_ < end_) *at_++ = *s++;
        *at_ = 0;
        return *this;
    }
    Text& operator<<(std::int64_t value) noexcept {
        if (value < 0) return *this << "-" << static_cast<std::uint64_t>(-value);
        return *this << static_cast<std::uint64_t>(value);
    }
    Text& operator<<(std::uint64_t value) noexcept {
        char digits[24];
        char* p = digits + sizeof digits;
        *--p = 0;
        do *--p = static_cast<char>('0' + value % 10);
        while (value /= 10);
        return *this << p;
    }
    Text& operator<<(int value) noexcept { return *this << std::int64_t{value}; }
    bool full() const noexcept { return at_ == end_; }

private:
    char* at_;
    char* end_;
};

template <std::size_t N>
struct TextBuffer {
    char data[N];
    Text text{data, N};
    TextBuffer() noexcept = default;
    TextBuffer(const TextBuffer&) = delete;
    const char* c_str() const noexcept { return data; }
};

inline bool write_file_at(int dir, const char* path, const char* value, std::size_t size) noexcept {
    Fd fd(::openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
    return fd && ::write(fd.get(), value, size) == static_cast<ssize_t>(size);
}
inline bool write_file_at(int dir, const char* path, const char* value) noexcept {
    return write_file_at(dir, path, value, std::strlen(value));
}
// Up to size-1 bytes, NUL-terminated; -1 on error.
inline ssize_t read_file_at(int dir, const char* path, char* out, std::size_t size) noexcept {
    Fd fd(::openat(dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (!fd) return -1;
    std::size_t have = 0;
    while (have < size - 1) {
        ssize_t n = ::read(fd.get(), out + have, size - 1 - have);
        if (n < 0) return -1;
        if (n == 0) break;
        have += static_cast<std::size_t>(n);
    }
    out[have] = 0;
    return static_cast<ssize_t>(have);
}

} // namespace davit::exec

#include "base/sys.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/kernel_abi.hpp"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <utility>

namespace davit::sys {

UniqueFd open(const std::string& path, int flags, mode_t mode) { return open_at(AT_FDCWD, path, flags, mode); }

UniqueFd open_if_exists(const std::string& path, int flags) {
    int fd = ::open(path.c_str(), flags | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT) throw sys_error(errno, "opening {}", path);
    return UniqueFd(fd);
}

UniqueFd open_at(int dir, const std::string& path, int flags, mode_t mode) {
    int fd = ::openat(dir, path.c_str(), flags | O_CLOEXEC, mode);
    if (fd < 0) throw sys_error(errno, "opening {}", path);
    return UniqueFd(fd);
}

UniqueFd open_at2(int dir, const std::string& path, std::uint64_t flags, std::uint64_t mode, std::uint64_t resolve) {
    open_how how{};
    how.flags = flags | O_CLOEXEC;
    how.mode = mode;
    how.resolve = resolve;
    // EAGAIN: a rename elsewhere raced with the walk (crun 1.4 failed spuriously without a retry)
    for (int attempt = 0; attempt < 128; ++attempt) {
        long fd = ::syscall(SYS_openat2, dir, path.c_str(), &how, sizeof how);
        if (fd >= 0) return UniqueFd(static_cast<int>(fd));
        if (errno != EAGAIN && errno != EINTR) break;
    }
    throw sys_error(errno, "opening {}", path);
}

UniqueFd reopen(int fd, int flags) { return open(fmt::format("/proc/self/fd/{}", fd), flags); }

void set_mode(int fd, mode_t mode) {
    if (::syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0) return;
    // A link of procfs leads to the very file, even where that is a link itself.
    if ((errno == ENOSYS || errno == EPERM) && ::chmod(fmt::format("/proc/self/fd/{}", fd).c_str(), mode) == 0) return;
    throw make_sys_error(errno, "setting the mode of a file");
}

FdPair pipe(int extra_flags) {
    int fds[2];
    if (::pipe2(fds, O_CLOEXEC | extra_flags) < 0) throw sys_error(errno, "making a pipe");
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

FdPair socket_pair(int type) {
    int fds[2];
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds) < 0) throw sys_error(errno, "making a socket pair");
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

UniqueFd memfd(const std::string& name, unsigned flags) {
    int fd = ::memfd_create(name.c_str(), MFD_CLOEXEC | flags);
    if (fd < 0) throw sys_error(errno, "making the memory file {}", name);
    return UniqueFd(fd);
}

UniqueFd sealed_memfd(const std::string& name, std::string_view bytes) {
    UniqueFd fd = memfd(name, MFD_ALLOW_SEALING);
    write_all(fd.get(), bytes);
    if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
        throw sys_error(errno, "sealing the memory file {}", name);
    ::lseek(fd.get(), 0, SEEK_SET);
    return fd;
}

UniqueFd pidfd_open(pid_t pid) {
    long fd = ::syscall(SYS_pidfd_open, pid, 0); // always O_CLOEXEC
    if (fd < 0) throw sys_error(errno, "opening process {}", pid);
    return UniqueFd(static_cast<int>(fd));
}

bool pidfd_send_signal(int pidfd, int signal) {
    if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) == 0) return true;
    if (errno == ESRCH) return false;
    throw sys_error(errno, "sending signal {}", signal);
}

void write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n < 0) {
            if (errno == EINTR) continue;
            const int problem = errno;
            char name[256] = {};
            const std::string link = "/proc/self/fd/" + std::to_string(fd);
            const bool file = ::readlink(link.c_str(), name, sizeof name - 1) > 0 && name[0] == '/';
            throw sys_error(problem, "writing{}{}", file ? " " : "", file ? name : "");
        }
        bytes.remove_prefix(static_cast<std::size_t>(n));
    }
}

std::string read_all(int fd) {
    std::string out;
    struct stat st {};
    if (::fstat(fd, &st) == 0 && st.st_size > 0) out.reserve(static_cast<std::size_t>(st.st_size) + 1);
    char buf[16384];
    for (;;) {
        ssize_t n = ::read(fd, buf, sizeof buf);
        if (n == 0) return out;
        if (n < 0) {
            if (errno == EINTR) continue;
            throw sys_error(errno, "reading");
        }
        out.append(buf, static_cast<std::size_t>(n));
    }
}

void make_dirs(const std::string& path, mode_t mode) {
    if (path.empty() || ::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return;
    if (errno != ENOENT) throw sys_error(errno, "making the directory {}", path);
    auto slash = path.find_last_of('/');
    if (slash == std::string::npos || slash == 0) throw sys_error(ENOENT, "making the directory {}", path);
    // A process that tidies up may take the parent away each time; but there are also places, as below /proc,
    // where nothing can be made and the kernel says the same.
    constexpr int attempts = 100;
    for (int i = 0; i < attempts; ++i) {
        make_dirs(path.substr(0, slash), mode);
        if (::mkdir(path.c_str(), mode) == 0 || errno == EEXIST) return;
        if (errno != ENOENT) break;
    }
    throw sys_error(errno, "making the directory {}", path);
}

namespace {
// sun_path holds 107 bytes; a longer path is reached through an fd of its directory.
struct UnixAddress {
    sockaddr_un addr{};
    UniqueFd dir;
    explicit UnixAddress(const std::string& path) {
        addr.sun_family = AF_UNIX;
        std::string use = path;
        if (use.size() >= sizeof addr.sun_path) {
            auto slash = path.find_last_of('/');
            dir = open(path.substr(0, slash), O_PATH | O_DIRECTORY);
            use = fmt::format("/proc/self/fd/{}/{}", dir.get(), path.substr(slash + 1));
        }
        if (use.size() >= sizeof addr.sun_path) throw sys_error(ENAMETOOLONG, "socket {}", path);
        std::memcpy(addr.sun_path, use.c_str(), use.size() + 1);
    }
    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&addr); }
};
} // namespace

UniqueFd listen_unix(const std::string& path, int type, int backlog) {
    UnixAddress address(path);
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!fd) throw sys_error(errno, "making a socket");
    ::unlink(path.c_str());
    // The file is born with the socket's own mode (unix_bind()); a umask would be that of all threads.
    if (::fchmod(fd.get(), 0600) < 0 || ::bind(fd.get(), address.get(), sizeof address.addr) < 0)
        throw sys_error(errno, "binding {}", path);
    if (::listen(fd.get(), backlog) < 0) throw sys_error(errno, "listening on {}", path);
    return fd;
}

UniqueFd connect_unix(const std::string& path, int type) {
    UnixAddress address(path);
    UniqueFd fd(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
    if (!fd) throw sys_error(errno, "making a socket");
    // A listener whose queue is full, because its process is stopped, keeps a caller waiting as long as that is allowed
    // to be sent (unix_stream_connect()).
    constexpr timeval patience{2, 0}, for_ever{0, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    while (::connect(fd.get(), address.get(), sizeof address.addr) < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN && !(type & SOCK_NONBLOCK))
            throw error(Errc::unavailable, "whoever listens at {} takes no connections", path)
                .with_os(std::error_code(EAGAIN, std::generic_category()))
                .with_hint("is the process stopped, or the machine too busy?");
        throw sys_error(errno, "connecting to {}", path);
    }
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &for_ever, sizeof for_ever);
    return fd;
}

pid_t listener_of(const std::string& path, int type) {
    try {
        return peer_of(connect_unix(path, type | SOCK_NONBLOCK).get()).pid;
    } catch (const Error&) {
        return 0;
    }
}

bool send_with_fds(int socket, std::string_view bytes, const std::vector<int>& fds, int flags) {
    iovec iov{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr msg{};
    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    std::vector<char> control;
    if (!fds.empty()) {
        control.resize(CMSG_SPACE(fds.size() * sizeof(int)));
        msg.msg_control = control.data();
        msg.msg_controllen = control.size();
        cmsghdr* c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        std::memcpy(CMSG_DATA(c), fds.data(), fds.size() * sizeof(int));
    }
    while (iov.iov_len > 0) {
        ssize_t n = ::sendmsg(socket, &msg, MSG_NOSIGNAL | flags);
        if (n < 0) {
            if (errno == EINTR) continue;
            if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN) return false;
            throw sys_error(errno, "sending a message");
        }
        iov.iov_base = static_cast<char*>(iov.iov_base) + n;
        iov.iov_len -= static_cast<std::size_t>(n);
        msg.msg_control = nullptr; // the descriptors went with the first part
        msg.msg_controllen = 0;
    }
    return true;
}

Received receive_with_fds(int socket, std::size_t max_bytes, int flags) {
    Received out;
    out.bytes.resize(max_bytes);
    iovec iov{out.bytes.data(), max_bytes};
    alignas(cmsghdr) char control[CMSG_SPACE(64 * sizeof(int))];
    msghdr msg{};
    msg.msg_iov = &iov;
    msg.msg_iovlen = 1;
    msg.msg_control = control;
    msg.msg_controllen = sizeof control;
    ssize_t n;
    // A peer that leaves with a message of ours unread says so first (unix(7)): what it had sent before comes after.
    bool reset = false;
    do n = ::recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | flags);
    while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !std::exchange(reset, true))));
    if (n < 0) {
        out.bytes.clear();
        if (errno == EAGAIN || errno == EWOULDBLOCK) out.would_block = true;
        else if (errno == ECONNRESET || errno == EPIPE) out.eof = true;
        else throw sys_error(errno, "receiving a message");
        return out;
    }
    for (cmsghdr* c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd;
            std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof fd);
            out.fds.emplace_back(fd);
        }
    }
    out.bytes.resize(static_cast<std::size_t>(n));
    out.eof = n == 0;
    return out;
}

Peer peer_of(int socket) {
    ucred cred{};
    socklen_t size = sizeof cred;
    if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &cred, &size) < 0) throw sys_error(errno, "asking who connected");
    return {cred.pid, cred.uid, cred.gid};
}

std::uint64_t start_time(pid_t pid) {
    auto text = read_file_if_exists(fmt::format("/proc/{}/stat", pid));
    if (!text) return 0;
    auto close = text->rfind(')'); // the name may hold spaces and parentheses
    if (close == std::string::npos) return 0;
    std::size_t at = close + 2;
    for (int field = 3; field < 22; ++field) {
        at = text->find(' ', at);
        if (at == std::string::npos) return 0;
        ++at;
    }
    std::uint64_t value = 0;
    std::from_chars(text->data() + at, text->data() + text->size(), value);
    return value;
}

char process_state(pid_t pid) {
    auto text = read_file_if_exists(fmt::format("/proc/{}/stat", pid));
    if (!text) return 0;
    const auto close = text->rfind(')');
    return close == std::string::npos || close + 2 >= text->size() ? '\0' : (*text)[close + 2];
}

const std::string& boot_id() {
    static const std::string known = [] {
        std::string id = read_file("/proc/sys/kernel/random/boot_id");
        while (!id.empty() && id.back() == '\n') id.pop_back();
        return id;
    }();
    return known;
}

namespace {
std::int64_t clock_ns(clockid_t id) {
    timespec ts{};
    ::clock_gettime(id, &ts);
    return std::int64_t{ts.tv_sec} * 1'000'000'000 + ts.tv_nsec;
}
} // namespace

std::int64_t monotonic_ns() { return clock_ns(CLOCK_MONOTONIC); }
std::int64_t age_ns(std::uint64_t start_time) {
    const auto tick = 1'000'000'000 / ::sysconf(_SC_CLK_TCK);
    return std::max<std::int64_t>(0, clock_ns(CLOCK_BOOTTIME) - static_cast<std::int64_t>(start_time) * tick);
}
std::int64_t realtime_ns() { return clock_ns(CLOCK_REALTIME); }

std::string random_hex(std::size_t digits) {
    std::string raw((digits + 1) / 2, '\0');
    std::size_t have = 0;
    while (have < raw.size()) {
        ssize_t n = ::getrandom(raw.data() + have, raw.size() - have, 0);
        if (n > 0) have += static_cast<std::size_t>(n);
        else if (errno != EINTR) throw sys_error(errno, "reading random bytes");
    }
    std::string out;
    for (const char c : raw) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
    out.resize(digits);
    return out;
}

} // namespace davit::sys

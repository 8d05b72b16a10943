// Kernel calls that return owned descriptors and throw davit::Error. Every descriptor is born
// O_CLOEXEC. What glibc 2.36 lacks stands in kernel_abi.hpp.
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace davit::sys {

UniqueFd open(const std::string& path, int flags, mode_t mode = 0600);
// ENOENT gives an empty fd.
UniqueFd open_if_exists(const std::string& path, int flags);
UniqueFd open_at(int dir, const std::string& path, int flags, mode_t mode = 0600);
// openat2(2): resolve is RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS …; retried on EAGAIN.
UniqueFd open_at2(int dir, const std::string& path, std::uint64_t flags, std::uint64_t mode, std::uint64_t resolve);
// What an O_PATH descriptor stands for, opened: no path is walked again.
UniqueFd reopen(int fd, int flags);
void set_mode(int fd, mode_t mode); // O_PATH too
FdPair pipe(int extra_flags = 0);
FdPair socket_pair(int type);
UniqueFd memfd(const std::string& name, unsigned flags = 0);
// A sealed memfd with these bytes (F_SEAL_WRITE|SHRINK|GROW|SEAL).
UniqueFd sealed_memfd(const std::string& name, std::string_view bytes);
UniqueFd pidfd_open(pid_t pid);
// false if the process is gone.
bool pidfd_send_signal(int pidfd, int signal);

void write_all(int fd, std::string_view bytes);
std::string read_all(int fd);
void make_dirs(const std::string& path, mode_t mode = 0700);
// Removes a tree of any depth without following symbolic links or crossing mounts; missing is fine.
// What cannot be removed is left, with the first reason as the error.
void remove_tree(const std::string& path);
void remove_tree_at(int dir, const std::string& name);

// Unix sockets by path. Paths over 107 bytes go through /proc/self/fd of the directory.
UniqueFd listen_unix(const std::string& path, int type, int backlog = 64);
UniqueFd connect_unix(const std::string& path, int type);
// The process that listens there, if one does; it need not answer.
pid_t listener_of(const std::string& path, int type);
// SCM_RIGHTS. send returns false when the peer is gone (EPIPE, ECONNRESET).
bool send_with_fds(int socket, std::string_view bytes, const std::vector<int>& fds, int flags = 0);
struct Received {
    std::string bytes; // empty and eof: the peer closed
    std::vector<UniqueFd> fds;
    bool eof = false;
    bool would_block = false;
};
Received receive_with_fds(int socket, std::size_t max_bytes, int flags = 0);
struct Peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};
Peer peer_of(int socket);

// Start time of a process in clock ticks since boot (/proc/PID/stat field 22); 0 if it is gone.
// Together with the pid it names a process for ever.
std::uint64_t start_time(pid_t pid);
// Its state as /proc tells it: 'R', 'S', 'D', 'T' (stopped by a signal), 't' (by a debugger), 'Z' …; 0 if it is gone.
char process_state(pid_t pid);
inline bool is_stopped(pid_t pid) {
    const char state = process_state(pid);
    return state == 'T' || state == 't';
}
const std::string& boot_id();
std::int64_t monotonic_ns();
// How long ago that start time was, whatever became of the clock on the wall.
std::int64_t age_ns(std::uint64_t start_time);
std::int64_t realtime_ns();
std::string random_hex(std::size_t digits);

} // namespace davit::sys

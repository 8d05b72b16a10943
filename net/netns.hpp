// Network namespaces. Everything here changes the calling thread's namespace for a moment and must
// be called from a single-threaded process, or from a thread that nobody shares.
#pragma once

#include "base/fd.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace davit::net {

// A new namespace with lo up, held by the fd alone: closing the last fd (and the last process)
// destroys it with its links, asynchronously. 0.4 ms. Throws denied without CAP_SYS_ADMIN.
UniqueFd create_netns();
// The caller's namespace.
UniqueFd current_netns();
// Of a process: /proc/<pid>/ns/net.
UniqueFd netns_of(int pid);

// The thread is in the namespace until the end of the scope. Ends the process if the way back fails.
class NetnsScope {
public:
    explicit NetnsScope(int netns_fd);
    ~NetnsScope();
    NetnsScope(const NetnsScope&) = delete;

private:
    UniqueFd back_;
};

template <typename F>
decltype(auto) in_netns(int netns_fd, F&& fn) {
    NetnsScope scope(netns_fd);
    return std::forward<F>(fn)();
}

// Sysctls of the namespace the thread is in; key "net.ipv4.conf.eth0.log_martians" or with slashes.
// A key that does not exist throws not_found; only keys under net. are accepted (invalid: usage).
void set_sysctl(std::string_view key, std::string_view value);
void set_sysctl_if_exists(std::string_view key, std::string_view value);
std::string get_sysctl(std::string_view key); // without the newline; empty: no such key
// The path under /proc/sys for a key; interface names with dots stay whole when slashes are used.
std::string sysctl_path(std::string_view key);

} // namespace davit::net

#include "net/netns.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"

#include <cstring>
#include <exception>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace davit::net {

namespace {

constexpr const char* own_netns = "/proc/thread-self/ns/net";

void bring_lo_up() {
    const UniqueFd s(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::memcpy(request.ifr_name, "lo", 3);
    request.ifr_flags = IFF_UP;
    if (!s || ::ioctl(s.get(), SIOCSIFFLAGS, &request) < 0)
        throw sys_error(errno, "bringing lo up in a new network namespace");
}

[[noreturn]] void lost() {
    log::write(log::Level::error,
               fmt::format("cannot return to the host's network namespace: {}", std::strerror(errno)));
    std::terminate();
}

} // namespace

UniqueFd current_netns() { return sys::open(own_netns, O_RDONLY); }

UniqueFd netns_of(int pid) { return sys::open(fmt::format("/proc/{}/ns/net", pid), O_RDONLY); }

UniqueFd create_netns() {
    const UniqueFd back = current_netns();
    if (::unshare(CLONE_NEWNET) < 0) throw sys_error(errno, "creating a network namespace");
    struct Return {
        int fd;
        ~Return() {
            if (::setns(fd, CLONE_NEWNET) < 0) lost();
        }
    } guard{back.get()};
    bring_lo_up();
    return current_netns();
}

NetnsScope::NetnsScope(int netns_fd) : back_(current_netns()) {
    if (::setns(netns_fd, CLONE_NEWNET) < 0) throw sys_error(errno, "entering a network namespace");
}

NetnsScope::~NetnsScope() {
    if (::setns(back_.get(), CLONE_NEWNET) < 0) lost();
}

std::string sysctl_path(std::string_view key) {
    std::string path(key);
    // As sysctl(8): the first separator tells whether dots separate or belong to names (eth0.100).
    const auto separator = path.find_first_of("./");
    if (separator != std::string::npos && path[separator] == '.')
        for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
    const bool bad = !path.starts_with("net/") || path.find("//") != std::string::npos || path.ends_with('/') ||
                     ("/" + path + "/").find("/../") != std::string::npos ||
                     ("/" + path + "/").find("/./") != std::string::npos;
    if (bad) throw error(Errc::usage, "'{}' is not a network sysctl", key).with_hint("its name begins with net.");
    return "/proc/sys/" + path;
}

void set_sysctl(std::string_view key, std::string_view value) {
    const std::string path = sysctl_path(key);
    const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd) throw sys_error(errno, "setting sysctl {}", key);
    if (::write(fd.get(), value.data(), value.size()) < 0)
        throw sys_error(errno, "setting sysctl {} to '{}'", key, value);
}

void set_sysctl_if_exists(std::string_view key, std::string_view value) {
    try {
        set_sysctl(key, value);
    } catch (const Error& e) {
        if (e.kind() != Errc::not_found) throw;
    }
}

std::string get_sysctl(std::string_view key) {
    const UniqueFd fd = sys::open_if_exists(sysctl_path(key), O_RDONLY);
    if (!fd) return {};
    std::string text = sys::read_all(fd.get());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

} // namespace davit::net

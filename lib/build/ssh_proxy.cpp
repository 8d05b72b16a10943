#include "build/ssh_proxy.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace davit::build {

namespace {

// What one side has written goes to the other. false: one of them is gone. Both are agents' short messages.
bool pass(int from, int to) {
    char buffer[16384];
    const ssize_t n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n <= 0) return false;
    for (ssize_t at = 0; at < n;) {
        const ssize_t written = ::send(to, buffer + at, static_cast<std::size_t>(n - at), MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        at += written;
    }
    return true;
}

} // namespace

SshProxy::SshProxy(std::string path, std::string agent, mode_t mode, uid_t uid, gid_t gid)
    : agent_(std::move(agent)), listener_(sys::listen_unix(path, SOCK_STREAM)),
      end_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!end_) throw sys_error(errno, "making an event descriptor");
    if (::chown(path.c_str(), uid, gid) < 0 || ::chmod(path.c_str(), mode) < 0)
        throw sys_error(errno, "giving the agent's socket to {}:{}", uid, gid);
    thread_ = std::thread([this] { serve(); });
}

SshProxy::~SshProxy() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(end_.get(), &one, sizeof one);
    thread_.join();
}

void SshProxy::serve() {
    std::vector<std::pair<UniqueFd, UniqueFd>> connections; // inside, agent
    for (;;) {
        std::vector<pollfd> ready{{end_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}};
        for (const auto& [inside, agent] : connections) {
            ready.push_back({inside.get(), POLLIN, 0});
            ready.push_back({agent.get(), POLLIN, 0});
        }
        if (::poll(ready.data(), ready.size(), -1) < 0 && errno != EINTR) return;
        if (ready[0].revents) return;
        std::vector<std::pair<UniqueFd, UniqueFd>> alive;
        for (std::size_t i = 0; i < connections.size(); ++i) {
            const int inside = connections[i].first.get(), agent = connections[i].second.get();
            const bool goes_on = (!ready[2 + 2 * i].revents || pass(inside, agent)) &&
                                 (!ready[3 + 2 * i].revents || pass(agent, inside));
            if (goes_on) alive.push_back(std::move(connections[i]));
        }
        connections = std::move(alive);
        if (!ready[1].revents) continue;
        UniqueFd inside(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!inside) continue;
        try {
            UniqueFd agent = sys::connect_unix(agent_, SOCK_STREAM);
            connections.emplace_back(std::move(inside), std::move(agent));
        } catch (const Error&) { // the agent is gone: the step sees its connection closed
        }
    }
}

} // namespace davit::build

#include "build/ssh_proxy.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "base/thread.hpp"
#include "build/ssh_agent.hpp"

#include <cerrno>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace davit::build {

namespace {

constexpr std::size_t most_connections = 64; // of a step: each holds descriptors of ours
constexpr int patience_ms = 10'000;          // with a side that takes nothing

// What has come, given to `take`. false: that side is gone, or take() says so.
template <typename Take>
bool receive(int from, Take&& take) {
    char buffer[16384];
    const ssize_t n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    return n > 0 && take(std::string_view(buffer, static_cast<std::size_t>(n)));
}

} // namespace

struct SshProxy::Connection {
    UniqueFd inside, agent;
    std::string received; // for the keys: not a whole message yet
};

SshProxy::SshProxy(std::string path, SshSource source, mode_t mode, uid_t uid, gid_t gid)
    : source_(std::move(source)), listener_(sys::listen_unix(path, SOCK_STREAM)),
      end_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!end_) throw sys_error(errno, "making an event descriptor");
    if (::chown(path.c_str(), uid, gid) < 0 || ::chmod(path.c_str(), mode) < 0)
        throw sys_error(errno, "giving the agent's socket to {}:{}", uid, gid);
    thread_ = started<std::thread>([this] { serve(); });
}

SshProxy::~SshProxy() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = ::write(end_.get(), &one, sizeof one);
    thread_.join();
}

// false: the other side is gone, or takes nothing, or there is to be an end. An agent's messages are short.
bool SshProxy::send_all(int to, std::string_view bytes) const {
    while (!bytes.empty()) {
        const ssize_t written = ::send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (written > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(written));
            continue;
        }
        if (written == 0 || (errno != EAGAIN && errno != EINTR)) return false;
        pollfd ready[]{{to, POLLOUT, 0}, {end_.get(), POLLIN, 0}};
        if (::poll(ready, 2, patience_ms) == 0 || ready[1].revents) return false;
    }
    return true;
}

bool SshProxy::goes_on(Connection& connection, short inside, short agent) const {
    const int in = connection.inside.get(), out = connection.agent.get();
    if (!source_.agent.empty()) {
        return (!inside || receive(in, [&](std::string_view bytes) { return send_all(out, bytes); })) &&
               (!agent || receive(out, [&](std::string_view bytes) { return send_all(in, bytes); }));
    }
    return !inside || receive(in, [&](std::string_view bytes) {
        connection.received += bytes;
        try {
            while (const auto message = take_message(connection.received))
                if (!send_all(in, framed(agent_answer(source_.keys, *message)))) return false;
        } catch (const Error&) { // no agent's message: nobody to talk to
            return false;
        }
        return true;
    });
}

void SshProxy::serve() {
    std::vector<Connection> connections;
    for (;;) {
        const bool room = connections.size() < most_connections; // else whoever comes waits
        std::vector<pollfd> ready{{end_.get(), POLLIN, 0}, {room ? listener_.get() : -1, POLLIN, 0}};
        for (const Connection& one : connections) {
            ready.push_back({one.inside.get(), POLLIN, 0});
            ready.push_back({one.agent ? one.agent.get() : -1, POLLIN, 0});
        }
        if (::poll(ready.data(), ready.size(), -1) < 0) {
            if (errno == EINTR) continue;
            return;
        }
        if (ready[0].revents) return;
        std::vector<Connection> alive;
        for (std::size_t i = 0; i < connections.size(); ++i)
            if (goes_on(connections[i], ready[2 + 2 * i].revents, ready[3 + 2 * i].revents))
                alive.push_back(std::move(connections[i]));
        connections = std::move(alive);
        if (!ready[1].revents) continue;
        Connection fresh;
        fresh.inside.reset(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!fresh.inside) { // no descriptor is free: whoever waits would wake this all the time
            ::poll(ready.data(), 1, 100);
            continue;
        }
        try {
            // One that takes no connections must not keep the others, nor the end of the step.
            if (!source_.agent.empty()) fresh.agent = sys::connect_unix(source_.agent, SOCK_STREAM | SOCK_NONBLOCK);
            connections.push_back(std::move(fresh));
        } catch (const Error&) { // the agent is gone: the step sees its connection closed
        }
    }
}

} // namespace davit::build

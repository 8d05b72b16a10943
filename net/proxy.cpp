#include "net/proxy.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "net/proxy/wire.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::net {

namespace {

using proxy::Command;
using proxy::Op;
using proxy::Reply;

constexpr int patience_ms = 500;

Command command(Op op, const std::string& owner) {
    if (owner.empty() || owner.size() > proxy::owner_size)
        throw error(Errc::usage, "'{}' cannot own published ports", owner);
    Command c{};
    c.magic = proxy::magic;
    c.version = proxy::version;
    c.op = op;
    std::memcpy(c.owner, owner.data(), owner.size());
    return c;
}

std::string_view bytes_of(const Command& c) { return {reinterpret_cast<const char*>(&c), sizeof c}; }

// The answer, or nothing when the proxy is gone.
std::optional<std::string> exchange(UniqueFd& socket, const Command& c, const std::vector<int>& fds) {
    if (!sys::send_with_fds(socket.get(), bytes_of(c), fds)) return std::nullopt;
    pollfd p{socket.get(), POLLIN, 0};
    if (::poll(&p, 1, patience_ms) == 0) {
        socket.reset(); // what it says later is no answer to the next question
        throw error(Errc::unavailable, "davit-port-proxy does not answer");
    }
    auto received =
        sys::receive_with_fds(socket.get(), sizeof(Reply) + std::size_t{proxy::max_entries} * proxy::owner_size);
    if (received.eof || received.bytes.size() < sizeof(Reply)) return std::nullopt;
    return std::move(received.bytes);
}

Reply reply_of(const std::string& bytes) {
    Reply r;
    std::memcpy(&r, bytes.data(), sizeof r);
    return r;
}

} // namespace

PortProxy::PortProxy(std::string program, std::string socket_path)
    : program_(std::move(program)), path_(std::move(socket_path)) {}

PortProxy::~PortProxy() { child_.detach(); }

bool PortProxy::connect() {
    if (connection_) return true;
    try {
        connection_ = sys::connect_unix(path_, SOCK_SEQPACKET);
        return true;
    } catch (const Error& e) {
        const int err = e.os().value();
        if (err != ENOENT && err != ECONNREFUSED) throw;
        return false;
    }
}

// The socket listens before the process runs: nobody has to wait for it.
void PortProxy::start() {
    forget();
    if (::unlink(path_.c_str()) < 0 && errno != ENOENT) throw sys_error(errno, "removing {}", path_);
    const UniqueFd listening = sys::listen_unix(path_, SOCK_SEQPACKET);
    SpawnOptions options;
    options.argv = {program_};
    options.env.emplace();
    options.fds = {{listening.get(), proxy::control_fd}};
    options.new_session = true;
    options.cwd = "/";
    child_ = Child::spawn(options);
    connection_ = sys::connect_unix(path_, SOCK_SEQPACKET);
}

void PortProxy::add(const std::string& owner, Proto proto, int socket, std::uint16_t host_port, const IpAddress& target,
                    std::uint16_t target_port) {
    if (proto == Proto::sctp) return; // there is nothing to fall back to: SCTP is translated or not served
    Command c = command(Op::add, owner);
    c.udp = proto == Proto::udp;
    c.target_v6 = target.is_v6();
    c.target_port = target_port;
    c.host_port = host_port;
    std::memcpy(c.target, target.data(), target.size());
    for (int attempt = 0; attempt < 2; ++attempt) {
        if (!connect()) start();
        if (const auto answer = exchange(connection_, c, {socket})) {
            if (const Reply r = reply_of(*answer); r.errnum != 0)
                throw sys_error(r.errnum, "passing port {} on through davit-port-proxy", host_port);
            return;
        }
        connection_.reset(); // it ended with its last entry just now
    }
    throw error(Errc::unavailable, "davit-port-proxy ended as soon as it was started");
}

void PortProxy::remove(const std::string& owner) {
    if (!connect()) return;
    const auto answer = exchange(connection_, command(Op::remove, owner), {});
    if (answer && reply_of(*answer).count != 0) return;
    await_end();
    forget();
    ::unlink(path_.c_str()); // the proxy itself may not
}

// Its sockets are closed by then. One that an earlier supervisor started is not our child.
void PortProxy::await_end() {
    pollfd ends[2] = {{connection_.get(), 0, 0}, {child_.pidfd(), POLLIN, 0}};
    while (::poll(ends, child_ ? 2 : 1, patience_ms) > 0) {
        if (!child_ || (ends[1].revents & POLLIN)) return;
        ends[0].fd = -1;
    }
}

void PortProxy::forget() {
    connection_.reset();
    if (!child_) return;
    try {
        if (!child_.try_wait()) child_.kill(SIGKILL);
    } catch (const Error&) {} // the caller reaps all its children itself
    child_.detach();
}

std::vector<std::string> PortProxy::owners() {
    std::vector<std::string> list;
    if (!connect()) return list;
    const auto answer = exchange(connection_, command(Op::list, "*"), {});
    if (!answer) {
        forget();
        return list;
    }
    const std::uint32_t count = reply_of(*answer).count;
    for (std::uint32_t i = 0; i < count && sizeof(Reply) + (i + 1) * proxy::owner_size <= answer->size(); ++i) {
        const std::string padded = answer->substr(sizeof(Reply) + i * proxy::owner_size, proxy::owner_size);
        list.push_back(padded.substr(0, padded.find('\0')));
    }
    return list;
}

} // namespace davit::net

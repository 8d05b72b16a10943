#include "runtime/shim_client.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/kernel_abi.hpp"
#include "base/sys.hpp"
#include "runtime/shim/protocol.hpp"
#include "runtime/stages.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>

namespace davit::runtime {
namespace {

template <typename T>
std::string_view raw(const T& body) {
    return {reinterpret_cast<const char*>(&body), sizeof body};
}

// The body as its type; a shim of the same protocol never sends another size.
template <typename T>
T body_of(std::string_view bytes) {
    if (bytes.size() < sizeof(T)) throw error(Errc::failed, "the shim sent a message that is too short");
    T out;
    std::memcpy(&out, bytes.data(), sizeof out);
    return out;
}

StdioFds stdio_of(std::uint32_t mask, std::vector<UniqueFd>& fds) {
    StdioFds out;
    std::size_t next = 0;
    auto take = [&](std::uint32_t bit, UniqueFd& to) {
        if (mask & bit && next < fds.size()) to = std::move(fds[next++]);
    };
    take(shim::stdio_in, out.stdin_write);
    take(shim::stdio_out, out.stdout_read);
    take(shim::stdio_err, out.stderr_read);
    take(shim::stdio_console, out.console);
    return out;
}

Exited exited_of(const shim::ExitBody& b) { return {b.code, b.signal, b.known != 0, b.oom != 0, b.time_ns}; }

ShimStatus status_of(std::uint32_t request, const shim::StatusBody& b) {
    return {request,        b.pid,       b.shim_pid,    b.start_time, b.started_ns,
            b.running != 0, b.held != 0, b.paused != 0, b.execs,      b.attached};
}

// `docker exec` ends with 127 for a missing working directory and 126 for one that cannot be entered.
Error exec_error(const exec::Report& r) {
    Error e = error_from_report(r);
    if (r.stage == exec::Stage::work_dir || r.stage == exec::Stage::escaped)
        return e.with_exit_code(r.errnum == ENOENT ? 127 : 126);
    return e;
}

ShimEvent decode(const shim::Header& head, std::string_view body, std::vector<UniqueFd> fds) {
    using shim::Type;
    switch (head.type) {
    case Type::started: {
        auto b = body_of<shim::StartedBody>(body);
        return Started{b.pid, b.start_time, b.time_ns};
    }
    case Type::held: return Held{body_of<shim::StartedBody>(body).pid};
    case Type::start_failed: return StartFailed{error_from_report(body_of<exec::Report>(body))};
    case Type::warning: return Warning{warning_from_report(body_of<exec::Report>(body))};
    case Type::exited: return exited_of(body_of<shim::ExitBody>(body));
    case Type::oom: return OomEvent{body_of<shim::CountBody>(body).count};
    case Type::log_truncated: {
        auto b = body_of<shim::CountBody>(body);
        return LogTruncated{b.count, b.errnum};
    }
    case Type::stdio_fds: return stdio_of(body_of<shim::MaskBody>(body).mask, fds);
    case Type::exec_started: {
        auto b = body_of<shim::StartedBody>(body);
        return ExecStarted{head.request, b.pid, b.start_time, fds.empty() ? UniqueFd() : std::move(fds[0])};
    }
    case Type::exec_failed: return ExecFailed{head.request, exec_error(body_of<exec::Report>(body))};
    case Type::exec_exited: {
        auto b = body_of<shim::ExitBody>(body);
        return ExecExited{head.request, b.code, b.signal};
    }
    case Type::output: {
        auto b = body_of<shim::OutputBody>(body);
        return Output{static_cast<int>(b.stream), std::string(body.substr(sizeof b))};
    }
    case Type::reply: return Reply{head.request, body_of<shim::ReplyBody>(body).errnum};
    case Type::status_is: return status_of(head.request, body_of<shim::StatusBody>(body));
    case Type::parked: {
        auto b = body_of<shim::TagBody>(body);
        return ParkedFds{std::string(b.tag, ::strnlen(b.tag, sizeof b.tag)), std::move(fds), b.last != 0};
    }
    default: throw error(Errc::failed, "the shim sent an unknown message ({})", static_cast<int>(head.type));
    }
}

} // namespace

ShimConnection::ShimConnection(UniqueFd socket) : socket_(std::move(socket)) {}

bool shim_lives(const std::string& run_dir) {
    UniqueFd dir(::open(run_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return dir && ::flock(dir.get(), LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

pid_t shim_pid(const std::string& run_dir) { return sys::listener_of(run_dir + "/shim.sock", SOCK_SEQPACKET); }

std::optional<ShimConnection> ShimConnection::connect(const std::string& run_dir, Role role) {
    UniqueFd socket;
    try {
        socket = sys::connect_unix(run_dir + "/shim.sock", SOCK_SEQPACKET);
    } catch (const Error& e) {
        int why = e.os().value();
        if (why == ENOENT || why == ECONNREFUSED || why == ENOTDIR) return std::nullopt;
        throw;
    }
    ShimConnection connection(std::move(socket));
    shim::HelloBody hello{role == Role::supervisor ? shim::role_supervisor : shim::role_client};
    connection.request(static_cast<std::uint16_t>(shim::Type::hello), raw(hello));
    return connection;
}

std::optional<ShimEvent> ShimConnection::receive() {
    if (!socket_) return Disconnected{};
    constexpr std::size_t max_message = sizeof(shim::Header) + sizeof(shim::OutputBody) + shim::max_data;
    sys::Received got = sys::receive_with_fds(socket_.get(), max_message, MSG_DONTWAIT);
    if (got.would_block) return std::nullopt;
    if (got.eof) {
        socket_.reset();
        return Disconnected{};
    }
    auto head = body_of<shim::Header>(got.bytes);
    if (head.magic != shim::magic) throw error(Errc::failed, "what answers on the shim's socket is no davit-shim");
    if (head.protocol != shim::protocol)
        throw error(Errc::unsupported, "the shim speaks protocol {}, this davit {}: it was started by another version",
                    head.protocol, shim::protocol);
    return decode(head, std::string_view(got.bytes).substr(sizeof head), std::move(got.fds));
}

ShimEvent ShimConnection::wait_any(std::chrono::milliseconds limit) {
    auto end = std::chrono::steady_clock::now() + limit;
    for (;;) {
        if (auto event = receive()) {
            if (std::holds_alternative<Disconnected>(*event))
                throw error(Errc::unavailable, "the container ended, or its shim was killed");
            return std::move(*event);
        }
        auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
        pollfd p{socket_.get(), POLLIN, 0};
        if (left < 0 || ::poll(&p, 1, static_cast<int>(left) + 1) == 0)
            throw error(Errc::unavailable, "the shim does not answer within {} ms", limit.count());
    }
}

std::uint32_t ShimConnection::request(std::uint16_t type, std::string_view body, const std::vector<int>& fds) {
    shim::Header head{shim::magic, shim::protocol, static_cast<shim::Type>(type), ++last_request_,
                      static_cast<std::uint32_t>(body.size())};
    std::string message(raw(head));
    message += body;
    // A shim that has gone is told by receive(), which comes next for every caller. One that reads nothing
    // (it was stopped) must not stop its supervisor too.
    try {
        if (socket_) sys::send_with_fds(socket_.get(), message, fds, MSG_DONTWAIT);
    } catch (Error& e) {
        if (e.os().value() != EAGAIN && e.os().value() != ENOBUFS) throw;
        throw error(Errc::unavailable, "davit-shim takes no requests");
    }
    return head.request;
}

namespace {
constexpr std::uint16_t number(shim::Type type) { return static_cast<std::uint16_t>(type); }
} // namespace

void ShimConnection::release() { request(number(shim::Type::release), {}); }
std::uint32_t ShimConnection::signal(int signal) {
    return request(number(shim::Type::signal), raw(shim::SignalBody{0, signal}));
}

std::uint32_t ShimConnection::exec(const ExecRequest& r) {
    std::vector<int> fds{r.steps_fd};
    if (r.stdin_fd >= 0) fds.push_back(r.stdin_fd);
    if (r.stdout_fd >= 0) fds.insert(fds.end(), {r.stdout_fd, r.stderr_fd});
    return request(number(shim::Type::exec), raw(shim::ExecBody{r.rows, r.columns}), fds);
}
std::uint32_t ShimConnection::signal_exec(std::uint32_t exec, int signal) {
    return request(number(shim::Type::signal_exec), raw(shim::SignalBody{exec, signal}));
}
std::uint32_t ShimConnection::resize(std::uint16_t rows, std::uint16_t columns) {
    return request(number(shim::Type::resize), raw(shim::SizeBody{rows, columns}));
}
std::uint32_t ShimConnection::attach(const AttachRequest& r) {
    shim::AttachBody body{0, r.rows, r.columns};
    if (r.input) body.flags |= shim::attach_input;
    if (r.output) body.flags |= shim::attach_output;
    if (r.errors) body.flags |= shim::attach_errors;
    if (r.lossless) body.flags |= shim::attach_lossless;
    return request(number(shim::Type::attach), raw(body));
}

bool ShimConnection::send_input(std::string_view data) {
    if (data.size() > shim::max_data) throw error(Errc::failed, "more than {} bytes of input at once", shim::max_data);
    shim::Header head{shim::magic, shim::protocol, shim::Type::input, ++last_request_,
                      static_cast<std::uint32_t>(data.size())};
    std::string message(raw(head));
    message += data;
    if (!socket_) return true;
    ssize_t n = ::send(socket_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    return n >= 0 || (errno != EAGAIN && errno != ENOBUFS);
}
void ShimConnection::close_input() { request(number(shim::Type::close_input), {}); }
std::uint32_t ShimConnection::pause() { return request(number(shim::Type::pause), {}); }
std::uint32_t ShimConnection::unpause() { return request(number(shim::Type::unpause), {}); }
std::uint32_t ShimConnection::status() { return request(number(shim::Type::status), {}); }
std::uint32_t ShimConnection::update_limits(int steps_fd) {
    return request(number(shim::Type::update), {}, {steps_fd});
}

std::uint32_t ShimConnection::park(const std::string& tag, const std::vector<int>& fds) {
    shim::TagBody body{};
    if (tag.empty() || tag.size() >= sizeof body.tag)
        throw error(Errc::failed, "tag '{}' of parked descriptors is empty or too long", tag);
    if (fds.size() > shim::max_fds) throw error(Errc::failed, "more than {} descriptors under one tag", shim::max_fds);
    tag.copy(body.tag, sizeof body.tag - 1);
    return request(number(shim::Type::park), raw(body), fds);
}
std::uint32_t ShimConnection::get_parked() { return request(number(shim::Type::get_parked), {}); }
void ShimConnection::report_exit(int code, int signal) {
    request(number(shim::Type::report_exit), raw(shim::ExitBody{code, signal, 1, 0, sys::realtime_ns()}));
}

} // namespace davit::runtime

#include "runtime/shim/shim.hpp"

#include <csignal>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>

#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

namespace davit::shim {
namespace {

// The body as its type; false when the size is another.
template <typename T>
bool read_body(const Header& head, const char* body, T& out) noexcept {
    if (head.size != sizeof out) return false;
    std::memcpy(&out, body, sizeof out);
    return true;
}

} // namespace

void Shim::handle(int index, const Header& head, const char* body, int* fds, std::uint32_t count) noexcept {
    Connection& c = connections_[index];
    std::uint32_t request = head.request;
    if (!c.greeted && head.type != Type::hello) return drop_connection(index);
    switch (head.type) {
    case Type::hello: {
        HelloBody hello{};
        if (c.greeted || !read_body(head, body, hello)) return drop_connection(index);
        c.greeted = true;
        if (hello.role == role_supervisor) {
            c.supervisor = true;
            rescue_tries_ = 0;
            greet(index);
        }
        return;
    }
    case Type::release: return release();
    case Type::signal: {
        SignalBody s{};
        return read_body(head, body, s) ? reply(index, request, signal_init(s.signal)) : drop_connection(index);
    }
    case Type::signal_exec: {
        SignalBody s{};
        if (!read_body(head, body, s)) return drop_connection(index);
        Exec* e = find_exec(index, s.exec);
        return reply(index, request, e ? signal_exec(*e, s.signal) : ESRCH);
    }
    case Type::exec: {
        ExecBody e{};
        return read_body(head, body, e) ? start_exec(index, request, e, fds, count) : drop_connection(index);
    }
    case Type::resize: {
        SizeBody s{};
        return read_body(head, body, s) ? reply(index, request, resize(s.rows, s.columns)) : drop_connection(index);
    }
    case Type::attach: {
        AttachBody a{};
        return read_body(head, body, a) ? attach(index, request, a) : drop_connection(index);
    }
    case Type::input: return take_input(index, body, head.size);
    case Type::close_input: // a client's input has ended: the container's does where that is the only client it has
        c.wrote_input = false;
        if (config_.stdin_once) close_input();
        return;
    case Type::pause: return reply(index, request, phase_ == Phase::running ? cgroups_.freeze(true) : ESRCH);
    case Type::unpause: return reply(index, request, cgroups_.freeze(false));
    case Type::status: return status(index, request);
    case Type::update: return reply(index, request, count ? update(fds[0]) : EBADF);
    case Type::park: {
        TagBody t{};
        return read_body(head, body, t) ? park(index, request, t, fds, count) : drop_connection(index);
    }
    case Type::get_parked: return send_parked(index, request);
    case Type::report_exit: {
        ExitBody e{};
        if (!read_body(head, body, e) || !c.supervisor) return drop_connection(index);
        if (adopted_ && !recorded_)
            exit_code_ = e.code, exit_signal_ = e.signal, exit_known_ = true, init_ended(e.code, e.signal, true);
        return;
    }
    default: return drop_connection(index);
    }
}

int Shim::signal_init(int signal) noexcept {
    if (phase_ == Phase::ended || !init_pidfd_) return ESRCH;
    if (::syscall(SYS_pidfd_send_signal, init_pidfd_.get(), signal, nullptr, 0) < 0) return errno;
    // v1: a frozen process does not even die.
    if (signal == SIGKILL && cgroups_.frozen()) cgroups_.freeze(false);
    return 0;
}

int Shim::resize(std::uint16_t rows, std::uint16_t columns) noexcept {
    winsize size{rows, columns, 0, 0};
    if (!terminal_ || !input_) return ENOTTY;
    return ::ioctl(input_.get(), TIOCSWINSZ, &size) < 0 ? errno : 0;
}

void Shim::attach(int index, std::uint32_t request, const AttachBody& body) noexcept {
    Connection& c = connections_[index];
    c.attach = body.flags | 0x80000000U; // attached, even to nothing
    if (terminal_ && body.rows && body.columns) resize(body.rows, body.columns);
    reply(index, request, 0);
    if (!c.fd) return;
    StartedBody started{init_, 0, init_start_, started_ns_};
    if (phase_ == Phase::running) send(index, Type::started, 0, &started, sizeof started);
    release();
}

void Shim::status(int index, std::uint32_t request) noexcept {
    StatusBody s{};
    s.pid = phase_ == Phase::ended ? 0 : init_;
    s.shim_pid = ::getpid();
    s.start_time = init_start_;
    s.started_ns = started_ns_;
    s.running = phase_ == Phase::running;
    s.held = phase_ == Phase::held;
    s.paused = s.running && cgroups_.frozen();
    for (const Exec& e : execs_) s.execs += e.state != Exec::State::unused;
    for (const Connection& c : connections_) s.attached += c.fd && c.attach;
    send(index, Type::status_is, request, &s, sizeof s);
}

void Shim::park(int index, std::uint32_t request, const TagBody& body, int* fds, std::uint32_t count) noexcept {
    Parked* place = nullptr;
    for (Parked& p : parked_)
        if (p.count && !std::strncmp(p.tag, body.tag, sizeof p.tag)) place = &p;
    for (Parked& p : parked_)
        if (!place && !p.count && count) place = &p;
    if (!place) return reply(index, request, count ? ENOSPC : 0);
    for (Fd& fd : place->fds) fd.reset();
    std::memcpy(place->tag, body.tag, sizeof place->tag);
    place->tag[sizeof place->tag - 1] = 0;
    place->count = count;
    for (std::uint32_t i = 0; i < count; ++i) {
        place->fds[i].reset(fds[i]);
        fds[i] = -1;
    }
    reply(index, request, 0);
}

void Shim::send_parked(int index, std::uint32_t request) noexcept {
    for (const Parked& p : parked_) {
        if (!p.count) continue;
        TagBody body{};
        std::memcpy(body.tag, p.tag, sizeof body.tag);
        int fds[max_fds];
        for (std::uint32_t i = 0; i < p.count; ++i) fds[i] = p.fds[i].get();
        send(index, Type::parked, request, &body, sizeof body, fds, p.count);
    }
    TagBody last{};
    last.last = 1;
    send(index, Type::parked, request, &last, sizeof last);
}

int Shim::update(int steps_fd) noexcept {
    struct stat st {};
    static char steps[65536]; // limits only
    if (::fstat(steps_fd, &st) < 0 || st.st_size <= 0 || st.st_size > static_cast<off_t>(sizeof steps)) return EINVAL;
    auto size = static_cast<std::size_t>(st.st_size);
    if (::pread(steps_fd, steps, size, 0) != static_cast<ssize_t>(size)) return EIO;
    exec::StepView view;
    exec::Report why{};
    if (view.validate(steps, size) || view.header().kind != exec::StepsKind::update) return EINVAL;
    static exec::Cgroups groups;
    groups = exec::Cgroups{};
    bool ok = groups.make(view, &why) && groups.limit(view, &why, pass_warning, this);
    groups.close();
    return ok ? 0 : why.errnum;
}

} // namespace davit::shim

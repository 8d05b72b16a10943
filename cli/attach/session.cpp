#include "cli/attach/session.hpp"

#include "cli/diagnostics.hpp"
#include "cli/docker_errors.hpp"
#include "cli/terminal.hpp"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace davit::cli {

namespace {

WindowSize window_of(int fd) {
    const TerminalSize size = terminal_size(fd);
    return {size.rows, size.columns};
}

// The signals of this process are the session's as long as it lives.
class SignalsToSession {
public:
    // sized: the terminal that has the size of the process's.
    SignalsToSession(Interrupts& interrupts, Session& session, int sized) : interrupts_(interrupts), session_(session) {
        // Before the size is read: none is missed.
        interrupts_.on_resize([control = session.control, sized]() mutable { control.resize(window_of(sized)); });
    }
    ~SignalsToSession() {
        interrupts_.on_signal({});
        interrupts_.on_resize({});
    }
    SignalsToSession(const SignalsToSession&) = delete;

    // Every signal goes to the process, and it decides.
    void forward(bool all) {
        interrupts_.on_second({});
        if (all) interrupts_.on_signal([control = session_.control](int signal) mutable { control.signal(signal); });
        else interrupts_.on_signal([control = session_.control](int) mutable { control.detach(); });
    }

private:
    Interrupts& interrupts_;
    Session& session_;
};

// false: nobody reads any more.
bool write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd, bytes.data(), bytes.size());
        if (n >= 0) {
            bytes.remove_prefix(static_cast<std::size_t>(n));
        } else if (errno == EAGAIN) { // somebody else made it non-blocking
            pollfd wait{fd, POLLOUT, 0};
            ::poll(&wait, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

// `run … | head -1`: as any program whose reader left. The container goes on, as after a detach.
void show(ExecStream stream, std::string_view bytes) {
    const bool errors = stream == ExecStream::errors;
    if (write_all(errors ? STDERR_FILENO : STDOUT_FILENO, bytes) || errors || errno != EPIPE) return;
    restore_terminal();
    std::signal(SIGPIPE, SIG_DFL);
    ::raise(SIGPIPE);
}

// What is typed, without the keys that leave it.
std::function<bool(std::string&)> without(DetachKeys& keys) {
    return [&keys](std::string& bytes) {
        bytes = keys.feed(bytes);
        return !keys.typed();
    };
}

} // namespace

std::optional<int> attach_to(Engine& engine, const AttachOptions& options, Interrupts& interrupts) {
    std::signal(SIGPIPE, SIG_IGN);
    Session session;
    SignalsToSession signals(interrupts, session, STDOUT_FILENO);
    DetachKeys keys = options.keys;
    const bool tty = options.container.tty;
    if (options.input) session.input = STDIN_FILENO;
    if (tty) session.typed = without(keys);
    if (tty) session.size = window_of(STDOUT_FILENO);
    session.sink = [&options](ExecStream stream, std::string_view bytes) {
        if (stream == ExecStream::errors ? options.errors : options.output) show(stream, bytes);
    };
    std::optional<TerminalMode> raw;
    session.started = [&] {
        if (tty && options.input) raw.emplace(STDIN_FILENO, TerminalMode::Kind::raw);
        signals.forward(options.forward_signals);
    };
    return attach(engine, options.container, session);
}

int exec_in(Engine& engine, const ContainerInfo& container, const ExecOptions& options, Interrupts& interrupts,
            const DetachKeys& leave) {
    std::signal(SIGPIPE, SIG_IGN);
    Session session;
    SignalsToSession signals(interrupts, session, STDIN_FILENO);
    DetachKeys keys = leave;
    if (options.interactive && !options.detach) session.input = STDIN_FILENO;
    if (options.tty) session.typed = without(keys);
    if (options.tty) session.size = window_of(STDIN_FILENO);
    session.output = STDOUT_FILENO;
    session.errors = STDERR_FILENO;
    std::optional<TerminalMode> raw;
    session.started = [&] {
        if (options.tty) raw.emplace(STDIN_FILENO, TerminalMode::Kind::raw);
        signals.forward(true);
    };
    try {
        return exec(engine, container, options, session).value_or(0);
    } catch (const Error& e) {
        if (!e.exit_code()) throw;
        if (!docker_is_spoken()) print_error(e);
        else if (options.detach) std::fprintf(stderr, "%s\n", engine_answer(docker_exec_error(e)).c_str());
        else std::printf("%s\r\n", docker_exec_error(e).c_str()); // the runtime's words come by the stream of output
        // Docker takes a working directory that is a file for one that is not there.
        const bool no_directory = e.os().value() == ENOTDIR && std::string_view(e.what()).starts_with("while entering");
        return no_directory ? 127 : e.exit_code();
    }
}

} // namespace davit::cli

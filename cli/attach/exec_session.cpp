#include "cli/attach/exec_session.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/attach/pump.hpp"
#include "cli/attach/shim_events.hpp"
#include "cli/diagnostics.hpp"
#include "cli/terminal.hpp"
#include "engine/exec.hpp"
#include "engine/shim_of.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace davit::cli {

namespace {

constexpr auto start_limit = std::chrono::seconds(60);

class ExecSession {
public:
    ExecSession(runtime::ShimConnection connection, const ExecRequestOptions& request, Interrupts& interrupts)
        : connection_(std::move(connection)), request_(request), interrupts_(interrupts) {}
    ~ExecSession() {
        interrupts_.on_signal({});
        interrupts_.on_resize({});
    }
    ExecSession(const ExecSession&) = delete;

    int run(int steps_fd) {
        std::signal(SIGPIPE, SIG_IGN);
        interrupts_.on_resize([this] { requests_.resize(); }); // before the size is read: none is missed
        const std::uint32_t id = send(steps_fd);
        wait_for_start(id);
        if (request_.detach) return 0;
        std::optional<TerminalMode> raw;
        if (request_.tty) raw.emplace(STDIN_FILENO, TerminalMode::Kind::raw);
        start_pumps();
        interrupts_.on_second({}); // every signal goes to the process, and it decides
        interrupts_.on_signal([this](int signal) { requests_.signal(signal); });
        const int code = serve(id);
        if (output_) output_->finish();
        if (errors_) errors_->finish();
        return code;
    }

private:
    std::uint32_t send(int steps_fd) {
        runtime::ExecRequest exec;
        exec.steps_fd = steps_fd;
        FdPair in, out, err;
        if (request_.tty) {
            const TerminalSize size = terminal_size(STDIN_FILENO);
            exec.rows = size.rows;
            exec.columns = size.columns;
        } else if (!request_.detach) {
            in = sys::pipe();
            out = sys::pipe();
            err = sys::pipe();
            exec.stdin_fd = in.first.get();
            exec.stdout_fd = out.second.get();
            exec.stderr_fd = err.second.get();
        }
        const std::uint32_t id = connection_.exec(exec);
        input_end_ = std::move(in.second);
        output_end_ = std::move(out.first);
        error_end_ = std::move(err.first);
        return id;
    }

    void wait_for_start(std::uint32_t id) {
        for (;;) {
            runtime::ShimEvent event = connection_.wait_any(start_limit);
            if (auto* started = std::get_if<runtime::ExecStarted>(&event); started && started->exec == id) {
                console_ = std::move(started->console);
                return;
            }
            if (auto* failed = std::get_if<runtime::ExecFailed>(&event); failed && failed->exec == id)
                throw failed->error;
            if (std::holds_alternative<runtime::Disconnected>(event) || std::holds_alternative<runtime::Exited>(event))
                throw error(Errc::unavailable, "the container ended before the command began");
        }
    }

    void start_pumps() {
        if (request_.tty) {
            UniqueFd to(::fcntl(console_.get(), F_DUPFD_CLOEXEC, 0));
            if (request_.interactive) {
                Pump::Ends in;
                in.from = STDIN_FILENO;
                in.owned_to = std::move(to);
                in.keys = &keys_;
                in.detached = [this] { requests_.detach(); };
                input_.emplace(std::move(in));
            }
            Pump::Ends out;
            out.owned_from.reset(::fcntl(console_.get(), F_DUPFD_CLOEXEC, 0));
            out.to = STDOUT_FILENO;
            output_.emplace(std::move(out));
            return;
        }
        if (request_.interactive) {
            Pump::Ends in;
            in.from = STDIN_FILENO;
            in.owned_to = std::move(input_end_);
            in.wait_for_room = true;
            input_.emplace(std::move(in));
        } else {
            input_end_.reset();
        }
        Pump::Ends out, err;
        out.owned_from = std::move(output_end_);
        out.to = STDOUT_FILENO;
        err.owned_from = std::move(error_end_);
        err.to = STDERR_FILENO;
        output_.emplace(std::move(out));
        errors_.emplace(std::move(err));
    }

    int serve(std::uint32_t id) {
        for (;;) {
            while (auto event = connection_.receive()) {
                if (auto* ended = std::get_if<runtime::ExecExited>(&*event); ended && ended->exec == id)
                    return ended->code;
                // The container ended, and all its processes with it.
                if (std::holds_alternative<runtime::Exited>(*event) ||
                    std::holds_alternative<runtime::Disconnected>(*event))
                    return 128 + SIGKILL;
            }
            pollfd fds[] = {{connection_.fd(), POLLIN, 0}, {requests_.fd(), POLLIN, 0}};
            if (::poll(fds, 2, -1) < 0 || !fds[1].revents) continue;
            const Requests::Taken asked = requests_.take();
            for (const int signal : asked.signals) connection_.signal_exec(id, signal);
            if (asked.detach) return 0;
            if (asked.resize && request_.tty) resize();
        }
    }

    void resize() const {
        winsize size{};
        if (::ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) ::ioctl(console_.get(), TIOCSWINSZ, &size);
    }

    runtime::ShimConnection connection_;
    const ExecRequestOptions& request_;
    Interrupts& interrupts_;
    Requests requests_;
    DetachKeys keys_;
    UniqueFd console_, input_end_, output_end_, error_end_;
    std::optional<Pump> input_, output_, errors_;
};

} // namespace

int exec_in(const Roots& roots, const ContainerInfo& container, const ExecRequestOptions& request,
            Interrupts& interrupts) {
    const std::string steps = exec_steps(roots, container, request);
    const UniqueFd steps_fd = sys::sealed_memfd("davit-exec", steps);
    ExecSession session(connect_to_shim(roots, container.project, container.id), request, interrupts);
    try {
        return session.run(steps_fd.get());
    } catch (const Error& e) {
        const int code = not_executed_code(e);
        if (!code) throw;
        print_error(e);
        return code;
    }
}

} // namespace davit::cli

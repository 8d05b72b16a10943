#include "cli/attach/attach_session.hpp"

#include "base/error.hpp"
#include "cli/attach/shim_events.hpp"
#include "cli/terminal.hpp"
#include "engine/shim_of.hpp"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <unistd.h>

namespace davit::cli {

namespace {

constexpr std::size_t most_input = 16384; // read from stdin at once; a shim takes at most 32 KiB

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

class AttachSession {
public:
    AttachSession(const AttachOptions& options, Interrupts& interrupts)
        : options_(options), interrupts_(interrupts), keys_(options.keys),
          connection_(connect_to_shim(options.roots, options.project, options.container_id)) {}
    ~AttachSession() {
        interrupts_.on_signal({});
        interrupts_.on_resize({});
    }
    AttachSession(const AttachSession&) = delete;

    std::optional<int> run() {
        std::signal(SIGPIPE, SIG_IGN);
        runtime::AttachRequest request;
        request.input = options_.input;
        interrupts_.on_resize([this] { requests_.resize(); }); // before the size is read: none is missed
        const TerminalSize size = options_.tty ? terminal_size(STDOUT_FILENO) : TerminalSize{};
        request.rows = size.rows;
        request.columns = size.columns;
        connection_.attach(request);
        std::optional<TerminalMode> raw;
        if (options_.tty && options_.input) raw.emplace(STDIN_FILENO, TerminalMode::Kind::raw);
        input_open_ = options_.input;
        interrupts_.on_second({});
        if (options_.forward_signals) interrupts_.on_signal([this](int signal) { requests_.signal(signal); });
        return serve();
    }

private:
    std::optional<int> serve() {
        for (;;) {
            while (auto event = connection_.receive()) {
                if (auto* output = std::get_if<runtime::Output>(&*event)) show(*output);
                else if (auto* exited = std::get_if<runtime::Exited>(&*event)) return exited->code;
                else if (auto* failed = std::get_if<runtime::StartFailed>(&*event)) throw failed->error;
                else if (std::holds_alternative<runtime::Disconnected>(*event))
                    throw error(Errc::unavailable, "the connection to container {} was lost", options_.container_name);
            }
            if (!turn()) return std::nullopt;
        }
    }

    // `run … | head -1`: as any program whose reader left. The container goes on, as after a detach.
    static void show(const runtime::Output& output) {
        if (write_all(output.stream == 2 ? STDERR_FILENO : STDOUT_FILENO, output.data) || output.stream == 2 ||
            errno != EPIPE)
            return;
        restore_terminal();
        std::signal(SIGPIPE, SIG_DFL);
        ::raise(SIGPIPE);
    }

    // Waits for something and handles what is not the shim's. false: detach.
    bool turn() {
        pollfd fds[] = {{connection_.fd(), static_cast<short>(POLLIN | (pending_.empty() ? 0 : POLLOUT)), 0},
                        {requests_.fd(), POLLIN, 0},
                        {input_open_ && pending_.empty() ? STDIN_FILENO : -1, POLLIN, 0}};
        if (::poll(fds, 3, -1) < 0) return true;
        if (fds[1].revents) {
            const Requests::Taken asked = requests_.take();
            for (const int signal : asked.signals) connection_.signal(signal);
            if (asked.resize && options_.tty) {
                const TerminalSize size = terminal_size(STDOUT_FILENO);
                connection_.resize(size.rows, size.columns);
            }
        }
        if (fds[2].revents) read_input();
        if (!pending_.empty() && connection_.send_input(pending_)) pending_.clear();
        if (!input_open_ && pending_.empty() && !closed_) {
            closed_ = true;
            if (options_.input) connection_.close_input();
        }
        return !keys_.typed();
    }

    void read_input() {
        char buffer[most_input];
        const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (n <= 0) {
            input_open_ = false;
            return;
        }
        const std::string_view bytes(buffer, static_cast<std::size_t>(n));
        pending_ = options_.tty ? keys_.feed(bytes) : std::string(bytes);
    }

    const AttachOptions& options_;
    Interrupts& interrupts_;
    DetachKeys keys_;
    runtime::ShimConnection connection_;
    Requests requests_;
    std::string pending_; // read, and not yet taken by the shim
    bool input_open_ = false, closed_ = false;
};

} // namespace

std::optional<int> attach_to(const AttachOptions& options, Interrupts& interrupts) {
    return AttachSession(options, interrupts).run();
}

} // namespace davit::cli

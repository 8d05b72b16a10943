// Engine::exec: one thread, the shim's socket and the pipes of the process under one poll(2).
#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "engine/exec.hpp"
#include "engine/shim_of.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace davit {

namespace {

constexpr auto start_limit = std::chrono::seconds(60);

// A library leaves its program's signal dispositions alone: the SIGPIPE of a write is taken back
// before anybody sees it.
ssize_t write_quietly(int fd, std::string_view bytes) {
    sigset_t pipe, before, pending;
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::sigpending(&pending);
    const bool was_pending = ::sigismember(&pending, SIGPIPE) != 0;
    ::pthread_sigmask(SIG_BLOCK, &pipe, &before);
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    const int failure = errno;
    if (n < 0 && failure == EPIPE && !was_pending) {
        const timespec now{};
        while (::sigtimedwait(&pipe, nullptr, &now) < 0 && errno == EINTR) {}
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    errno = failure;
    return n;
}

void non_blocking(const UniqueFd& fd) { ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

class ExecRun {
public:
    ExecRun(runtime::ShimConnection shim, const ExecOptions& options, std::string_view input, const ExecSink& sink)
        : shim_(std::move(shim)), options_(options), input_(input), sink_(sink) {}

    int run(const std::string& steps, const std::stop_token& stop) {
        begin(steps);
        const UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        const std::stop_callback on_stop(stop, [&] { ::eventfd_write(wake.get(), 1); });
        for (;;) {
            while (auto event = shim_.receive())
                if (auto code = ended(*event)) {
                    // What it wrote last is in the pipes; a child that it left behind may keep them open.
                    while (pass_on(output_, ExecStream::output)) {}
                    while (pass_on(errors_, ExecStream::errors)) {}
                    return *code;
                }
            std::array<pollfd, 5> fds{{{shim_.fd(), POLLIN, 0},
                                       {wake.get(), POLLIN, 0},
                                       {output_.get(), POLLIN, 0},
                                       {errors_.get(), POLLIN, 0},
                                       {stdin_.get(), POLLOUT, 0}}};
            if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR)
                throw sys_error(errno, "waiting for a command's output");
            if (stop.stop_requested()) {
                shim_.signal_exec(exec_, SIGKILL);
                throw error(Errc::interrupted, "interrupted");
            }
            if (fds[2].revents) pass_on(output_, ExecStream::output);
            if (fds[3].revents) pass_on(errors_, ExecStream::errors);
            if (fds[4].revents) feed();
        }
    }

private:
    void begin(const std::string& steps) {
        const UniqueFd steps_fd = sys::sealed_memfd("davit-exec", steps);
        runtime::ExecRequest request;
        request.steps_fd = steps_fd.get();
        FdPair in, out, err;
        if (!options_.tty) {
            in = sys::pipe();
            out = sys::pipe();
            err = sys::pipe();
            request.stdin_fd = in.first.get();
            request.stdout_fd = out.second.get();
            request.stderr_fd = err.second.get();
        }
        exec_ = shim_.exec(request);
        stdin_ = std::move(in.second);
        output_ = std::move(out.first);
        errors_ = std::move(err.first);
        wait_for_start();
        for (auto* fd : {&stdin_, &output_, &errors_})
            if (*fd) non_blocking(*fd);
        feed();
    }

    void wait_for_start() {
        for (;;) {
            runtime::ShimEvent event = shim_.wait_any(start_limit);
            if (auto* started = std::get_if<runtime::ExecStarted>(&event); started && started->exec == exec_) {
                if (!options_.tty) return;
                stdin_.reset(::fcntl(started->console.get(), F_DUPFD_CLOEXEC, 0));
                output_ = std::move(started->console);
                return;
            }
            if (auto* failed = std::get_if<runtime::ExecFailed>(&event); failed && failed->exec == exec_)
                throw failed->error;
            if (std::holds_alternative<runtime::Disconnected>(event) || std::holds_alternative<runtime::Exited>(event))
                throw error(Errc::unavailable, "the container ended before the command began");
        }
    }

    std::optional<int> ended(const runtime::ShimEvent& event) const {
        if (auto* exited = std::get_if<runtime::ExecExited>(&event); exited && exited->exec == exec_)
            return exited->code;
        // The container ended, and all its processes with it.
        if (std::holds_alternative<runtime::Exited>(event) || std::holds_alternative<runtime::Disconnected>(event))
            return 128 + SIGKILL;
        return std::nullopt;
    }

    // Whether there may be more at once.
    bool pass_on(UniqueFd& from, ExecStream stream) {
        if (!from) return false;
        char buffer[65536];
        const ssize_t n = ::read(from.get(), buffer, sizeof buffer);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return errno == EINTR;
        if (n <= 0) { // a terminal without processes says EIO
            from.reset();
            return false;
        }
        if (sink_) sink_(stream, std::string_view(buffer, static_cast<std::size_t>(n)));
        return true;
    }

    void feed() {
        while (stdin_ && !input_.empty()) {
            const ssize_t n = write_quietly(stdin_.get(), input_);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) return;
            if (n < 0) input_ = {}; // nobody reads it any more
            else input_.remove_prefix(static_cast<std::size_t>(n));
        }
        stdin_.reset();
    }

    runtime::ShimConnection shim_;
    const ExecOptions& options_;
    std::string_view input_;
    const ExecSink& sink_;
    std::uint32_t exec_ = 0;
    UniqueFd stdin_, output_, errors_;
};

} // namespace

int Engine::exec(const ContainerInfo& container, const ExecOptions& options, std::string_view input,
                 const ExecSink& sink, std::stop_token stop) {
    const Roots& roots = impl_->store.roots();
    const std::string steps = exec_steps(roots, container, options);
    return ExecRun(connect_to_shim(roots, container.project, container.id, stop), options, input, sink)
        .run(steps, stop);
}

} // namespace davit

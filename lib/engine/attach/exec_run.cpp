// One more process in a container: one thread with the shim's socket and what is read or written here under one
// poll(2); descriptors of the caller's have threads of their own.
#include "davit/attach.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "engine/attach/control.hpp"
#include "engine/attach/pump.hpp"
#include "engine/attach/quiet_write.hpp"
#include "engine/events/record.hpp"
#include "engine/exec.hpp"
#include "engine/roots.hpp"
#include "engine/shim_of.hpp"
#include "runtime/exec_client.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <exception>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <optional>
#include <poll.h>
#include <unistd.h>

namespace davit {

namespace {

constexpr int reads_at_end = 16; // a pipe holds one

void non_blocking(const UniqueFd& fd) { ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

class ExecRun {
public:
    // text: what it reads where the session has no input.
    ExecRun(runtime::ShimConnection shim, const ExecOptions& options, const Session& session, std::string_view text)
        : shim_(std::move(shim)), options_(options), session_(session), requests_(session.control.requests()),
          text_(text) {}
    ~ExecRun() { requests_.apply_sizes_by({}); }
    ExecRun(const ExecRun&) = delete;
    ExecRun& operator=(const ExecRun&) = delete;

    std::optional<int> run(const std::string& steps, const std::stop_token& stop) {
        begin(steps);
        if (options_.detach) return 0;
        const std::stop_callback on_stop(stop, [this] { requests_.wake(); });
        for (;;) {
            while (auto event = shim_.receive())
                if (auto code = process_.exit_code(*event)) return finish(*code);
            wait();
            const SessionControl::Requests::Taken asked = requests_.take();
            if (stop.stop_requested()) {
                shim_.signal_exec(process_.id(), SIGKILL);
                throw error(Errc::interrupted, "interrupted");
            }
            for (const int signal : asked.signals) shim_.signal_exec(process_.id(), signal);
            if (asked.detach) return finish(std::nullopt);
        }
    }

private:
    void begin(const std::string& steps) {
        const UniqueFd steps_fd = sys::sealed_memfd("davit-exec", steps);
        const auto streams = options_.detach ? runtime::ExecStreams::none
                             : options_.tty  ? runtime::ExecStreams::terminal
                                             : runtime::ExecStreams::all;
        try {
            process_ = runtime::ExecClient(shim_, steps_fd.get(), streams, session_.size.rows, session_.size.columns);
            process_.wait_for_start(shim_);
        } catch (Error& e) {
            e.with_exit_code(not_executed_code(e));
            throw;
        }
        if (options_.detach) return;
        requests_.apply_sizes_by([this](WindowSize size) { process_.resize(size.rows, size.columns); });
        if (session_.started) session_.started();
        start_input();
        start_output(process_.output, session_.output, output_);
        start_output(process_.errors, session_.errors, errors_);
    }

    void start_input() {
        if (session_.input < 0) {
            non_blocking(process_.input);
            return feed();
        }
        Pump::Ends ends;
        ends.from = session_.input;
        ends.owned_to = std::move(process_.input);
        ends.wait_for_room = !options_.tty;
        if (session_.typed) ends.typed = [this](std::string& text) { return typed(text); };
        ends.left = [this] { requests_.detach(); };
        input_.emplace(std::move(ends));
    }

    // In the thread that reads: what the caller's function throws leaves the call, not the thread: finish().
    bool typed(std::string& text) try { return session_.typed(text); } catch (...) {
        thrown_ = std::current_exception(); // the request to leave comes next
        text.clear();
        return false;
    }

    void start_output(UniqueFd& from, int to, std::optional<Pump>& pump) {
        if (to < 0) {
            if (from) non_blocking(from);
            return;
        }
        Pump::Ends ends;
        ends.owned_from = std::move(from);
        ends.to = to;
        if (ends.owned_from) pump.emplace(std::move(ends));
    }

    void wait() {
        std::array<pollfd, 5> fds{{{shim_.fd(), POLLIN, 0},
                                   {requests_.fd(), POLLIN, 0},
                                   {process_.output.get(), POLLIN, 0},
                                   {process_.errors.get(), POLLIN, 0},
                                   {text_.empty() ? -1 : process_.input.get(), POLLOUT, 0}}};
        if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR)
            throw sys_error(errno, "waiting for a command's output");
        if (fds[2].revents) pass_on(process_.output, ExecStream::output);
        if (fds[3].revents) pass_on(process_.errors, ExecStream::errors);
        if (fds[4].revents) feed();
    }

    std::optional<int> finish(std::optional<int> code) {
        // What it wrote last is in the pipes; a child that it left behind may keep them open, and write on.
        for (int i = 0; i < reads_at_end && pass_on(process_.output, ExecStream::output); ++i) {}
        for (int i = 0; i < reads_at_end && pass_on(process_.errors, ExecStream::errors); ++i) {}
        if (output_) output_->finish();
        if (errors_) errors_->finish();
        input_.reset(); // its thread has ended: what it has left behind may be looked at
        if (thrown_) std::rethrow_exception(thrown_);
        return code;
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
        if (session_.sink) session_.sink(stream, std::string_view(buffer, static_cast<std::size_t>(n)));
        return true;
    }

    void feed() {
        while (process_.input && !text_.empty()) {
            const ssize_t n = write_quietly(process_.input.get(), text_);
            if (n < 0 && errno == EINTR) continue;
            if (n < 0 && errno == EAGAIN) return;
            if (n < 0) text_ = {}; // nobody reads it any more
            else text_.remove_prefix(static_cast<std::size_t>(n));
        }
        process_.input.reset();
    }

    runtime::ShimConnection shim_;
    const ExecOptions& options_;
    const Session& session_;
    SessionControl::Requests& requests_;
    std::string_view text_;
    runtime::ExecClient process_;
    std::exception_ptr thrown_;
    std::optional<Pump> input_, output_, errors_;
};

std::optional<int> run_exec(Engine& engine, const ContainerInfo& container, const ExecOptions& options,
                            const Session& session, std::string_view text, const std::stop_token& stop) {
    const Roots roots = roots_of(engine);
    const std::string steps = exec_steps(roots, container, options);
    ExecRun run(connect_to_shim(roots, container.project, container.id, stop), options, session, text);
    const std::string id = sys::random_hex(64);
    std::string command = fmt::format("{}", fmt::join(options.command, " "));
    if (options.command.size() == 1) command += ' '; // as docker, of a command without arguments
    for (const char* step : {"exec_create: ", "exec_start: "})
        record_event(roots, container, step + command, {{"execID", id}});
    const std::optional<int> code = run.run(steps, stop);
    if (code) record_event(roots, container, "exec_die", {{"execID", id}, {"exitCode", std::to_string(*code)}});
    return code;
}

} // namespace

int Engine::exec(const ContainerInfo& container, const ExecOptions& options, std::string_view input,
                 const ExecSink& sink, std::stop_token stop) {
    Session session;
    session.sink = sink;
    return run_exec(*this, container, options, session, input, stop).value_or(0);
}

std::optional<int> exec(Engine& engine, const ContainerInfo& container, const ExecOptions& options,
                        const Session& session, std::stop_token stop) {
    return run_exec(engine, container, options, session, {}, stop);
}

} // namespace davit

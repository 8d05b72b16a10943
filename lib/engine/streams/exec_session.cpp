#include "base/error.hpp"
#include "base/sys.hpp"
#include "davit/streams.hpp"
#include "engine/attach/quiet_write.hpp"
#include "engine/streams/follower.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <utility>

namespace davit {

struct ExecSession::Impl {
    UniqueFd input; // what is written here, the process reads
    SessionControl control;
    std::atomic<int> code{-1};
    std::optional<Follower<ExecPiece>> process; // last: its thread uses the others
};

namespace {

// The caller's end is polled; the other is read by a thread that blocks.
FdPair input_pipe() {
    FdPair ends = sys::pipe();
    if (::fcntl(ends.second.get(), F_SETFL, O_NONBLOCK) < 0) throw sys_error(errno, "making a pipe");
    return ends;
}

} // namespace

ExecSession exec_session(Engine& engine, const ContainerInfo& container, const ExecOptions& options, WindowSize size) {
    if (options.detach) throw error(Errc::usage, "a process that is detached has no streams");
    FdPair ends = input_pipe();
    auto impl = std::make_unique<ExecSession::Impl>();
    impl->input = std::move(ends.second);
    // The thread closes its end when the process has ended: who writes is told.
    auto read_end = std::make_shared<UniqueFd>(std::move(ends.first));
    impl->process.emplace([&engine, container, options, size, read_end,
                           me = impl.get()](const Follower<ExecPiece>::Push& push, std::stop_token stop) {
        const UniqueFd input = std::move(*read_end);
        Session session;
        if (options.interactive) session.input = input.get();
        session.sink = [&push](ExecStream stream, std::string_view text) {
            push({stream, std::string(text)}, sizeof(ExecPiece) + text.size());
        };
        session.size = size;
        session.control = me->control;
        if (const auto code = exec(engine, container, options, session, std::move(stop))) me->code = *code;
    });
    return ExecSession(std::move(impl));
}

ExecSession::ExecSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ExecSession::ExecSession(ExecSession&&) noexcept = default;
ExecSession& ExecSession::operator=(ExecSession&&) noexcept = default;
ExecSession::~ExecSession() = default;

int ExecSession::fd() const noexcept { return impl_->process->channel().fd(); }
std::optional<ExecPiece> ExecSession::next() { return impl_->process->channel().take(); }
bool ExecSession::done() const noexcept { return impl_->process->channel().done(); }

std::optional<int> ExecSession::exit_code() const {
    const int code = impl_->code;
    if (!done() || code < 0) return std::nullopt;
    return code;
}

std::size_t ExecSession::write(std::string_view text) {
    if (!impl_->input) throw error(Errc::unavailable, "the input of the process was closed");
    std::size_t taken = 0;
    while (taken < text.size()) {
        const ssize_t n = write_quietly(impl_->input.get(), text.substr(taken));
        if (n >= 0) taken += static_cast<std::size_t>(n);
        else if (errno == EAGAIN) break;
        else if (errno == EPIPE) throw error(Errc::unavailable, "the process has ended");
        else if (errno != EINTR) throw sys_error(errno, "writing to a process");
    }
    return taken;
}

int ExecSession::input_fd() const noexcept { return impl_->input.get(); }
void ExecSession::close_input() { impl_->input.reset(); }
void ExecSession::signal(int number) { impl_->control.signal(number); }
void ExecSession::resize(WindowSize size) { impl_->control.resize(size); }

} // namespace davit

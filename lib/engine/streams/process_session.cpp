#include "base/error.hpp"
#include "base/sys.hpp"
#include "davit/streams.hpp"
#include "engine/attach/quiet_write.hpp"
#include "engine/streams/follower.hpp"

#include <atomic>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <memory>
#include <utility>

namespace davit {

struct ProcessSession::Impl {
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

// What the thread does: it steers and is steered by what it is given.
using Call = std::function<std::optional<int>(const Session&, std::stop_token)>;

ProcessSession begin(bool takes_input, WindowSize size, Call call) {
    FdPair ends = input_pipe();
    auto impl = std::make_unique<ProcessSession::Impl>();
    if (takes_input) impl->input = std::move(ends.second);
    // The thread closes its end when the process has ended: who writes is told.
    auto read_end = std::make_shared<UniqueFd>(takes_input ? std::move(ends.first) : UniqueFd());
    impl->process.emplace([size, read_end, call = std::move(call),
                           me = impl.get()](const Follower<ExecPiece>::Push& push, std::stop_token stop) {
        const UniqueFd input = std::move(*read_end);
        Session session;
        session.input = input.get();
        session.sink = [&push](ExecStream stream, std::string_view text) {
            push({stream, std::string(text)}, sizeof(ExecPiece) + text.size());
        };
        session.size = size;
        session.control = me->control;
        if (const auto code = call(session, std::move(stop))) me->code = *code;
    });
    return ProcessSession(std::move(impl));
}

} // namespace

ProcessSession exec_session(Engine& engine, const ContainerInfo& container, const ExecOptions& options,
                            WindowSize size) {
    if (options.detach) throw error(Errc::usage, "a process that is detached has no streams");
    return begin(options.interactive, size,
                 [&engine, container, options](const Session& session, std::stop_token stop) {
                     return exec(engine, container, options, session, std::move(stop));
                 });
}

ProcessSession attach_session(Engine& engine, const ContainerInfo& container, bool input, WindowSize size) {
    return begin(input, size, [&engine, container](const Session& session, std::stop_token stop) {
        return attach(engine, container, session, std::move(stop));
    });
}

ProcessSession::ProcessSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ProcessSession::ProcessSession(ProcessSession&&) noexcept = default;
ProcessSession& ProcessSession::operator=(ProcessSession&&) noexcept = default;
ProcessSession::~ProcessSession() = default;

int ProcessSession::fd() const noexcept { return impl_->process->channel().fd(); }
std::optional<ExecPiece> ProcessSession::next() { return impl_->process->channel().take(); }
bool ProcessSession::done() const noexcept { return impl_->process->channel().done(); }

std::optional<int> ProcessSession::exit_code() const {
    const int code = impl_->code;
    if (!done() || code < 0) return std::nullopt;
    return code;
}

std::size_t ProcessSession::write(std::string_view text) {
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

int ProcessSession::input_fd() const noexcept { return impl_->input.get(); }
void ProcessSession::close_input() { impl_->input.reset(); }
void ProcessSession::signal(int number) { impl_->control.signal(number); }
void ProcessSession::resize(WindowSize size) { impl_->control.resize(size); }
void ProcessSession::detach() { impl_->control.detach(); }

} // namespace davit

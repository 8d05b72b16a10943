#include "supervisor/container/exec_job.hpp"

#include "base/sys.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/epoll.h>

namespace davit::supervisor {

namespace {
constexpr std::size_t piece = 4096;
constexpr int pieces_per_turn = 16; // what a pipe holds
} // namespace

ExecJob::ExecJob(EventLoop& loop, runtime::ShimConnection& shim, const std::string& steps_file,
                 std::chrono::nanoseconds timeout, std::size_t output_limit, Done done)
    : shim_(shim), limit_(output_limit), done_(std::move(done)) {
    const UniqueFd steps = sys::open(steps_file, O_RDONLY);
    client_ = runtime::ExecClient(shim_, steps.get(), runtime::ExecStreams::merged);
    ::fcntl(client_.output.get(), F_SETFL, O_NONBLOCK);
    watch_ = loop.watch_fd(client_.output.get(), EPOLLIN, [this](std::uint32_t) { read_output(); });
    if (timeout.count() > 0)
        timer_ = loop.after(timeout, [this] {
            result_.timed_out = true;
            shim_.signal_exec(id(), SIGKILL);
        });
}

// A command that writes faster than it is read must not keep the loop: what a pipe holds, then the others' turn.
void ExecJob::read_output() {
    char buffer[piece];
    for (int i = 0; i < pieces_per_turn; ++i) {
        ssize_t n = ::read(client_.output.get(), buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EAGAIN) return;
        if (n <= 0) return watch_.reset();
        // Over the limit it is read and dropped, so that the command does not block.
        std::size_t room = limit_ - std::min(limit_, result_.output.size());
        result_.output.append(buffer, std::min(room, static_cast<std::size_t>(n)));
    }
}

void ExecJob::finish() {
    watch_.reset();
    timer_.reset();
    Done done = std::move(done_);
    done(std::move(result_));
}

void ExecJob::failed(const Error& error) {
    result_.error = error;
    if (error.exit_code() != 0) result_.exit_code = error.exit_code();
    finish();
}

void ExecJob::exited(int code) {
    read_output(); // not to the end: what it left behind may keep the pipe open, and write to it
    result_.exit_code = result_.timed_out ? -1 : code;
    finish();
}

void ExecJob::abort(const std::string& why) {
    result_.error = Error(Errc::failed, why);
    finish();
}

} // namespace davit::supervisor

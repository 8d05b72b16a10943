#include "runtime/exec_client.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/ioctl.h>

namespace davit::runtime {

namespace {

constexpr auto exec_start_limit = std::chrono::seconds(60);

} // namespace

ExecClient::ExecClient(ShimConnection& shim, int steps_fd, ExecStreams streams, std::uint16_t rows,
                       std::uint16_t columns)
    : terminal_(streams == ExecStreams::terminal) {
    ExecRequest request;
    request.steps_fd = steps_fd;
    FdPair in, out, err; // the process's ends are closed here when the request is sent
    switch (streams) {
    case ExecStreams::none: break;
    case ExecStreams::terminal:
        request.rows = rows;
        request.columns = columns;
        break;
    case ExecStreams::merged:
        out = sys::pipe();
        request.stdout_fd = request.stderr_fd = out.second.get();
        break;
    case ExecStreams::all:
        in = sys::pipe();
        out = sys::pipe();
        err = sys::pipe();
        request.stdin_fd = in.first.get();
        request.stdout_fd = out.second.get();
        request.stderr_fd = err.second.get();
        break;
    }
    id_ = shim.exec(request);
    input = std::move(in.second);
    output = std::move(out.first);
    errors = std::move(err.first);
}

void ExecClient::wait_for_start(ShimConnection& shim) {
    for (;;) {
        ShimEvent event = shim.wait_any(exec_start_limit);
        if (auto* started = std::get_if<ExecStarted>(&event); started && started->exec == id_) {
            if (!terminal_) return;
            console_ = std::move(started->console);
            for (UniqueFd* end : {&input, &output}) end->reset(::fcntl(console_.get(), F_DUPFD_CLOEXEC, 0));
            return;
        }
        if (auto* failed = std::get_if<ExecFailed>(&event); failed && failed->exec == id_) throw failed->error;
        if (std::holds_alternative<Disconnected>(event) || std::holds_alternative<Exited>(event))
            throw error(Errc::unavailable, "the container ended before the command began");
    }
}

std::optional<int> ExecClient::exit_code(const ShimEvent& event) const {
    if (auto* ended = std::get_if<ExecExited>(&event); ended && ended->exec == id_) return ended->code;
    if (std::holds_alternative<Exited>(event) || std::holds_alternative<Disconnected>(event)) return 128 + SIGKILL;
    return std::nullopt;
}

void ExecClient::resize(std::uint16_t rows, std::uint16_t columns) const {
    const winsize size{rows, columns, 0, 0};
    if (console_) ::ioctl(console_.get(), TIOCSWINSZ, &size);
}

} // namespace davit::runtime

#include "supervisor/helper/helper.hpp"

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/sys.hpp"
#include "supervisor/client/wire.hpp"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {
constexpr std::chrono::seconds idle_limit{3};

// A fork, not an exec: linking the same program once more costs 3 ms of processor for each plan. The supervisor has one
// thread, and nothing of it but the socket is kept: its locks are held by descriptors.
pid_t fork_helper(int socket) {
    const pid_t pid = ::fork();
    if (pid < 0) throw sys_error(errno, "starting davit's helper process");
    if (pid > 0) return pid; // reaped with all others
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (::dup2(socket, helper_fd) < 0) ::_exit(125);
    ::close_range(helper_fd + 1, ~0U, 0);
    show_arguments({"--helper"});
    int code = 125;
    try {
        code = helper_main(helper_fd);
    } catch (...) {
        // The supervisor sees the end of the socket.
    }
    ::_exit(code);
}

} // namespace

void Helper::run(const HelperJob& job, Done done) {
    idle_.reset();
    try {
        if (!socket_) start();
    } catch (const Error& e) { // no descriptor, no process: whoever waits is told, and not from inside its own call
        watch_.reset();
        loop_.post([done = std::move(done), e] {
            if (done) done(&e);
        });
        return;
    }
    out_ += encode_frame(encode_job(job));
    waiting_.push_back(std::move(done));
    flush();
}

void Helper::prepare() {
    if (socket_) return;
    try {
        start();
        end_when_idle();
    } catch (const Error&) { // the first job says why
        watch_.reset();
    }
}

void Helper::end_when_idle() {
    idle_ = loop_.after(idle_limit, [this] { release(); });
}

void Helper::release() {
    if (busy()) return;
    idle_.reset();
    watch_.reset();
    socket_.reset(); // it ends at the end of its input
}

void Helper::start() {
    FdPair pair = sys::socket_pair(SOCK_STREAM);
    ::fcntl(pair.first.get(), F_SETFL, O_NONBLOCK);
    watch_ = loop_.watch_fd(pair.first.get(), EPOLLIN, [this](std::uint32_t events) { on_event(events); });
    pid_ = fork_helper(pair.second.get());
    socket_ = std::move(pair.first);
    reader_ = {};
}

void Helper::stop() {
    idle_.reset();
    watch_.reset();
    if (!socket_) return;
    socket_.reset(); // it ends at the end of its input
    ::waitpid(pid_, nullptr, 0);
}

void Helper::flush() {
    while (!out_.empty()) {
        ssize_t n = ::send(socket_.get(), out_.data(), out_.size(), MSG_NOSIGNAL);
        if (n > 0) {
            out_.erase(0, static_cast<std::size_t>(n));
            continue;
        }
        if (errno == EINTR) continue;
        break; // a lost helper shows itself at the reading end
    }
    loop_.change_events(socket_.get(), out_.empty() ? EPOLLIN : EPOLLIN | EPOLLOUT);
}

void Helper::on_event(std::uint32_t events) {
    if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_answers();
    if (socket_ && (events & EPOLLOUT)) flush();
}

void Helper::read_answers() {
    char buffer[8192];
    ssize_t n = ::recv(socket_.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) return lost();
    reader_.feed({buffer, static_cast<std::size_t>(n)});
    while (auto answer = reader_.next()) {
        if (waiting_.empty()) return lost();
        Done done = std::move(waiting_.front());
        waiting_.pop_front();
        auto failure = optional_error(json::parse_text(*answer), "error");
        if (done) done(failure ? &*failure : nullptr);
    }
    if (waiting_.empty() && socket_) end_when_idle();
}

void Helper::lost() {
    watch_.reset();
    socket_.reset();
    out_.clear();
    std::deque<Done> orphans;
    orphans.swap(waiting_);
    Error e = error(Errc::failed, "davit's helper process ended before its work was done");
    for (auto& done : orphans)
        if (done) done(&e);
}

} // namespace davit::supervisor

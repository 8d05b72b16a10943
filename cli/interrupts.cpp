#include "cli/interrupts.hpp"

#include "base/error.hpp"
#include "cli/docker_errors.hpp"
#include "cli/plugin.hpp"
#include "cli/terminal.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace davit::cli {

Interrupts::Interrupts(bool all) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGWINCH);
    sigaddset(&set, SIGTSTP);
    sigaddset(&set, SIGCONT); // blocked or not, it continues the process
    if (all)
        for (const int signal : {SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM}) sigaddset(&set, signal);
    ::pthread_sigmask(SIG_BLOCK, &set, &before_);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC));
    end_.reset(::eventfd(0, EFD_CLOEXEC));
    if (!signals_ || !end_) throw sys_error(errno, "watching signals");
    caller_ = plugin_socket();
    second_ = [] {
        restore_terminal();
        ::_exit(130);
    };
    thread_ = std::thread([this] { serve(); });
}

Interrupts::~Interrupts() {
    ::eventfd_write(end_.get(), 1);
    thread_.join();
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Interrupts::on_second(std::function<void()> fn) {
    std::lock_guard lock(mutex_);
    second_ = std::move(fn);
}

void Interrupts::on_signal(std::function<void(int)> fn) {
    std::lock_guard lock(mutex_);
    every_ = std::move(fn);
}

void Interrupts::on_resize(std::function<void()> fn) {
    std::lock_guard lock(mutex_);
    resized_ = std::move(fn);
}

void Interrupts::on_suspend(std::function<void()> fn) {
    std::lock_guard lock(mutex_);
    suspended_ = std::move(fn);
}

void Interrupts::on_resume(std::function<void()> fn) {
    std::lock_guard lock(mutex_);
    resumed_ = std::move(fn);
}

// The terminal is left as it was found, whoever stops the process; then it is stopped in truth.
void Interrupts::suspend() {
    {
        std::lock_guard lock(mutex_);
        if (suspended_) suspended_();
    }
    leave_terminal();
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTSTP);
    ::pthread_sigmask(SIG_UNBLOCK, &stop, nullptr);
    ::raise(SIGTSTP);
    ::pthread_sigmask(SIG_BLOCK, &stop, nullptr);
    sigset_t pending;
    // Where no shell would continue it the kernel ignores that, and no SIGCONT follows.
    if (::sigpending(&pending) == 0 && !sigismember(&pending, SIGCONT)) resume();
}

void Interrupts::resume() {
    return_to_terminal();
    std::lock_guard lock(mutex_);
    if (resumed_) resumed_();
}

namespace {
std::atomic<int> stopped_by{SIGINT}; // the first signal that asked for it
}

int Interrupts::exit_code() {
    constexpr int by_signal = 128;
    return by_signal + (docker_is_spoken() ? stopped_by.load() : SIGINT);
}

void Interrupts::interrupt(int signal) {
    if (!source_.stop_requested()) stopped_by = signal;
    std::function<void()> second;
    std::function<void(int)> every;
    {
        std::lock_guard lock(mutex_);
        second = second_;
        every = every_;
    }
    if (++signals_taken_ == 3) { // whatever the first two led to: nobody is to be stuck here
        restore_terminal();
        std::fputs("got 3 SIGTERM/SIGINTs, forcefully exiting\n", stderr);
        ::_exit(1);
    }
    if (every) every(signal);
    if (!source_.request_stop() && second) second();
}

void Interrupts::pass_on(int signal) {
    std::function<void(int)> every;
    {
        std::lock_guard lock(mutex_);
        every = every_;
    }
    if (every) every(signal);
    else if (signal == SIGHUP || signal == SIGQUIT) source_.request_stop();
}

namespace {
std::atomic<void (*)(int)> first{nullptr};
}

void Interrupts::at_first(void (*fn)(int signal)) { first = fn; }

void Interrupts::serve() {
    for (;;) {
        pollfd fds[] = {{signals_.get(), POLLIN, 0}, {end_.get(), POLLIN, 0}, {caller_.get(), POLLIN, 0}};
        if (::poll(fds, 3, -1) < 0 && errno != EINTR) return;
        if (fds[1].revents) return;
        if (char ignored = 0; fds[2].revents && ::read(caller_.get(), &ignored, 1) <= 0) {
            caller_.reset();
            interrupt(SIGTERM);
        }
        signalfd_siginfo info{};
        if (!(fds[0].revents & POLLIN) ||
            ::read(signals_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info))
            continue;
        switch (info.ssi_signo) {
        case SIGTSTP: suspend(); break;
        case SIGCONT: resume(); break;
        case SIGWINCH: {
            std::lock_guard lock(mutex_);
            if (resized_) resized_();
            break;
        }
        case SIGINT:
        case SIGTERM:
            if (const auto leave = first.load()) leave(static_cast<int>(info.ssi_signo));
            interrupt(static_cast<int>(info.ssi_signo));
            break;
        default: pass_on(static_cast<int>(info.ssi_signo));
        }
    }
}

} // namespace davit::cli

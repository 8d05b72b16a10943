#include "cli/confirm.hpp"

#include "cli/docker_errors.hpp"
#include "cli/interrupts.hpp"

#include <csignal>
#include <cstdio>
#include <iostream>
#include <unistd.h>

namespace davit::cli {

namespace {

int left_with = 130;

void leave(int) {
    [[maybe_unused]] const ssize_t n = ::write(STDOUT_FILENO, "\n", 1); // the shell's prompt stands below
    ::_exit(left_with);
}

// While somebody is asked, nothing has begun that would have to be ended in order: Ctrl-C leaves at once, also where
// an Interrupts waits for it. Docker calls that a success.
class LeftBySignals {
public:
    LeftBySignals() {
        left_with = docker_is_spoken() ? 0 : 130;
        struct sigaction action {};
        action.sa_handler = leave;
        sigset_t asked;
        ::sigemptyset(&asked);
        for (std::size_t i = 0; i < 2; ++i) {
            ::sigaction(signals[i], &action, &before_[i]);
            ::sigaddset(&asked, signals[i]);
        }
        Interrupts::at_first(leave); // it may be the one that gets the signal
        ::pthread_sigmask(SIG_UNBLOCK, &asked, &mask_);
    }
    LeftBySignals(const LeftBySignals&) = delete;
    LeftBySignals& operator=(const LeftBySignals&) = delete;
    ~LeftBySignals() {
        ::pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
        Interrupts::at_first(nullptr);
        for (std::size_t i = 0; i < 2; ++i) ::sigaction(signals[i], &before_[i], nullptr);
    }

private:
    static constexpr int signals[] = {SIGINT, SIGTERM};
    struct sigaction before_[2];
    sigset_t mask_;
};

} // namespace

bool answered_yes(bool line_at_end) {
    const LeftBySignals signals; // before anybody can have read the question
    std::fflush(stdout);
    std::string answer;
    const bool read = static_cast<bool>(std::getline(std::cin, answer));
    if (!read && line_at_end) std::fputc('\n', stdout); // the shell's prompt stands below
    while (answer.ends_with('\r') || answer.ends_with(' ')) answer.pop_back();
    return answer == "y" || answer == "Y" || answer == "yes";
}

bool confirmed(const std::string& warning) {
    std::printf("%s\nAre you sure you want to continue? [y/N] ", warning.c_str());
    return answered_yes(!docker_is_spoken());
}

} // namespace davit::cli

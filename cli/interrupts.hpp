// SIGINT and SIGTERM as a stop request for the whole command.
#pragma once

#include "base/fd.hpp"

#include <csignal>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace davit::cli {

// While it lives, the signals are blocked in every thread started after it and taken by one thread:
// the first requests stop, the second calls what on_second() was given (default: ends the process with 130). The third
// ends the process with 1, as docker does.
class Interrupts {
public:
    // all: also those that a person seldom sends (HUP, QUIT, USR1, USR2), for on_signal alone; while nobody has asked
    // for them, HUP and QUIT request stop.
    explicit Interrupts(bool all = false);
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;

    // While somebody is asked, whichever of the two gets the signal: fn, which does not come back, for none that
    // requests stop. Nothing: as before.
    static void at_first(void (*fn)(int signal));

    // What a command ends with that a signal has stopped: 128 and its number with docker's words, else 130.
    static int exit_code();

    std::stop_token token() const { return source_.get_token(); }
    bool requested() const { return source_.stop_requested(); }
    // What the next signals do; called in the signal's thread. on_signal gets every signal.
    void on_second(std::function<void()> fn);
    void on_signal(std::function<void(int signal)> fn);
    // The terminal's size has changed (SIGWINCH).
    void on_resize(std::function<void()> fn);
    // The process is about to be stopped (Ctrl-Z); it was stopped and goes on (SIGCONT).
    void on_suspend(std::function<void()> fn);
    void on_resume(std::function<void()> fn);

private:
    void serve();
    void interrupt(int signal);
    void pass_on(int signal);
    void suspend();
    void resume();
    sigset_t before_{};
    std::stop_source source_;
    std::mutex mutex_;
    std::function<void()> second_;
    std::function<void(int)> every_;
    std::function<void()> resized_, suspended_, resumed_;
    int signals_taken_ = 0;
    UniqueFd signals_, end_;
    UniqueFd caller_; // docker's, when it has called us: closed when it is told to end
    std::thread thread_;
};

} // namespace davit::cli

// Other programs by posix_spawn, watched by pidfd.
#pragma once

#include "base/fd.hpp"

#include <initializer_list>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace davit {

struct SpawnOptions {
    std::vector<std::string> argv;               // argv[0] is looked up in PATH when it has no slash
    std::optional<std::vector<std::string>> env; // "K=V"; the caller's when absent
    // (fd here, number there). 0,1,2 are inherited unless named; nothing else passes.
    std::vector<std::pair<int, int>> fds;
    bool new_session = false;
    bool reset_signals = true; // default dispositions, empty mask
    std::string cwd;
};

struct ExitStatus {
    int code = 0;   // exit code, or 128 + signal
    int signal = 0; // 0: it exited
    // False: it ended, and the kernel tells nobody how: this process ignores SIGCHLD, or waits for whatever child it
    // has.
    bool known = true;
};

class Child {
public:
    Child() = default;
    Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
    Child(Child&& o) noexcept : pid_(std::exchange(o.pid_, -1)), pidfd_(std::move(o.pidfd_)) {}
    Child& operator=(Child&& o) noexcept;
    ~Child(); // SIGKILLs and reaps what still runs

    static Child spawn(const SpawnOptions& options);
    pid_t pid() const { return pid_; }
    int pidfd() const { return pidfd_.get(); }
    explicit operator bool() const { return pid_ > 0; }
    // Where the process ignores SIGCHLD, or has a handler that waits for all, how it ended is lost: code 0 then.
    ExitStatus wait();
    std::optional<ExitStatus> try_wait(); // does not block
    void kill(int signal);
    void detach() {
        pid_ = -1;
        pidfd_.reset();
    } // somebody else reaps it

private:
    pid_t pid_ = -1;
    UniqueFd pidfd_;
};

struct Output {
    ExitStatus status;
    std::string out, err;
};
// A stop kills it: Errc::interrupted.
Output run(SpawnOptions options, std::string_view input = {}, const std::stop_token& stop = {});

// What others see as the arguments of this process after argv[0], in the place of its own: for what forks without exec.
// Without keep_arguments(), which main() calls, and as far as there is no room, nothing changes.
void keep_arguments(int argc, char** argv);
void show_arguments(std::initializer_list<std::string_view> arguments);

} // namespace davit

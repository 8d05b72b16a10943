// What start_shim() says on the command line; descriptors have fixed numbers.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace davit::shim {

enum FixedFd : int {
    fd_control = 3,
    fd_steps = 4,
    fd_net = 5,
    fd_ipc = 6,
    fd_pid = 7,
    fd_uts = 8,
    fd_peer = 9,
    fd_stdin = 10, // these four: with --adopt
    fd_stdout = 11,
    fd_stderr = 12,
    fd_console = 13,
    fd_pid_peer = 14,
    fd_first_free = 15,
};

// argv[0] of the nursery; argv[1] is blanks: together the room for the arguments of a shim.
inline constexpr char nursery_name[] = "davit-nursery";
inline constexpr int nursery_limit = 4096; // bytes of arguments

struct Config {
    const char* run_dir = nullptr;
    const char* id = "";
    const char* log = nullptr; // nullptr: none
    std::uint64_t log_max_size = 0;
    unsigned log_max_files = 1;
    std::uint32_t fds = 0; // bit n: descriptor n was passed
    bool hold = false;
    bool stdin_once = false;
    pid_t adopt_pid = 0;
    std::uint64_t adopt_start = 0;
    const char* lock = nullptr;
    char** supervisor = nullptr; // NULL-terminated; nullptr: none
};

// false: not a command line of ours.
bool parse(int argc, char** argv, Config& out) noexcept;

} // namespace davit::shim

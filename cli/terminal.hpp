// The terminal: what it can do, and modes that always end.
#pragma once

#include "cli/app.hpp"

#include <cstdint>
#include <termios.h>

namespace davit::cli {

bool is_terminal(int fd);

struct TerminalSize {
    std::uint16_t rows = 0, columns = 0; // 0: unknown
};
TerminalSize terminal_size(int fd);

// Whether escape sequences go to fd: --ansi, else COMPOSE_ANSI, else NO_COLOR unset and fd a terminal.
bool use_ansi(const Globals& globals, int fd);

// Whether this process may read it and change how it works: of a shell's jobs only one may.
bool in_foreground(int fd);

// What a TerminalMode changed is put right: before a process ends without its destructors. Async-signal-safe.
void restore_terminal();

// The same while the process is stopped (Ctrl-Z): a shell need not do it. Thread-safe.
void leave_terminal();
void return_to_terminal();

// Another mode for as long as the object lives; also ended by atexit and when a signal ends the process.
// One at a time.
class TerminalMode {
public:
    enum class Kind {
        raw,   // every byte goes through; no key is a signal
        keys,  // every key is read at once and not shown; Ctrl-C and Ctrl-Z stay what they are
        hidden // a line that is not shown, such as a password
    };
    TerminalMode(int fd, Kind kind); // does nothing when fd is no terminal
    ~TerminalMode();
    TerminalMode(const TerminalMode&) = delete;

private:
    bool active_ = false;
};

} // namespace davit::cli

// The terminal: what it can do, and raw mode that always ends.
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

// What RawTerminal changed is put right: before a process ends without its destructors. Async-signal-safe.
void restore_terminal();

// Raw mode for as long as the object lives; also ended by atexit and when a signal ends the process.
class RawTerminal {
public:
    explicit RawTerminal(int fd); // does nothing when fd is no terminal
    ~RawTerminal();
    RawTerminal(const RawTerminal&) = delete;
    void restore() noexcept;

private:
    int fd_;
    bool active_ = false;
};

} // namespace davit::cli

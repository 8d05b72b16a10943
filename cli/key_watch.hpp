// The keys of the terminal, pressed while a command shows output.
#pragma once

#include "base/fd.hpp"
#include "cli/terminal.hpp"

#include <atomic>
#include <functional>
#include <optional>
#include <thread>

namespace davit::cli {

// While it lives (and `enabled`), stdin is read without waiting for lines or echoing; signals keep working.
// In the background of a shell it reads nothing.
class KeyWatch {
public:
    // pressed is called in a thread of its own.
    KeyWatch(bool enabled, std::function<void(char)> pressed);
    ~KeyWatch();
    // After the process was stopped: it may be in the background now, or in the foreground again.
    void resumed();
    KeyWatch(const KeyWatch&) = delete;

private:
    void read_keys();

    std::function<void(char)> pressed_;
    std::optional<TerminalMode> mode_;
    std::atomic<bool> over_ = false;
    UniqueFd wake_;
    std::thread thread_;
};

} // namespace davit::cli

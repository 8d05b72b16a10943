// One key of the terminal, pressed while a command shows output.
#pragma once

#include "base/fd.hpp"

#include <functional>
#include <termios.h>
#include <thread>

namespace davit::cli {

// While it lives (and `enabled`), stdin is read without waiting for lines or echoing; signals keep working.
class KeyWatch {
public:
    KeyWatch(bool enabled, char key, std::function<void()> pressed);
    ~KeyWatch();
    // After the process was stopped: the shell has set the terminal as it likes it.
    void resume() const;
    KeyWatch(const KeyWatch&) = delete;

private:
    bool enabled_;
    termios before_{};
    UniqueFd end_;
    std::thread thread_;
};

} // namespace davit::cli

// What other threads ask of the thread that owns a session's connection.
#pragma once

#include "base/fd.hpp"
#include "davit/attach.hpp"

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace davit {

class SessionControl::Requests {
public:
    Requests();
    void signal(int number);
    void resize(WindowSize size);
    void detach();
    // While there is one, sizes are applied at once, in the thread that asks: what that thread writes afterwards is
    // read in a terminal of that size. Empty: take() has them again.
    void apply_sizes_by(std::function<void(WindowSize)> apply);
    void wake() const;
    int fd() const { return event_.get(); } // readable when something was asked for

    struct Taken {
        std::vector<int> signals;
        std::optional<WindowSize> size;
        bool detach = false;
    };
    Taken take();

private:
    UniqueFd event_;
    std::mutex mutex_;
    Taken pending_;
    std::function<void(WindowSize)> apply_size_;
};

} // namespace davit

// Takes connections from a listening socket on a loop's thread.
#pragma once

#include "base/event_loop.hpp"
#include "base/fd.hpp"

#include <functional>

namespace davit {

// Without a descriptor to spare (EMFILE, ENFILE) or memory, whoever waits stays in the kernel's queue and
// would wake a level-triggered loop for ever: then it looks again 100 ms later.
class Acceptor {
public:
    using Callback = std::function<void(UniqueFd connection)>; // non-blocking, close-on-exec

    Acceptor() = default;
    Acceptor(const Acceptor&) = delete;

    // listener is borrowed, non-blocking, and outlives this or the next reset(). fn must not destroy this.
    void start(EventLoop& loop, int listener, Callback fn);
    void reset();

private:
    void watch();
    void take();

    EventLoop* loop_ = nullptr;
    int listener_ = -1;
    Callback fn_;
    EventLoop::Watch ready_, again_;
};

} // namespace davit

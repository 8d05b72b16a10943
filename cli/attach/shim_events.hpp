// Waiting for a shim's messages together with this process's signals.
#pragma once

#include "base/fd.hpp"
#include "runtime/shim_client.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <vector>

namespace davit::cli {

// What other threads ask of the thread that owns the connection.
class Requests {
public:
    Requests();
    void signal(int number);
    void resize();
    void detach();
    int fd() const { return event_.get(); } // readable when something was asked for

    struct Taken {
        std::vector<int> signals;
        bool resize = false, detach = false;
    };
    Taken take();

private:
    void wake() const;
    UniqueFd event_;
    std::mutex mutex_;
    Taken pending_;
};

} // namespace davit::cli

// When a container that ended is started again, and how long to wait before: Docker's rules. Pure.
#pragma once

#include "project/record.hpp"

#include <chrono>

namespace davit::supervisor {

class RestartPolicy {
public:
    // count and delay: of an earlier supervisor's time, from the container's status.
    explicit RestartPolicy(RestartRecord record, int count = 0, std::chrono::nanoseconds delay = {})
        : record_(record), count_(count), delay_(delay) {}

    struct Decision {
        bool restart = false;
        std::chrono::nanoseconds delay{}; // before it
    };
    // The container ended by itself or was killed. The delay doubles from 100 ms to a minute and begins
    // anew after a run of ten seconds.
    Decision on_exit(int exit_code, bool stopped_by_user, std::chrono::nanoseconds ran_for);
    // A start that the user asked for.
    void reset();

    int count() const { return count_; } // restarts since then
    std::chrono::nanoseconds delay() const { return delay_; }

private:
    bool wanted(int exit_code, bool stopped_by_user, std::chrono::nanoseconds ran_for) const;
    RestartRecord record_;
    int count_ = 0;
    std::chrono::nanoseconds delay_{};
};

} // namespace davit::supervisor

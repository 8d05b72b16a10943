// A container's health as Docker counts it: pure; the caller runs the checks and the clock.
#pragma once

#include "project/record.hpp"

#include <chrono>
#include <deque>
#include <string>

namespace davit::supervisor {

struct HealthResult {
    std::int64_t start = 0, end = 0; // ns since the epoch
    int exit_code = 0;               // -1: the check could not run or ran out of time
    std::string output;              // at most 4096 bytes
    bool operator==(const HealthResult&) const = default;
};

class HealthMonitor {
public:
    static constexpr std::size_t log_size = 5;
    static constexpr std::size_t output_limit = 4096;

    // state and streak: of an earlier supervisor's time, from the container's status.
    HealthMonitor(HealthcheckRecord check, std::int64_t started_at, Health state = Health::starting, int streak = 0)
        : check_(std::move(check)), started_at_(started_at), state_(state), streak_(streak) {}

    static bool configured(const ContainerRecord& record); // it has a test, and the test is not NONE

    // From the start or the end of the last check to the next one.
    std::chrono::nanoseconds delay(std::int64_t now) const;
    std::chrono::nanoseconds timeout() const;
    // True when the state changed.
    bool add(HealthResult result);

    Health state() const { return state_; }
    int failing_streak() const { return streak_; }
    const std::deque<HealthResult>& log() const { return log_; }

private:
    HealthcheckRecord check_;
    std::int64_t started_at_;
    Health state_;
    int streak_;
    std::deque<HealthResult> log_;
};

// health.json: what inspect shows.
std::string health_log_json(const HealthMonitor& monitor);

} // namespace davit::supervisor

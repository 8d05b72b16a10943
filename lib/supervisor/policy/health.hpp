// A container's health as Docker counts it: pure; the caller runs the checks and the clock.
#pragma once

#include "project/record.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace davit::supervisor {

using HealthResult = HealthCheckResult;

class HealthMonitor {
public:
    // state and streak: of an earlier supervisor's time, from the container's status.
    HealthMonitor(HealthcheckRecord check, std::int64_t started_at, Health state = Health::starting, int streak = 0)
        : check_(std::move(check)), started_at_(started_at), state_(state), streak_(streak) {}

    static bool configured(const ContainerRecord& record); // it has a test, and the test is not NONE

    // From the start or the end of the last check to the next one. now, and the start of a result: as started_at.
    std::chrono::nanoseconds delay(std::int64_t now) const;
    std::chrono::nanoseconds timeout() const;
    // True when the state changed. began: when the check did, as started_at; the result has what a clock on the wall
    // says.
    bool add(const HealthResult& result, std::int64_t began);
    bool add(const HealthResult& result) { return add(result, result.start); }

    Health state() const { return state_; }
    int failing_streak() const { return streak_; }

private:
    HealthcheckRecord check_;
    std::int64_t started_at_;
    Health state_;
    int streak_;
};

// health.json: the last results, the oldest first. They stand in the file alone: it outlives the supervisor, and
// fifty containers that say 4 KiB with each check would be 1 MB of its memory.
inline constexpr std::size_t health_log_size = 5;
inline constexpr std::size_t health_output_limit = 4096;
std::vector<HealthResult> parse_health_log(const std::string& text); // of nothing, or of anything else: empty
std::string health_log_with(const std::string& text, HealthResult result);

} // namespace davit::supervisor

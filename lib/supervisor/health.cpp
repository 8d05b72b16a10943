#include "supervisor/health.hpp"

#include "project/json_fields.hpp"

namespace davit::supervisor {

namespace {

// Zero means unset, as in an image's HEALTHCHECK.
std::chrono::nanoseconds or_default(std::int64_t value, std::int64_t fallback) {
    return std::chrono::nanoseconds(value > 0 ? value : fallback);
}

constexpr std::int64_t thirty_seconds = 30'000'000'000;
constexpr std::int64_t five_seconds = 5'000'000'000;

} // namespace

bool HealthMonitor::configured(const ContainerRecord& record) {
    return record.healthcheck && !record.healthcheck->test.empty() && record.healthcheck->test[0] != "NONE";
}

std::chrono::nanoseconds HealthMonitor::delay(std::int64_t now) const {
    bool starting = state_ == Health::starting && now - started_at_ < check_.start_period;
    return starting ? or_default(check_.start_interval, five_seconds) : or_default(check_.interval, thirty_seconds);
}

std::chrono::nanoseconds HealthMonitor::timeout() const { return or_default(check_.timeout, thirty_seconds); }

bool HealthMonitor::add(HealthResult result) {
    Health before = state_;
    if (result.exit_code == 0) {
        streak_ = 0;
        state_ = Health::healthy;
    } else if (state_ != Health::starting || result.start - started_at_ >= check_.start_period) {
        ++streak_;
        if (streak_ >= (check_.retries > 0 ? check_.retries : 3)) state_ = Health::unhealthy;
    }
    log_.push_back(std::move(result));
    while (log_.size() > log_size) log_.pop_front();
    return state_ != before;
}

std::string health_log_json(const HealthMonitor& monitor) {
    json::Value log = json::Value::array();
    for (const auto& r : monitor.log())
        log.push_back({{"start", r.start}, {"end", r.end}, {"exit_code", r.exit_code}, {"output", r.output}});
    json::Value all{{"status", to_string(monitor.state())}, {"failing_streak", monitor.failing_streak()}, {"log", log}};
    return json::dump(all);
}

} // namespace davit::supervisor

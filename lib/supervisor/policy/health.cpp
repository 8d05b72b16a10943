#include "supervisor/policy/health.hpp"

#include "project/json_fields.hpp"

#include <algorithm>

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

bool HealthMonitor::add(const HealthResult& result, std::int64_t began) {
    Health before = state_;
    if (result.exit_code == 0) {
        streak_ = 0;
        state_ = Health::healthy;
    } else if (state_ != Health::starting || began - started_at_ >= check_.start_period) {
        ++streak_;
        if (streak_ >= (check_.retries > 0 ? check_.retries : 3)) state_ = Health::unhealthy;
    }
    return state_ != before;
}

std::vector<HealthResult> parse_health_log(const std::string& text) {
    std::vector<HealthResult> out;
    const json::Value all = json::parse_or_discarded(text);
    if (!all.is_object() || !all.contains("log") || !all["log"].is_array()) return out;
    for (const auto& r : all["log"]) {
        try {
            out.push_back({r.at("start"), r.at("end"), r.at("exit_code"), r.at("output")});
        } catch (const json::Value::exception&) {
            continue; // of a davit that will come
        }
    }
    return out;
}

std::string health_log_with(const std::string& text, HealthResult result) {
    std::vector<HealthResult> results = parse_health_log(text);
    if (result.output.size() > health_output_limit) result.output.resize(health_output_limit);
    results.push_back(std::move(result));
    const std::size_t first = results.size() - std::min(results.size(), health_log_size);
    json::Value log = json::Value::array();
    for (std::size_t i = first; i < results.size(); ++i) {
        const HealthResult& r = results[i];
        log.push_back({{"start", r.start}, {"end", r.end}, {"exit_code", r.exit_code}, {"output", r.output}});
    }
    return json::dump({{"log", std::move(log)}});
}

} // namespace davit::supervisor

#include "supervisor/policy/restart_policy.hpp"

#include <algorithm>

namespace davit::supervisor {

using namespace std::chrono_literals;

namespace {
constexpr std::chrono::nanoseconds first_delay = 100ms, last_delay = 1min, settled = 10s;
}

bool RestartPolicy::wanted(int exit_code, bool stopped_by_user, std::chrono::nanoseconds ran_for) const {
    if (stopped_by_user || ran_for.count() < record_.least_run) return false;
    if (std::find(record_.final_codes.begin(), record_.final_codes.end(), exit_code) != record_.final_codes.end())
        return false;
    switch (record_.kind) {
    case RestartKind::no: return false;
    case RestartKind::always:
    case RestartKind::unless_stopped: return true;
    case RestartKind::on_failure: return exit_code != 0 && (record_.max_retries == 0 || count_ < record_.max_retries);
    }
    return false;
}

RestartPolicy::Decision RestartPolicy::on_exit(int exit_code, bool stopped_by_user, std::chrono::nanoseconds ran_for) {
    if (!wanted(exit_code, stopped_by_user, ran_for)) return {};
    if (ran_for >= settled) delay_ = {};
    delay_ = delay_ == 0ns ? first_delay : std::min(delay_ * 2, last_delay);
    ++count_;
    return {true, delay_};
}

void RestartPolicy::reset() {
    count_ = 0;
    delay_ = {};
}

} // namespace davit::supervisor

#include "supervisor/policy/gate.hpp"

#include "base/error.hpp"

namespace davit::supervisor {

namespace {

Verdict met() { return {Verdict::Kind::met, {}, 0}; }
Verdict pending(std::int64_t look_again = 0) { return {Verdict::Kind::pending, {}, look_again}; }

template <typename... Args>
Verdict failed(fmt::format_string<Args...> text, Args&&... args) {
    return {Verdict::Kind::failed, error(Errc::failed, text, std::forward<Args>(args)...), 0};
}

bool ended(const GateView& v) { return v.state == ContainerState::exited || v.state == ContainerState::dead; }
bool up(const GateView& v) { return v.state == ContainerState::running || v.state == ContainerState::paused; }

Verdict judge_started(const GateView& v, std::int64_t now, std::int64_t settle) {
    if (ended(v)) return failed("container {} exited ({})", v.name, v.exit_code);
    if (!up(v)) return pending();
    return now - v.started_at >= settle ? met() : pending(v.started_at + settle);
}

Verdict judge_healthy(const GateView& v, std::int64_t now, std::int64_t settle) {
    if (ended(v)) return failed("container {} exited ({})", v.name, v.exit_code);
    // One that exits at once is told as such.
    if (!v.has_check && !up(v)) return pending();
    if (!v.has_check && now - v.started_at < settle) return pending(v.started_at + settle);
    if (!v.has_check) return failed("container {} has no healthcheck configured", v.name);
    if (v.health == Health::healthy) return met();
    if (v.health == Health::unhealthy) return failed("container {} is unhealthy", v.name);
    return pending();
}

Verdict judge_completed(const GateView& v) {
    if (!ended(v)) return pending();
    if (v.exit_code == 0) return met();
    return failed("service \"{}\" didn't complete successfully: exit {}", v.service, v.exit_code);
}

} // namespace

Verdict judge(WaitCondition condition, const GateView& view, std::int64_t now, std::int64_t settle) {
    switch (condition) {
    case WaitCondition::started: return judge_started(view, now, settle);
    case WaitCondition::healthy: return judge_healthy(view, now, settle);
    case WaitCondition::completed_successfully: return judge_completed(view);
    case WaitCondition::exited: return ended(view) ? met() : pending();
    }
    return pending();
}

} // namespace davit::supervisor

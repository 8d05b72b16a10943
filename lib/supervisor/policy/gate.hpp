// wait_container: whether a container meets a condition now, never will, or may still. Pure.
#pragma once

#include "davit/error.hpp"
#include "davit/plan.hpp"
#include "project/record.hpp"

#include <cstdint>
#include <optional>

namespace davit::supervisor {

struct GateView {
    std::string name, service;
    ContainerState state = ContainerState::created;
    Health health = Health::none;
    bool has_check = false;
    int exit_code = 0;
    std::int64_t started_at = 0; // ns since the epoch
};

struct Verdict {
    enum class Kind { pending, met, failed } kind = Kind::pending;
    std::optional<Error> error;  // failed
    std::int64_t look_again = 0; // pending: at this time even if nothing happens; 0: no
};

// settle: how long it has to have run for `started`.
inline constexpr std::int64_t usual_settle = 500'000'000;
Verdict judge(WaitCondition condition, const GateView& view, std::int64_t now, std::int64_t settle = usual_settle);

} // namespace davit::supervisor

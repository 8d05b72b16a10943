// Events of the engine as lines of progress: what, and how far it is.
#pragma once

#include "davit/event.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace davit::cli {

struct Step {
    enum class State { working, done, warning, error };
    std::string id;   // "Container shop-web-1"
    State state = State::working;
    std::string text; // "Creating", "Started"
    std::string details;
    std::uint64_t current = 0, total = 0; // bytes; 0: not known
};

// Nothing for events that are no progress.
std::optional<Step> step_of(const Event& event);

} // namespace davit::cli

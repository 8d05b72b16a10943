// Events of the engine as lines of progress: what, and how far it is.
#pragma once

#include "davit/event.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace davit::cli {

struct Step {
    enum class State { working, done, warning, error };
    std::string id; // "Container shop-web-1"
    State state = State::working;
    std::string text; // "Creating", "Started"
    std::string details;
    std::uint64_t current = 0, total = 0; // bytes; 0: not known
};

// What it quotes of images, registries and containers does not steer the terminal.
void make_printable(Step& step);

// Reads the events of one command, in their order.
class StepReader {
public:
    // Nothing for events that are no progress.
    std::optional<Step> read(const Event& event);

private:
    std::optional<Step> read_recreation(const Event& event, Step step);

    std::map<std::string, std::string> waits_; // id → what was last told of it
    std::set<std::string> skipped_;            // ids
    std::set<std::string> recreated_;          // names of containers whose successors stand beside them
};

} // namespace davit::cli

// A container's own stdin, stdout and stderr, by its shim.
#pragma once

#include "cli/attach/detach_keys.hpp"
#include "cli/interrupts.hpp"
#include "project/paths.hpp"

#include <optional>
#include <string>

namespace davit::cli {

struct AttachOptions {
    Roots roots;
    std::string project, container_id;
    std::string container_name; // for messages
    bool input = true;          // pass stdin on
    bool tty = false;           // the container has a terminal
    bool forward_signals = true;
    DetachKeys keys;
};

// The container's exit code; nothing when the detach keys were typed. Returns when the container has
// ended and everything it wrote has been passed on. Throws Error(unavailable).
std::optional<int> attach_to(const AttachOptions& options, Interrupts& interrupts);

} // namespace davit::cli

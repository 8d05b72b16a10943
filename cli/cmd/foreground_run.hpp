// A container that is made now, and whose output, input and signals are this process's.
#pragma once

#include "cli/context.hpp"

#include <functional>
#include <optional>
#include <string>

namespace davit::cli {

struct ForegroundStart {
    std::string project; // whose container it is
    bool tty = false;
    bool input = false;                         // what this process reads is the container's
    bool remove = false;                        // it goes when it has ended
    std::function<void(std::stop_token)> start; // makes it, held until somebody has attached
    bool output = true, errors = true;          // what is shown of it
    bool sig_proxy = true;
    std::optional<std::string> detach_keys = {};             // absent: ctrl-p, ctrl-q
    std::function<void(const std::string& id)> created = {}; // it has this id; from another thread
    std::function<void(const Event&)> event = {};            // whatever happens; from another thread
};

// Returns the container's exit code once it has ended, and with `remove` is gone. Throws what kept it from starting.
int run_in_foreground(Context& context, const ForegroundStart& what);
// A one-off of a service.
int run_in_foreground(Context& context, const Project& project, const RunOptions& run);

} // namespace davit::cli

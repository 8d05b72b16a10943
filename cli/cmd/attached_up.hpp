// `up` in the foreground: the containers' output, their ends, and Ctrl-C.
#pragma once

#include "cli/context.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::cli {

struct UpFlags {
    bool abort_on_exit = false, abort_on_failure = false, attach_dependencies = false, detach = false;
    bool no_colour = false, no_prefix = false, no_start = false, timestamps = false, wait = false, watch = false;
    std::optional<bool> menu;
    int wait_timeout = 0;
    std::string exit_code_from;
    std::vector<std::string> attach, no_attach;
};

// Returns the command's exit code: 130 after an interrupt, that of the container which ended the
// project with --abort-…, else 0.
int attached_up(Context& context, const Project& project, const UpOptions& options, const UpFlags& flags);

} // namespace davit::cli

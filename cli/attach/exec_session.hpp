// One more process in a running container, with this process's stdin, stdout and stderr.
#pragma once

#include "cli/interrupts.hpp"
#include "davit/container.hpp"
#include "project/paths.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::cli {

struct ExecRequestOptions {
    std::vector<std::string> command;
    std::vector<std::string> environment; // K=V, added to the container's
    std::optional<std::string> user, working_dir;
    bool tty = false;
    bool interactive = true; // pass stdin on
    bool detach = false;
    bool privileged = false;
};

// The exit code of the process: 128 + signal when one killed it, 127 or 126 when it could not be
// executed (the text goes to stderr). Throws Error: unavailable (the container has no shim), what
// else prevents the start.
int exec_in(const Roots& roots, const ContainerInfo& container, const ExecRequestOptions& request, Interrupts& interrupts);

} // namespace davit::cli

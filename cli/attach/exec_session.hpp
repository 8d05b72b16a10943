// One more process in a running container, with this process's stdin, stdout and stderr.
#pragma once

#include "cli/interrupts.hpp"
#include "davit/container.hpp"
#include "davit/exec.hpp"
#include "project/paths.hpp"

namespace davit::cli {

struct ExecRequestOptions : ExecOptions { // interactive: stdin is passed on
    bool detach = false;
};

// The exit code of the process: 128 + signal when one killed it, 127 or 126 when it could not be
// executed (the text goes to stderr). Throws Error: unavailable (the container has no shim), what
// else prevents the start.
int exec_in(const Roots& roots, const ContainerInfo& container, const ExecRequestOptions& request,
            Interrupts& interrupts);

} // namespace davit::cli

// This process's stdin, stdout and stderr at a process in a container: its terminal is raw meanwhile, its signals and
// its size go to the process, and keys leave it.
#pragma once

#include "cli/attach/detach_keys.hpp"
#include "cli/interrupts.hpp"
#include "davit/attach.hpp"

#include <optional>

namespace davit::cli {

struct AttachOptions {
    ContainerInfo container;
    bool input = true;                 // pass stdin on
    bool output = true, errors = true; // show what comes
    bool forward_signals = true;
    DetachKeys keys; // of a container with a terminal
};

// The container's exit code; nothing when the detach keys were typed. Returns when the container has
// ended and everything it wrote has been passed on. Throws Error(unavailable).
std::optional<int> attach_to(Engine& engine, const AttachOptions& options, Interrupts& interrupts);

// The exit code of the process: 128 + signal when one killed it, 127 or 126 when it could not be
// executed (the text goes to stderr); 0 when it is left. interactive: stdin is passed on. Throws Error: unavailable
// (the container has no shim), what else prevents the start.
int exec_in(Engine& engine, const ContainerInfo& container, const ExecOptions& options, Interrupts& interrupts,
            const DetachKeys& leave = DetachKeys());

} // namespace davit::cli

// One davit-shim for all starts: it was executed once (in a virtual machine a static program needs 1 ms
// for that, most of it CPUID) and becomes a shim for each request by clone.
#pragma once

#include "runtime/exec/context.hpp"

namespace davit::shim {

struct Arguments {
    int count = 0;
    char** values = nullptr;
    exec::Area request; // by which they came
};

// Serves the SOCK_SEQPACKET socket fd_control: each record is a shim's arguments, each with its NUL, with
// the descriptors of its --fds in the order of their numbers. Returns in each new shim, a child of the
// caller's parent, with these arguments and descriptors; the nursery itself ends with the socket.
void become_shims(Arguments& args) noexcept;

} // namespace davit::shim

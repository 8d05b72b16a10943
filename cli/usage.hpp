// What a container uses now, read from its cgroups (v1 and v2) and its network namespace.
#pragma once

#include <cstdint>
#include <sys/types.h>

namespace davit::cli {

struct Usage {
    std::int64_t taken_ns = 0; // monotonic
    std::uint64_t cpu_ns = 0;
    std::uint64_t memory = 0, memory_limit = 0; // bytes; without page cache that can be dropped
    std::uint64_t block_read = 0, block_written = 0;
    std::uint64_t network_received = 0, network_sent = 0; // of all interfaces but lo
    std::uint64_t pids = 0;
};

// Zeros for what cannot be read.
Usage usage_of(pid_t init);

} // namespace davit::cli

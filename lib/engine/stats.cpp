#include "davit/stats.hpp"

#include "runtime/usage.hpp"

#include <algorithm>

namespace davit {

ContainerStats stats(const ContainerInfo& container) {
    ContainerStats out;
    if (!container.pid) return out;
    const runtime::Usage usage = runtime::usage_of(container.pid);
    out.taken_ns = usage.taken_ns;
    out.cpu_ns = usage.cpu_ns;
    out.memory = usage.memory - std::min(usage.inactive_file, usage.memory);
    out.memory_limit = usage.memory_limit;
    out.block_read = usage.block_read;
    out.block_written = usage.block_written;
    out.pids = usage.pids;
    for (const auto& interface : usage.interfaces) {
        out.network_received += interface.received.bytes;
        out.network_sent += interface.sent.bytes;
    }
    return out;
}

} // namespace davit

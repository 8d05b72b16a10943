// Whether a process of a network namespace listens at a TCP port, as the kernel's tables say. Pure but for reading
// them.
#pragma once

#include <cstdint>
#include <string_view>
#include <sys/types.h>

namespace davit {

// table: /proc/PID/net/tcp or tcp6. loopback: whether 127.0.0.0/8 and ::1 count.
bool listens_at(std::string_view table, std::uint16_t port, bool loopback);
// In the namespace of that process, which is named by its start time too: false when it is gone.
bool listens_in_namespace_of(pid_t pid, std::uint64_t start_time, std::uint16_t port, bool loopback);

} // namespace davit

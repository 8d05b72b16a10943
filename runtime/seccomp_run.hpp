// What a filter would say, without asking the kernel.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace davit::runtime {

// SECCOMP_RET_… for a call of this machine's own architecture. filter: an array of struct sock_filter.
// What is no program of the instructions that seccomp takes counts as SECCOMP_RET_KILL_PROCESS.
std::uint32_t run_filter(std::string_view filter, long number, const std::array<std::uint64_t, 6>& args);
// Whether a helper may load it and still make its process (exec/birth.hpp).
bool allows_birth(std::string_view filter);

} // namespace davit::runtime

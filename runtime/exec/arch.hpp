// The one place of runtime/ that knows about processor architectures.
#pragma once

#include <cstdint>
#include <linux/audit.h>

namespace davit::exec {

#if defined(__x86_64__)
inline constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
inline constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_AARCH64;
#elif defined(__riscv) && __riscv_xlen == 64
inline constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_RISCV64;
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
inline constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_PPC64LE;
#elif defined(__s390x__)
inline constexpr std::uint32_t native_audit_arch = AUDIT_ARCH_S390X;
#else
#error "davit does not know this architecture's seccomp number: add it here"
#endif

} // namespace davit::exec

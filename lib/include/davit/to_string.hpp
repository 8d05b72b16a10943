// The words of the library's enumerations, as they stand in compose files, options and JSON.
#pragma once

#include "davit/engine.hpp"
#include "davit/load.hpp"

#pragma GCC visibility push(default)
namespace davit {

const char* to_string(Errc) noexcept;                          // "invalid_project"
const char* to_string(Diagnostic::Severity) noexcept;          // "warning"
const char* to_string(DependencyCondition) noexcept;           // "service_healthy"
const char* to_string(MountType) noexcept;                     // "bind"
const char* to_string(decltype(RestartPolicy::kind)) noexcept; // "on-failure"
const char* to_string(RenderFormat) noexcept;                  // "yaml"
const char* to_string(EventKind) noexcept;                     // "operation_done"
const char* to_string(WaitCondition) noexcept;                 // "healthy"
const char* to_string(Recreate) noexcept;                      // "diverged"
const char* to_string(PullMode) noexcept;                      // "missing"; by_service is "policy"
const char* to_string(RemoveImages) noexcept;                  // "local"
// Those of OpKind, ContainerState and Health stand in plan.hpp and container.hpp.

} // namespace davit
#pragma GCC visibility pop

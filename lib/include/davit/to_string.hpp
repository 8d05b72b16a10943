// The words of the library's enumerations, as they stand in compose files, options and JSON.
#pragma once

#include "davit/build.hpp"
#include "davit/build_history.hpp"
#include "davit/containers.hpp"
#include "davit/engine.hpp"
#include "davit/export.hpp"
#include "davit/files.hpp"
#include "davit/images.hpp"
#include "davit/load.hpp"
#include "davit/publish.hpp"
#include "davit/revisions.hpp"
#include "davit/service_flags.hpp"
#include "davit/services.hpp"
#include "davit/system.hpp"
#include "davit/watch.hpp"

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
// Of the nouns' headers.
const char* to_string(BuildOutput::Type) noexcept;     // "image"
const char* to_string(BuildEvent::Kind) noexcept;      // "started"
const char* to_string(BuildRecord::Status) noexcept;   // "completed"
const char* to_string(ContainerWait) noexcept;         // "not-running"
const char* to_string(Dependencies) noexcept;          // "include"
const char* to_string(ExecStream) noexcept;            // "stdout"
const char* to_string(FileChange::Kind) noexcept;      // "changed"
const char* to_string(PushedLayer::How) noexcept;      // "present"
const char* to_string(PublishedFile::Kind) noexcept;   // "compose"
const char* to_string(RevisionContent::Kind) noexcept; // "config"
const char* to_string(DiskUse::Kind) noexcept;         // "log"
const char* to_string(ResolveImage) noexcept;          // "always"
const char* to_string(WatchEvent::Kind) noexcept;      // "enabled"
const char* to_string(FlagKind) noexcept;              // "text"
const char* to_string(ExportTarget) noexcept;          // "kubernetes"
const char* to_string(EcsFormat) noexcept;             // "cloudformation"
const char* to_string(EcsLayout) noexcept;             // "service"
const char* to_string(ExportFinding::Kind) noexcept;   // "needs input"
// Those of OpKind, ContainerState, Health, BootStep, Leak, TaskState, FileKind and Wait stand beside these.

namespace swarm {
const char* to_string(ModeKind) noexcept; // "replicated-job"
} // namespace swarm

} // namespace davit
#pragma GCC visibility pop

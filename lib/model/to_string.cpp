#include "davit/to_string.hpp"

namespace davit {

const char* to_string(Errc kind) noexcept {
    switch (kind) {
    case Errc::usage: return "usage";
    case Errc::invalid_project: return "invalid_project";
    case Errc::not_found: return "not_found";
    case Errc::conflict: return "conflict";
    case Errc::unsupported: return "unsupported";
    case Errc::denied: return "denied";
    case Errc::unavailable: return "unavailable";
    case Errc::interrupted: return "interrupted";
    case Errc::failed: return "failed";
    }
    return "";
}

const char* to_string(Diagnostic::Severity severity) noexcept {
    return severity == Diagnostic::Severity::error ? "error" : "warning";
}
const char* to_string(RenderFormat format) noexcept { return format == RenderFormat::json ? "json" : "yaml"; }

const char* to_string(DependencyCondition condition) noexcept {
    switch (condition) {
    case DependencyCondition::started: return "service_started";
    case DependencyCondition::healthy: return "service_healthy";
    case DependencyCondition::completed_successfully: return "service_completed_successfully";
    case DependencyCondition::completed: return "service_completed";
    }
    return "";
}

const char* to_string(MountType type) noexcept {
    switch (type) {
    case MountType::bind: return "bind";
    case MountType::volume: return "volume";
    case MountType::tmpfs: return "tmpfs";
    case MountType::npipe: return "npipe";
    case MountType::image: return "image";
    case MountType::cluster: return "cluster";
    }
    return "";
}

const char* to_string(decltype(RestartPolicy::kind) kind) noexcept {
    using Kind = RestartPolicy::Kind;
    switch (kind) {
    case Kind::no: return "no";
    case Kind::always: return "always";
    case Kind::on_failure: return "on-failure";
    case Kind::unless_stopped: return "unless-stopped";
    }
    return "";
}

const char* to_string(EventKind kind) noexcept {
    switch (kind) {
    case EventKind::operation_started: return "operation_started";
    case EventKind::operation_progress: return "operation_progress";
    case EventKind::operation_done: return "operation_done";
    case EventKind::operation_failed: return "operation_failed";
    case EventKind::operation_skipped: return "operation_skipped";
    case EventKind::container_created: return "container_created";
    case EventKind::container_started: return "container_started";
    case EventKind::container_exited: return "container_exited";
    case EventKind::container_restarting: return "container_restarting";
    case EventKind::container_removed: return "container_removed";
    case EventKind::container_paused: return "container_paused";
    case EventKind::container_unpaused: return "container_unpaused";
    case EventKind::container_health: return "container_health";
    case EventKind::container_attachable: return "container_attachable";
    case EventKind::container_oom: return "container_oom";
    case EventKind::container_signalled: return "container_signalled";
    case EventKind::container_stopped: return "container_stopped";
    case EventKind::service_changed: return "service_changed";
    case EventKind::service_removed: return "service_removed";
    case EventKind::task_changed: return "task_changed";
    case EventKind::task_removed: return "task_removed";
    case EventKind::container_renamed: return "container_renamed";
    case EventKind::container_updated: return "container_updated";
    case EventKind::container_restarted: return "container_restarted";
    case EventKind::container_hook: return "container_hook";
    case EventKind::network_connected: return "network_connected";
    case EventKind::network_disconnected: return "network_disconnected";
    case EventKind::network_created: return "network_created";
    case EventKind::network_removed: return "network_removed";
    case EventKind::volume_created: return "volume_created";
    case EventKind::volume_removed: return "volume_removed";
    case EventKind::warning: return "warning";
    }
    return "";
}

const char* to_string(WaitCondition condition) noexcept {
    switch (condition) {
    case WaitCondition::started: return "started";
    case WaitCondition::healthy: return "healthy";
    case WaitCondition::completed_successfully: return "completed_successfully";
    case WaitCondition::exited: return "exited";
    }
    return "";
}

const char* to_string(Recreate recreate) noexcept {
    switch (recreate) {
    case Recreate::diverged: return "diverged";
    case Recreate::always: return "always";
    case Recreate::never: return "never";
    }
    return "";
}

const char* to_string(PullMode mode) noexcept {
    switch (mode) {
    case PullMode::by_service: return "policy";
    case PullMode::always: return "always";
    case PullMode::missing: return "missing";
    case PullMode::never: return "never";
    }
    return "";
}

const char* to_string(RemoveImages which) noexcept {
    switch (which) {
    case RemoveImages::none: return "none";
    case RemoveImages::local: return "local";
    case RemoveImages::all: return "all";
    }
    return "";
}

} // namespace davit

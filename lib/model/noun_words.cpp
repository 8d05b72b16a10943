// The words of what stands in nouns' headers: to_string.cpp has those of projects and plans.
#include "davit/to_string.hpp"

namespace davit {

const char* to_string(BuildOutput::Type kind) noexcept {
    switch (kind) {
    case BuildOutput::Type::image: return "image";
    case BuildOutput::Type::local: return "local";
    case BuildOutput::Type::tar: return "tar";
    case BuildOutput::Type::oci: return "oci";
    case BuildOutput::Type::docker: return "docker";
    case BuildOutput::Type::cacheonly: return "cacheonly";
    }
    return "";
}

const char* to_string(BuildEvent::Kind kind) noexcept {
    switch (kind) {
    case BuildEvent::Kind::started: return "started";
    case BuildEvent::Kind::cached: return "cached";
    case BuildEvent::Kind::progress: return "progress";
    case BuildEvent::Kind::log: return "log";
    case BuildEvent::Kind::done: return "done";
    case BuildEvent::Kind::failed: return "failed";
    case BuildEvent::Kind::cancelled: return "cancelled";
    case BuildEvent::Kind::warning: return "warning";
    }
    return "";
}

const char* to_string(ExportTarget target) noexcept {
    switch (target) {
    case ExportTarget::swarm: return "swarm";
    case ExportTarget::systemd: return "systemd";
    case ExportTarget::kubernetes: return "kubernetes";
    case ExportTarget::ecs: return "ecs";
    }
    return "";
}

const char* to_string(EcsFormat format) noexcept {
    switch (format) {
    case EcsFormat::taskdef: return "taskdef";
    case EcsFormat::cli: return "cli";
    case EcsFormat::cloudformation: return "cloudformation";
    case EcsFormat::terraform: return "terraform";
    }
    return "";
}

const char* to_string(EcsLayout layout) noexcept {
    switch (layout) {
    case EcsLayout::service: return "service";
    case EcsLayout::task: return "task";
    }
    return "";
}

const char* to_string(ExportFinding::Kind kind) noexcept {
    switch (kind) {
    case ExportFinding::Kind::exact: return "exact";
    case ExportFinding::Kind::adjusted: return "adjusted";
    case ExportFinding::Kind::dropped: return "dropped";
    case ExportFinding::Kind::needs_input: return "needs input";
    }
    return "";
}

const char* to_string(BuildRecord::Status status) noexcept {
    switch (status) {
    case BuildRecord::Status::completed: return "completed";
    case BuildRecord::Status::error: return "error";
    case BuildRecord::Status::canceled: return "canceled";
    }
    return "";
}

const char* to_string(ContainerWait kind) noexcept {
    switch (kind) {
    case ContainerWait::not_running: return "not-running";
    case ContainerWait::next_exit: return "next-exit";
    case ContainerWait::removed: return "removed";
    }
    return "";
}

const char* to_string(Dependencies kind) noexcept {
    switch (kind) {
    case Dependencies::include: return "include";
    case Dependencies::ignore: return "ignore";
    }
    return "";
}

const char* to_string(ExecStream kind) noexcept {
    switch (kind) {
    case ExecStream::output: return "stdout";
    case ExecStream::errors: return "stderr";
    }
    return "";
}

const char* to_string(FileChange::Kind kind) noexcept {
    switch (kind) {
    case FileChange::Kind::changed: return "changed";
    case FileChange::Kind::added: return "added";
    case FileChange::Kind::removed: return "removed";
    }
    return "";
}

const char* to_string(PushedLayer::How kind) noexcept {
    switch (kind) {
    case PushedLayer::How::present: return "present";
    case PushedLayer::How::mounted: return "mounted";
    case PushedLayer::How::pushed: return "pushed";
    case PushedLayer::How::skipped: return "skipped";
    }
    return "";
}

const char* to_string(PublishedFile::Kind kind) noexcept {
    switch (kind) {
    case PublishedFile::Kind::compose: return "compose";
    case PublishedFile::Kind::extended: return "extended";
    case PublishedFile::Kind::env_file: return "env_file";
    }
    return "";
}

const char* to_string(RevisionContent::Kind kind) noexcept {
    switch (kind) {
    case RevisionContent::Kind::config: return "config";
    case RevisionContent::Kind::secret: return "secret";
    }
    return "";
}

const char* to_string(DiskUse::Kind kind) noexcept {
    switch (kind) {
    case DiskUse::Kind::log: return "log";
    case DiskUse::Kind::written: return "written";
    case DiskUse::Kind::volume: return "volume";
    case DiskUse::Kind::images: return "images";
    }
    return "";
}

const char* to_string(ResolveImage kind) noexcept {
    switch (kind) {
    case ResolveImage::always: return "always";
    case ResolveImage::changed: return "changed";
    case ResolveImage::never: return "never";
    }
    return "";
}

const char* to_string(WatchEvent::Kind kind) noexcept {
    switch (kind) {
    case WatchEvent::Kind::enabled: return "enabled";
    case WatchEvent::Kind::syncing: return "syncing";
    case WatchEvent::Kind::synced: return "synced";
    case WatchEvent::Kind::rebuilding: return "rebuilding";
    case WatchEvent::Kind::rebuilt: return "rebuilt";
    case WatchEvent::Kind::restarting: return "restarting";
    case WatchEvent::Kind::restarted: return "restarted";
    case WatchEvent::Kind::hook_output: return "hook_output";
    case WatchEvent::Kind::reconfiguring: return "reconfiguring";
    case WatchEvent::Kind::reconfigured: return "reconfigured";
    case WatchEvent::Kind::warning: return "warning";
    case WatchEvent::Kind::failed: return "failed";
    }
    return "";
}

const char* to_string(FlagKind kind) noexcept {
    switch (kind) {
    case FlagKind::text: return "text";
    case FlagKind::boolean: return "boolean";
    case FlagKind::integer: return "integer";
    case FlagKind::number: return "number";
    case FlagKind::ratio: return "ratio";
    case FlagKind::duration: return "duration";
    case FlagKind::positive: return "positive";
    case FlagKind::cpus: return "cpus";
    case FlagKind::bytes: return "bytes";
    case FlagKind::words: return "words";
    case FlagKind::list: return "list";
    case FlagKind::pair: return "pair";
    case FlagKind::port: return "port";
    case FlagKind::mount: return "mount";
    case FlagKind::network: return "network";
    case FlagKind::config: return "config";
    case FlagKind::secret: return "secret";
    case FlagKind::ulimit: return "ulimit";
    case FlagKind::host: return "host";
    case FlagKind::address: return "address";
    case FlagKind::resource: return "resource";
    case FlagKind::preference: return "preference";
    case FlagKind::credential: return "credential";
    case FlagKind::label: return "label";
    case FlagKind::variable: return "variable";
    case FlagKind::domain: return "domain";
    }
    return "";
}

namespace swarm {

const char* to_string(ModeKind kind) noexcept {
    switch (kind) {
    case ModeKind::replicated: return "replicated";
    case ModeKind::global: return "global";
    case ModeKind::replicated_job: return "replicated-job";
    case ModeKind::global_job: return "global-job";
    }
    return "";
}

} // namespace swarm

} // namespace davit

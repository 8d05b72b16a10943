// The JSON of davit/davit.h: options that come in, documents that go out. All throw usage for what is no such JSON.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "davit/events.hpp"
#include "davit/exec.hpp"
#include "davit/load.hpp"
#include "davit/logs.hpp"
#include "davit/scope.hpp"
#include "davit/streams.hpp"
#include "davit/wait.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit::c {

// text: what the caller gave; null: no options.
LoadResult load_document(const char* text);
std::string to_json(const LoadResult& loaded);
// An answer of davit_load(), its "project", or a compose document.
Project project_from(const std::string& text);

// Errors: usage (no number, or none that fits).
std::chrono::nanoseconds nanoseconds_of(double seconds, const char* what);
EngineOptions engine_options(const char* text);
UpOptions up_options(const char* text);
DownOptions down_options(const char* text);
ScopeOptions scope_options(const char* text);
ExecOptions exec_options(const std::string& text);
std::vector<Wait> waits_from(const std::string& text);

struct LogOptions {
    std::vector<std::string> services; // empty: all
    bool follow = false;
    std::optional<std::size_t> tail;
};
LogOptions log_options(const char* text);

struct EventOptions {
    std::optional<std::int64_t> since, until;
};
EventOptions event_options(const char* text);

LogStreamOptions log_stream_options(const char* text);
StatsStreamOptions stats_stream_options(const char* text);

std::string to_json(const std::vector<ContainerInfo>& containers);
// items.cpp: one line each.
std::string to_json(const ContainerInfo& container, const LogLine& line);
std::string to_json(const MachineEvent& event);
std::string to_json(const StatsSample& sample);

} // namespace davit::c

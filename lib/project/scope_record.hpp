// scope.json beside project.json: the process that a project is to end with, and what its end takes along. Written by
// the supervisor when a scope is made; whoever supervises the project afterwards knows from it, also in the next boot.
#pragma once

#include "project/paths.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace davit {

inline constexpr int scope_format = 1;

struct ScopeRecord {
    int format = scope_format;
    pid_t owner = 0;
    std::uint64_t owner_start = 0; // in ticks since the boot: names the process together with its number
    std::string boot_id;           // in which these are so
    std::int64_t grace = 0;        // ns that each container has between its stop signal and SIGKILL; 0: no signal
    // Volumes that go, by name: those of the project that were not there before.
    std::vector<std::string> volumes;
    bool unique = false; // the name was made up: what is kept under it (events) goes too
    bool operator==(const ScopeRecord&) const = default;
};

std::string to_json(const ScopeRecord& record);
// Throws as container_record_from_json().
ScopeRecord scope_record_from_json(const std::string& text, const std::string& file);

// Empty: the project ends with nobody, or the power failed while the record was written.
std::optional<ScopeRecord> read_scope(const ProjectPaths& paths);
void write_scope(const ProjectPaths& paths, const ScopeRecord& record);
// Whether that process is still there.
bool owner_lives(const ScopeRecord& record);

} // namespace davit

// What the options of a build and the lists of bake files have in common: "type=local,dest=x", "id=a,src=f",
// "default=/run/agent". Read, and written in one form. Pure; mistakes are Error(usage) in buildx's words.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

struct BuildEntry {
    std::string type;
    std::map<std::string, std::string> fields; // all but the type
    bool operator==(const BuildEntry&) const = default;
};

// "out" is type=local,dest=out; "-" is type=tar,dest=-.
BuildEntry parse_output_entry(const std::string& text);
// "user/app:cache" is of the type registry; several of these may stand between commas.
std::vector<BuildEntry> parse_cache_entries(const std::string& text);
// A field `disabled` is there only when it is true.
BuildEntry parse_attest_entry(const std::string& text);
// What --provenance=VALUE and --sbom=VALUE mean: "type=sbom,disabled=true"; empty for an empty value.
std::string attest_of(const std::string& type, const std::string& value);
struct ProvenanceEntry {
    bool details = true; // mode=max
    std::string builder_id;
    std::string version = "v1"; // of SLSA's provenance
};
// Of the type provenance. nullopt: it is turned off.
std::optional<ProvenanceEntry> provenance_of(const BuildEntry& entry);
std::string to_string(const BuildEntry& entry);

struct SecretEntry {
    std::string id, file, environment;
    bool operator==(const SecretEntry&) const = default;
};
SecretEntry parse_secret_entry(const std::string& text);
std::string to_string(const SecretEntry& entry);

struct SshEntry {
    std::string id;
    std::vector<std::string> paths;
    bool operator==(const SshEntry&) const = default;
};
SshEntry parse_ssh_entry(const std::string& text);
std::string to_string(const SshEntry& entry);

// "1", "t", "True" …, as Go reads them; nothing for what is neither true nor false.
std::optional<bool> parse_go_bool(std::string_view text);

} // namespace davit

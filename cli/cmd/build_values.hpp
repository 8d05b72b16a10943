// The grammars of `davit image build`'s values: those that other options do not have.
#pragma once

#include "base/build_entries.hpp"
#include "davit/build.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::cli {

// All throw Error(usage) in buildx's words.

// --secret id=ID[,src=FILE|env=NAME][,type=…]; --ssh ID[=PATH,…]; -o DEST or type=…,dest=….
BuildSecret parse_secret(const std::string& text);
BuildSecret secret_of(const SecretEntry& entry); // that its file is there
BuildSsh parse_ssh(const std::string& text);
void check_agent(const BuildSsh& ssh); // that there is one, where it names no keys
BuildOutput parse_output(const std::string& text);
BuildOutput output_of(const BuildEntry& entry);
// HOST:ADDRESS or HOST=ADDRESS,…, with [] around an IPv6 address or not: an entry for each. An address may be
// host-gateway alone.
std::vector<std::pair<std::string, std::string>> parse_extra_host(const std::string& text);
// nofile=1024[:2048]
std::pair<std::string, Ulimit> parse_ulimit(const std::string& text);
std::int64_t parse_size(const std::string& text); // "64m"
// NAME=WHERE, the name as Dockerfiles write it.
std::pair<std::string, std::string> parse_build_context(const std::string& text);

void check_annotation(const std::string& text); // [TYPE[PLATFORM],…:]KEY=VALUE
// The same as attributes of outputs: "annotation-TYPE[PLATFORM].KEY".
std::map<std::string, std::string> annotation_attributes(const std::string& text);
void check_resource(const std::string& text);                   // memory=1g
bool is_policy_acted_on(const std::string& text);               // filename=F,…: whether it asks for one
void check_cache(const BuildEntry& entry, bool is_destination); // that a directory is named
// What EXPERIMENTAL_BUILDKIT_SOURCE_POLICY names is read, and refused where it has rules.
void check_source_policy();

} // namespace davit::cli

// The options of `davit image build`, with docker's grammars for their values.
#pragma once

#include "cli/options.hpp"
#include "davit/build.hpp"
#include "davit/engine.hpp"

#include <optional>
#include <string>
#include <vector>

namespace davit::cli {

struct BuildFlags {
    BuildRequest request;
    std::string iid_file, metadata_file, progress;
    bool quiet = false, push = false, check = false, load = false;
    bool ignore_status = false; // of --call
    std::vector<std::string> arguments;
    // As they were written.
    std::vector<std::string> args, labels, contexts, secrets, ssh, outputs, hosts, no_cache_filter, platforms, allow;
    std::string shm_size, call, call_format, print, provenance, sbom;
    std::vector<std::string> attests, annotations;
    std::vector<std::string> without_effect; // after apply(): what was asked for and is not done, a sentence each
    std::vector<std::string> ulimits;
    std::string builder;

    void add_to(Options& options);
    // After parsing. Throws Error(usage).
    void apply();
    void read_call(); // a part of it: what --call and --check say

private:
    void tell_what_is_missing();
};

class Interrupts;
// Builds, with the progress that the flags ask for; what a failed step wrote goes to standard error.
BuildResult build_shown(Engine& engine, const BuildFlags& flags, Interrupts& interrupts);

// --secret id=ID[,src=FILE|env=NAME][,type=…]; --ssh ID[=PATH,…]; -o DEST or type=…,dest=…; NAME=VALUE.
BuildSecret parse_secret(const std::string& text);
BuildSsh parse_ssh(const std::string& text);
BuildOutput parse_output(const std::string& text);
// HOST:ADDRESS or HOST=ADDRESS,…, with [] around an IPv6 address or not: an entry for each. An address may be
// host-gateway alone.
std::vector<std::pair<std::string, std::string>> parse_extra_host(const std::string& text);

} // namespace davit::cli

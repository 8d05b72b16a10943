// The options of `davit image build`, with docker's grammars for their values.
#pragma once

#include "base/build_entries.hpp"
#include "cli/cmd/build_values.hpp"
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
    std::vector<std::string> ulimits, resources, policies;
    std::vector<std::string> warnings; // after parsing: of options that BuildKit has not
    std::vector<BuildEntry> attestations;
    std::string builder;

    void add_to(Options& options);
    // After parsing: read() finds what is no value, settle() what cannot be done. Throw Error(usage).
    void apply(); // both
    void read();
    void settle();
    void read_call(); // a part of it: what --call and --check say

private:
    void read_entitlements();
    void add_annotations();
    void read_provenance();
    void fill_request();
    void place_files();
    void tell_what_is_missing();
    std::vector<BuildEntry> output_entries_;
    std::vector<SecretEntry> secret_entries_;
};

class Interrupts;
// Builds, with the progress that the flags ask for; what a failed step wrote goes to standard error.
BuildResult build_shown(Engine& engine, const BuildFlags& flags, Interrupts& interrupts);

} // namespace davit::cli

// Images built from Dockerfiles.
//
// Options and results are plain values; nothing refers to the caller's after a call. Times are ns since the epoch,
// sizes bytes. Events come from several threads, but never two at once, and make the build wait while they run.
#pragma once

#include "davit/error.hpp"
#include "davit/service_parts.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct BuildSecret {
    std::string id;
    std::string file;                 // read when the build begins …
    std::string environment;          // … or this variable of the process …
    std::optional<std::string> value; // … or this
};

struct BuildSsh {
    std::string id = "default";
    std::vector<std::string> paths; // an agent's socket, or files of keys without passphrase; empty: SSH_AUTH_SOCK
};

// Where a build's result goes beside the image store.
struct BuildOutput {
    enum class Type { image, local, tar, oci, docker, cacheonly }; // cacheonly: nowhere, it is built only
    Type type = Type::image;
    std::string destination; // a directory, a file; "-": descriptor BuildRequest::output_stream
    std::map<std::string, std::string> attributes;
};

// A statement of how an image was built, beside it in its index.
struct BuildProvenance {
    bool details = true;        // arguments, labels, names of secrets and the Dockerfile too (mode=max)
    std::string builder_id;     // who has built it, a URL
    std::string version = "v1"; // of SLSA's provenance: v1, v0.2
    bool operator==(const BuildProvenance&) const = default;
};

struct BuildRequest {
    // A directory; a URL of a git repository, a tar or a Dockerfile; "-": context_stream.
    std::string context = ".";
    int context_stream = -1; // a tar (compressed or not), or a Dockerfile; stays the caller's
    std::string dockerfile;  // below the context, or absolute; empty: Dockerfile; "-": context_stream
    std::optional<std::string> dockerfile_inline;
    std::string target;                                                   // empty: the last stage
    std::vector<std::pair<std::string, std::optional<std::string>>> args; // no value: the process's environment
    std::vector<std::pair<std::string, std::string>> labels;
    std::vector<std::string> tags;
    std::vector<std::string> platforms; // "linux/amd64"; empty: DOCKER_DEFAULT_PLATFORM, else this machine's
    bool pull = false;                  // bases are looked up at their registries even when they are here
    bool no_cache = false;
    std::vector<std::string> no_cache_filter;                     // stages
    std::string network;                                          // default, none, host; empty: as RUN says
    std::vector<std::pair<std::string, std::string>> extra_hosts; // name, address
    std::int64_t shm_size = 0;                                    // 0: 64 MiB
    std::map<std::string, Ulimit> ulimits;
    std::vector<std::pair<std::string, std::string>> contexts; // --build-context NAME=…
    std::vector<BuildSecret> secrets;
    std::vector<BuildSsh> ssh;
    std::vector<std::string> entitlements; // network.host, security.insecure, buildx.local.delete
    bool privileged = false;               // every RUN has all rights; needs security.insecure
    std::vector<BuildOutput> outputs;      // empty: the image store
    int output_stream = -1;
    std::vector<std::string> cache_from, cache_to;
    std::optional<BuildProvenance> provenance; // of images; nullopt: none
    bool check_only = false;                   // the build's checks, nothing else
};

struct BuildEvent {
    enum class Kind {
        started,  // the step `vertex`
        cached,   // it needs not run
        progress, // text, or current of total bytes
        log,      // what a RUN wrote: text as it came, stream 1 or 2
        done,
        failed, // text
        cancelled,
        warning, // of no step: text
    };
    Kind kind{};
    int vertex = 0;   // counts from 1 in the order in which steps begin; 0: none
    std::string name; // "[web 2/5] RUN make": with started and cached
    std::string text;
    int stream = 0;
    std::uint64_t current = 0, total = 0;
    std::int64_t time_ns = 0;
};
using BuildSink = std::function<void(const BuildEvent&)>;

struct BuildCheck {
    std::string rule, message, file;
    int line = 0; // from 1
};

struct BuildTarget {
    std::string name, description;
    std::string base, platform; // as FROM writes them
    bool is_default = false;
    int line = 0; // of FROM, from 1
};

struct BuildParameter {
    std::string name, value, description;
};

// A secret or an agent that the target's RUNs mount.
struct BuildRequirement {
    std::string name;
    bool required = false;
};

struct BuildResult {
    std::string image_id;        // sha256:…; empty when it went elsewhere only
    std::string config_digest;   // sha256:…, of one image, in the store or in an archive; of several platforms' empty
    std::string manifest_digest; // sha256:…, there too
    std::string manifest_type;   // media type: of one image's, or of the index of several platforms'
    std::uint64_t manifest_size = 0;
    std::string platform;                                      // of one image
    std::map<std::string, std::string> descriptor_annotations; // what was to be said where it is listed
    std::vector<std::string> names;                            // given to it, canonical
    std::vector<std::string> archive_names;                    // that archives have for it, canonical
    std::vector<BuildCheck> checks;
    // With check_only.
    std::optional<Error> check_failure; // the evaluation ended here
    std::vector<BuildTarget> targets;
    std::vector<BuildParameter> parameters;     // of the target
    std::vector<BuildRequirement> secrets, ssh; // of the target
    bool checks_fail = false;                   // # check=error=true
    std::string dockerfile;                     // its text
};

// The services of a project that have `build:`.
struct BuildServicesOptions {
    std::vector<std::string> services; // names; empty: all
    bool with_dependencies = false;    // what they depend on too
    bool pull = false, no_cache = false, check_only = false;
    std::vector<std::pair<std::string, std::optional<std::string>>> args; // beside each service's own
    std::vector<BuildSsh> ssh;
};
struct BuiltService {
    std::string service;
    BuildResult result;
};

} // namespace davit
#pragma GCC visibility pop

// A Dockerfile evaluated for one build: stage by stage what is to be done, nothing left to expand. Plain values.
#pragma once

#include "davit/image.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace davit::dockerfile {

// Where an instruction stands; lines and columns count from 1.
struct Place {
    std::string file;
    int first_line = 0, last_line = 0, column = 1;
    bool operator==(const Place&) const = default;
};

// Where files are taken from.
struct Input {
    enum class Kind {
        context, // the build's own
        scratch, // nothing
        stage,   // another stage of this Dockerfile
        image,   // by reference
        named,   // --build-context NAME=…
    };
    Kind kind = Kind::context;
    int stage = -1;       // index into Evaluated::stages
    std::string name;     // reference of an image, name of a context
    std::string platform; // of an image: "linux/arm64"; empty: the build's target
    bool operator==(const Input&) const = default;
};

// A file whose content stands in the Dockerfile (a heredoc).
struct InlineFile {
    std::string name, content;
    bool operator==(const InlineFile&) const = default;
};

struct RunMount {
    enum class Type { bind, cache, tmpfs, secret, ssh };
    enum class Sharing { shared, private_, locked };
    Type type = Type::bind;
    Input from;                     // bind, cache (its seed; Kind::scratch: empty)
    std::string source;             // in from
    std::string target;             // absolute
    std::string id;                 // cache, secret, ssh
    std::optional<std::string> env; // secret: the variable that holds it
    bool read_only = true;
    bool required = false;
    Sharing sharing = Sharing::shared;
    std::uint64_t size = 0; // tmpfs, bytes; 0: unlimited
    std::optional<unsigned> mode, uid, gid;
    bool operator==(const RunMount&) const = default;
};

struct RunStep {
    enum class Network { by_default, none, host };
    std::vector<std::string> args;   // with the shell, ready for exec
    std::vector<InlineFile> scripts; // a heredoc with "#!": made readable at args[…] "/dev/pipes/NAME"
    std::vector<RunMount> mounts;
    Network network = Network::by_default;
    bool insecure = false; // --security=insecure
    bool operator==(const RunStep&) const = default;
};

struct CopyStep {
    bool add = false; // ADD: URLs, git, archives are unpacked
    Input from;
    std::vector<std::string> sources; // as written: wildcards, URLs (ADD)
    std::vector<InlineFile> inline_files;
    std::string destination;  // absolute; ends in "/" where the instruction's did (or was ".")
    std::string chown, chmod; // as written, expanded
    bool link = false, parents = false, keep_git_dir = false;
    std::vector<std::string> exclude;
    std::string checksum;
    std::optional<bool> unpack;
    bool operator==(const CopyStep&) const = default;
};

struct WorkdirStep {
    std::string path; // absolute
    bool operator==(const WorkdirStep&) const = default;
};

// Changes the configuration and the history only.
struct ConfigStep {
    bool operator==(const ConfigStep&) const = default;
};

struct Step {
    Place place;
    std::string instruction;  // as written, on one line: what progress shows
    std::string history;      // created_by of the image's history; empty: no entry (ONBUILD)
    bool empty_layer = false; // of the history entry
    std::variant<RunStep, CopyStep, WorkdirStep, ConfigStep> action;
    std::vector<std::string> env; // RunStep: "K=V", with the ARGs that are in scope; each name once
    // Beside env, what neither keys nor history see: proxy variables. They win over env.
    std::vector<std::string> unkeyed_env;
    image::Config config;              // after the step
    std::optional<std::string> author; // after MAINTAINER
};

struct Stage {
    std::string name; // lower case; empty: without AS
    Input base;       // stage, image, named or scratch
    Place place;      // of FROM
    std::string instruction;
    std::string platform; // that it is built for: "linux/amd64"
    // Of the programs that its base brings, where that is known: a base for another machine may have been taken.
    std::string runs_on;
    image::Config base_config;
    std::string base_author;
    std::vector<Step> steps; // ONBUILD triggers of the base first
    bool reachable = true;   // from the target; others have no steps
    const image::Config& config() const { return steps.empty() ? base_config : steps.back().config; }
};

// What a build check found: "StageNameCasing", what is wrong.
struct Check {
    std::string rule, message;
    Place place;
    bool operator==(const Check&) const = default;
};

// An ARG that the target takes, for a listing.
struct Parameter {
    std::string name, value, description; // value: what this build gives it
    bool operator==(const Parameter&) const = default;
};

struct Evaluated {
    std::vector<Stage> stages; // as in the file
    int target = -1;           // the stage that is asked for
    image::Config config;      // of the image: the target's, with the labels asked for
    std::string author;
    std::string platform; // of the image: "linux/amd64"
    bool bare = false;    // the target begins as a stage that is a directory now: nothing says for which machine it is
    std::vector<Check> checks;            // in the order in which they were found
    std::vector<std::string> unused_args; // build arguments that nothing takes
    std::vector<Parameter> parameters;    // of the target and the stages it is made from, in the order of the file
};

} // namespace davit::dockerfile

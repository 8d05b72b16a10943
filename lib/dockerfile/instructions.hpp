// What the instructions of a Dockerfile say, checked but not expanded: no variable is looked up, no stage resolved.
#pragma once

#include "dockerfile/parser.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace davit::dockerfile {

namespace instruction {

struct Pair {
    std::string name, value;
    bool old_form = false; // "ENV NAME VALUE"
    bool operator==(const Pair&) const = default;
};

struct Arg {
    std::vector<std::pair<std::string, std::optional<std::string>>> args; // default value
};

struct Env {
    std::vector<Pair> pairs;
};

struct Label {
    std::vector<Pair> pairs;
};

// COPY and ADD.
struct Copy {
    bool add = false;
    std::string from; // COPY; empty: the context
    std::vector<std::string> sources;
    std::vector<Heredoc> files;
    std::string destination;
    std::string chown, chmod;
    bool link = false, parents = false;
    std::optional<bool> keep_git_dir, unpack;
    std::vector<std::string> exclude;
    std::string checksum;
};

struct Command {
    std::vector<std::string> args; // shell form: at most one, the text
    bool shell = false;
};

struct Run {
    Command command;
    std::vector<Heredoc> files;
    std::vector<std::string> mounts; // as written: mount.hpp reads them once variables are known
    RunStep::Network network = RunStep::Network::by_default;
    bool insecure = false;
    std::vector<std::pair<std::string, bool>> devices;
};

struct Cmd {
    Command command;
};

struct Entrypoint {
    Command command;
};

struct Healthcheck {
    image::Healthcheck check;
};

struct Expose {
    std::vector<std::string> ports; // sorted, as in the history
};

struct Volume {
    std::vector<std::string> paths;
};

struct User {
    std::string user;
};

struct Workdir {
    std::string path;
};

struct StopSignal {
    std::string signal;
};

struct Shell {
    std::vector<std::string> args;
};

struct Maintainer {
    std::string name;
};

struct OnBuild {
    std::string trigger; // as the configuration of the image keeps it
};

} // namespace instruction

struct Instruction {
    Node node;
    std::variant<instruction::Arg, instruction::Env, instruction::Label, instruction::Copy, instruction::Run,
                 instruction::Cmd, instruction::Entrypoint, instruction::Healthcheck, instruction::Expose,
                 instruction::Volume, instruction::User, instruction::Workdir, instruction::StopSignal,
                 instruction::Shell, instruction::Maintainer, instruction::OnBuild>
        action;
};

// A stage as it is written.
struct DocumentStage {
    Node node; // FROM
    std::string base, platform;
    std::string name;       // lower case; empty: without AS
    std::string name_given; // as written
    std::string as_keyword;
    std::vector<Instruction> instructions;
};

struct Document {
    std::string file;
    Directives directives;
    std::vector<Instruction> global_args; // before the first FROM, all of them ARG
    std::vector<DocumentStage> stages;    // at least one
    std::vector<Place> empty_continuations;
};

// file: its name in messages. before: where it throws for an instruction, what stands before that one; it may have no
// stage. Throws Errc::invalid_project with file, line and column.
Document read_document(std::string_view text, const std::string& file, Document* before = nullptr);

// A trigger that a base image brings, as if it stood at `from`.
Instruction read_trigger(std::string_view text, const Place& from);

// What a comment right above says of `name`: "# NAME text".
std::string description_of(const std::vector<std::string>& comments, std::string_view name);

} // namespace davit::dockerfile

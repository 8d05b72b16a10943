// The command line: global flags, the table of verbs, errors and exit codes.
#pragma once

#include "davit/error.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

struct CommandInfo; // cli/options.hpp
struct Verb;

// Told what a verb takes, in place of running it: completion and manual pages.
class CommandSink {
public:
    virtual ~CommandSink() = default;
    virtual void command(const CommandInfo& info) = 0;
    virtual void group(std::span<const Verb> verbs) = 0;
};

// What stands before the verb: docker compose's global flags.
struct Globals {
    std::vector<std::string> files;               // -f, --file
    std::string project_name;                     // -p, --project-name
    std::string project_directory;                // --project-directory
    std::vector<std::string> profiles;            // --profile
    std::vector<std::string> env_files;           // --env-file
    std::string progress;                         // --progress auto|tty|plain|json|quiet
    std::string ansi;                             // --ansi auto|never|always
    std::vector<std::string> insecure_registries; // --insecure-registry
    int parallel = -1;                            // --parallel
    bool all_resources = false;                   // --all-resources
    bool compatibility = false;                   // --compatibility
    bool dry_run = false;                         // --dry-run; also after the verb
    bool verbose = false;                         // --verbose
    bool version = false;                         // -v, --version
    bool no_ansi = false;                         // --no-ansi, docker compose's old form of --ansi never
    std::string workdir;                          // --workdir, its old name of --project-directory
    CommandSink* describe = nullptr;              // verbs only say what they take

    // Not flags, but what the name and the words before them have settled.
    std::string program = "davit"; // as help names it: "docker", "docker compose"
    bool docker_words = false;     // docker's words at the top, see cli/docker_words.hpp
    std::string docker_word;       // the one of its top that stands for two of davit's: "ps"
    bool docker_codes = false;     // exit codes that docker has and docker compose has not: 125, 64 …
    std::string docker_aliases;    // all names of the command that runs, as docker's help lists them; empty: it has one
};

using Args = std::vector<std::string>;

// Where --help lists a verb.
enum class VerbGroup { project, inspect, machine, hidden };

// One verb: its file in cli/cmd/ defines run(); it parses its own arguments (cli/options.hpp), so
// that a command pays only for its own options.
struct Verb {
    const char* name;
    const char* summary;
    int (*run)(Globals&, const Args& args);
    VerbGroup group = VerbGroup::project;
    const char* alias = ""; // other names, not listed, with spaces between
};
bool answers_to(const Verb& verb, std::string_view name);
// nullptr: there is none.
const Verb* find_verb(std::span<const Verb> table, std::string_view name);
// of: "davit image". Its text names what is near, or what helps instead.
Error unknown_verb(std::span<const Verb> table, const std::string& of, const std::string& name);

// Parses the global flags, finds the verb, runs it, turns davit::Error into text and exit code. program: argv[0], which
// decides on the grammar.
int run_app(std::string_view program, const Args& args);

// `docker compose …`, or the plugin: without the words before it.
int run_compose(Globals& globals, const Args& args);

// A verb with verbs of its own: `davit network ls`. Without one, or with --help, it lists them.
int run_group(Globals& globals, const Args& args, const char* name, const char* summary, std::span<const Verb> verbs);

// The exit code an exception of a verb asks for, after its text has been written to stderr.
// json: as JSON lines. own_codes: Error::exit_code() counts. Call it inside a catch block.
int report_exception(bool json = false, bool own_codes = false);

} // namespace davit::cli

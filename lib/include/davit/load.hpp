// Loading: compose files, .env files and an environment become a Project.
// Pure but for reading files: the process's environment is never read; pass it in. Thread-safe. Blocks on the disk, and
// where LoadOptions::resources reaches to, which has a stop of its own (RemoteOptions::stop).
#pragma once

#include "davit/error.hpp"
#include "davit/project.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// One finding about a file.
struct Diagnostic {
    enum class Severity { warning, error };
    Severity severity = Severity::error;
    SourcePos at;            // line 0: no place in a file
    std::string path;        // dotted: services.web.ports[0]
    std::string message;     // one sentence
    std::string hint;        // what to do; may be empty
    std::string source_line; // the text of the line, for the caret
    bool operator==(const Diagnostic&) const = default;
};

// "file:line:col: services.web.ports[0]: message", the line with a caret, "  hint: …".
std::string to_string(const Diagnostic&);

// Makes a compose file local that is elsewhere: the path of a file, or nullopt when the name means none
// of its places. Called for each of -f, include and extends; see davit/remote.hpp.
using ResourceLoader = std::function<std::optional<std::string>(const std::string& name)>;

struct LoadOptions {
    std::vector<std::string> files;          // compose files in order, relative to `current_dir`; "-" = `stdin_text`
    std::string stdin_text;                  // content of "-"
    std::string current_dir;                 // absolute; what the process's working directory was
    std::string project_directory;           // --project-directory; "" = directory of the first file
    std::string project_name;                // --project-name or COMPOSE_PROJECT_NAME; "" = `name:` or the directory
    std::vector<std::string> profiles;       // active ones; "*" = all
    std::vector<std::string> env_files;      // for interpolation; later ones win
    std::vector<std::string> env_files_read; // their values are in `environment` already; only recorded
    std::map<std::string, std::string> environment; // wins over env_files
    ResourceLoader resources;                       // empty: local files only
    std::vector<std::string> services;              // selection by name or glob; empty = all
    // Services that are enabled whatever their profiles say, as naming them on a command line does; the
    // others stay. Who brings such a service up names it here: enable_services() comes too late for
    // its env_file and for networks, volumes, secrets and configs that nobody else uses.
    std::vector<std::string> named;

    bool interpolate = true;
    bool normalize = true;
    bool resolve_paths = true;
    bool check_consistency = true;
    bool resolve_environment = true; // read env_file of services
    bool resolve_labels = true;      // read label_file of services
    bool validate = true;
    bool compatibility = false; // "_" in container names
    bool all_resources = false; // keep networks, volumes … that no service uses
    // To be handed to another engine: secrets of an ECS task definition need no value, and what is for AWS is no
    // warning.
    bool elsewhere = false;
};

struct LoadResult {
    Project project;
    std::vector<Diagnostic> warnings;
    // Every use of an attribute davit reads but cannot act on, also in disabled services.
    std::vector<Diagnostic> unacted;

    // Project shop = load_string(text);
    operator Project() const& { return project; }
    operator Project() && { return std::move(project); }
};

// Every mistake that was found, at least one of them an error.
class LoadError : public Error {
public:
    explicit LoadError(std::vector<Diagnostic> diagnostics);
    LoadError(const LoadError&) = default; // and what is moved from stays whole
    LoadError& operator=(const LoadError&) = default;
    const std::vector<Diagnostic>& diagnostics() const noexcept { return *diagnostics_; }
    // All diagnostics, each as to_string() gives it.
    std::string describe_all() const;

private:
    std::shared_ptr<const std::vector<Diagnostic>> diagnostics_; // Error must copy without throwing
};

// Fills in what docker compose takes from the environment given in the options and from .env:
// COMPOSE_FILE, COMPOSE_PROFILES, COMPOSE_PROJECT_NAME, COMPOSE_ENV_FILES …, else the compose file of
// the directory or its parents (none found: `files` stays empty). env_files are read into `environment`.
// Returns warnings; throws like load().
std::vector<Diagnostic> complete_from_environment(LoadOptions&);

// Throws LoadError for what is wrong in the files, Error for wrong options (unknown service, no file).
LoadResult load(const LoadOptions&);

// Known attributes davit reads but cannot act on, one warning each, with its position; only of
// what is enabled in the project.
std::vector<Diagnostic> unacted_attributes(const LoadResult&);

// The project as `config` prints it: loading that text again gives the same project.
enum class RenderFormat { yaml, json };
std::string render(const Project&, RenderFormat, bool escape_dollars = true);

// sha256 over what makes a container differ: everything but build, pull_policy, scale, replicas, depends_on, profiles.
std::string config_hash(const Service&);

} // namespace davit
#pragma GCC visibility pop

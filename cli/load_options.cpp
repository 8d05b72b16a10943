#include "cli/load_options.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/diagnostics.hpp"
#include "davit/ecs.hpp"
#include "davit/remote.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

namespace davit::cli {

std::map<std::string, std::string> process_environment() {
    std::map<std::string, std::string> out;
    for (char** entry = environ; entry && *entry; ++entry) {
        std::string_view text = *entry;
        std::size_t equals = text.find('=');
        if (equals != std::string_view::npos && equals > 0)
            out.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return out;
}

namespace {

// docker compose's switch; on unless it says otherwise.
bool remote_allowed(const LoadOptions& o, const char* variable) {
    auto it = o.environment.find(variable);
    if (it == o.environment.end() || it->second.empty()) return true;
    for (const char* yes : {"1", "t", "T", "TRUE", "true", "True"})
        if (it->second == yes) return true;
    for (const char* no : {"0", "f", "F", "FALSE", "false", "False"})
        if (it->second == no) return false;
    throw error(Errc::usage, "{} must be true or false, and it is '{}'", variable, it->second);
}

LoadOptions given_options(const Globals& g) {
    LoadOptions o;
    std::error_code code;
    o.current_dir = std::filesystem::current_path(code).string();
    o.environment = process_environment();
    o.environment.emplace("PWD", o.current_dir);
    o.files = g.files;
    o.project_name = g.project_name;
    o.project_directory = g.project_directory;
    o.profiles = g.profiles;
    o.env_files = g.env_files;
    return o;
}

} // namespace

LoadOptions load_options(const Globals& g, std::vector<std::string> services) {
    LoadOptions o = given_options(g);
    o.compatibility = g.compatibility;
    o.all_resources = g.all_resources;
    o.services = std::move(services);
    o.resources = ecs::task_definition_resources(
        {}, remote_resources({.cache_dir = {},
                              .git = remote_allowed(o, "COMPOSE_EXPERIMENTAL_GIT_REMOTE"),
                              .oci = remote_allowed(o, "COMPOSE_EXPERIMENTAL_OCI_REMOTE"),
                              .insecure_registries = g.insecure_registries}));
    // What is kept elsewhere says nothing of where its paths begin.
    if (o.project_directory.empty() && !o.files.empty() && o.files.front().starts_with("ecs:"))
        o.project_directory = o.current_dir;
    print_diagnostics(complete_from_environment(o), g.progress == "json");
    if (std::find(o.files.begin(), o.files.end(), "-") != o.files.end()) o.stdin_text = sys::read_all(STDIN_FILENO);
    return o;
}

void take_switches_from_env_file(const Globals& g) {
    LoadOptions o = given_options(g);
    try {
        complete_from_environment(o);
    } catch (const Error&) {
        return; // told when the project is loaded, if it is
    }
    for (const auto& [name, value] : o.environment)
        if (name.starts_with("COMPOSE_") && name != "COMPOSE_ENV_FILES") // which a file it names cannot change
            ::setenv(name.c_str(), value.c_str(), 0);
}

LoadResult load_project(const Globals& g, std::vector<std::string> services) {
    LoadResult result = load(load_options(g, std::move(services)));
    print_diagnostics(result.warnings, g.progress == "json");
    return result;
}

LoadResult load_project_to_export(const Globals& g, std::vector<std::string> services) {
    LoadOptions options = load_options(g, std::move(services));
    options.elsewhere = true;
    LoadResult result = load(options);
    print_diagnostics(result.warnings, g.progress == "json");
    return result;
}

} // namespace davit::cli

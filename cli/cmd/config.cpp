#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/cmd/config_check.hpp"
#include "cli/cmd/config_digests.hpp"
#include "cli/cmd/config_lists.hpp"
#include "cli/cmd/swarm_files.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/diagnostics.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>

namespace davit::cli {

namespace {

struct ConfigFlags {
    std::string format, output, hash;
    bool services = false, volumes = false, networks = false, models = false, profiles = false, images = false;
    bool variables = false, environment = false, quiet = false, check = false;
    bool no_interpolate = false, no_normalize = false, no_paths = false, no_consistency = false, no_env = false;
    bool resolve_digests = false, lock_digests = false;
    std::vector<std::string> arguments;
};

bool parse(ConfigFlags& f, Globals& g, const Args& args) {
    return Options(g, "config [OPTIONS] [SERVICE...]", "Parse, resolve and render the compose file")
        .flag("check", f.check, "Print mistakes as file:line:column: message lines, for editors")
        .flag("environment", f.environment, "Print environment used for interpolation")
        .value("format", f.format, "Format the output. Values: [yaml | json]")
        .value("hash", f.hash, "Print the service config hash, one per line")
        .flag("images", f.images, "Print the image names, one per line")
        .flag("lock-image-digests", f.lock_digests, "Produce an override file with image digests")
        .flag("models", f.models, "Print the model names, one per line")
        .flag("networks", f.networks, "Print the network names, one per line")
        .flag("no-consistency", f.no_consistency, "Don't check model consistency")
        .flag("no-env-resolution", f.no_env, "Don't resolve service env files")
        .flag("no-interpolate", f.no_interpolate, "Don't interpolate environment variables")
        .flag("no-normalize", f.no_normalize, "Don't normalize compose model")
        .flag("no-path-resolution", f.no_paths, "Don't resolve file paths")
        .value("o,output", f.output, "Save to file (default to stdout)")
        .flag("profiles", f.profiles, "Print the profile names, one per line")
        .flag("q,quiet", f.quiet, "Only validate the configuration, don't print anything")
        .flag("resolve-image-digests", f.resolve_digests, "Pin image tags to digests")
        .flag("services", f.services, "Print the service names, one per line")
        .flag("variables", f.variables, "Print model variables and default values")
        .flag("volumes", f.volumes, "Print the volume names, one per line")
        .arguments(f.arguments)
        .epilog("'davit config create', 'inspect', 'ls' and 'rm' are docker's: they manage Swarm's configs.")
        .parse(args);
}

// Without interpolation the file is no project yet: numbers may still be texts with variables.
std::string render_tree(const Globals& g, const LoadOptions& options, const ConfigFlags& f, bool json) {
    MergedFiles files(options);
    print_diagnostics(files.check(), g.progress == "json");
    if (f.lock_digests || f.resolve_digests) pin_images(files);
    if (f.lock_digests) files.keep_images();
    return files.render(json ? RenderFormat::json : RenderFormat::yaml);
}

// Those profiles disable as well: without values nobody knows the profiles.
std::string list_uninterpolated_services(const LoadOptions& options) {
    MergedFiles files(options);
    files.check();
    std::string out;
    for (const std::string& service : files.services()) out += service + "\n";
    return out;
}

struct List {
    bool wanted;
    bool selects; // only what the named services use; Docker Compose ignores the names for the others
    std::string (*make)(const Project&);
};

// In the order of precedence.
std::array<List, 7> lists(const ConfigFlags& f) {
    return {{{f.services, false, list_services},
             {f.volumes, false, list_volumes},
             {f.networks, false, list_networks},
             {f.models, false, list_models},
             {f.profiles, true, list_profiles},
             {f.images, true, list_images},
             {f.environment, true, list_environment}}};
}

std::string render_project(Project& project, const ConfigFlags& f, bool json) {
    const RenderFormat format = json ? RenderFormat::json : RenderFormat::yaml;
    if (f.lock_digests || f.resolve_digests) pin_images(project);
    return f.lock_digests ? render_images(project, format) : render(project, format);
}

// What is asked for, of a file that can be loaded.
std::string make_text(const Globals& g, LoadOptions options, const ConfigFlags& f, bool json) {
    const auto all = lists(f);
    const auto wanted = std::find_if(all.begin(), all.end(), [](const List& l) { return l.wanted; });
    const bool list = wanted != all.end();
    if (f.variables && !list && f.hash.empty())
        return list_variables(
            options, f.format.empty() ? std::nullopt : std::optional(json ? RenderFormat::json : RenderFormat::yaml));
    if (f.no_interpolate && f.services) return list_uninterpolated_services(options);
    if (f.no_interpolate && !list && f.hash.empty()) return render_tree(g, options, f, json);
    const bool hashes = !f.hash.empty() && (!list || wanted->selects);
    if (hashes || (list && !wanted->selects)) options.services.clear();
    if (list && !hashes && !wanted->selects) options.resolve_environment = false; // as Docker Compose has it
    // Reachable to the end, and so never taken apart: with a thousand services that would cost 3 ms.
    static LoadResult* const kept = new LoadResult(load(options));
    print_diagnostics(kept->warnings, g.progress == "json");
    if (hashes) return list_hashes(kept->project, f.hash);
    return list ? wanted->make(kept->project) : render_project(kept->project, f, json);
}

// In any letters, and a table is what there is without one.
std::string format_of_variables(std::string format) {
    for (char& c : format) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return format == "table" ? std::string() : format;
}

// Of the lists, as Docker Compose has it.
bool prints_nothing_when_quiet(const ConfigFlags& f, std::string (*list)(const Project&)) {
    if (!f.hash.empty()) return false;
    return list ? list == list_environment : f.variables && f.format == "yaml";
}

} // namespace

int run_config(Globals& g, const Args& args) {
    if (g.docker_words || is_config_object_verb(args)) return run_config_object(g, args);
    ConfigFlags f;
    if (!parse(f, g, args)) return 0;
    const auto all = lists(f);
    const auto wanted = std::find_if(all.begin(), all.end(), [](const List& l) { return l.wanted; });
    const bool list = wanted != all.end();
    const bool renders = !list && f.hash.empty() && !f.variables;
    if (f.variables && !list) f.format = format_of_variables(f.format);
    if (!list && f.hash.empty() && !f.format.empty() && f.format != "yaml" && f.format != "json")
        throw error(Errc::usage, "unsupported format \"{}\"", f.format).with_hint("use yaml or json");

    auto options = [&] {
        LoadOptions o = load_options(g, f.arguments);
        o.interpolate = !f.no_interpolate;
        o.normalize = !f.no_normalize && !g.compatibility; // as Docker Compose has it, and only for the flag
        o.resolve_paths = !f.no_paths;
        o.check_consistency = !f.no_consistency;
        o.resolve_environment = !f.no_env;
        return o;
    };
    if (f.check) return check_files(options, g.progress == "json", f.quiet);
    std::string text = make_text(g, options(), f, f.format == "json");
    if (f.quiet && (renders || prints_nothing_when_quiet(f, list ? wanted->make : nullptr))) return 0;
    // Docker Compose ends no JSON with a newline; a terminal needs one.
    const bool to_file = !f.output.empty() && renders;
    if (renders && f.format == "json" && (to_file || !is_terminal(STDOUT_FILENO)) && text.ends_with('\n'))
        text.pop_back();
    if (to_file) sys::write_all(sys::open(f.output, O_WRONLY | O_CREAT | O_TRUNC, 0666).get(), text);
    else if (is_terminal(STDOUT_FILENO))
        std::fputs(printable(text, "\n\t").c_str(), stdout); // included from a registry, perhaps
    else std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
}

} // namespace davit::cli

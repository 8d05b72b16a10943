#include "base/error.hpp"
#include "base/file.hpp"
#include "cli/cmd/config_lists.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"
#include "compose/loader.hpp"
#include "compose/print.hpp"

#include <cstdio>

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
        .value("format", f.format, "Format the output (yaml or json)")
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
        .parse(args);
}

std::string one_line(const Diagnostic& d) {
    std::string out = d.at.file.empty() ? "" : d.at.line ? fmt::format("{}:{}:{}: ", d.at.file, d.at.line, d.at.column) : d.at.file + ": ";
    if (d.severity == Diagnostic::Severity::warning) out += "warning: ";
    if (!d.path.empty()) out += d.path + ": ";
    out += d.message;
    if (!d.hint.empty()) out += fmt::format(" ({})", d.hint);
    return out + "\n";
}

// Mistakes are the output here, not a failure of the command.
int check(const LoadOptions& options) {
    try {
        LoadResult result = load(options);
        for (const Diagnostic& d : result.warnings) std::fputs(one_line(d).c_str(), stdout);
        for (const Diagnostic& d : unacted_attributes(result)) std::fputs(one_line(d).c_str(), stdout);
        return 0;
    } catch (const LoadError& e) {
        for (const Diagnostic& d : e.diagnostics()) std::fputs(one_line(d).c_str(), stdout);
        return 1;
    }
}

// Without interpolation the file is no project yet: numbers may still be texts with variables.
std::string render_tree(const LoadOptions& options, const ConfigFlags& f, bool json) {
    auto loaded = compose::load_tree(options);
    loaded.diagnostics->throw_if_errors();
    print_warnings(loaded.diagnostics->take_warnings());
    if (f.lock_digests) throw error(Errc::usage, "--lock-image-digests needs the values of the variables").with_hint("leave out --no-interpolate");
    return json ? compose::print_json(*loaded.root, false) : compose::print_yaml(*loaded.root, false);
}

// Those profiles disable as well: without values nobody knows the profiles.
std::string list_uninterpolated_services(const LoadOptions& options) {
    auto loaded = compose::load_tree(options);
    loaded.diagnostics->throw_if_errors();
    std::string out;
    if (const compose::Node* services = loaded.root->find("services"))
        for (const compose::Entry& e : services->map()) out += fmt::format("{}\n", e.key);
    return out;
}

struct List {
    bool wanted;
    std::string (*make)(const Project&);
};

} // namespace

int run_config(Globals& g, const Args& args) {
    ConfigFlags f;
    if (!parse(f, g, args)) return 0;
    if (!f.format.empty() && f.format != "yaml" && f.format != "json")
        throw error(Errc::usage, "unsupported format \"{}\"", f.format).with_hint("use yaml or json");
    bool json = f.format == "json";

    LoadOptions options = load_options(g, f.arguments);
    options.interpolate = !f.no_interpolate;
    options.normalize = !f.no_normalize && !options.compatibility;
    options.resolve_paths = !f.no_paths;
    options.check_consistency = !f.no_consistency;
    options.resolve_environment = !f.no_env;
    if (f.check) return check(options);

    std::string text;
    if (f.variables) {
        text = list_variables(options, json);
    } else {
        const List lists[] = {
            {f.services, list_services}, {f.volumes, list_volumes}, {f.networks, list_networks}, {f.models, list_models},
            {f.profiles, list_profiles}, {f.images, list_images}, {f.environment, list_environment},
        };
        const List* wanted = nullptr;
        for (const List& l : lists)
            if (l.wanted && !wanted) wanted = &l;
        bool whole = !wanted && f.hash.empty();
        if (whole && f.no_interpolate) {
            text = render_tree(options, f, json);
        } else if (f.services && f.no_interpolate) {
            text = list_uninterpolated_services(options);
        } else {
            LoadResult result = load(options);
            print_warnings(result.warnings);
            if (wanted) text = wanted->make(result.project);
            else if (!f.hash.empty()) text = list_hashes(result.project, f.hash);
            else text = render(result.project, json ? RenderFormat::json : RenderFormat::yaml);
        }
    }
    if (f.quiet) return 0;
    if (!f.output.empty()) write_file_in_place(f.output, text, 0666);
    else std::fwrite(text.data(), 1, text.size(), stdout);
    return 0;
}

} // namespace davit::cli

#include "cli/app.hpp"

#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>

namespace davit::cli {

namespace {

void add_globals(CLI::App& app, Globals& g) {
    app.add_option("-f,--file", g.files, "Compose configuration files")->allow_extra_args(false)->take_all();
    app.add_option("-p,--project-name", g.project_name, "Project name");
    app.add_option("--project-directory", g.project_directory, "Alternate working directory (default: the path of the first compose file)");
    app.add_option("--profile", g.profiles, "Profile to enable")->allow_extra_args(false)->take_all();
    app.add_option("--env-file", g.env_files, "Alternate environment file")->allow_extra_args(false)->take_all();
    app.add_option("--progress", g.progress, "Type of progress output (auto, tty, plain, json, quiet)");
    app.add_option("--ansi", g.ansi, "When to print ANSI control characters (never, always, auto)");
    app.add_option("--parallel", g.parallel, "Maximum parallelism, -1 for unlimited");
    app.add_flag("--all-resources", g.all_resources, "Include all resources, even those not used by services");
    app.add_flag("--compatibility", g.compatibility, "Run in backward compatibility mode");
    app.add_flag("--dry-run", g.dry_run, "Show what would be done and do nothing");
}

const Verb* find_verb(const std::string& name) {
    for (const Verb& v : verbs())
        if (name == v.name) return &v;
    return nullptr;
}

} // namespace

int run_app(const Args& args) {
    Globals globals;
    CLI::App app("Compose files to running containers, with nothing in between", "davit");
    app.prefix_command();
    add_globals(app, globals);
    try {
        std::vector<std::string> reversed(args.rbegin(), args.rend());
        app.parse(reversed);
        Args rest = app.remaining();
        if (rest.empty()) {
            std::fputs(app.help().c_str(), stdout);
            return 0;
        }
        const Verb* verb = find_verb(rest.front());
        if (!verb) throw error(Errc::usage, "unknown command \"{}\"", rest.front()).with_hint("davit --help lists the commands");
        return verb->run(globals, {rest.begin() + 1, rest.end()});
    } catch (const CLI::ParseError& e) {
        return app.exit(e);
    } catch (const Error& e) {
        std::fprintf(stderr, "error: %s\n", e.describe().c_str());
        return e.exit_code() ? e.exit_code() : 1;
    }
}

} // namespace davit::cli

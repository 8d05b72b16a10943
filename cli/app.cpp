#include "cli/app.hpp"

#include "base/error.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/options.hpp"
#include "cli/suggest.hpp"
#include "davit/load.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace davit::cli {

namespace {

constexpr const char* progress_modes[] = {"auto", "tty", "plain", "json", "quiet"};

std::string global_help() {
    std::string out;
    auto section = [&out](const char* title, VerbGroup group) {
        out += std::string(out.empty() ? "" : "\n\n") + title;
        std::vector<const Verb*> shown;
        for (const Verb& v : verbs())
            if (v.group == group) shown.push_back(&v);
        std::sort(shown.begin(), shown.end(), [](const Verb* a, const Verb* b) { return std::strcmp(a->name, b->name) < 0; });
        for (const Verb* v : shown) out += fmt::format("\n  {:<12}{}", v->name, v->summary);
    };
    section("Commands for the project:", VerbGroup::project);
    section("Commands that look:", VerbGroup::inspect);
    section("Commands for the machine:", VerbGroup::machine);
    return out + "\n\nRun 'davit COMMAND --help' for more information on a command.";
}

Options global_options(Globals& g) {
    Options options("[OPTIONS] COMMAND", "Compose files to running containers, with nothing in between");
    options.flag("all-resources", g.all_resources, "Include all resources, even those not used by services")
        .value("ansi", g.ansi, "When to print ANSI control characters (\"never\"|\"always\"|\"auto\")")
        .flag("compatibility", g.compatibility, "Run in backward compatibility mode: \"_\" in container names")
        .flag("dry-run", g.dry_run, "Show what would be done and do nothing")
        .list("env-file", g.env_files, "Alternate environment file")
        .list("f,file", g.files, "Compose configuration files")
        .value("parallel", g.parallel, "Maximum parallelism, -1 for unlimited")
        .list("profile", g.profiles, "Profile to enable")
        .value("progress", g.progress, "Type of progress output (auto, tty, plain, json, quiet)")
        .value("project-directory", g.project_directory, "Alternate working directory (default: the path of the first compose file)")
        .value("p,project-name", g.project_name, "Project name")
        .value("workdir", g.project_directory, "Old name of --project-directory")
        .hidden()
        .verbatim_after_first()
        .epilog(global_help());
    return options;
}

const Verb* find_verb(std::span<const Verb> table, const std::string& name) {
    for (const Verb& v : table)
        if (name == v.name || (v.alias[0] && name == v.alias)) return &v;
    return nullptr;
}

Error unknown_verb(std::span<const Verb> table, const std::string& of, const std::string& name) {
    std::vector<std::string> known;
    for (const Verb& v : table)
        if (v.group != VerbGroup::hidden) known.emplace_back(v.name);
    return error(Errc::usage, "unknown command: \"{} {}\"{}", of, name, did_you_mean(name, known)).with_hint("see '" + of + " --help'");
}

int dispatch(Globals& globals, Args rest) {
    // "davit compose up" is "davit up", for fingers and scripts that say docker compose.
    if (!rest.empty() && rest.front() == "compose") rest.erase(rest.begin());
    if (!rest.empty() && rest.front() == "help") {
        rest.erase(rest.begin());
        if (rest.empty() || rest.front().starts_with("-")) rest.insert(rest.begin(), "--help");
        else rest.push_back("--help");
    }
    if (rest.empty() || rest.front() == "--help") {
        std::fputs(global_options(globals).help().c_str(), stdout);
        return 0;
    }
    const Verb* verb = find_verb(verbs(), rest.front());
    if (!verb) throw unknown_verb(verbs(), "davit", rest.front());
    return verb->run(globals, {rest.begin() + 1, rest.end()});
}

int run_checked(const Args& args) {
    if (args.size() == 1 && (args[0] == "--version" || args[0] == "-v")) {
        Globals none;
        return run_version(none, {});
    }
    Globals globals;
    Args rest;
    // The plugin's name may stand before the global flags as well.
    const bool plugin = !args.empty() && args.front() == "compose";
    if (!global_options(globals).arguments(rest).parse({args.begin() + (plugin ? 1 : 0), args.end()})) return 0;
    if (!globals.progress.empty() && std::find(std::begin(progress_modes), std::end(progress_modes), globals.progress) == std::end(progress_modes))
        throw error(Errc::usage, "unsupported --progress value \"{}\"", globals.progress).with_hint("one of auto, tty, plain, json, quiet");
    return dispatch(globals, std::move(rest));
}

} // namespace

int report_exception() {
    try {
        throw;
    } catch (const LoadError& e) {
        std::fflush(stdout);
        std::fprintf(stderr, "%s\n", e.describe_all().c_str());
        return 1;
    } catch (const Error& e) {
        std::fflush(stdout);
        if (e.what()[0]) std::fprintf(stderr, "error: %s\n", e.describe().c_str());
        return e.kind() == Errc::interrupted ? 130 : 1;
    } catch (const std::exception& e) {
        std::fflush(stdout);
        std::fprintf(stderr, "error: %s\n", e.what());
        return 1;
    }
}

int run_app(const Args& args) {
    int code;
    try {
        code = run_checked(args);
    } catch (...) {
        return report_exception();
    }
    if (std::fflush(stdout) != 0 && code == 0) {
        std::perror("error: writing the output");
        return 1;
    }
    return code;
}

int run_group(Globals& globals, const Args& args, const char* name, const char* summary, std::span<const Verb> table) {
    const std::string command = std::string("davit ") + name;
    if (!args.empty() && args.front() != "--help" && args.front() != "-h") {
        const Verb* verb = find_verb(table, args.front());
        if (!verb) throw unknown_verb(table, command, args.front());
        return verb->run(globals, {args.begin() + 1, args.end()});
    }
    std::string help = fmt::format("Usage:  {} COMMAND\n\n{}\n\nCommands:\n", command, summary);
    for (const Verb& v : table)
        if (v.group != VerbGroup::hidden) help += fmt::format("  {:<12}{}\n", v.name, v.summary);
    help += fmt::format("\nRun '{} COMMAND --help' for more information on a command.\n", command);
    std::fputs(help.c_str(), stdout);
    return 0;
}

} // namespace davit::cli

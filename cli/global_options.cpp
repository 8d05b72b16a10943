#include "cli/global_options.hpp"

#include "cli/cmd/verbs.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace davit::cli {

namespace {

std::string global_help(const std::string& program, Grammar grammar) {
    std::string out;
    auto section = [&out, grammar](const char* title, VerbGroup group) {
        out += std::string(out.empty() ? "" : "\n\n") + title;
        std::vector<const Verb*> shown;
        for (const Verb& v : verbs())
            if (v.group == group && (grammar != Grammar::compose || is_compose_verb(v))) shown.push_back(&v);
        std::sort(shown.begin(), shown.end(),
                  [](const Verb* a, const Verb* b) { return std::strcmp(a->name, b->name) < 0; });
        for (const Verb* v : shown) out += fmt::format("\n  {:<12}{}", v->name, v->summary);
    };
    section("Commands for the project:", VerbGroup::project);
    section("Commands that look:", VerbGroup::inspect);
    section("Commands for the machine:", VerbGroup::machine);
    return out + "\n\nRun '" + program + " COMMAND --help' for more information on a command.";
}

} // namespace

Options global_options(Globals& g, Grammar grammar) {
    Options options("[OPTIONS] COMMAND", "Compose files to running containers, with nothing in between");
    options.called(g.program);
    options.flag("all-resources", g.all_resources, "Include all resources, even those not used by services")
        .value("ansi", g.ansi, "When to print ANSI control characters (\"never\"|\"always\"|\"auto\")")
        .flag("compatibility", g.compatibility, "Run in backward compatibility mode: \"_\" in container names")
        .flag("dry-run", g.dry_run, "Show what would be done and do nothing")
        .list("env-file", g.env_files, "Alternate environment file")
        .list("f,file", g.files, "Compose configuration files")
        .value("parallel", g.parallel, "Maximum parallelism, -1 for unlimited")
        .list("profile", g.profiles, "Profile to enable")
        .value("progress", g.progress, "Type of progress output (auto, tty, plain, json, quiet)")
        .value("project-directory", g.project_directory,
               "Alternate working directory (default: the path of the first compose file)")
        .value("p,project-name", g.project_name, "Project name")
        .value("workdir", g.workdir, "Old name of --project-directory")
        .hidden()
        .flag("no-ansi", g.no_ansi, "Old form of --ansi never")
        .hidden()
        .flag("verbose", g.verbose, "Show more output")
        .hidden()
        .flag("v,version", g.version, "Show the version")
        .hidden()
        .list("insecure-registry", g.insecure_registries, "Registries of oci:// files that may speak plain HTTP")
        .hidden()
        .verbatim_after_first()
        .epilog(global_help(g.program, grammar));
    return options;
}

} // namespace davit::cli

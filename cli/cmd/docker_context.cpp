// `context`: docker's contexts, looked at and chosen; docker_context_change.cpp writes them. One that leads elsewhere
// is an error for all that acts.
#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/docker_context_change.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context_store.hpp"
#include "cli/diagnostics.hpp"
#include "cli/docker_errors.hpp"
#include "cli/endpoint.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

int list(Globals& globals, const Args& args) {
    bool quiet = false;
    std::string format;
    Options options(globals, "context ls [OPTIONS]", "List contexts");
    options
        .value("format", format,
               "Format output using a custom template: 'table', 'table TEMPLATE', 'json', or a Go template")
        .flag("q,quiet", quiet, "Only show context names");
    if (!options.parse(args)) return 0;
    take_configured_context();
    const std::string current = current_context();
    const ListFormat shape = ListFormat::parse(format, "formatter.clientContextContext");
    std::vector<nlohmann::json> rows;
    for (const DockerContext& c : docker_contexts()) {
        if (quiet) {
            std::puts(printable(c.name).c_str());
            continue;
        }
        const bool is_current = c.name == current;
        rows.push_back({{"Name", c.name + (is_current && shape.kind == ListFormat::Kind::table ? " *" : "")},
                        {"Current", is_current},
                        {"Description", c.description},
                        {"DockerEndpoint", c.host},
                        {"Error", c.problem}});
    }
    if (quiet) return 0;
    const nlohmann::json headers{{"Name", "NAME"},
                                 {"Current", "CURRENT"},
                                 {"Description", "DESCRIPTION"},
                                 {"DockerEndpoint", "DOCKER ENDPOINT"},
                                 {"Error", "ERROR"}};
    std::fputs(render_list(shape, rows, {"Name", "Description", "DockerEndpoint", "Error"}, headers).c_str(), stdout);
    return 0;
}

int show(Globals& globals, const Args& args) {
    Options options(globals, "context show", "Print the name of the current context");
    if (!options.parse(args)) return 0;
    take_configured_context();
    std::puts(printable(current_context()).c_str());
    return 0;
}

int use(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "context use CONTEXT", "Set the current docker context");
    if (docker_is_spoken()) options.arguments(names); // this one word of docker's counts in words of its own
    else options.arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    if (names.size() != 1) throw error(Errc::usage, "accepts 1 arg(s), received {}", names.size());
    const EndpointChoice choice = endpoint_choice();
    if (!globals.dry_run) configure_context(names.front());
    std::puts(printable(names.front()).c_str());
    std::fflush(stdout);
    std::fprintf(stderr, "Current context is now \"%s\"\n", printable(names.front()).c_str());
    if (choice.said_by == "DOCKER_HOST") print_warning("DOCKER_HOST overrides the context");
    return 0;
}

std::string document(const DockerContext& c) {
    nlohmann::ordered_json out = {{"Name", c.name}, {"Metadata", nlohmann::ordered_json::object()}};
    if (!c.metadata.empty()) out = nlohmann::ordered_json::parse(c.metadata);
    else out["Endpoints"] = {{"docker", {{"Host", c.host}, {"SkipTLSVerify", false}}}};
    auto material = nlohmann::ordered_json::object();
    ContextPlace place{"<IN MEMORY>", "<IN MEMORY>"};
    if (!c.metadata.empty()) {
        place = place_of_context(c.name);
        for (const auto& [endpoint, files] : tls_files_of_context(c.name)) material[endpoint] = files;
    }
    out["TLSMaterial"] = material;
    out["Storage"] = {{"MetadataPath", place.metadata}, {"TLSPath", place.tls}};
    return out.dump();
}

int inspect(Globals& globals, const Args& args) {
    std::string format;
    std::vector<std::string> names;
    Options options(globals, "context inspect [OPTIONS] [CONTEXT] [CONTEXT...]",
                    "Display detailed information on one or more contexts");
    options.value("f,format", format, "Format output using a custom template: 'json' or a Go template")
        .arguments(names);
    if (!options.parse(args)) return 0;
    take_configured_context();
    if (names.empty()) names.push_back(current_context());
    const auto shown = [](const std::string& name) {
        for (const DockerContext& c : docker_contexts())
            if (c.name == name && c.problem.empty()) return document(c);
        throw no_such_context(name);
    };
    return inspect_each(names, format, shown, "{}", true);
}

} // namespace

int run_context(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"create", "Create a context", run_context_create},
        {"export", "Export a context to a tar archive", run_context_export},
        {"import", "Import a context from a tar file", run_context_import},
        {"inspect", "Display detailed information on one or more contexts", inspect},
        {"ls", "List contexts", list, VerbGroup::project, "list"},
        {"rm", "Remove one or more contexts", run_context_rm, VerbGroup::project, "remove"},
        {"show", "Print the name of the current context", show},
        {"update", "Update a context", run_context_update},
        {"use", "Set the current docker context", use},
    };
    return run_group(globals, args, "context", "Manage docker's contexts", verbs);
}

} // namespace davit::cli

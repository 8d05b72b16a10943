// `buildx`: docker's plugin for builds. There is one builder here, in this program, whatever it is called.
#include "base/error.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/builder.hpp"
#include "cli/cmd/buildx_bake.hpp"
#include "cli/cmd/buildx_history.hpp"
#include "cli/cmd/image.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/manifest.hpp"
#include "cli/cmd/manifest_lists.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/docker_errors.hpp"
#include "cli/docker_version.hpp"
#include "cli/endpoint.hpp"
#include "cli/format/json_text.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "davit/version.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

int version(Globals& globals, const Args& args) {
    Options options(globals, "buildx version", "Show buildx version information");
    if (!options.parse(args)) return 0;
    std::printf("github.com/docker/buildx %s davit\n", buildx_version);
    return 0;
}

// One row of `ls`: a builder, or its node.
nlohmann::json builder_row(const BuilderName& b, bool node) {
    return {{"Name", node ? b.node : b.name},
            {"DriverEndpoint", node ? b.endpoint : b.driver},
            {"LastActivity", ""},
            {"Status", node ? "running" : ""},
            {"Buildkit", node ? "davit " DAVIT_VERSION : ""},
            {"Platforms", node ? own_platform() : ""},
            {"Error", ""}};
}

std::string builder_json(const BuilderName& b) {
    using Document = nlohmann::ordered_json;
    const Document node = {{"Name", b.node},        {"Endpoint", b.endpoint},
                           {"Status", "running"},   {"Version", "davit " DAVIT_VERSION},
                           {"IDs", {b.node}},       {"Platforms", {own_platform()}},
                           {"DriverOpts", nullptr}, {"Files", nullptr}};
    const Document document = {
        {"Current", b.name == chosen_builder()},  {"Driver", b.driver}, {"Dynamic", false},
        {"LastActivity", "0001-01-01T00:00:00Z"}, {"Name", b.name},     {"Nodes", Document::array({node})}};
    return json_text(document) + "\n";
}

// "{{json .}}": buildx gives the builder's document for its row and for each of its nodes' rows.
int print_documents() {
    for (const BuilderName& builder : builder_names()) {
        const std::string line = builder_json(builder);
        std::fputs((line + line).c_str(), stdout);
    }
    return 0;
}

int list(Globals& globals, const Args& args) {
    std::string format;
    Options options(globals, "buildx ls [OPTIONS]", "List builder instances");
    options.value("format", format, "Format the output: table, json, or a Go template")
        .each("builder", "string", check_builder, "")
        .hidden()
        .ignored("no-trunc");
    if (!options.parse(args)) return 0;
    std::string bare = format;
    std::erase(bare, ' ');
    if (bare == "{{json.}}") return print_documents();
    const ListFormat shape = ListFormat::parse(format, "commands.lsContext");
    std::string lines;
    std::vector<nlohmann::json> rows;
    for (const BuilderName& builder : builder_names()) {
        lines += builder_json(builder);
        rows.push_back(builder_row(builder, false));
        if (shape.kind == ListFormat::Kind::table && builder.name == chosen_builder())
            rows.back()["Name"] = builder.name + "*";
        rows.push_back(builder_row(builder, true));
        if (shape.kind != ListFormat::Kind::table) continue;
        for (const char* column : {"Name", "DriverEndpoint"})
            rows.back()[column] = " \\_ " + rows.back()[column].get<std::string>();
    }
    const nlohmann::json headers{{"Name", "NAME/NODE"},     {"DriverEndpoint", "DRIVER/ENDPOINT"},
                                 {"Status", "STATUS"},      {"LastActivity", "LAST ACTIVITY"},
                                 {"Error", "ERROR"},        {"Buildkit", "BUILDKIT"},
                                 {"Platforms", "PLATFORMS"}};
    const std::string out =
        shape.kind == ListFormat::Kind::json
            ? lines
            : render_list(shape, rows, {"Name", "DriverEndpoint", "Status", "Buildkit", "Platforms"}, headers);
    std::fputs(out.c_str(), stdout);
    return 0;
}

int inspect(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    std::string wanted;
    Options options(globals, "buildx inspect [OPTIONS] [NAME]", "Inspect the builder");
    options.value("builder", wanted, "Override the configured builder instance")
        .ignored("bootstrap")
        .ignored("timeout", "duration")
        .arguments(names, 0, 1);
    if (!options.parse(args)) return 0;
    const BuilderName builder = builder_named(names.empty() ? wanted : names[0]);
    std::printf("Name:   %s\nDriver: %s\n\nNodes:\nName:             %s\nEndpoint:         %s\n"
                "Status:           running\nBuildKit version: davit %s\nPlatforms:        %s\n",
                printable(builder.name).c_str(), printable(builder.driver).c_str(), printable(builder.node).c_str(),
                printable(builder.endpoint).c_str(), DAVIT_VERSION, own_platform().c_str());
    return 0;
}

// "builder_" and digits, where docker would make up a name.
std::string made_up_builder() { return "builder_" + sys::random_hex(8); }

int create(Globals& globals, const Args& args) {
    std::string name, driver = "docker-container", node;
    bool use = false, append = false, leave = false;
    std::vector<std::string> endpoints;
    Options options(globals, "buildx create [OPTIONS]",
                    "Make another name for the one builder, for scripts that make themselves one");
    options.value("name", name, "Builder instance name")
        .value("driver", driver, "Driver to use: docker or docker-container, which come to the same")
        .flag("use", use, "Set the current builder instance")
        .flag("append", append, "Append a node to builder instead of changing it: there is one node")
        .flag("leave", leave, "Remove a node from builder instead of changing it: there is one node")
        .value("node", node, "Create/modify node with given name")
        .ignored("bootstrap")
        .ignored("buildkitd-config", "string")
        .ignored("buildkitd-flags", "string")
        .ignored("config", "string")
        .ignored("driver-opt", "stringArray")
        .ignored("platform", "stringArray")
        .ignored("timeout", "duration")
        .arguments(endpoints, 0, 1);
    if (!options.parse(args)) return 0;
    if (driver.empty()) driver = "docker-container";
    if (driver != "docker" && driver != "docker-container")
        throw error(Errc::unsupported, "davit has no builders of the driver {}", driver)
            .with_hint("it builds on this machine, in the program that is asked to");
    if (!endpoints.empty() && !is_here(endpoints.front()) && endpoints.front() != "default")
        throw error(Errc::unsupported, "davit has no builders elsewhere: {}", endpoints.front());
    if (name.empty()) name = made_up_builder();
    const auto all = builder_names();
    const bool known = std::any_of(all.begin(), all.end(), [&](const BuilderName& b) { return b.name == name; });
    if (leave && !known) throw error(Errc::not_found, "failed to find instance \"{}\" for leave", name);
    if (known && !append && !leave)
        throw error(Errc::conflict,
                    "existing instance for \"{}\" but no append mode, specify the node name to make changes for "
                    "existing instances",
                    name);
    if (!globals.dry_run && !known)
        keep_builder({name, driver, node.empty() ? name + "0" : node, "unix:///var/run/docker.sock"});
    if (!globals.dry_run && use) choose_builder(name);
    std::puts(printable(name).c_str());
    return 0;
}

int use(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "buildx use NAME", "Set the current builder instance");
    options.ignored("default").ignored("global").arguments(names, 1, 1);
    if (!options.parse(args)) return 0;
    const BuilderName found = builder_named(names[0]);
    if (!globals.dry_run) choose_builder(found.name);
    return 0;
}

int remove(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    std::string wanted;
    bool inactive = false;
    Options options(globals, "buildx rm [OPTIONS] [NAME...]", "Remove one or more builder instances");
    options.value("builder", wanted, "Override the configured builder instance")
        .flag("all-inactive", inactive, "Remove all inactive builders: none is")
        .ignored("f,force")
        .ignored("keep-state")
        .ignored("keep-daemon")
        .ignored("timeout", "duration")
        .arguments(names);
    if (!options.parse(args)) return 0;
    if (inactive) return 0;
    if (names.empty()) names.push_back(wanted.empty() ? chosen_builder() : wanted);
    ErrorList errors;
    for (const std::string& name : names)
        errors.run([&] {
            try {
                if (globals.dry_run) check_builder(name);
                else forget_builder(name);
            } catch (const Error& e) {
                throw docker_is_spoken() ? told_after(name + ": ", e) : e;
            }
            std::fprintf(stderr, "%s removed\n", printable(name).c_str());
        });
    if (errors.empty() || !docker_is_spoken()) {
        errors.throw_if_any();
        return 0;
    }
    for (const Error& e : errors.errors()) std::fprintf(stderr, "failed to remove %s\n", printable(e.what()).c_str());
    throw error(Errc::failed, "failed to remove one or more builders");
}

int stop(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "buildx stop [NAME]", "Nothing: no builder runs between builds");
    options.each("builder", "string", check_builder, "").hidden().arguments(names, 0, 1);
    if (!options.parse(args)) return 0;
    if (!names.empty()) check_builder(names[0]);
    return 0;
}

// They made an alias of docker's builder once, and do nothing any more.
template <bool there>
int installed(Globals& globals, const Args& args) {
    Options options(globals, there ? "buildx install" : "buildx uninstall", "Nothing, as in docker's buildx");
    if (!options.parse(args)) return 0;
    std::printf("Command \"%s\" is deprecated, use 'docker buildx' directly, without relying on the 'docker builder' "
                "alias\n",
                there ? "install" : "uninstall");
    return 0;
}

int image_tools(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"create", "Create a new image based on source images", create_image_list},
        {"inspect", "Show details of an image in the registry", print_image_tools},
    };
    return run_buildx_group(globals, args, "buildx imagetools",
                            "Look at images in registries, and put lists of them together", verbs);
}

} // namespace

namespace {

// docker's plugin takes --builder and --debug before its word, too.
Args without_own_flags(const Args& args) {
    std::size_t i = 0;
    for (; i < args.size(); ++i) {
        const std::string& word = args[i];
        std::string name;
        const bool known = word == "--builder" || word.starts_with("--builder=") || word == "-D" || word == "--debug" ||
                           word == "--help" || word == "-h";
        if (docker_is_spoken() && word.starts_with("-") && (!known || (word == "--builder" && i + 1 == args.size())))
            throw docker_flag_mistake(known ? "flag needs an argument: --builder"
                                      : word.starts_with("--")
                                          ? "unknown flag: " + word.substr(0, word.find('='))
                                          : "unknown shorthand flag: '" + word.substr(1, 1) + "' in " + word,
                                      "docker buildx", "docker buildx [OPTIONS] COMMAND")
                .with_exit_code(125);
        if (word == "-D" || word == "--debug") continue;
        if (word == "--builder" && i + 1 < args.size()) name = args[++i];
        else if (word.starts_with("--builder=")) name = word.substr(word.find('=') + 1);
        else break;
        check_builder(name);
        ::setenv("BUILDX_BUILDER", name.c_str(), 1);
    }
    return {args.begin() + static_cast<std::ptrdiff_t>(i), args.end()};
}

} // namespace

int run_buildx(Globals& globals, const Args& all) {
    static const Verb verbs[] = {
        {"bake", "Build from a file", run_bake, VerbGroup::project, "f"},
        {"build", "Build an image from a Dockerfile", run_image_build, VerbGroup::hidden, "b"}, // image build
        {"create", "Make another name for the one builder", create},
        {"du", "Disk usage of the build cache", run_builder_du, VerbGroup::hidden}, // builder du
        {"history", "Builds that have ended", run_buildx_history},
        {"imagetools", "Look at images in registries", image_tools},
        {"inspect", "Inspect the builder", inspect},
        {"install", "Nothing: docker's builder is buildx already", installed<true>, VerbGroup::hidden},
        {"ls", "List builder instances", list},
        {"prune", "Remove build cache", run_builder_prune, VerbGroup::hidden}, // builder prune
        {"rm", "Remove one or more builder instances", remove},
        {"stop", "Nothing: no builder runs between builds", stop},
        {"uninstall", "Nothing: docker's builder is buildx already", installed<false>, VerbGroup::hidden},
        {"use", "Set the current builder instance", use},
        {"version", "Show buildx version information", version},
    };
    return told_as_buildx([&] {
        const Args args = globals.describe ? all : without_own_flags(all);
        return run_buildx_group(globals, args, "buildx", "Build with the options of docker buildx", verbs);
    });
}

} // namespace davit::cli

// `buildx`: docker's plugin for builds. There is one builder here, in this program, whatever it is called.
#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/cmd/builder.hpp"
#include "cli/cmd/buildx_bake.hpp"
#include "cli/cmd/image.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/cmd/manifest.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/diagnostics.hpp"
#include "cli/format/template.hpp"
#include "cli/options.hpp"
#include "davit/version.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <sys/utsname.h>

namespace davit::cli {

namespace {

constexpr const char* only_builder = "default";

std::string own_platform() {
    utsname kernel{};
    ::uname(&kernel);
    return "linux/" + go_architecture(kernel.machine);
}

int version(Globals& globals, const Args& args) {
    Options options(globals, "buildx version", "Show buildx version information");
    if (!options.parse(args)) return 0;
    std::puts("github.com/docker/buildx v0.36.1+davit" DAVIT_VERSION " davit");
    return 0;
}

int list(Globals& globals, const Args& args) {
    std::string format;
    Options options(globals, "buildx ls [OPTIONS]", "List builder instances");
    options.value("format", format, "Format the output: table, json, or a Go template").ignored("no-trunc");
    if (!options.parse(args)) return 0;
    const bool by_shape = !format.empty() && format != "table";
    std::vector<nlohmann::json> rows{{{"Name", by_shape ? only_builder : "default*"},
                                      {"DriverEndpoint", "docker"},
                                      {"Status", by_shape ? "running" : ""},
                                      {"Buildkit", by_shape ? DAVIT_VERSION : ""},
                                      {"Platforms", by_shape ? own_platform() : ""}}};
    if (!by_shape)
        rows.push_back({{"Name", " \\_ default"},
                        {"DriverEndpoint", " \\_ default"},
                        {"Status", "running"},
                        {"Buildkit", "davit " DAVIT_VERSION},
                        {"Platforms", own_platform()}});
    const nlohmann::json headers{{"Name", "NAME/NODE"},
                                 {"DriverEndpoint", "DRIVER/ENDPOINT"},
                                 {"Status", "STATUS"},
                                 {"Buildkit", "BUILDKIT"},
                                 {"Platforms", "PLATFORMS"}};
    std::fputs(render_list(ListFormat::parse(format), rows,
                           {"Name", "DriverEndpoint", "Status", "Buildkit", "Platforms"}, headers)
                   .c_str(),
               stdout);
    return 0;
}

int inspect(Globals& globals, const Args& args) {
    std::vector<std::string> names;
    Options options(globals, "buildx inspect [OPTIONS] [NAME]", "Inspect the builder");
    options.ignored("bootstrap").ignored("builder", "string").arguments(names, 0, 1);
    if (!options.parse(args)) return 0;
    std::printf("Name:   %s\nDriver: docker\n\nNodes:\nName:             default\nEndpoint:         default\n"
                "Status:           running\nBuildKit version: davit %s\nPlatforms:        %s\n",
                only_builder, DAVIT_VERSION, own_platform().c_str());
    return 0;
}

void say_there_is_one(const std::string& name) {
    if (name != only_builder)
        print_warning(fmt::format("davit has one builder, in this program: \"{}\" is it, too", printable(name)));
}

int create(Globals& globals, const Args& args) {
    std::string name, driver;
    bool use = false;
    std::vector<std::string> endpoints;
    Options options(globals, "buildx create [OPTIONS]",
                    "Accept another name for the one builder, for scripts that make themselves one");
    options.value("name", name, "Builder instance name")
        .value("driver", driver, "Driver to use: docker or docker-container, which come to the same")
        .flag("use", use, "Set the current builder instance")
        .ignored("append")
        .ignored("bootstrap")
        .ignored("buildkitd-config", "string")
        .ignored("buildkitd-flags", "string")
        .ignored("config", "string")
        .ignored("driver-opt", "stringArray")
        .ignored("leave")
        .ignored("node", "string")
        .ignored("platform", "stringArray")
        .arguments(endpoints, 0, 1);
    if (!options.parse(args)) return 0;
    if (!driver.empty() && driver != "docker" && driver != "docker-container")
        throw error(Errc::unsupported, "davit has no builders of the driver {}", driver)
            .with_hint("it builds on this machine, in the program that is asked to");
    if (!endpoints.empty() && endpoints.front() != "default")
        throw error(Errc::unsupported, "davit has no builders elsewhere: {}", endpoints.front());
    if (name.empty()) name = only_builder;
    say_there_is_one(name);
    std::puts(printable(name).c_str());
    return 0;
}

int accept_name(Globals& globals, const Args& args, const char* synopsis, const char* summary) {
    std::vector<std::string> names;
    Options options(globals, synopsis, summary);
    options.ignored("builder", "string")
        .ignored("default")
        .ignored("global")
        .ignored("f,force")
        .ignored("all-inactive");
    options.ignored("keep-state").ignored("keep-daemon").ignored("timeout", "duration").arguments(names);
    if (!options.parse(args)) return 0;
    for (const std::string& name : names) say_there_is_one(name);
    return 0;
}

int use(Globals& globals, const Args& args) {
    return accept_name(globals, args, "buildx use NAME", "Accept a name for the one builder");
}

int remove(Globals& globals, const Args& args) {
    return accept_name(globals, args, "buildx rm [NAME...]", "Forget a name of the one builder");
}

int stop(Globals& globals, const Args& args) {
    return accept_name(globals, args, "buildx stop [NAME]", "Nothing: no builder runs between builds");
}

int image_tools(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"inspect", "Show details of an image in the registry", print_image_tools},
    };
    return run_group(globals, args, "buildx imagetools", "Look at images in registries", verbs);
}

} // namespace

int run_buildx(Globals& globals, const Args& args) {
    static const Verb verbs[] = {
        {"bake", "Build from a file", run_bake, VerbGroup::project, "f"},
        {"build", "Build an image from a Dockerfile", run_image_build, VerbGroup::hidden, "b"}, // image build
        {"create", "Accept another name for the one builder", create},
        {"du", "Disk usage of the build cache", run_builder_du, VerbGroup::hidden}, // builder du
        {"imagetools", "Look at images in registries", image_tools},
        {"inspect", "Inspect the builder", inspect},
        {"ls", "List builder instances", list},
        {"prune", "Remove build cache", run_builder_prune, VerbGroup::hidden}, // builder prune
        {"rm", "Forget a name of the one builder", remove},
        {"stop", "Nothing: no builder runs between builds", stop},
        {"use", "Accept a name for the one builder", use},
        {"version", "Show buildx version information", version},
    };
    return run_group(globals, args, "buildx", "Build with the options of docker buildx", verbs);
}

} // namespace davit::cli

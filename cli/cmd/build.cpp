#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/build_flags.hpp"
#include "cli/cmd/config_lists.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/display/build_display.hpp"
#include "cli/display/build_lines.hpp"
#include "cli/options.hpp"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

struct ServiceBuildFlags {
    BuildServicesOptions options;
    std::vector<std::string> args, ssh;
    std::string progress;
    bool quiet = false, print = false, push = false;
};

void add_options(Options& options, ServiceBuildFlags& f) {
    options.list("build-arg", f.args, "Set build-time variables for services")
        .each("builder", "string", check_builder, "")
        .hidden()
        .flag("check", f.options.check_only, "Check build configuration")
        .ignored("compress")
        .ignored("force-rm")
        .ignored("m,memory", "bytes")
        .flag("no-cache", f.options.no_cache, "Do not use cache when building the image")
        .ignored("no-rm")
        .ignored("parallel")
        .flag("print", f.print, "Print equivalent bake file")
        .value("progress", f.progress, "Set type of ui output (auto, tty, plain, json, quiet)")
        .ignored("provenance", "string")
        .flag("pull", f.options.pull, "Always attempt to pull a newer version of the image")
        .flag("push", f.push, "Push service images")
        .flag("q,quiet", f.quiet, "Suppress the build output")
        .ignored("sbom", "string")
        .list("ssh", f.ssh,
              "Set SSH authentications used when building service images. (use 'default' for using your "
              "default SSH Agent)")
        .flag("with-dependencies", f.options.with_dependencies, "Also build dependencies (transitively)")
        .arguments(f.options.services);
}

void apply(ServiceBuildFlags& f) {
    for (const auto& text : f.args) {
        const std::size_t equals = text.find('=');
        std::optional<std::string> value;
        if (equals != std::string::npos) value = text.substr(equals + 1);
        else if (const char* own = std::getenv(text.c_str())) value = own;
        else continue;
        f.options.args.emplace_back(text.substr(0, equals), value);
    }
    for (const auto& text : f.ssh) f.options.ssh.push_back(parse_ssh(text));
}

nlohmann::json target_of(const BuildRequest& request) {
    nlohmann::json out{{"context", request.context}, {"output", {"type=docker"}}};
    const auto put = [&](const char* key, const auto& value) {
        if (!value.empty()) out[key] = value;
    };
    if (request.dockerfile_inline) out["dockerfile-inline"] = *request.dockerfile_inline;
    else put("dockerfile", request.dockerfile);
    put("target", request.target);
    put("tags", request.tags);
    put("platforms", request.platforms);
    put("cache-from", request.cache_from);
    put("cache-to", request.cache_to);
    put("entitlements", request.entitlements);
    put("network", request.network);
    for (const auto& [name, value] : request.args) out["args"][name] = value.value_or("");
    for (const auto& [name, value] : request.labels) out["labels"][name] = value;
    for (const auto& [name, value] : request.contexts) out["contexts"][name] = value;
    if (request.no_cache) out["no-cache"] = true;
    if (request.pull) out["pull"] = true;
    return out;
}

int print_bake(const std::vector<std::pair<std::string, BuildRequest>>& requests) {
    nlohmann::json group = nlohmann::json::array(), targets = nlohmann::json::object();
    for (const auto& [name, request] : requests) {
        group.push_back(name);
        targets[name] = target_of(request);
    }
    const nlohmann::json bake{{"group", {{"default", {{"targets", group}}}}}, {"target", targets}};
    std::printf("%s\n", bake.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return 0;
}

// Those with a name of their own; what only this project calls so is nobody else's.
void push(Context& context, const Project& project, const std::vector<BuiltService>& built) {
    PushOptions options;
    for (const auto& one : built)
        if (!project.services.at(one.service).image.empty()) options.services.push_back(one.service);
    if (!options.services.empty()) context.engine().push(project, options, context.stop());
}

// As it is written: "web:1", "shop-web".
std::string image_named(const Project& project, const std::string& name) {
    const Service* service = project.find(name);
    return service ? image_of(project, *service) : name;
}

int report_checks(const std::vector<BuiltService>& built) {
    bool any = false;
    for (const auto& one : built)
        for (const auto& check : one.result.checks) {
            any = true;
            std::printf("WARNING: %s - %s\n%s: %s:%d\n", check.rule.c_str(), printable(check.message).c_str(),
                        one.service.c_str(), printable(check.file).c_str(), check.line);
        }
    if (!any) std::puts("Check complete, no warnings found.");
    return any ? 1 : 0;
}

} // namespace

int run_build(Globals& globals, const Args& args) {
    ServiceBuildFlags flags;
    Options options(globals, "build [OPTIONS] [SERVICE...]", "Build or rebuild services");
    add_options(options, flags);
    if (!options.parse(args)) return 0;
    apply(flags);
    Context context(globals);
    const Project& project = context.project(flags.options.services);
    if (flags.print) return print_bake(build_requests(project, flags.options));
    context.interrupts();
    build_lines_to(stdout);
    auto display = make_build_display(flags.quiet ? BuildProgress::quiet : build_progress(flags.progress));
    FailedStep failed;
    const auto on = [&](const BuildEvent& event) {
        failed.see(event);
        display->on(event);
    };
    if (context.dry_run()) flags.options.check_only = true;
    try {
        const auto built = context.engine().build_services(project, flags.options, on, context.stop());
        display->close();
        if (flags.options.check_only) return report_checks(built);
        if (flags.push && !built.empty()) push(context, project, built);
        if (built.empty()) std::fputs("No services to build\n", stderr);
        for (const auto& one : built)
            if (!flags.quiet)
                std::fprintf(stderr, " Image %s Built\n", printable(image_named(project, one.service)).c_str());
        return 0;
    } catch (...) {
        display->close();
        std::fputs(failed.text().c_str(), stderr);
        throw;
    }
}

} // namespace davit::cli

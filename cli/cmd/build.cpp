#include "base/error.hpp"
#include "base/hash.hpp"
#include "base/printable.hpp"
#include "base/shared_with.hpp"
#include "cli/builders.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/build_flags.hpp"
#include "cli/cmd/config_lists.hpp"
#include "cli/cmd/verbs.hpp"
#include "cli/context.hpp"
#include "cli/diagnostics.hpp"
#include "cli/display/build_display.hpp"
#include "cli/display/build_lines.hpp"
#include "cli/display/display.hpp"
#include "cli/options.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

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

using BakeJson = nlohmann::ordered_json; // as Docker Compose orders it

std::string bake_secret(const BuildSecret& secret) {
    return secret.environment.empty() ? "id=" + secret.id + ",type=file,src=" + secret.file
                                      : "id=" + secret.id + ",type=env,env=" + secret.environment;
}

std::string bake_ssh(const BuildSsh& ssh) {
    std::string out = ssh.id + "=";
    for (const auto& path : ssh.paths) out += (out.back() == '=' ? "" : ",") + path;
    return out;
}

// Paths of this machine are whole, as the file may be read from anywhere.
std::string bake_dockerfile(const BuildRequest& request) {
    const std::string file = request.dockerfile.empty() ? "Dockerfile" : request.dockerfile;
    const bool beside = request.context.starts_with('/') && !file.starts_with('/');
    return beside ? request.context + "/" + file : request.dockerfile;
}

std::string bake_context(const std::string& value) {
    const SharedWith with = SharedWith::parse(value);
    return with.is_service() ? fmt::format("target:{}", with.name) : value;
}

BakeJson target_of(const BuildRequest& request) {
    BakeJson out{{"context", request.context}};
    const auto put = [&](const char* key, const auto& value) {
        if (!value.empty()) out[key] = value;
    };
    std::map<std::string, std::string> contexts, args, labels; // their keys in order
    for (const auto& [name, value] : request.contexts) contexts[name] = bake_context(value);
    for (const auto& [name, value] : request.args) args[name] = value.value_or("");
    for (const auto& [name, value] : request.labels) labels[name] = value;
    put("contexts", contexts);
    if (request.dockerfile_inline) out["dockerfile-inline"] = *request.dockerfile_inline;
    else put("dockerfile", bake_dockerfile(request));
    put("args", args);
    put("labels", labels);
    std::vector<std::string> tags = request.tags;
    if (!tags.empty()) std::rotate(tags.begin(), tags.begin() + 1, tags.end()); // image: stands last
    put("tags", tags);
    put("cache-from", request.cache_from);
    put("cache-to", request.cache_to);
    put("target", request.target);
    for (const auto& secret : request.secrets) out["secret"].push_back(bake_secret(secret));
    for (const auto& ssh : request.ssh) out["ssh"].push_back(bake_ssh(ssh));
    put("platforms", request.platforms);
    if (request.pull) out["pull"] = true;
    if (request.no_cache) out["no-cache"] = true;
    put("network", request.network);
    if (request.shm_size > 0) out["shm-size"] = std::to_string(request.shm_size);
    for (const auto& [name, limit] : request.ulimits)
        out["ulimits"].push_back(fmt::format("{}={}:{}", name, limit.soft, limit.hard));
    for (const auto& [name, address] : request.extra_hosts) out["extra-hosts"][name] = address;
    put("entitlements", request.entitlements);
    out["output"] = BakeJson::array({"type=docker"});
    return out;
}

int print_bake(std::vector<std::pair<std::string, BuildRequest>> requests) {
    BakeJson group = BakeJson::array(), targets = BakeJson::object();
    for (auto& [name, request] : requests) {
        const BuildArgs given = request.args;
        for (const auto& proxy : build_proxies())
            if (std::none_of(given.begin(), given.end(), [&](const auto& arg) { return arg.first == proxy.first; }))
                request.args.push_back(proxy);
        group.push_back(name);
        targets[name] = target_of(request);
    }
    const BakeJson bake{{"group", {{"default", {{"targets", group}}}}}, {"target", targets}};
    std::printf("%s\n", bake.dump(2, ' ', false, BakeJson::error_handler_t::replace).c_str());
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

std::set<std::string> images_to_build(const Project& project, const BuildServicesOptions& options) {
    std::set<std::string> out; // services with one image are built once
    for (const auto& [service, unused] : build_requests(project, options)) out.insert(image_named(project, service));
    return out;
}

// Around the lines of the build. A terminal shows it at work by these: there the end alone is told.
void tell_image(Context& context, const Globals& globals, const std::string& image, EventKind kind) {
    if (progress_mode(globals) == ProgressMode::tty) {
        if (kind == EventKind::operation_done) std::fprintf(stderr, " Image %s Built\n", printable(image).c_str());
        return;
    }
    Event event;
    event.kind = kind;
    event.op = OpKind::build_image;
    event.resource = "image:" + image;
    context.display().on(event);
}

// What docker compose tells of a build in a dry run; readers of its lines know these.
int tell_dry_build(Context& context, const Globals& globals,
                   const std::vector<std::pair<std::string, BuildRequest>>& requests) {
    for (const auto& [service, request] : requests) {
        const std::string image = request.tags.empty() ? service : request.tags.front();
        tell_image(context, globals, image, EventKind::operation_started);
        const std::string id = "dryRun-" + sha256_hex(service).substr(0, 40);
        context.display().tell({service + " ==>", Step::State::done, "==> writing image " + id, {}, 0, 0});
        context.display().tell({service + " ==> ==>", Step::State::done, "naming to " + image, {}, 0, 0});
        tell_image(context, globals, image, EventKind::operation_done);
    }
    return 0;
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
    if (context.dry_run() && globals.program != "davit" && !flags.options.check_only)
        return flags.quiet ? 0 : tell_dry_build(context, globals, build_requests(project, flags.options));
    context.interrupts();
    build_lines_to(stdout);
    auto display =
        make_build_display(flags.quiet ? BuildProgress::quiet : project_build_progress(globals, flags.progress));
    FailedStep failed;
    const auto on = [&](const BuildEvent& event) {
        failed.see(event);
        display->on(event);
    };
    if (context.dry_run()) flags.options.check_only = true;
    try {
        if (!flags.quiet && !flags.options.check_only)
            for (const std::string& image : images_to_build(project, flags.options))
                tell_image(context, globals, image, EventKind::operation_started);
        const auto built = context.engine().build_services(project, flags.options, on, context.stop());
        display->close();
        if (flags.options.check_only) return report_checks(built);
        if (flags.push && !built.empty()) push(context, project, built);
        if (built.empty()) print_note("No services to build\n");
        if (!flags.quiet)
            for (const auto& one : built)
                tell_image(context, globals, image_named(project, one.service), EventKind::operation_done);
        return 0;
    } catch (...) {
        display->close();
        if (!diagnostics_are_json()) std::fputs(failed.text().c_str(), stderr); // there they are JSON already
        throw;
    }
}

} // namespace davit::cli

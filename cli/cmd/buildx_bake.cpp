// `buildx bake`: the builds of a bake file, one after the other. What the file means is davit/bake.hpp's.
#include "cli/cmd/buildx_bake.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/shared_with.hpp"
#include "base/sys.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/bake_list.hpp"
#include "cli/cmd/build_flags.hpp"
#include "cli/cmd/image.hpp"
#include "cli/format/build_metadata.hpp"
#include "cli/format/json_text.hpp"
#include "cli/interrupts.hpp"
#include "cli/load_options.hpp"
#include "cli/options.hpp"
#include "davit/bake.hpp"
#include "davit/load.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace davit::cli {

namespace {

struct BakeFlags {
    BakeOptions bake;
    std::vector<std::string> files, variables;
    std::string progress, metadata_file, list, call;
    bool print = false, push = false, load = false, no_cache = false, pull = false, check = false;

    void add_to(Options& o) {
        o.list("f,file", files, "Build definition file: HCL, JSON or compose")
            .value("call", call, "Set method for evaluating build (\"check\", \"outline\", \"targets\")")
            .flag("check", check, "Shorthand for \"--call=check\"")
            .value("list", list, "List targets or variables")
            .flag("load", load, "The result goes into the image store, as it does anyway")
            .value("metadata-file", metadata_file, "Write build result metadata to a file")
            .flag("no-cache", no_cache, "Do not use cache when building the image")
            .flag("print", print, "Print the options without building")
            .value("progress", progress, "Set type of progress output (auto, plain, tty, quiet)")
            .flag("pull", pull, "Always attempt to pull all referenced images")
            .flag("push", push, "Push the images when they are built")
            .list("set", bake.overrides, "Override target value (e.g., \"targetpattern.key=value\")")
            .list("var", variables, "Set a variable value (e.g., \"name=value\")");
        for (const char* flag : {"D,debug"}) o.ignored(flag);
        for (const char* value : {"allow", "provenance", "sbom"}) o.ignored(value, "string");
        o.each("builder", "string", check_builder, "").hidden();
        o.arguments(bake.targets);
    }
};

constexpr const char* usual_files[] = {
    "compose.yaml",     "compose.yml",     "docker-compose.yml",        "docker-compose.yaml",
    "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl"};

bool is_compose(const std::string& name) { return name.ends_with(".yaml") || name.ends_with(".yml"); }

std::string secret_text(const BuildSecret& secret) {
    return "id=" + secret.id +
           (!secret.file.empty()          ? ",src=" + secret.file
            : !secret.environment.empty() ? ",env=" + secret.environment
                                          : "");
}

// A service's `build:` in the words of the options.
BakeTarget bake_target(const std::string& service, const BuildRequest& request) {
    BakeTarget out;
    out.name = service;
    out.context = request.context;
    out.dockerfile = request.dockerfile;
    out.dockerfile_inline = request.dockerfile_inline;
    out.target = request.target;
    out.network = request.network;
    out.args = request.args;
    out.labels = request.labels;
    out.contexts = request.contexts;
    for (auto& [unused, where] : out.contexts)
        if (const SharedWith with = SharedWith::parse(where); with.is_service())
            where = fmt::format("target:{}", with.name);
    out.extra_hosts = request.extra_hosts;
    out.tags = request.tags;
    out.platforms = request.platforms;
    out.cache_from = request.cache_from;
    out.cache_to = request.cache_to;
    out.entitlements = request.entitlements;
    for (const BuildSecret& secret : request.secrets) out.secrets.push_back(secret_text(secret));
    for (const BuildSsh& ssh : request.ssh) out.ssh.push_back(ssh.id);
    if (request.no_cache) out.no_cache = true;
    if (request.pull) out.pull = true;
    return out;
}

void read_compose(Globals globals, const std::vector<std::string>& files, BakeOptions& to) {
    globals.files = files;
    const LoadResult loaded = davit::load(load_options(globals));
    for (const auto& [service, request] : build_requests(loaded.project))
        to.from_compose.push_back(bake_target(service, request));
}

void read_files(Globals& globals, BakeFlags& f) {
    std::vector<std::string> names = f.files, compose;
    if (names.empty())
        for (const char* name : usual_files)
            if (exists(name)) names.emplace_back(name);
    if (names.empty())
        throw error(Errc::not_found, "couldn't find a bake definition").with_hint("docker-bake.hcl, or -f FILE");
    for (const std::string& name : names) {
        if (is_compose(name)) compose.push_back(name);
        else f.bake.files.push_back({name, name == "-" ? sys::read_all(STDIN_FILENO) : read_file(name)});
    }
    if (!compose.empty()) read_compose(globals, compose, f.bake);
    std::map<std::string, std::string> set;
    for (const std::string& text : f.variables) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos) throw error(Errc::usage, "invalid variable {}", text).with_hint("NAME=VALUE");
        set[text.substr(0, equals)] = text.substr(equals + 1);
    }
    f.bake.environment = [set](const std::string& name) -> std::optional<std::string> {
        if (const auto found = set.find(name); found != set.end()) return found->second;
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
}

std::string type_of(const std::string& output) {
    const std::size_t at = output.find("type=");
    return at == std::string::npos ? "local" : output.substr(at + 5, output.find(',', at) - at - 5);
}

// What --push and --load make of the outputs, as buildx tells it: nothing is added beside what goes elsewhere.
void add_outputs(BakeTarget& target, bool push, bool load) {
    auto& outputs = target.outputs;
    const auto only = [&](std::initializer_list<std::string_view> types) {
        return std::all_of(outputs.begin(), outputs.end(), [&](const std::string& o) {
            return std::find(types.begin(), types.end(), type_of(o)) != types.end();
        });
    };
    const bool adds_push = push && only({"docker"});
    if (push)
        for (std::string& output : outputs)
            if (type_of(output) == "image" && output.find("push=") == std::string::npos) output += ",push=true";
    if (adds_push) outputs.emplace_back("type=image,push=true");
    const bool loads = std::any_of(outputs.begin(), outputs.end(), [](const std::string& o) {
        return type_of(o) == "docker" && o.find("dest=") == std::string::npos;
    });
    if (load && !loads && only({"docker", "image", "registry", "oci"})) outputs.emplace_back("type=docker");
}

BuildFlags flags_of(const BakeFlags& f, const BakeTarget& t) {
    BuildFlags out;
    out.arguments = {t.context};
    out.progress = f.progress;
    for (const auto& [name, value] : t.args) out.args.push_back(value ? name + "=" + *value : name);
    for (const auto& [name, value] : t.labels) out.labels.push_back(name + "=" + value);
    for (const auto& [name, value] : t.contexts) out.contexts.push_back(name + "=" + value);
    for (const auto& [name, value] : t.extra_hosts) out.hosts.push_back(name + "=" + value);
    out.platforms = t.platforms;
    out.outputs = t.outputs;
    out.secrets = t.secrets;
    out.ssh = t.ssh;
    out.ulimits = t.ulimits;
    out.allow = t.entitlements;
    out.no_cache_filter = t.no_cache_filter;
    out.shm_size = t.shm_size;
    out.push = f.push;
    out.check = f.check;
    out.call = f.call.empty() ? t.call : f.call;
    out.request.tags = t.tags;
    out.request.target = t.target;
    out.request.network = t.network;
    out.request.cache_from = t.cache_from;
    out.request.cache_to = t.cache_to;
    out.request.no_cache = f.no_cache || t.no_cache.value_or(false);
    out.request.pull = f.pull || t.pull.value_or(false);
    out.apply();
    out.request.dockerfile = t.dockerfile; // below the context, other than -f
    out.request.dockerfile_inline = t.dockerfile_inline;
    return out;
}

int build_all(const BakeFlags& f, const Baked& baked) {
    Interrupts interrupts;
    Engine engine = image_engine();
    std::map<std::string, std::string> made; // of each target, what names its image
    nlohmann::ordered_json metadata;
    int code = 0;
    for (BakeTarget target : baked.targets) {
        for (auto& [unused, where] : target.contexts)
            if (where.starts_with("target:")) where = "docker-image://" + made.at(where.substr(7));
        in_context("building the target " + target.name, [&] {
            const BuildFlags flags = flags_of(f, target);
            const BuildResult result = build_shown(engine, flags, interrupts);
            made[target.name] = result.names.empty() ? result.image_id : result.names.front();
            if (flags.request.check_only && !result.checks.empty()) code = 1;
            for (const BuildCheck& check : result.checks)
                if (flags.request.check_only)
                    std::printf("%s: WARNING: %s - %s\n%s:%d\n", target.name.c_str(), check.rule.c_str(),
                                printable(check.message).c_str(), printable(check.file).c_str(), check.line);
            metadata[target.name] = build_metadata(result);
        });
    }
    if (!f.metadata_file.empty()) write_file_atomic(f.metadata_file, json_text(metadata, 2) + "\n", 0644);
    return code;
}

} // namespace

int run_bake(Globals& globals, const Args& args) {
    BakeFlags f;
    Options options(globals, "buildx bake [OPTIONS] [TARGET...]", "Build from a file");
    f.add_to(options);
    if (!options.parse(args)) return 0;
    read_files(globals, f);
    if (!f.list.empty()) {
        if (f.print) throw error(Errc::usage, "--print and --list are mutually exclusive");
        std::fputs(bake_list(f.list, f.bake).c_str(), stdout);
        return 0;
    }
    Baked baked = davit::bake(f.bake);
    if (f.print || globals.dry_run) {
        for (BakeTarget& target : baked.targets) add_outputs(target, f.push, f.load);
        std::printf("%s\n", printable_json(to_json(baked)).c_str());
        return 0;
    }
    return build_all(f, baked);
}

} // namespace davit::cli

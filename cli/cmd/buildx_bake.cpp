// `buildx bake`: the builds of a bake file, one after the other. What the file means is davit/bake.hpp's.
#include "cli/cmd/buildx_bake.hpp"
#include "base/build_entries.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/printable.hpp"
#include "cli/builders.hpp"
#include "cli/client_config.hpp"
#include "cli/cmd/bake_files.hpp"
#include "cli/cmd/bake_list.hpp"
#include "cli/cmd/build_flags.hpp"
#include "cli/cmd/image.hpp"
#include "cli/display/build_display.hpp"
#include "cli/format/build_calls.hpp"
#include "cli/format/build_metadata.hpp"
#include "cli/format/json_text.hpp"
#include "cli/interrupts.hpp"
#include "cli/options.hpp"
#include "davit/bake.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <unistd.h>
#include <utility>

namespace davit::cli {

namespace {

struct BakeFlags {
    BakeOptions bake;
    std::vector<std::string> files, variables, allow;
    std::string progress, metadata_file, list, call, provenance, sbom, builder;
    bool list_targets = false, list_variables = false; // the old names
    bool print = false, push = false, load = false, check = false;
    std::optional<bool> no_cache, pull;

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
        o.list("allow", allow, "Allow build to access specified resources (network.host, security.insecure, ...)");
        o.flag("list-targets", list_targets, "The old name of --list=targets").hidden();
        o.flag("list-variables", list_variables, "The old name of --list=variables").hidden();
        o.value("provenance", provenance, "Shorthand for \"--set=*.attest=type=provenance\"");
        o.value("sbom", sbom, "Shorthand for \"--set=*.attest=type=sbom\"");
        o.ignored("policy", "stringArray");
        o.value("builder", builder, "Override the configured builder instance").hidden();
        o.arguments(bake.targets);
    }

    // As buildx, which makes overrides of them: behind those that were given.
    void add_overrides() {
        std::vector<std::string>& to = bake.overrides;
        if (push) to.emplace_back("*.push=true");
        if (load) to.emplace_back("*.load=true");
        BuildFlags asked;
        asked.call = call;
        asked.check = check;
        asked.read_call();
        const std::string name = asked.call == "check" ? "lint" : asked.call;
        if (!name.empty() && name != "build") to.push_back("*.call=" + name);
        if (no_cache) to.emplace_back(*no_cache ? "*.no-cache=true" : "*.no-cache=false");
        if (pull) to.emplace_back(*pull ? "*.pull=true" : "*.pull=false");
        if (!sbom.empty()) to.push_back("*.attest=" + attest_of("sbom", sbom));
        if (!provenance.empty()) to.push_back("*.attest=" + attest_of("provenance", provenance));
    }

    void check_allowed() const {
        for (const std::string& one : allow) {
            const std::string key = one.substr(0, one.find('='));
            const bool valued = key != one;
            if (key == "buildx.local.delete" && valued)
                throw error(Errc::usage, "buildx.local.delete does not accept a value");
            constexpr std::string_view plain[] = {"network.host", "security.insecure", "ssh", "buildx.local.delete"};
            constexpr std::string_view others[] = {"device",     "fs",         "fs.read", "fs.write",
                                                   "image.push", "image.load", "image"};
            if ((valued || std::find(std::begin(plain), std::end(plain), key) == std::end(plain)) &&
                std::find(std::begin(others), std::end(others), key) == std::end(others))
                throw error(Errc::usage, "unknown entitlement key \"{}\"", key);
        }
    }
};

BuildFlags flags_of(const Globals& globals, const BakeFlags& f, const BakeTarget& t) {
    BuildFlags out;
    if (t.context == "-") throw error(Errc::usage, "context from stdin not allowed in bake");
    if (t.dockerfile == "-") throw error(Errc::usage, "dockerfile from stdin not allowed in bake");
    out.arguments = {bake_path(t.context)};
    out.progress = f.progress;
    for (const auto& [name, value] : t.args) out.args.push_back(value ? name + "=" + *value : name);
    for (const auto& [name, value] : t.labels) out.labels.push_back(name + "=" + value);
    for (const auto& [name, value] : t.contexts) out.contexts.push_back(name + "=" + bake_path(value));
    for (const auto& [name, value] : t.extra_hosts) out.hosts.push_back(name + "=" + value);
    out.platforms = t.platforms;
    out.outputs = t.outputs;
    out.secrets = t.secrets;
    out.ssh = t.ssh;
    out.ulimits = t.ulimits;
    out.allow = t.entitlements;
    for (const std::string& one : f.allow)
        if (one == "network.host" || one == "security.insecure" || one.starts_with("buildx.local.delete"))
            out.allow.push_back(one);
    out.no_cache_filter = t.no_cache_filter;
    out.shm_size = t.shm_size.value_or("");
    out.call = t.call.value_or("");
    if (const std::size_t comma = f.call.find(','); comma != std::string::npos) out.call += f.call.substr(comma);
    out.annotations = t.annotations;
    out.attests = t.attests;
    out.request.tags = t.tags;
    out.request.target = t.target.value_or("");
    out.request.network = t.network.value_or("");
    out.request.cache_from = t.cache_from;
    out.request.cache_to = t.cache_to;
    out.request.no_cache = t.no_cache.value_or(false);
    out.request.pull = t.pull.value_or(false);
    out.apply();
    for (const std::string& text : out.without_effect) std::fprintf(stderr, "WARNING: %s\n", printable(text).c_str());
    add_build_proxies(globals, out.request.args);
    out.request.output_stream = STDOUT_FILENO;
    out.request.dockerfile = t.dockerfile; // below the context, other than -f
    if (t.dockerfile.starts_with("cwd://"))
        out.request.dockerfile = std::filesystem::absolute(bake_path(t.dockerfile)).lexically_normal().string();
    out.request.dockerfile_inline = t.dockerfile_inline;
    return out;
}

// What others take as a context is kept, without a name where its outputs are none of the image store's.
void keep_for_others(BuildFlags& flags) {
    const auto& outputs = flags.request.outputs;
    const auto in_store = [](const BuildOutput& o) {
        return o.type == BuildOutput::Type::image || (o.type == BuildOutput::Type::docker && o.destination.empty());
    };
    if (outputs.empty() || std::any_of(outputs.begin(), outputs.end(), in_store)) return;
    const bool named = std::any_of(outputs.begin(), outputs.end(), [](const BuildOutput& o) {
        return o.type == BuildOutput::Type::oci || o.type == BuildOutput::Type::docker;
    });
    if (!named) flags.request.tags.clear();
    flags.request.outputs.emplace_back();
}

bool is_needed(const Baked& baked, const std::string& name) {
    for (const BakeTarget& other : baked.targets)
        for (const auto& [unused, where] : other.contexts)
            if (where == "target:" + name) return true;
    return false;
}

class Bakery {
public:
    Bakery(const Globals& globals, const BakeFlags& flags, const Baked& baked)
        : globals_(globals), flags_(flags), baked_(baked) {}

    int run() {
        Interrupts interrupts;
        Engine engine = image_engine();
        for (const BakeTarget& target : baked_.targets)
            in_context("building the target " + target.name, [&] { build(target, engine, interrupts); });
        if (!flags_.metadata_file.empty())
            write_file_atomic(flags_.metadata_file, json_text(metadata_, 2) + "\n", 0644);
        return show_calls();
    }

private:
    struct Called {
        BuildFlags flags;
        BuildResult result;
    };

    void build(BakeTarget target, Engine& engine, Interrupts& interrupts) {
        for (auto& [unused, where] : target.contexts)
            if (where.starts_with("target:")) {
                const auto made = made_.find(where.substr(7));
                where = "docker-image://" + (made == made_.end() ? "scratch" : made->second); // of a check: not built
            }
        BuildFlags flags = flags_of(globals_, flags_, target);
        if (is_needed(baked_, target.name)) keep_for_others(flags);
        BuildResult result = build_shown(engine, flags, interrupts);
        metadata_[target.name] = flags.request.check_only ? call_metadata(flags, result) : build_metadata(result);
        if (!flags.request.check_only)
            made_[target.name] = result.names.empty() ? result.image_id : result.names.front();
        else called_.emplace(target.name, Called{std::move(flags), std::move(result)});
    }

    int show_calls() const {
        BuildFlags asked;
        asked.call = flags_.call;
        asked.check = flags_.check;
        asked.read_call();
        return asked.call_format == "json" ? show_json() : show_text();
    }

    // By name, whatever the order was.
    int show_text() const {
        int code = 0;
        bool first = true;
        for (const auto& [name, one] : called_) {
            if (!std::exchange(first, false)) std::puts("");
            std::printf("%s\n", printable(name).c_str());
            if (const std::string description = described(name); !description.empty())
                std::printf("%s\n", printable(description).c_str());
            std::printf("\n%s", call_text(one.flags, one.result).c_str());
            if (one.result.check_failure)
                std::printf("error: %s\n", printable(one.result.check_failure->what(), "\n\t").c_str());
            code = std::max(code, one.result.check_failure ? 1 : call_status(one.flags, one.result));
        }
        return code;
    }

    // Each target's build, and what was found beside it.
    int show_json() const {
        int code = 0;
        using Json = nlohmann::ordered_json;
        Json out = Json::parse(to_json(baked_));
        const Json builds = out["target"];
        std::map<std::string, Json> targets;
        for (const auto& [name, build] : builds.items()) targets[name] = {{"build", build}};
        for (const auto& [name, one] : called_) {
            Json found = Json::object();
            if (const std::string text = call_text(one.flags, one.result); !text.empty()) found = Json::parse(text);
            if (one.result.check_failure) found["error"] = one.result.check_failure->what();
            targets[name][one.flags.call] = std::move(found);
            code = std::max(code, one.result.check_failure ? 1 : call_status(one.flags, one.result));
        }
        out["target"] = targets;
        std::printf("%s\n", printable_json(json_text(out, 2)).c_str());
        return code;
    }

    std::string described(const std::string& name) const {
        for (const BakeTarget& target : baked_.targets)
            if (target.name == name) return target.description;
        return "";
    }

    const Globals& globals_;
    const BakeFlags& flags_;
    const Baked& baked_;
    std::map<std::string, std::string> made_; // of each target, what names its image
    std::map<std::string, Called> called_;    // those that were asked about instead
    nlohmann::ordered_json metadata_ = nlohmann::ordered_json::object();
};

} // namespace

namespace {

bool is_elsewhere(const std::string& word) {
    for (const char* beginning : {"http://", "https://", "git://", "ssh://", "git@", "github.com/"})
        if (word.starts_with(beginning)) return true;
    return false;
}

// Of the environment, where a target says nothing of its own.
void add_source_date(Baked& baked) {
    const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
    if (!epoch || !*epoch) return;
    for (BakeTarget& target : baked.targets)
        if (std::none_of(target.args.begin(), target.args.end(),
                         [](const auto& arg) { return arg.first == "SOURCE_DATE_EPOCH"; }))
            target.args.emplace_back("SOURCE_DATE_EPOCH", epoch);
}

} // namespace

int run_bake(Globals& globals, const Args& args) {
    BakeFlags f;
    Options options(globals, "buildx bake [OPTIONS] [TARGET...]", "Build from a file");
    f.add_to(options);
    if (!options.parse(args)) return 0;
    if (!f.bake.targets.empty() && is_elsewhere(f.bake.targets.front()))
        throw error(Errc::unsupported, "davit reads bake files of this machine only, not of {}", f.bake.targets.front())
            .with_hint("git clone it, and bake there");
    f.add_overrides();
    f.check_allowed();
    if (f.print && !f.list.empty()) throw error(Errc::usage, "--print and --list are mutually exclusive");
    const bool only_looks = f.print || !f.list.empty() || f.list_targets || f.list_variables || globals.dry_run;
    if (!only_looks && !f.builder.empty()) check_builder(f.builder);
    build_progress(f.progress); // a wrong word is told before anything is read
    read_bake_files(globals, f.files, f.variables, f.bake);
    if (f.list.empty() && (f.list_targets || f.list_variables)) f.list = f.list_targets ? "targets" : "variables";
    if (!f.list.empty()) {
        for (const auto& [given, word] : {std::pair{f.list_targets, "targets"}, {f.list_variables, "variables"}})
            if (given)
                std::printf("Flag --list-%s has been deprecated, list-%s is deprecated, use list=%s instead\n", word,
                            word, word);
        std::fputs(bake_list(f.list, f.bake).c_str(), stdout);
        return 0;
    }
    Baked baked = davit::bake(f.bake);
    add_source_date(baked);
    if (f.print || globals.dry_run) {
        std::printf("%s\n", printable_json(to_json(baked)).c_str());
        return 0;
    }
    return Bakery(globals, f, baked).run();
}

} // namespace davit::cli

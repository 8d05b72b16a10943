#include "cli/cmd/build_flags.hpp"

#include "base/csv.hpp"
#include "base/error.hpp"
#include "cli/builders.hpp"
#include "cli/cmd/build_values.hpp"
#include "cli/display/build_display.hpp"
#include "cli/docker_errors.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <utility>

namespace davit::cli {

namespace {

// A list of several values between commas, as pflag's slices: they are read one by one, later.
std::function<void(const std::string&)> csv_into(std::vector<std::string>& to) {
    return [&to](const std::string& text) {
        if (text.empty()) return;
        for (std::string& field : csv_fields(text)) to.push_back(std::move(field));
    };
}

} // namespace

void BuildFlags::add_to(Options& options) {
    options.each("add-host", "strings", csv_into(hosts), "Add a custom host-to-IP mapping (format: \"host:ip\")")
        .list("allow", allow,
              "Allow extra privileged entitlement (network.host, security.insecure, buildx.local.delete)")
        .list("build-arg", args, "Set build-time variables")
        .list("build-context", contexts, "Additional build contexts (e.g., name=path)")
        .list("cache-from", request.cache_from, "External cache sources (e.g., \"type=local,src=path/to/dir\")")
        .list("cache-to", request.cache_to, "Cache export destinations (e.g., \"type=local,dest=path/to/dir\")")
        .value("call", call, "Set method for evaluating build (\"check\", \"outline\", \"targets\")")
        .flag("check", check, "Shorthand for \"--call=check\"")
        .value("f,file", request.dockerfile, "Name of the Dockerfile (default: \"PATH/Dockerfile\")")
        .value("iidfile", iid_file, "Write the image ID to a file")
        .list("label", labels, "Set metadata for an image")
        .flag("load", load, "Shorthand for \"--output=type=docker\"")
        .value("metadata-file", metadata_file, "Write build result metadata to a file")
        .value("network", request.network, "Set the networking mode for the RUN instructions (default, none, host)")
        .flag("no-cache", request.no_cache, "Do not use cache when building the image")
        .list("no-cache-filter", no_cache_filter, "Do not cache specified stages")
        .list("o,output", outputs, "Output destination (format: \"type=local,dest=path\")")
        .list("platform", platforms, "Set target platform for build")
        .value("progress", progress, "Type of progress output (auto, plain, tty, quiet, rawjson)")
        .flag("pull", request.pull, "Always attempt to pull all referenced images")
        .flag("push", push, "Push the image when it is built")
        .flag("q,quiet", quiet, "Suppress the build output and print image ID on success")
        .list("secret", secrets, "Secret to expose to the build (format: \"id=mysecret[,src=/local/secret]\")")
        .each(
            "shm-size", "bytes",
            [this](const std::string& text) {
                parse_size(text);
                shm_size = text;
            },
            "Shared memory size for build containers")
        .list("ssh", ssh,
              "SSH agent socket or keys to expose to the build (format: \"default|<id>[=<socket>|<key>[,<key>]]\")")
        .list("t,tag", request.tags, "Image identifier (format: \"[registry/]repository[:tag]\")")
        .value("target", request.target, "Set the target build stage to build")
        .each(
            "ulimit", "ulimit",
            [this](const std::string& text) {
                parse_ulimit(text);
                ulimits.push_back(text);
            },
            "Ulimit options")
        .list("resource", resources, "Resource limits for build containers (no effect)")
        .list("policy", policies, "Policy configuration");
    for (const char* flag : {"compress", "force-rm", "rm", "D,debug"}) options.ignored(flag);
    const auto told = [&](const char* names, const char* type, const char* warning) {
        options
            .each(
                names, type,
                [this, warning](const std::string& value) {
                    if (value != "false") warnings.emplace_back(warning);
                },
                "")
            .hidden();
    };
    told("squash", "",
         "experimental flag squash is removed with BuildKit. You should squash inside build using a multi-stage "
         "Dockerfile for efficiency.");
    told("isolation", "string", "isolation flag is deprecated with BuildKit.");
    told("security-opt", "strings",
         "security-opt flag is deprecated. \"RUN --security=insecure\" should be used with BuildKit.");
    for (const char* names :
         {"m,memory", "memory-swap", "c,cpu-shares", "cpu-period", "cpu-quota", "cpuset-cpus", "cpuset-mems"}) {
        const std::string key = std::string(names).substr(names[1] == ',' ? 2 : 0);
        options
            .each(
                names, "string", [this, key](const std::string& value) { resources.push_back(key + "=" + value); }, "")
            .hidden();
    }
    options.list("annotation", annotations, "Add annotation to the image", "stringArray")
        .list("attest", attests, "Attestation parameters (format: \"type=provenance,mode=min\"; sbom has no effect)",
              "stringArray")
        .value("provenance", provenance, "Shorthand for \"--attest=type=provenance\"", "string")
        .value("sbom", sbom, "Shorthand for \"--attest=type=sbom\" (no effect)", "string");
    options.value("print", print, "The old name of --call").hidden();
    options.value("builder", builder, "Override the configured builder instance").hidden();
    options.ignored("cgroup-parent", "string");
    options.arguments(arguments);
}

// "outline,format=json"
void BuildFlags::read_call() {
    if (check) call = "check";
    if (call.empty()) call = print;
    if (call.empty()) return;
    const std::string text = std::exchange(call, "");
    for (const std::string& field : csv_fields(text)) {
        const std::size_t equals = field.find('=');
        const std::string key = field.substr(0, equals);
        if (equals == std::string::npos) {
            if (!call.empty()) throw error(Errc::usage, "invalid print value: {}", text);
            call = field;
            continue;
        }
        const std::string value = field.substr(equals + 1);
        if (key == "format") {
            call_format = value;
        } else if (key == "ignorestatus") {
            const auto ignore = parse_go_bool(value);
            if (!ignore)
                throw error(Errc::usage,
                            "invalid ignorestatus print value: {0}: strconv.ParseBool: parsing \"{0}\": invalid syntax",
                            value);
            ignore_status = *ignore;
        } else {
            throw error(Errc::usage, "invalid print field: {}", field);
        }
    }
    if (call == "lint") call = "check";             // its older name
    if (call_format != "json") call_format.clear(); // whatever else is text
}

namespace {

// What an output's attribute changes; and what it asks for that is so anyway.
bool is_acted_on(BuildOutput::Type type, const std::string& key, const std::string& value) {
    using Type = BuildOutput::Type;
    const bool files = type == Type::local || type == Type::tar;
    if (key == "compression") return !files && value != "estargz";
    if (key == "oci-mediatypes" || key == "force-compression" || key.starts_with("annotation")) return !files;
    if (key == "unpack" || key == "store" || key == "name-canonical") return !files && value != "false";
    if (key == "oci-artifact") return !files && value != "false"; // attestations are always
    if (files) return key == "platform-split" || (key == "mode" && type == Type::local);
    if (key == "name" || key == "rewrite-timestamp") return true;
    if (key == "tar") return type == Type::oci || type == Type::docker;
    return type == Type::image && (key == "push" || key == "push-by-digest");
}

// Why no statement of how it was built goes with it; empty: it does, or nothing comes out.
std::string why_unattested(const BuildOutput& output) {
    using Type = BuildOutput::Type;
    if (output.type == Type::local || output.type == Type::tar)
        return fmt::format("type={}: it is of images", output.type == Type::local ? "local" : "tar");
    if (output.type != Type::docker || output.destination.empty()) return "";
    return "type=docker,dest=" + output.destination + ": Docker's archives have no room for it (type=oci has)";
}

} // namespace

void BuildFlags::tell_what_is_missing() {
    for (const BuildEntry& entry : attestations)
        if (entry.type == "sbom" && !entry.fields.count("disabled"))
            without_effect.push_back("--attest " + to_string(entry) + " has no effect: nothing is scanned");
    if (request.provenance)
        for (const BuildOutput& output : request.outputs)
            if (const std::string why = why_unattested(output); !why.empty())
                without_effect.push_back("--provenance has no effect on --output " + why);
    for (const auto& text : resources) without_effect.push_back("--resource " + text + " has no effect");
    for (const BuildOutput& output : request.outputs)
        for (const auto& [key, value] : output.attributes)
            if (!is_acted_on(output.type, key, value))
                without_effect.push_back("--output " + key + "=" + value + " has no effect");
}

void BuildFlags::apply() {
    read();
    settle();
}

// In buildx's order: the first mistake is told.
void BuildFlags::read() {
    if (arguments.size() != 1 && docker_is_spoken())
        throw error(
            Errc::usage, "ERROR: {}",
            docker_wrong_number("docker buildx build", "docker buildx build [OPTIONS] PATH | URL | -", 1, 1).what());
    if (arguments.size() != 1)
        throw error(Errc::usage, "'davit image build' requires 1 argument, not {}", arguments.size())
            .with_hint("the context: a directory, a URL or - for standard input");
    for (const auto* list : {&args, &labels})
        for (const auto& text : *list)
            if (text.empty() || text.starts_with('='))
                throw error(Errc::usage, "invalid key-value pair \"{}\": empty key", text);
    check_source_policy();
    for (const auto& text : policies)
        if (is_policy_acted_on(text))
            throw error(Errc::unsupported, "davit keeps no policies: --policy {}", text)
                .with_hint("--policy disabled=true builds without");
    for (const auto& text : attests) attestations.push_back(parse_attest_entry(text));
    for (const auto& [type, value] : {std::pair{"provenance", &provenance}, {"sbom", &sbom}})
        if (const std::string text = attest_of(type, *value); !text.empty())
            attestations.push_back(parse_attest_entry(text));
    for (const auto& text : contexts)
        if (!text.empty()) request.contexts.push_back(parse_build_context(text));
    for (const auto& text : outputs)
        if (!text.empty()) output_entries_.push_back(parse_output_entry(text));
    for (const BuildEntry& entry : output_entries_)
        if ((entry.type == "local" || entry.type == "tar") && !iid_file.empty())
            throw error(Errc::usage, "local and tar exporters are incompatible with image ID file");
    for (auto* caches : {&request.cache_from, &request.cache_to})
        for (const auto& text : std::exchange(*caches, {}))
            if (!text.empty())
                for (const BuildEntry& entry : parse_cache_entries(text)) caches->push_back(to_string(entry));
    for (const auto& text : secrets)
        if (!text.empty()) secret_entries_.push_back(parse_secret_entry(text));
    for (const auto& text : ssh)
        if (!text.empty()) request.ssh.push_back(parse_ssh(text));
    read_call();
    if (quiet && !progress.empty() && progress != "auto" && progress != "quiet" && progress != "none")
        throw error(Errc::usage, "progress={} and quiet cannot be used together", progress);
    build_progress(progress);
    if (const char* chosen = std::getenv("BUILDX_BUILDER"); builder.empty() && chosen) builder = chosen;
    if (!builder.empty()) check_builder(builder);
}

void BuildFlags::settle() {
    if (request.no_cache && !no_cache_filter.empty())
        throw error(Errc::usage, "--no-cache and --no-cache-filter cannot currently be used together");
    for (const auto& text : resources) check_resource(text);
    for (const SecretEntry& entry : secret_entries_) request.secrets.push_back(secret_of(entry));
    for (const BuildSsh& one : request.ssh) check_agent(one);
    for (const BuildEntry& entry : output_entries_) request.outputs.push_back(output_of(entry));
    read_entitlements();
    for (const auto& text : annotations) check_annotation(text);
    read_provenance();
    for (const BuildEntry& entry : attestations)
        if (entry.type != "provenance" && entry.type != "sbom")
            throw error(Errc::usage, "failed to solve: unknown attestation type \"{}\"", entry.type);
    if (!call.empty() && call != "build" && call != "check" && call != "targets" && call != "outline")
        throw error(Errc::usage, "failed to solve: unsupported request frontend.{0}: unsupported request frontend.{0}",
                    call);
    for (const auto& text : request.cache_from) check_cache(parse_cache_entries(text).front(), false);
    for (const auto& text : request.cache_to) check_cache(parse_cache_entries(text).front(), true);
    fill_request();
    place_files();
    if (!request.network.empty() && request.network != "default" && request.network != "none" &&
        request.network != "host")
        throw error(Errc::usage, "network mode \"{}\" not supported by {}", request.network,
                    docker_is_spoken() ? "buildkit - you can define a custom network for your builder using the "
                                         "network driver-opt in buildx create"
                                       : "davit's builder")
            .with_hint("default, none or host");
    tell_what_is_missing();
}

// Attributes of each output that is an image.
void BuildFlags::add_annotations() {
    std::map<std::string, std::string> attributes;
    for (const auto& text : annotations)
        if (!text.empty())
            for (auto& [key, value] : annotation_attributes(text)) attributes[key] = value; // the last one counts
    if (attributes.empty()) return;
    if (request.outputs.empty()) request.outputs.emplace_back();
    for (BuildOutput& output : request.outputs)
        if (output.type != BuildOutput::Type::local && output.type != BuildOutput::Type::tar)
            for (const auto& [key, value] : attributes) output.attributes.emplace(key, value);
}

void BuildFlags::read_provenance() {
    for (const BuildEntry& entry : attestations)
        if (entry.type == "provenance") {
            request.provenance.reset();
            if (const auto wanted = provenance_of(entry))
                request.provenance = BuildProvenance{wanted->details, wanted->builder_id, wanted->version};
        }
}

void BuildFlags::read_entitlements() {
    for (const auto& one : allow) {
        if (one.empty()) continue;
        if (one.starts_with("buildx.local.delete="))
            throw error(Errc::usage, "buildx.local.delete does not accept a value");
        if (one != "network.host" && one != "security.insecure" && one != "device" && !one.starts_with("device=") &&
            one != "buildx.local.delete")
            throw error(Errc::usage, "unknown entitlement {}", one)
                .with_hint("network.host, security.insecure, buildx.local.delete");
        request.entitlements.push_back(one);
    }
}

void BuildFlags::fill_request() {
    for (const auto& text : args) {
        const std::size_t equals = text.find('=');
        std::optional<std::string> value;
        if (equals != std::string::npos) value = text.substr(equals + 1);
        else if (const char* own = std::getenv(text.c_str())) value = own;
        else continue; // as if it were not there
        request.args.emplace_back(text.substr(0, equals), value);
    }
    for (const auto& text : labels) {
        const std::size_t equals = text.find('=');
        request.labels.emplace_back(text.substr(0, equals), equals == std::string::npos ? "" : text.substr(equals + 1));
    }
    for (const auto& text : hosts)
        for (auto& entry : parse_extra_host(text)) request.extra_hosts.push_back(std::move(entry));
    for (const auto& text : ulimits) request.ulimits.insert(parse_ulimit(text));
    const auto comma_lists = [](const std::vector<std::string>& from, std::vector<std::string>& to) {
        for (const auto& text : from)
            for (std::size_t at = 0; at <= text.size();) {
                const std::size_t end = std::min(text.find(',', at), text.size());
                to.push_back(text.substr(at, end - at));
                at = end + 1;
            }
    };
    comma_lists(platforms, request.platforms);
    comma_lists(no_cache_filter, request.no_cache_filter);
    if (!shm_size.empty()) request.shm_size = parse_size(shm_size);
    request.check_only = !call.empty() && call != "build";
    const bool somewhere = !request.outputs.empty();
    if (load && somewhere) {
        request.outputs.emplace_back();
        request.outputs.back().type = BuildOutput::Type::docker;
    }
    if (push) {
        const auto image = std::find_if(request.outputs.begin(), request.outputs.end(),
                                        [](const BuildOutput& o) { return o.type == BuildOutput::Type::image; });
        BuildOutput& to = image != request.outputs.end() ? *image : request.outputs.emplace_back();
        to.attributes["push"] = "true";
    }
    add_annotations(); // to all of them
    if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
        epoch && *epoch && std::none_of(request.args.begin(), request.args.end(), [](const auto& arg) {
            return arg.first == "SOURCE_DATE_EPOCH";
        }))
        request.args.emplace_back("SOURCE_DATE_EPOCH", epoch);
}

void BuildFlags::place_files() {
    request.context = arguments.front();
    if (request.context.empty())
        throw error(Errc::usage, "please specify build context (e.g. \".\" for the current directory)");
    for (const auto& [name, where] : request.contexts)
        if (where.empty())
            throw error(Errc::not_found, "failed to get build context {}: stat : no such file or directory", name);
    // -f is meant from here, not from the context.
    const bool remote = request.dockerfile.starts_with("http://") || request.dockerfile.starts_with("https://");
    if (!request.dockerfile.empty() && request.dockerfile != "-" && request.dockerfile.front() != '/' && !remote &&
        std::filesystem::is_directory(request.context))
        request.dockerfile = std::filesystem::absolute(request.dockerfile).string();
    if (request.context == "-" && request.dockerfile == "-")
        throw error(Errc::usage, "invalid argument: can't use stdin for both build context and dockerfile");
}

} // namespace davit::cli

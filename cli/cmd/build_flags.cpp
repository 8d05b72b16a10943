#include "cli/cmd/build_flags.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "cli/builders.hpp"
#include "cli/docker_errors.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <sys/stat.h>
#include <utility>

namespace davit::cli {

namespace {

std::vector<std::string> split(const std::string& text, char at) {
    std::vector<std::string> out;
    for (std::size_t begin = 0;;) {
        const std::size_t end = text.find(at, begin);
        out.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
        if (end == std::string::npos) return out;
        begin = end + 1;
    }
}

// One record of CSV: fields may stand in quotes.
std::vector<std::string> csv_fields(const std::string& text) {
    std::vector<std::string> out(1);
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') out.back() += text[++i];
        else if (text[i] == '"' && (quoted || out.back().empty())) quoted = !quoted;
        else if (text[i] == ',' && !quoted) out.emplace_back();
        else out.back() += text[i];
    }
    return out;
}

std::pair<std::string, std::string> pair_of(const std::string& field) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) throw error(Errc::usage, "invalid field '{}' must be a key=value pair", field);
    std::string key = field.substr(0, equals);
    std::transform(key.begin(), key.end(), key.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return {key, field.substr(equals + 1)};
}

std::optional<BuildOutput::Type> output_type(const std::string& word) {
    using Type = BuildOutput::Type;
    for (const auto& [name, type] : {std::pair{"image", Type::image},
                                     {"registry", Type::image},
                                     {"local", Type::local},
                                     {"tar", Type::tar},
                                     {"oci", Type::oci},
                                     {"docker", Type::docker},
                                     {"cacheonly", Type::cacheonly}})
        if (word == name) return type;
    return std::nullopt;
}

Error bad_value(const char* option, const std::string& value, const std::string& why) {
    return error(Errc::usage, "invalid argument \"{}\" for \"--{}\" flag: {}", value, option, why).with_exit_code(125);
}

std::pair<std::string, Ulimit> parse_ulimit(const std::string& text) {
    static constexpr const char* known[] = {"core",    "cpu",      "data",   "fsize",      "locks",
                                            "memlock", "msgqueue", "nice",   "nofile",     "nproc",
                                            "rss",     "rtprio",   "rttime", "sigpending", "stack"};
    const std::size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals == std::string::npos) throw bad_value("ulimit", text, "invalid ulimit argument: " + text);
    if (std::find(std::begin(known), std::end(known), name) == std::end(known))
        throw bad_value("ulimit", text, "invalid ulimit type: " + name);
    const auto numbers = split(text.substr(equals + 1), ':');
    Ulimit out;
    std::int64_t* to[] = {&out.soft, &out.hard};
    for (std::size_t i = 0; i < numbers.size() && i < 2; ++i) {
        const auto [end, failed] = std::from_chars(numbers[i].data(), numbers[i].data() + numbers[i].size(), *to[i]);
        if (failed != std::errc() || end != numbers[i].data() + numbers[i].size())
            throw bad_value("ulimit", text, "it needs numbers, as in nofile=1024:2048");
    }
    if (numbers.size() > 2)
        throw bad_value("ulimit", text, "too many limit value arguments - 3, can only have up to two");
    if (numbers.size() == 1) out.hard = out.soft, out.single = true;
    if (out.hard >= 0 && (out.soft > out.hard || out.soft < 0))
        throw bad_value("ulimit", text, "ulimit soft limit must be less than or equal to hard limit");
    return {name, out};
}

} // namespace

std::vector<std::pair<std::string, std::string>> parse_extra_host(const std::string& text) {
    std::size_t at = text.find('=');
    if (at == std::string::npos) at = text.find(':');
    const auto invalid = [&] {
        return error(Errc::usage, "invalid host {}", text).with_hint("--add-host NAME:ADDRESS, or NAME:host-gateway");
    };
    if (at == std::string::npos || at == 0 || at + 1 == text.size()) throw invalid();
    std::vector<std::pair<std::string, std::string>> out;
    if (text.substr(at + 1) == "host-gateway") return {{text.substr(0, at), "host-gateway"}};
    for (std::string address : split(text.substr(at + 1), ',')) {
        if (address.size() > 2 && address.front() == '[' && address.back() == ']')
            address = address.substr(1, address.size() - 2);
        in6_addr parsed{}; // as large as either kind
        if (::inet_pton(AF_INET, address.c_str(), &parsed) != 1 && ::inet_pton(AF_INET6, address.c_str(), &parsed) != 1)
            throw invalid();
        out.emplace_back(text.substr(0, at), std::move(address));
    }
    return out;
}

BuildSecret parse_secret(const std::string& text) {
    BuildSecret out;
    std::string type;
    for (const std::string& field : csv_fields(text)) {
        const auto [key, value] = pair_of(field);
        if (key == "id") out.id = value;
        else if (key == "src" || key == "source") out.file = value;
        else if (key == "env") out.environment = value;
        else if (key == "type" && (value == "file" || value == "env")) type = value;
        else if (key == "type") throw error(Errc::usage, "unsupported secret type \"{}\"", value);
        else throw error(Errc::usage, "unexpected key '{}' in '{}'", key, field).with_hint("id, src, env, type");
    }
    if (out.id.empty()) throw error(Errc::usage, "secret missing required option 'id' in \"{}\"", text);
    if (type == "env" && out.environment.empty()) std::swap(out.environment, out.file);
    if (out.environment.empty() && out.file.empty()) {
        // The variable of that name, else the file of that name.
        if (std::getenv(out.id.c_str()) || type == "env") out.environment = out.id;
        else out.file = out.id;
    }
    struct stat st {};
    if (!out.file.empty() && ::stat(out.file.c_str(), &st) < 0)
        throw error(Errc::not_found, "failed to stat {}: no such file or directory", out.file)
            .with_hint("--secret id=" + out.id + ",src=FILE");
    return out;
}

BuildSsh parse_ssh(const std::string& text) {
    BuildSsh out;
    const std::size_t equals = text.find('=');
    out.id = text.substr(0, equals);
    if (equals != std::string::npos) out.paths = split(text.substr(equals + 1), ',');
    return out;
}

BuildOutput parse_output(const std::string& text) {
    BuildOutput out;
    const auto fields = csv_fields(text);
    if (fields.size() == 1 && fields[0].find('=') == std::string::npos) {
        out.type = fields[0] == "-" ? BuildOutput::Type::tar : BuildOutput::Type::local;
        out.destination = fields[0];
        return out;
    }
    bool typed = false;
    for (const std::string& field : fields) {
        const std::size_t equals = field.find('=');
        if (equals == std::string::npos) throw error(Errc::usage, "invalid value {}", field);
        const auto [key, value] = pair_of(field);
        if (key == "type") {
            const auto type = output_type(value);
            if (!type)
                throw error(Errc::usage, "exporter \"{}\" could not be found", value)
                    .with_hint("image, registry, local, tar, oci, docker, cacheonly");
            out.type = *type;
            typed = true;
            if (value == "registry") out.attributes["push"] = "true";
        } else if (key == "dest") {
            out.destination = value;
        } else {
            out.attributes[key] = value;
        }
    }
    if (!typed && out.destination.empty()) throw error(Errc::usage, "type is required for output");
    if (!typed) out.type = out.destination == "-" ? BuildOutput::Type::tar : BuildOutput::Type::local;
    return out;
}

void BuildFlags::add_to(Options& options) {
    options.list("add-host", hosts, "Add a custom host-to-IP mapping (format: \"host:ip\")", "strings")
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
        .value("shm-size", shm_size, "Shared memory size for build containers", "bytes")
        .list("ssh", ssh,
              "SSH agent socket or keys to expose to the build (format: \"default|<id>[=<socket>|<key>[,<key>]]\")")
        .list("t,tag", request.tags, "Image identifier (format: \"[registry/]repository[:tag]\")")
        .value("target", request.target, "Set the target build stage to build")
        .list("ulimit", ulimits, "Ulimit options", "ulimit");
    for (const char* flag : {"compress", "force-rm", "rm", "squash", "D,debug"}) options.ignored(flag);
    options.list("annotation", annotations, "Add annotation to the image (no effect)", "stringArray")
        .list("attest", attests, "Attestation parameters (no effect)", "stringArray")
        .value("provenance", provenance, "Shorthand for \"--attest=type=provenance\" (no effect)", "string")
        .value("sbom", sbom, "Shorthand for \"--attest=type=sbom\" (no effect)", "string");
    options.value("print", print, "The old name of --call").hidden();
    options.value("builder", builder, "Override the configured builder instance").hidden();
    for (const char* value : {"cgroup-parent", "cpu-period", "cpu-quota", "c,cpu-shares", "cpuset-cpus", "cpuset-mems",
                              "isolation", "m,memory", "memory-swap", "security-opt", "policy"})
        options.ignored(value, "string");
    options.arguments(arguments);
}

// "outline,format=json"
void BuildFlags::read_call() {
    if (check) call = "check";
    if (call.empty()) call = print;
    const auto fields = csv_fields(call);
    call = fields.front();
    if (call == "lint") call = "check"; // its older name
    if (!call.empty() && call != "build" && call != "check" && call != "targets" && call != "outline")
        throw error(Errc::usage, "invalid value \"{}\" for --call", call).with_hint("build, check, outline or targets");
    for (std::size_t i = 1; i < fields.size(); ++i) {
        const auto [key, value] = pair_of(fields[i]);
        if (key == "format" && value != "json" && value != "text" && !value.empty())
            throw error(Errc::usage, "invalid format \"{}\" for --call", value).with_hint("json or text");
        if (key == "format") call_format = value;
        else if (key == "ignorestatus") ignore_status = value == "true" || value == "1";
        else if (key != "format") throw error(Errc::usage, "invalid key \"{}\" in --call", key);
    }
}

namespace {

// What an output's attribute changes; and what it asks for that is so anyway.
bool is_acted_on(BuildOutput::Type type, const std::string& key, const std::string& value) {
    using Type = BuildOutput::Type;
    const bool files = type == Type::local || type == Type::tar;
    if (key == "compression") return value == "gzip";
    if (key == "oci-mediatypes" || key == "unpack" || key == "store" || key == "name-canonical")
        return !files && value != "false";
    if (key == "oci-artifact") return value == "false";
    if (files) return key == "platform-split" || (key == "mode" && type == Type::local);
    if (key == "name" || key == "rewrite-timestamp") return true;
    if (key == "tar") return type == Type::oci || type == Type::docker;
    return type == Type::image && (key == "push" || key == "push-by-digest");
}

} // namespace

// Attestations and annotations say how an image came to be; the build does not depend on them.
void BuildFlags::tell_what_is_missing() {
    const auto off = [](const std::string& value) { return value.empty() || value == "false" || value == "0"; };
    if (!off(provenance)) without_effect.emplace_back("--provenance has no effect: no attestations are made");
    if (!off(sbom)) without_effect.emplace_back("--sbom has no effect: no attestations are made");
    for (const auto& text : attests)
        if (text.find("disabled=true") == std::string::npos)
            without_effect.push_back("--attest " + text + " has no effect: no attestations are made");
    for (const auto& text : annotations) without_effect.push_back("--annotation " + text + " has no effect");
    for (const BuildOutput& output : request.outputs)
        for (const auto& [key, value] : output.attributes)
            if (!is_acted_on(output.type, key, value))
                without_effect.push_back("--output " + key + "=" + value + " has no effect");
}

void BuildFlags::apply() {
    if (arguments.size() != 1 && docker_is_spoken())
        throw error(
            Errc::usage, "ERROR: {}",
            docker_wrong_number("docker buildx build", "docker buildx build [OPTIONS] PATH | URL | -", 1, 1).what());
    if (arguments.size() != 1)
        throw error(Errc::usage, "'davit image build' requires 1 argument, not {}", arguments.size())
            .with_hint("the context: a directory, a URL or - for standard input");
    if (!builder.empty()) check_builder(builder);
    if (quiet && !progress.empty() && progress != "auto" && progress != "quiet")
        throw error(Errc::usage, "progress={} and quiet cannot be used together", progress);
    for (const auto* list : {&args, &labels})
        for (const auto& text : *list)
            if (text.starts_with('=')) throw error(Errc::usage, "invalid key-value pair \"{}\": empty key", text);
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
    for (const auto& text : contexts) {
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
            throw error(Errc::usage, "invalid context value: {}, expected key=value", text);
        request.contexts.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
    for (const auto& text : secrets) request.secrets.push_back(parse_secret(text));
    for (const auto& text : ssh) request.ssh.push_back(parse_ssh(text));
    for (const auto& text : outputs) request.outputs.push_back(parse_output(text));
    for (const BuildOutput& output : request.outputs)
        if (!iid_file.empty() && (output.type == BuildOutput::Type::local || output.type == BuildOutput::Type::tar))
            throw error(Errc::usage, "local and tar exporters are incompatible with image ID file");
    for (const auto& text : hosts)
        for (auto& entry : parse_extra_host(text)) request.extra_hosts.push_back(std::move(entry));
    for (const auto& text : ulimits) request.ulimits.insert(parse_ulimit(text));
    const auto comma_lists = [](const std::vector<std::string>& from, std::vector<std::string>& to) {
        for (const auto& text : from)
            for (auto& part : split(text, ',')) to.push_back(std::move(part));
    };
    comma_lists(platforms, request.platforms);
    comma_lists(no_cache_filter, request.no_cache_filter);
    comma_lists(allow, request.entitlements);
    for (const auto& one : request.entitlements)
        if (one.starts_with("buildx.local.delete="))
            throw error(Errc::usage, "buildx.local.delete does not accept a value");
        else if (one != "network.host" && one != "security.insecure" && one != "device" &&
                 !one.starts_with("device=") && one != "buildx.local.delete")
            throw error(Errc::usage, "unknown entitlement {}", one)
                .with_hint("network.host, security.insecure, buildx.local.delete");
    if (!shm_size.empty()) {
        const auto size = parse_bytes(shm_size);
        if (!size || *size < 0) throw bad_value("shm-size", shm_size, "invalid size: '" + shm_size + "'");
        request.shm_size = *size;
    }
    read_call();
    tell_what_is_missing();
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
    if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
        epoch && std::none_of(request.args.begin(), request.args.end(),
                              [](const auto& arg) { return arg.first == "SOURCE_DATE_EPOCH"; }))
        request.args.emplace_back("SOURCE_DATE_EPOCH", epoch);
    request.context = arguments.front();
    // -f is meant from here, not from the context.
    const bool remote = request.dockerfile.starts_with("http://") || request.dockerfile.starts_with("https://");
    if (!request.dockerfile.empty() && request.dockerfile != "-" && request.dockerfile.front() != '/' && !remote &&
        std::filesystem::is_directory(request.context))
        request.dockerfile = std::filesystem::absolute(request.dockerfile).string();
    if (request.context == "-" && request.dockerfile == "-")
        throw error(Errc::usage, "invalid argument: can't use stdin for both build context and dockerfile");
    if (!request.network.empty() && request.network != "default" && request.network != "none" &&
        request.network != "host")
        throw error(Errc::usage, "network mode \"{}\" not supported by davit's builder", request.network)
            .with_hint("default, none or host");
}

} // namespace davit::cli

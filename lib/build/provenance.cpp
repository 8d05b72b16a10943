#include "build/provenance.hpp"

#include "base/text_code.hpp"
#include "build/files/fetch.hpp"
#include "build/times.hpp"
#include "registry/reference.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace davit::build {

namespace {

using Document = nlohmann::ordered_json;
using dockerfile::RunMount;
using dockerfile::RunStep;

constexpr std::int64_t second_ns = 1'000'000'000;

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '/' ? "%2F" : c == ',' ? "%2C" : std::string(1, c);
    return out;
}

// pkg:docker/NAME@TAG?platform=…
std::string package_of(const std::string& name, const std::string& platform) {
    const auto reference = registry::Reference::parse(name);
    std::string familiar = reference.familiar();
    if (const std::size_t at = familiar.find('@'); at != std::string::npos) familiar.resize(at);
    const std::size_t colon = familiar.rfind(':');
    if (colon != std::string::npos && familiar.find('/', colon) == std::string::npos) familiar.resize(colon);
    std::string out = "pkg:docker/" + familiar;
    if (!reference.tag().empty()) out += "@" + reference.tag();
    return out + "?platform=" + escaped(platform);
}

Document digest_set(const std::string& digest) {
    const std::size_t colon = digest.find(':');
    return {{digest.substr(0, colon), digest.substr(colon + 1)}};
}

Document materials_json(const BuildFacts& facts, const Built& built) {
    Document out = Document::array();
    for (const Material& one : facts.materials)
        if (one.targets.contains(built.platform))
            out.push_back({{"uri", package_of(one.reference, one.platform)}, {"digest", digest_set(one.digest)}});
    return out;
}

// Whether it means the same on every machine: a path is of nobody else's business.
bool is_remote(const std::string& context) {
    for (const char* scheme : {"http://", "https://", "docker-image://"})
        if (context.starts_with(scheme)) return true;
    return parse_git_source(context, true).has_value();
}

Document source_json(const BuildFacts& facts, const char* path_key) {
    Document out = Document::object();
    if (is_remote(facts.context)) out["uri"] = facts.context;
    out[path_key] = facts.dockerfile_name;
    return out;
}

// What the build was asked for, as frontend attributes; all: what may be of nobody else's business too.
Document arguments_json(const BuildRequest& request, bool all) {
    std::map<std::string, std::string> out;
    for (const auto& [name, where] : request.contexts)
        out["context:" + name] = is_remote(where) ? hide_userinfo(where) : "local:" + name;
    if (!request.target.empty()) out["target"] = request.target;
    if (!all) return out;
    for (const auto& [name, value] : request.args)
        if (value) out["build-arg:" + name] = *value;
    for (const auto& [key, value] : request.labels) out["label:" + key] = value;
    if (request.no_cache) out["no-cache"] = "";
    if (!request.network.empty()) out["force-network-mode"] = request.network;
    return out;
}

// The secrets, or the agents, that the image's stages mount.
Document mounted_json(const Built& built, RunMount::Type type) {
    std::map<std::string, bool> required;
    for (const auto& stage : built.file.stages) {
        if (!stage.reachable) continue;
        for (const auto& step : stage.steps)
            if (const auto* run = std::get_if<RunStep>(&step.action))
                for (const RunMount& mount : run->mounts)
                    if (mount.type == type) required[mount.id] = required[mount.id] || mount.required;
    }
    Document out = Document::array();
    for (const auto& [id, is_required] : required) {
        out.push_back({{"id", id}});
        if (!is_required) out.back()["optional"] = true;
    }
    return out;
}

Document request_json(const BuildProvenance& wanted, const BuildRequest& request, const BuildFacts& facts,
                      const Built& built) {
    Document out{{"frontend", "dockerfile.v0"}};
    if (Document args = arguments_json(request, wanted.details); !args.empty()) out["args"] = std::move(args);
    if (wanted.details)
        for (const auto& [key, type] : {std::pair{"secrets", RunMount::Type::secret}, {"ssh", RunMount::Type::ssh}})
            if (Document mounts = mounted_json(built, type); !mounts.empty()) out[key] = std::move(mounts);
    if (!is_remote(facts.context)) out["locals"] = {{{"name", "context"}}, {{"name", "dockerfile"}}};
    return out;
}

Document sources_json(const BuildProvenance& wanted, const BuildFacts& facts) {
    if (!wanted.details) return Document::object();
    const Document info{
        {"filename", facts.dockerfile_name}, {"language", "Dockerfile"}, {"data", base64_encode(facts.dockerfile)}};
    return {{"source", {{"infos", Document::array({info})}}}};
}

std::string time_text(std::int64_t ns) { return rfc3339(ns / second_ns, static_cast<unsigned>(ns % second_ns)); }

Document predicate_v1(const BuildProvenance& wanted, const BuildRequest& request, const BuildFacts& facts,
                      const Built& built) {
    return {
        {"buildDefinition",
         {{"buildType", "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md"},
          {"externalParameters",
           {{"configSource", source_json(facts, "path")}, {"request", request_json(wanted, request, facts, built)}}},
          {"internalParameters", {{"builderPlatform", facts.machine}}},
          {"resolvedDependencies", materials_json(facts, built)}}},
        {"runDetails",
         {{"builder", {{"id", wanted.builder_id}}},
          {"metadata",
           {{"invocationId", facts.invocation},
            {"startedOn", time_text(facts.started_ns)},
            {"finishedOn", time_text(facts.finished_ns)},
            {"buildkit_metadata", sources_json(wanted, facts)},
            {"buildkit_completeness", {{"request", wanted.details}, {"resolvedDependencies", false}}}}}}}};
}

Document predicate_v02(const BuildProvenance& wanted, const BuildRequest& request, const BuildFacts& facts,
                       const Built& built) {
    return {{"builder", {{"id", wanted.builder_id}}},
            {"buildType", "https://mobyproject.org/buildkit@v1"},
            {"materials", materials_json(facts, built)},
            {"invocation",
             {{"configSource", source_json(facts, "entryPoint")},
              {"parameters", request_json(wanted, request, facts, built)},
              {"environment", {{"platform", facts.machine}}}}},
            {"metadata",
             {{"buildInvocationID", facts.invocation},
              {"buildStartedOn", time_text(facts.started_ns)},
              {"buildFinishedOn", time_text(facts.finished_ns)},
              {"completeness", {{"parameters", wanted.details}, {"environment", true}, {"materials", false}}},
              {"reproducible", false},
              {"https://mobyproject.org/buildkit@v1#metadata", sources_json(wanted, facts)}}}};
}

} // namespace

std::string predicate_type(const BuildProvenance& wanted) { return "https://slsa.dev/provenance/" + wanted.version; }

std::string provenance_statement(const BuildProvenance& wanted, const BuildRequest& request, const BuildFacts& facts,
                                 const Built& built, const std::vector<std::string>& names,
                                 const std::string& manifest_digest) {
    Document subject = Document::array();
    for (const auto& name : names)
        subject.push_back({{"name", package_of(name, built.file.platform)}, {"digest", digest_set(manifest_digest)}});
    const Document statement{{"_type", "https://in-toto.io/Statement/v1"},
                             {"predicateType", predicate_type(wanted)},
                             {"subject", std::move(subject)},
                             {"predicate", wanted.version == "v0.2" ? predicate_v02(wanted, request, facts, built)
                                                                    : predicate_v1(wanted, request, facts, built)}};
    return statement.dump(-1, ' ', false, Document::error_handler_t::replace);
}

} // namespace davit::build

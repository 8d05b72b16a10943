#include "build/keys.hpp"

#include "base/hash.hpp"
#include "build/run_spec.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace davit::build {

namespace {

using Json = nlohmann::json;

constexpr int key_format = 2; // another one makes all records of the past useless

std::string key_of(const char* kind, Json parts) {
    parts["format"] = key_format;
    parts["kind"] = kind;
    return "sha256:" + sha256_hex(parts.dump(-1, ' ', false, Json::error_handler_t::replace));
}

StepKey step_key(const char* kind, const std::string& parent, const Json& content, const Json& rest) {
    StepKey out{{}, parent, content.is_null() ? "" : key_of("content", {{"content", content}}), key_of(kind, rest)};
    out.digest = key_of(kind, {{"parent", parent}, {"content", out.content}, {"rest", out.rest}});
    return out;
}

Json mount_json(const dockerfile::RunMount& m) {
    Json out{{"type", static_cast<int>(m.type)}, {"target", m.target}, {"ro", m.read_only}};
    if (m.type == dockerfile::RunMount::Type::bind) out["source"] = m.source;
    if (m.type == dockerfile::RunMount::Type::tmpfs) out["size"] = m.size;
    if (m.type == dockerfile::RunMount::Type::cache) {
        out["id"] = m.id;
        out["sharing"] = static_cast<int>(m.sharing);
    }
    if (m.type == dockerfile::RunMount::Type::secret || m.type == dockerfile::RunMount::Type::ssh) {
        out["id"] = m.id;
        out["required"] = m.required;
        if (m.env) out["env"] = *m.env;
    }
    for (const auto& [name, value] : {std::pair{"mode", m.mode}, {"uid", m.uid}, {"gid", m.gid}})
        if (value) out[name] = *value;
    return out;
}

Json limits_json(const BuildRequest& request) {
    Json out = Json::object();
    for (const auto& [name, limit] : request.ulimits) out[name] = {limit.soft, limit.hard};
    return out;
}

bool is_number(const std::string& text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || c == ':'; });
}

} // namespace

std::string scratch_key() { return key_of("scratch", Json::object()); }

std::string image_key(const std::vector<std::string>& diff_ids, const std::string& platform) {
    return key_of("image", {{"layers", diff_ids}, {"platform", platform}});
}

StepKey run_key(const std::string& parent, const dockerfile::Step& step, const dockerfile::RunStep& run,
                const BuildRequest& request, const std::string& platform, const std::vector<std::string>& sources) {
    Json mounts = Json::array();
    for (const auto& mount : run.mounts) mounts.push_back(mount_json(mount));
    Json scripts = Json::array();
    for (const auto& script : run.scripts) scripts.push_back({script.name, script.content});
    std::vector<std::string> hosts;
    for (const auto& [name, address] : request.extra_hosts) hosts.push_back(name);
    return step_key("run", parent, sources.empty() ? Json() : Json(sources),
                    {{"args", run.args},
                     {"env", step.env},
                     {"cwd", dockerfile::clean_path("/" + step.config.working_dir)}, // none is the root
                     {"user", step.config.user},
                     {"mounts", mounts},
                     {"scripts", scripts},
                     {"network", static_cast<int>(run.network)},
                     {"network_mode", request.network == "default" ? "" : request.network},
                     {"insecure", run.insecure},
                     {"hosts", hosts},
                     {"hostname", host_name_of(request)},
                     {"ulimits", limits_json(request)},
                     {"shm", request.shm_size},
                     {"platform", platform}});
}

StepKey copy_key(const std::string& parent, const dockerfile::CopyStep& copy, const std::string& content) {
    Json parts{{"add", copy.add},   {"destination", copy.destination}, {"chown", copy.chown},    {"chmod", copy.chmod},
               {"link", copy.link}, {"parents", copy.parents},         {"exclude", copy.exclude}};
    if (copy.unpack) parts["unpack"] = *copy.unpack;
    if (copy.add) parts["sources"] = copy.sources; // names of archives and URLs decide what is done with them
    return step_key("copy", copy.link && is_number(copy.chown) ? "" : parent, content, parts);
}

std::string unread_content(const std::string& layers, const dockerfile::CopyStep& copy) {
    return key_of("unread", {{"layers", layers}, {"sources", copy.sources}});
}

std::string linked_key(const std::string& below, const std::string& copy) {
    return key_of("linked", {{"below", below}, {"copy", copy}});
}

StepKey workdir_key(const std::string& parent, const dockerfile::Step& step, const std::string& path,
                    std::optional<std::int64_t> epoch) {
    Json parts{{"path", path}, {"user", step.config.user}};
    if (epoch) parts["time"] = *epoch;
    return step_key("workdir", parent, Json(), parts);
}

} // namespace davit::build

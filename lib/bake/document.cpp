// What `bake --print` shows.
#include "base/build_entries.hpp"
#include "davit/bake.hpp"

#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace davit {

namespace {

using Json = nlohmann::ordered_json;

// Sorted, as buildx writes them.
Json fields_of(const BuildEntry& entry) {
    std::map<std::string, std::string> all = entry.fields;
    all["type"] = entry.type;
    Json out = Json::object();
    for (const auto& [key, value] : all)
        if (key != "dest" || !value.empty()) out[key] = value;
    return out;
}

Json output_entry(const std::string& text) { return fields_of(parse_output_entry(text)); }
Json cache_entry(const std::string& text) { return fields_of(parse_cache_entries(text).front()); }
Json attest_entry(const std::string& text) {
    Json out = fields_of(parse_attest_entry(text));
    if (out.contains("disabled")) out["disabled"] = true;
    return out;
}

Json secret_entry(const std::string& text) {
    const SecretEntry entry = parse_secret_entry(text);
    Json out = Json::object();
    if (!entry.id.empty()) out["id"] = entry.id;
    if (!entry.file.empty()) out["src"] = entry.file;
    if (!entry.environment.empty()) out["env"] = entry.environment;
    return out;
}

Json ssh_entry(const std::string& text) {
    const SshEntry entry = parse_ssh_entry(text);
    Json out = Json::object();
    if (!entry.id.empty()) out["id"] = entry.id;
    if (!entry.paths.empty()) out["paths"] = entry.paths;
    return out;
}

// What would be read as an expression in a file.
std::string as_written(std::string text) {
    for (const char* opening : {"${", "%{"})
        for (std::size_t at = 0; (at = text.find(opening, at)) != std::string::npos; at += 3)
            text.insert(at, 1, opening[0]);
    return text;
}

// As buildx shows it: what it is once the build begins.
std::string shown_context(std::string context) {
    constexpr std::string_view here = "cwd://";
    const bool local = context.starts_with(here);
    if (local) context.erase(0, here.size());
    const bool remote =
        context.find("://") != std::string::npos || context.starts_with("git@") || context.starts_with("github.com/");
    if (!local && remote) return context;
    context = std::filesystem::path(context.empty() ? "." : context).lexically_normal().string();
    if (context.size() > 1 && context.ends_with('/')) context.pop_back();
    return context;
}

Json document(const BakeTarget& t) {
    Json out = Json::object();
    const auto text = [&](const char* key, const std::optional<std::string>& value) {
        if (value) out[key] = *value;
    };
    const auto list = [&](const char* key, const std::vector<std::string>& values) {
        if (!values.empty()) out[key] = values;
    };
    const auto entries = [&](const char* key, const std::vector<std::string>& values,
                             Json (*entry)(const std::string&)) {
        for (const std::string& value : values) out[key].push_back(entry(value));
    };
    const auto map = [&](const char* key, const auto& values, bool escaped = true) {
        std::map<std::string, Json> sorted;
        for (const auto& [name, value] : values) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<std::string>>)
                sorted[name] = value ? Json(as_written(*value)) : Json();
            else sorted[name] = escaped ? as_written(value) : value;
        }
        for (const auto& [name, value] : sorted) out[key][name] = value;
    };
    if (!t.description.empty()) out["description"] = t.description;
    for (const std::string& one : t.annotations) out["annotations"].push_back(as_written(one));
    entries("attest", t.attests, attest_entry);
    out["context"] = shown_context(t.context);
    map("contexts", t.contexts, false);
    out["dockerfile"] = t.dockerfile.empty() ? "Dockerfile" : t.dockerfile;
    if (t.dockerfile_inline) out["dockerfile-inline"] = as_written(*t.dockerfile_inline);
    map("args", t.args);
    map("labels", t.labels);
    list("tags", t.tags);
    entries("cache-from", t.cache_from, cache_entry);
    entries("cache-to", t.cache_to, cache_entry);
    text("target", t.target);
    entries("secret", t.secrets, secret_entry);
    entries("ssh", t.ssh, ssh_entry);
    list("platforms", t.platforms);
    entries("output", t.outputs, output_entry);
    if (t.pull) out["pull"] = *t.pull;
    if (t.no_cache) out["no-cache"] = *t.no_cache;
    text("network", t.network);
    list("no-cache-filter", t.no_cache_filter);
    text("shm-size", t.shm_size);
    list("ulimits", t.ulimits);
    text("call", t.call);
    list("entitlements", t.entitlements);
    map("extra-hosts", t.extra_hosts);
    return out;
}

// As Go's encoder writes what HTML would take for its own.
std::string for_html(const std::string& json) {
    std::string out;
    for (const char c : json) {
        if (c == '<' || c == '>' || c == '&') out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
        else out += c;
    }
    return out;
}

} // namespace

std::string to_json(const Baked& baked) {
    std::map<std::string, const BakeTarget*> sorted;
    for (const BakeTarget& t : baked.targets) sorted[t.name] = &t;
    Json groups = Json::object(), targets = Json::object(), all = Json::object();
    for (const auto& [name, members] : baked.groups) {
        if (const auto found = baked.group_descriptions.find(name); found != baked.group_descriptions.end())
            groups[name]["description"] = found->second;
        groups[name]["targets"] = members;
    }
    for (const auto& [name, target] : sorted) targets[name] = document(*target);
    if (!groups.empty()) all["group"] = groups;
    all["target"] = targets;
    return for_html(all.dump(2, ' ', false, Json::error_handler_t::replace));
}

} // namespace davit

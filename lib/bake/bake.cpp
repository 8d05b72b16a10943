#include "davit/bake.hpp"

#include "bake/definition.hpp"
#include "bake/overrides.hpp"
#include "base/error.hpp"
#include "base/glob.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace davit {

namespace {

using baking::Definition;
using baking::Entry;
using baking::entry_of;
using baking::Override;

class Baker {
public:
    explicit Baker(const BakeOptions& options) : options_(options), definition_(options) {
        for (const std::string& text : options.overrides) overrides_.push_back(baking::parse_override(text, options));
    }

    Baked run() {
        std::vector<std::string> wanted = options_.targets;
        if (wanted.empty()) wanted = default_targets();
        check_patterns();
        std::set<std::string> asked;
        for (const std::string& name : wanted) {
            const std::vector<std::string> all = expand(name);
            asked.insert(all.begin(), all.end());
            if (definition_.is_group(name)) out_.groups[name] = definition_.members(name);
            for (const std::string& one : all) add(one);
            if (!definition_.is_group(name) || name != "default")
                for (const std::string& one : all)
                    if (auto& list = out_.groups["default"]; std::find(list.begin(), list.end(), one) == list.end())
                        list.push_back(one);
        }
        // What only others' contexts need goes nowhere else.
        for (BakeTarget& t : out_.targets)
            if (!asked.contains(t.name)) t.outputs = {"type=cacheonly"};
        return std::move(out_);
    }

private:
    void check_patterns() const {
        std::vector<std::string> names = definition_.target_names();
        for (const BakeTarget& t : options_.from_compose) names.push_back(t.name);
        for (const Override& o : overrides_)
            if (std::none_of(names.begin(), names.end(),
                             [&](const std::string& name) { return glob_match(o.pattern, name); }))
                throw error(Errc::usage, "could not find any target matching '{}'", o.pattern)
                    .with_hint("--set TARGET.KEY=VALUE, or '*' for all of them");
    }

    std::vector<std::string> default_targets() const {
        if (definition_.is_group("default") || definition_.has_target("default") || options_.from_compose.empty())
            return {"default"};
        std::vector<std::string> out;
        for (const BakeTarget& t : options_.from_compose) out.push_back(t.name);
        return out;
    }

    const BakeTarget* of_compose(const std::string& name) const {
        for (const BakeTarget& t : options_.from_compose)
            if (t.name == name) return &t;
        return nullptr;
    }

    std::vector<std::string> expand(const std::string& name) const {
        if (of_compose(name) && !definition_.is_group(name)) return {name};
        return definition_.expand(name);
    }

    BakeTarget target(const std::string& name) const {
        BakeTarget out;
        if (const BakeTarget* known = of_compose(name)) out = *known;
        out.name = name;
        if (definition_.has_target(name) && !of_compose(name)) out.context = definition_.default_context(name);
        if (definition_.has_target(name))
            for (const auto& [key, value] : definition_.attributes_of(name))
                in_context("target " + name, [&] { set_attribute(out, key, value); });
        std::vector<std::string> cleared;
        for (const Override& o : overrides_)
            if (glob_match(o.pattern, name)) apply(out, o, cleared);
        return out;
    }

    // What its contexts name comes before it.
    void add(const std::string& name) {
        const auto is_this = [&](const BakeTarget& t) { return t.name == name; };
        if (std::any_of(out_.targets.begin(), out_.targets.end(), is_this)) return;
        if (std::find(path_.begin(), path_.end(), name) != path_.end())
            throw error(Errc::usage, "the contexts of the target {} lead to itself", name);
        path_.push_back(name);
        BakeTarget made = target(name);
        constexpr std::string_view prefix = "target:";
        for (const auto& [unused, where] : made.contexts)
            if (where.starts_with(prefix)) add(where.substr(prefix.size()));
        path_.pop_back();
        out_.targets.push_back(std::move(made));
    }

    const BakeOptions& options_;
    Definition definition_;
    std::vector<Override> overrides_;
    std::vector<std::string> path_;
    Baked out_;
};

using Json = nlohmann::ordered_json;
// {"dest": "x", "type": "local"}: sorted, and what is but a word has a key of its own.
Json sorted_entry(const std::string& text, const std::string& word_type, const char* word_key) {
    std::map<std::string, std::string> parts;
    if (text.find('=') == std::string::npos) parts = {{"type", word_type}, {word_key, text}};
    else
        for (const auto& [key, value] : entry_of(text)) parts[key] = value;
    Json out = Json::object();
    for (const auto& [key, value] : parts) out[key] = value;
    return out;
}

Json cache_entry(const std::string& text) { return sorted_entry(text, "registry", "ref"); }
Json output_entry(const std::string& text) { return sorted_entry(text, text == "-" ? "tar" : "local", "dest"); }

Json secret_entry(const std::string& text) {
    Json out = Json::object();
    const Entry parts = entry_of(text);
    for (const char* wanted : {"id", "src", "env"})
        for (const auto& [key, value] : parts)
            if (key == wanted || (key == "source" && wanted == std::string_view("src"))) out[wanted] = value;
    return out;
}

Json ssh_entry(const std::string& text) {
    const std::size_t equals = text.find('=');
    Json out{{"id", text.substr(0, equals)}};
    if (equals == std::string::npos) return out;
    out["paths"] = Json::array();
    for (const auto& [path, unused] : entry_of(text.substr(equals + 1))) out["paths"].push_back(path);
    return out;
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
    const auto text = [&](const char* key, const std::string& value) {
        if (!value.empty()) out[key] = value;
    };
    const auto list = [&](const char* key, const std::vector<std::string>& values) {
        if (!values.empty()) out[key] = values;
    };
    const auto entries = [&](const char* key, const std::vector<std::string>& values,
                             Json (*entry)(const std::string&)) {
        for (const std::string& value : values) out[key].push_back(entry(value));
    };
    const auto map = [&](const char* key, const auto& values) {
        for (const auto& [name, value] : values) {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::optional<std::string>>)
                out[key][name] = value ? Json(*value) : Json();
            else out[key][name] = value;
        }
    };
    text("description", t.description);
    text("context", shown_context(t.context));
    map("contexts", t.contexts);
    text("dockerfile", t.dockerfile.empty() && !t.dockerfile_inline ? "Dockerfile" : t.dockerfile);
    if (t.dockerfile_inline) out["dockerfile-inline"] = *t.dockerfile_inline;
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

} // namespace

Baked bake(const BakeOptions& options) { return Baker(options).run(); }

std::string to_json(const Baked& baked) {
    Json groups = Json::object(), targets = Json::object();
    for (const auto& [name, members] : baked.groups) groups[name]["targets"] = members;
    for (const BakeTarget& t : baked.targets) targets[t.name] = document(t);
    return Json{{"group", groups}, {"target", targets}}.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::vector<BakeVariable> bake_variables(const BakeOptions& options) { return Definition(options).variables(); }

std::vector<BakeName> bake_names(const BakeOptions& options) { return Definition(options).names(); }

} // namespace davit

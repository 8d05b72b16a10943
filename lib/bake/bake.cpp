#include "davit/bake.hpp"

#include "bake/definition.hpp"
#include "base/error.hpp"
#include "base/glob.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

namespace davit {

namespace {

using baking::Attributes;
using baking::Definition;
using baking::text_of;
using baking::Value;

std::vector<std::string> texts(const Value& v) {
    std::vector<std::string> out;
    if (v.kind != Value::Kind::list) return {text_of(v)};
    for (const Value& one : v.list)
        if (one.kind != Value::Kind::null) out.push_back(text_of(one));
    return out;
}

// {type = "local", dest = "x"} is "type=local,dest=x".
std::vector<std::string> entries(const Value& v) {
    std::vector<std::string> out;
    if (v.kind != Value::Kind::list) return texts(v);
    for (const Value& one : v.list) {
        if (one.kind != Value::Kind::object) {
            out.push_back(text_of(one));
            continue;
        }
        std::string joined;
        for (const auto& [key, value] : one.object) joined += (joined.empty() ? "" : ",") + key + "=" + text_of(value);
        out.push_back(joined);
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> pairs(const Value& v) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const auto& [key, value] : v.object)
        if (value.kind != Value::Kind::null) out.emplace_back(key, text_of(value));
    return out;
}

struct Key {
    const char* name;
    void (*set)(BakeTarget&, const Value&);
};

const Key keys[] = {
    {"annotations", [](BakeTarget&, const Value&) {}},
    {"args",
     [](BakeTarget& t, const Value& v) {
         t.args.clear();
         for (const auto& [key, value] : v.object)
             if (value.kind != Value::Kind::null) t.args.emplace_back(key, text_of(value));
     }},
    {"attest", [](BakeTarget&, const Value&) {}},
    {"cache-from", [](BakeTarget& t, const Value& v) { t.cache_from = entries(v); }},
    {"cache-to", [](BakeTarget& t, const Value& v) { t.cache_to = entries(v); }},
    {"call", [](BakeTarget& t, const Value& v) { t.call = text_of(v); }},
    {"context", [](BakeTarget& t, const Value& v) { t.context = text_of(v); }},
    {"contexts", [](BakeTarget& t, const Value& v) { t.contexts = pairs(v); }},
    {"description", [](BakeTarget& t, const Value& v) { t.description = text_of(v); }},
    {"dockerfile", [](BakeTarget& t, const Value& v) { t.dockerfile = text_of(v); }},
    {"dockerfile-inline", [](BakeTarget& t, const Value& v) { t.dockerfile_inline = text_of(v); }},
    {"entitlements", [](BakeTarget& t, const Value& v) { t.entitlements = texts(v); }},
    {"extra-hosts", [](BakeTarget& t, const Value& v) { t.extra_hosts = pairs(v); }},
    {"labels", [](BakeTarget& t, const Value& v) { t.labels = pairs(v); }},
    {"network", [](BakeTarget& t, const Value& v) { t.network = text_of(v); }},
    {"no-cache", [](BakeTarget& t, const Value& v) { t.no_cache = truth_of(v); }},
    {"no-cache-filter", [](BakeTarget& t, const Value& v) { t.no_cache_filter = texts(v); }},
    {"output", [](BakeTarget& t, const Value& v) { t.outputs = entries(v); }},
    {"platforms", [](BakeTarget& t, const Value& v) { t.platforms = texts(v); }},
    {"pull", [](BakeTarget& t, const Value& v) { t.pull = truth_of(v); }},
    {"secret", [](BakeTarget& t, const Value& v) { t.secrets = entries(v); }},
    {"shm-size", [](BakeTarget& t, const Value& v) { t.shm_size = text_of(v); }},
    {"ssh", [](BakeTarget& t, const Value& v) { t.ssh = entries(v); }},
    {"tags", [](BakeTarget& t, const Value& v) { t.tags = texts(v); }},
    {"target", [](BakeTarget& t, const Value& v) { t.target = text_of(v); }},
    {"ulimits", [](BakeTarget& t, const Value& v) { t.ulimits = texts(v); }},
};

const Key& key_named(const std::string& name) {
    const auto* found = std::find_if(std::begin(keys), std::end(keys), [&](const Key& k) { return name == k.name; });
    if (found == std::end(keys)) throw error(Errc::usage, "a target has no \"{}\"", name);
    return *found;
}

struct Override {
    std::string pattern, key, entry, value;
    bool append = false;
};

// "app.args.V=1", "*.platform=linux/amd64", "app.tags+=x"
Override parse_override(const std::string& text) {
    const std::size_t equals = text.find('=');
    const std::size_t dot = text.find('.');
    if (equals == std::string::npos || dot == std::string::npos || dot > equals)
        throw error(Errc::usage, "invalid override {}", text).with_hint("TARGET.KEY=VALUE, as in app.args.V=1");
    Override out{text.substr(0, dot), text.substr(dot + 1, equals - dot - 1), "", text.substr(equals + 1)};
    if (out.key.ends_with('+')) {
        out.append = true;
        out.key.pop_back();
    }
    if (const std::size_t second = out.key.find('.'); second != std::string::npos) {
        out.entry = out.key.substr(second + 1);
        out.key.resize(second);
    }
    for (const auto& [old, name] : {std::pair{"platform", "platforms"}, {"secrets", "secret"}, {"outputs", "output"}})
        if (out.key == old) out.key = name;
    return out;
}

template <typename Map>
void put(Map& to, const std::string& key, const std::string& value) {
    for (auto& [name, old] : to)
        if (name == key) {
            old = value;
            return;
        }
    to.emplace_back(key, value);
}

std::vector<std::string>* list_of(BakeTarget& t, const std::string& key) {
    const std::pair<const char*, std::vector<std::string>*> lists[] = {{"tags", &t.tags},
                                                                       {"platforms", &t.platforms},
                                                                       {"output", &t.outputs},
                                                                       {"secret", &t.secrets},
                                                                       {"ssh", &t.ssh},
                                                                       {"cache-from", &t.cache_from},
                                                                       {"cache-to", &t.cache_to},
                                                                       {"ulimits", &t.ulimits},
                                                                       {"entitlements", &t.entitlements},
                                                                       {"no-cache-filter", &t.no_cache_filter}};
    for (const auto& [name, list] : lists)
        if (key == name) return list;
    return nullptr;
}

// Several overrides of one list add up; the first one clears what the file says.
void apply(BakeTarget& target, const Override& o, std::vector<std::string>& cleared) {
    if (!o.entry.empty()) {
        if (o.key == "args") put(target.args, o.entry, o.value);
        else if (o.key == "labels") put(target.labels, o.entry, o.value);
        else if (o.key == "contexts") put(target.contexts, o.entry, o.value);
        else if (o.key == "extra-hosts") put(target.extra_hosts, o.entry, o.value);
        else throw error(Errc::usage, "a target has no \"{}.{}\" to set", o.key, o.entry);
        return;
    }
    std::vector<std::string>* list = list_of(target, o.key);
    if (!list) {
        key_named(o.key).set(target, Value::of(o.value));
        return;
    }
    if (!o.append && std::find(cleared.begin(), cleared.end(), o.key) == cleared.end()) {
        list->clear();
        cleared.push_back(o.key);
    }
    if (!o.value.empty()) list->push_back(o.value);
}

class Baker {
public:
    explicit Baker(const BakeOptions& options) : options_(options), definition_(options) {
        for (const std::string& text : options.overrides) overrides_.push_back(parse_override(text));
    }

    Baked run() {
        std::vector<std::string> wanted = options_.targets;
        if (wanted.empty()) wanted = default_targets();
        for (const std::string& name : wanted) {
            const std::vector<std::string> all = expand(name);
            if (definition_.is_group(name)) out_.groups[name] = definition_.members(name);
            for (const std::string& one : all) add(one);
            if (!definition_.is_group(name) || name != "default")
                for (const std::string& one : all)
                    if (auto& list = out_.groups["default"]; std::find(list.begin(), list.end(), one) == list.end())
                        list.push_back(one);
        }
        return std::move(out_);
    }

private:
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
        if (definition_.has_target(name))
            for (const auto& [key, value] : definition_.attributes_of(name))
                in_context("target " + name, [&] { key_named(key).set(out, value); });
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
using Entry = std::vector<std::pair<std::string, std::string>>; // "type=local,dest=x"

Entry entry_of(const std::string& text) {
    Entry out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        const std::string part = text.substr(at, end - at);
        const std::size_t equals = part.find('=');
        if (equals == std::string::npos) out.emplace_back(part, "");
        else out.emplace_back(part.substr(0, equals), part.substr(equals + 1));
        at = end + 1;
    }
    return out;
}

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
    text("context", t.context);
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

#include "bake/overrides.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <string_view>

namespace davit::baking {

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

namespace {

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

constexpr const char* keyed[] = {"args", "contexts", "labels", "extra-hosts", "secret"};

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

std::string value_of(const Entry& entry, std::string_view key) {
    for (const auto& [name, value] : entry)
        if (name == key) return value;
    return "";
}

// Where a secret that the file declares comes from: "env=X", "src=FILE".
void set_secret(BakeTarget& target, const std::string& id, const std::string& value) {
    const std::string other = value_of(entry_of(value), "id");
    if (!other.empty() && other != id)
        throw error(Errc::usage, "secret override id \"{}\" does not match declared secret \"{}\"", other, id);
    for (std::string& secret : target.secrets)
        if (value_of(entry_of(secret), "id") == id) {
            secret = (other.empty() ? "id=" + id + (value.empty() ? "" : ",") : "") + value;
            return;
        }
    throw error(Errc::usage, "secret \"{}\" must be declared before it can be overridden", id);
}

std::string type_of(const std::string& output) {
    const std::string type = value_of(entry_of(output), "type");
    return !type.empty() ? type : output == "-" ? "tar" : "local";
}

// true: beside what goes to the machine's own store it is pushed. What goes elsewhere stays as it is.
void set_push(std::vector<std::string>& outputs, bool push) {
    if (!push) std::erase_if(outputs, [](const std::string& o) { return type_of(o) == "registry"; });
    const bool adds = push && std::all_of(outputs.begin(), outputs.end(),
                                          [](const std::string& o) { return type_of(o) == "docker"; });
    for (std::string& output : outputs) {
        if (type_of(output) != "image") continue;
        std::string changed;
        for (const auto& [key, value] : entry_of(output))
            if (key != "push") changed += (changed.empty() ? "" : ",") + key + "=" + value;
        output = changed + (push ? ",push=true" : ",push=false");
    }
    if (adds) outputs.emplace_back("type=image,push=true");
}

void set_load(std::vector<std::string>& outputs, bool load) {
    if (!load) return;
    for (const std::string& output : outputs) {
        const std::string type = type_of(output);
        if (type == "docker" && value_of(entry_of(output), "dest").empty()) return;
        if (type != "docker" && type != "image" && type != "registry" && type != "oci") return;
    }
    outputs.emplace_back("type=docker");
}

void apply_entry(BakeTarget& target, const Override& o) {
    if (!o.value) return;
    if (o.key == "args") put(target.args, o.entry, *o.value);
    else if (o.key == "labels") put(target.labels, o.entry, *o.value);
    else if (o.key == "contexts") put(target.contexts, o.entry, *o.value);
    else if (o.key == "extra-hosts") put(target.extra_hosts, o.entry, *o.value);
    else if (o.key == "secret") set_secret(target, o.entry, *o.value);
    else throw error(Errc::usage, "a target has no \"{}.{}\" to set", o.key, o.entry);
}

} // namespace

void set_attribute(BakeTarget& target, const std::string& name, const Value& value) {
    key_named(name).set(target, value);
}

Override parse_override(const std::string& text, const BakeOptions& options) {
    const std::size_t equals = text.find('=');
    std::string name = text.substr(0, equals);
    Override out;
    if (name.ends_with('+')) {
        out.append = true;
        name.pop_back();
    }
    const std::size_t dot = name.find('.');
    if (dot == std::string::npos)
        throw error(Errc::usage, "invalid override key {}, expected target.name", name)
            .with_hint("TARGET.KEY=VALUE, as in app.args.V=1");
    out.pattern = name.substr(0, dot);
    out.key = name.substr(dot + 1);
    if (const std::size_t second = out.key.find('.'); second != std::string::npos) {
        out.entry = out.key.substr(second + 1);
        out.key.resize(second);
    }
    if (equals != std::string::npos) out.value = text.substr(equals + 1);
    else if (out.key != "args") throw error(Errc::usage, "invalid override {}, expected target.name=value", text);
    else if (options.environment) out.value = options.environment(out.entry);
    const bool named = std::find(std::begin(keyed), std::end(keyed), out.key) != std::end(keyed);
    if (named && out.entry.empty())
        throw error(Errc::usage, "invalid key {}, {} requires name", name, out.key)
            .with_hint("TARGET." + out.key + ".NAME=VALUE");
    if (out.key == "secret" && out.append)
        throw error(Errc::usage, "invalid key {}, secret does not support append", name);
    for (const auto& [old, name] : {std::pair{"platform", "platforms"}, {"outputs", "output"}})
        if (out.key == old) out.key = name;
    return out;
}

void apply(BakeTarget& target, const Override& o, std::vector<std::string>& cleared) {
    if (!o.entry.empty()) return apply_entry(target, o);
    const std::string& value = *o.value;
    if (o.key == "push") return set_push(target.outputs, truth_of(Value::of(value)));
    if (o.key == "load") return set_load(target.outputs, truth_of(Value::of(value)));
    std::vector<std::string>* list = list_of(target, o.key == "secrets" ? "secret" : o.key);
    if (!list) {
        key_named(o.key).set(target, Value::of(value));
        return;
    }
    if (!o.append && std::find(cleared.begin(), cleared.end(), o.key) == cleared.end()) {
        list->clear();
        cleared.push_back(o.key);
    }
    if (!value.empty()) list->push_back(value);
}

} // namespace davit::baking

#include "bake/overrides.hpp"

#include "base/build_entries.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace davit::baking {

namespace {

// Where a secret that the file declares comes from: "env=X", "src=FILE".
void set_secret(BakeTarget& target, const std::string& id, const std::string& value) {
    for (std::string& secret : target.secrets) {
        if (parse_secret_entry(secret).id != id) continue;
        SecretEntry next = parse_secret_entry(value);
        if (!next.id.empty() && next.id != id)
            throw error(Errc::usage, "secret override id \"{}\" does not match declared secret \"{}\"", next.id, id);
        next.id = id;
        secret = to_string(next);
        return;
    }
    throw error(Errc::usage, "secret \"{}\" must be declared before it can be overridden", id);
}

std::string type_of(const std::string& output) { return parse_output_entry(output).type; }

// true: beside what goes to the machine's own store it is pushed. What goes elsewhere stays as it is.
void set_push(std::vector<std::string>& outputs, bool push) {
    if (!push) std::erase_if(outputs, [](const std::string& o) { return type_of(o) == "registry"; });
    const bool adds = push && std::all_of(outputs.begin(), outputs.end(),
                                          [](const std::string& o) { return type_of(o) == "docker"; });
    for (std::string& output : outputs) {
        BuildEntry entry = parse_output_entry(output);
        if (entry.type != "image") continue;
        entry.fields["push"] = push ? "true" : "false";
        output = to_string(entry);
    }
    if (adds) outputs.emplace_back("type=image,push=true");
}

void set_load(std::vector<std::string>& outputs, bool load) {
    if (!load) return;
    for (const std::string& output : outputs) {
        const BuildEntry entry = parse_output_entry(output);
        if (entry.type == "docker" && !entry.fields.count("dest")) return;
        if (entry.type != "docker" && entry.type != "image" && entry.type != "registry" && entry.type != "oci") return;
    }
    outputs.emplace_back("type=docker");
}

bool truth_for(const std::string& key, const std::string& value) {
    if (const auto truth = parse_go_bool(value)) return *truth;
    throw error(Errc::usage, "invalid value {} for boolean key {}", value, key);
}

// --set has other names for some; others it has not.
std::string attribute_for(const std::string& key) {
    if (key == "platform") return "platforms";
    if (key == "secrets") return "secret";
    for (const char* foreign : {"platforms", "secret", "dockerfile-inline", "description", "inherits"})
        if (key == foreign) return "";
    return key;
}

void apply_entry(Part& part, const Override& o) {
    if (!o.value) return;
    BakeTarget& t = part.target;
    if (o.key == "secret") return set_secret(t, o.entry, *o.value);
    part.has.insert(o.key);
    if (o.key == "args") put_pair(t.args, o.entry, *o.value);
    else if (o.key == "labels") put_pair(t.labels, o.entry, *o.value);
    else if (o.key == "contexts") put_pair(t.contexts, o.entry, *o.value);
    else if (o.key == "extra-hosts") put_pair(t.extra_hosts, o.entry, *o.value);
    else if (o.key != "resources") throw error(Errc::usage, "unknown key: {}", o.key);
}

struct ListOverride {
    std::vector<std::string> values;
    bool append = false;
};

void apply_list(Part& part, const std::string& key, const ListOverride& o) {
    const std::string name = attribute_for(key);
    std::vector<std::string>& list = *list_named(part.target, name);
    const bool adds = o.append || key == "entitlements" || key == "annotations" || key == "attest";
    if (!adds) list.clear();
    for (const std::string& value : o.values) {
        try {
            for (std::string& entry : entries_of(name, value)) list.push_back(std::move(entry));
        } catch (const Error& e) {
            if (key != "attest" && key != "output" && key != "secrets" && key != "ssh") throw;
            throw error(Errc::usage, "invalid value for {}: {}", key == "attest" ? key : "outputs", e.what());
        }
    }
    part.has.insert(name);
    if (key == "attest") normalize_list(name, list);
}

void apply_value(Part& part, const Override& o) {
    const std::string& key = o.key;
    if (key == "push" || key == "load") return; // behind the others
    if (key == "no-cache") part.target.no_cache = truth_for(key, *o.value);
    else if (key == "pull") part.target.pull = truth_for(key, *o.value);
    else if (key == "policy") return;
    else if (key == "labels" || key == "extra-hosts")
        throw error(Errc::usage, "invalid format for {0}, expecting {0}.<{1}>=<{2}>", key,
                    key == "labels" ? "name" : "hostname", key == "labels" ? "value" : "ip");
    else {
        constexpr std::string_view texts[] = {"call", "context", "dockerfile", "network", "shm-size", "target"};
        if (std::find(std::begin(texts), std::end(texts), key) == std::end(texts))
            throw error(Errc::usage, "unknown key: {}", key);
        set_attribute(part, key, Value::of(*o.value));
    }
    part.has.insert(key);
}

} // namespace

Override parse_override(const std::string& text, const BakeOptions& options) {
    const std::size_t equals = text.find('=');
    const std::string written = text.substr(0, equals);
    std::string name = written;
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
    const std::size_t second = out.key.find('.');
    if (second != std::string::npos) {
        out.entry = out.key.substr(second + 1);
        out.key.resize(second);
    }
    if (equals != std::string::npos) out.value = text.substr(equals + 1);
    else if (out.key != "args") throw error(Errc::usage, "invalid override {}, expected target.name=value", text);
    else if (options.environment) out.value = options.environment(out.entry);
    const bool named = out.key == "args" || out.key == "contexts" || out.key == "secret" || out.key == "resources";
    if (named && second == std::string::npos)
        throw error(Errc::usage, "invalid key {}, {} requires name", written, out.key)
            .with_hint("TARGET." + out.key + ".NAME=VALUE");
    if ((out.key == "secret" || out.key == "resources") && out.append)
        throw error(Errc::usage, "invalid key {}, {} does not support append", written, out.key);
    return out;
}

void apply(Part& part, const std::vector<Override>& overrides) {
    std::map<std::string, ListOverride> lists;
    std::vector<const Override*> last;
    for (const Override& o : overrides) {
        const std::string name = attribute_for(o.key);
        if (o.key != "secret" && (name.empty() || o.key == "platforms"))
            throw error(Errc::usage, "unknown key: {}", o.key);
        if (!o.entry.empty()) {
            if (o.key == "secret") last.push_back(&o); // may name one of `secrets`
            else apply_entry(part, o);
        } else if (list_named(part.target, name)) {
            lists[o.key].values.push_back(o.value.value_or(""));
            lists[o.key].append = o.append;
        } else {
            apply_value(part, o);
        }
    }
    for (const auto& [key, one] : lists) apply_list(part, key, one);
    for (const Override* o : last) apply_entry(part, *o);
    for (const Override& o : overrides) {
        if (o.key != "push" && o.key != "load") continue;
        (o.key == "push" ? set_push : set_load)(part.target.outputs, truth_for(o.key, *o.value));
        part.has.insert("output");
    }
}

} // namespace davit::baking

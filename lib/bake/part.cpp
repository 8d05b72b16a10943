#include "bake/part.hpp"

#include "base/build_entries.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <utility>

namespace davit::baking {

namespace {

using Texts = std::vector<std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

struct ListKey {
    const char* name;
    Texts BakeTarget::*at;
    bool adds_up;
    enum class Of { words, outputs, caches, attests, secrets, agents } of = Of::words;
};

constexpr ListKey lists[] = {
    {"annotations", &BakeTarget::annotations, true},
    {"attest", &BakeTarget::attests, true, ListKey::Of::attests},
    {"cache-from", &BakeTarget::cache_from, true, ListKey::Of::caches},
    {"cache-to", &BakeTarget::cache_to, false, ListKey::Of::caches},
    {"entitlements", &BakeTarget::entitlements, true},
    {"no-cache-filter", &BakeTarget::no_cache_filter, true},
    {"output", &BakeTarget::outputs, false, ListKey::Of::outputs},
    {"platforms", &BakeTarget::platforms, false},
    {"secret", &BakeTarget::secrets, true, ListKey::Of::secrets},
    {"ssh", &BakeTarget::ssh, true, ListKey::Of::agents},
    {"tags", &BakeTarget::tags, false},
    {"ulimits", &BakeTarget::ulimits, true},
};

template <typename Member>
struct PartKey {
    const char* name;
    Member BakeTarget::*at;
};
constexpr PartKey<std::string> plain_texts[] = {{"context", &BakeTarget::context},
                                                {"description", &BakeTarget::description},
                                                {"dockerfile", &BakeTarget::dockerfile}};
constexpr PartKey<std::optional<std::string>> optional_texts[] = {{"call", &BakeTarget::call},
                                                                  {"dockerfile-inline", &BakeTarget::dockerfile_inline},
                                                                  {"network", &BakeTarget::network},
                                                                  {"shm-size", &BakeTarget::shm_size},
                                                                  {"target", &BakeTarget::target}};
constexpr PartKey<std::optional<bool>> truths[] = {{"no-cache", &BakeTarget::no_cache}, {"pull", &BakeTarget::pull}};
constexpr PartKey<Pairs> pair_lists[] = {
    {"contexts", &BakeTarget::contexts}, {"extra-hosts", &BakeTarget::extra_hosts}, {"labels", &BakeTarget::labels}};

template <typename Key, std::size_t N>
const Key* find_key(const Key (&table)[N], const std::string& name) {
    for (const Key& key : table)
        if (name == key.name) return &key;
    return nullptr;
}

// {type = "local", dest = "x"} is an entry, too; null values are none.
std::string entry_text(ListKey::Of of, const Value& v) {
    if (of == ListKey::Of::agents) {
        SshEntry out;
        if (const Value* id = v.find("id"); id && !id->is(Value::Kind::null)) out.id = text_of(*id);
        if (const Value* paths = v.find("paths"))
            for (const Value& path : paths->list) out.paths.push_back(text_of(path));
        return to_string(out);
    }
    if (of == ListKey::Of::secrets) {
        SecretEntry out;
        const std::pair<const char*, std::string*> members[] = {
            {"id", &out.id}, {"src", &out.file}, {"env", &out.environment}};
        for (const auto& [key, member] : members)
            if (const Value* found = v.find(key); found && !found->is(Value::Kind::null)) *member = text_of(*found);
        return to_string(out);
    }
    BuildEntry out;
    for (const auto& [key, value] : v.object) {
        if (value.is(Value::Kind::null)) continue;
        if (key == "type") out.type = text_of(value);
        else if (key != "disabled" || truth_of(value)) out.fields[key] = text_of(value);
    }
    if (out.type.empty()) throw error(Errc::usage, "type is required");
    return to_string(out);
}

Texts texts_of(const ListKey& key, const Value& v) {
    Texts out;
    if (!v.is(Value::Kind::list)) return entries_of(key.name, text_of(v));
    for (const Value& one : v.list) {
        if (one.is(Value::Kind::null)) continue;
        if (one.is(Value::Kind::object) && key.of != ListKey::Of::words) {
            out.push_back(entry_text(key.of, one));
            continue;
        }
        const std::string text = text_of(one);
        if (key.of == ListKey::Of::words) out.push_back(text);
        else
            for (std::string& entry : entries_of(key.name, text)) out.push_back(std::move(entry));
    }
    return out;
}

// The first one of each stays; empty ones go.
void drop_repeated(Texts& list) {
    Texts out;
    for (std::string& one : list)
        if (!one.empty() && std::find(out.begin(), out.end(), one) == out.end()) out.push_back(std::move(one));
    list = std::move(out);
}

// From the end: what comes again is replaced by the last one, as buildx does it.
void drop_equal_entries(Texts& list) {
    for (std::size_t i = list.size(); i-- > 0;)
        for (std::size_t j = i + 1; j < list.size(); ++j)
            if (list[i] == list[j]) {
                if (j + 1 != list.size()) std::swap(list[j], list.back());
                list.pop_back();
                break;
            }
}

std::string identity_of(ListKey::Of of, const std::string& entry) {
    if (of == ListKey::Of::secrets) return parse_secret_entry(entry).id;
    return of == ListKey::Of::agents ? parse_ssh_entry(entry).id : parse_attest_entry(entry).type;
}

// The later one of an id stands in the place of the first.
void drop_same_ids(ListKey::Of of, Texts& list) {
    std::vector<std::pair<std::string, std::string>> out;
    for (const std::string& entry : list) put_pair(out, identity_of(of, entry), entry);
    list.clear();
    for (auto& [unused, entry] : out) list.push_back(std::move(entry));
}

void set_args(Part& part, const Value& v) {
    part.target.args.clear();
    for (const auto& [key, value] : v.object)
        if (!value.is(Value::Kind::null)) part.target.args.emplace_back(key, text_of(value));
}

} // namespace

Texts entries_of(const std::string& attribute, const std::string& text) {
    const ListKey* key = find_key(lists, attribute);
    if (!key || key->of == ListKey::Of::words) return {text};
    if (text.empty()) return {};
    Texts out;
    switch (key->of) {
    case ListKey::Of::outputs: return {to_string(parse_output_entry(text))};
    case ListKey::Of::attests: return {to_string(parse_attest_entry(text))};
    case ListKey::Of::secrets: return {to_string(parse_secret_entry(text))};
    case ListKey::Of::agents: return {to_string(parse_ssh_entry(text))};
    default:
        for (const BuildEntry& entry : parse_cache_entries(text)) out.push_back(to_string(entry));
        return out;
    }
}

void normalize_list(const std::string& attribute, Texts& list) {
    const ListKey* key = find_key(lists, attribute);
    if (!key) return;
    if (key->of == ListKey::Of::words) drop_repeated(list);
    else if (key->of == ListKey::Of::outputs || key->of == ListKey::Of::caches) drop_equal_entries(list);
    else drop_same_ids(key->of, list);
}

Texts* list_named(BakeTarget& target, const std::string& attribute) {
    const ListKey* key = find_key(lists, attribute);
    return key ? &(target.*(key->at)) : nullptr;
}

void set_attribute(Part& part, const std::string& name, const Value& value) {
    if (value.is(Value::Kind::null)) return;
    BakeTarget& t = part.target;
    if (name == "args") set_args(part, value);
    else if (const auto* list = find_key(lists, name)) t.*(list->at) = texts_of(*list, value);
    else if (const auto* plain = find_key(plain_texts, name)) t.*(plain->at) = text_of(value);
    else if (const auto* text = find_key(optional_texts, name)) t.*(text->at) = text_of(value);
    else if (const auto* truth = find_key(truths, name)) t.*(truth->at) = truth_of(value);
    else if (const auto* map = find_key(pair_lists, name)) {
        (t.*(map->at)).clear();
        for (const auto& [key, one] : value.object)
            if (!one.is(Value::Kind::null)) (t.*(map->at)).emplace_back(key, text_of(one));
    } else return;
    part.has.insert(name);
}

Part part_of(BakeTarget target) {
    Part out{std::move(target), {}, {}};
    const auto note = [&](const char* name, bool said) {
        if (said) out.has.insert(name);
    };
    for (const auto& key : lists) note(key.name, !(out.target.*(key.at)).empty());
    for (const auto& key : plain_texts) note(key.name, !(out.target.*(key.at)).empty());
    for (const auto& key : optional_texts) note(key.name, (out.target.*(key.at)).has_value());
    for (const auto& key : truths) note(key.name, (out.target.*(key.at)).has_value());
    for (const auto& key : pair_lists) note(key.name, !(out.target.*(key.at)).empty());
    note("args", !out.target.args.empty());
    return out;
}

void merge(Part& to, const Part& from) {
    for (const std::string& name : from.has) {
        if (name == "args") {
            for (const auto& [key, value] : from.target.args) put_pair(to.target.args, key, value);
        } else if (const auto* list = find_key(lists, name)) {
            Texts& all = to.target.*(list->at);
            const Texts& more = from.target.*(list->at);
            if (!list->adds_up) all.clear();
            const bool both = !all.empty();
            all.insert(all.end(), more.begin(), more.end());
            if (both && list->of != ListKey::Of::words) normalize_list(name, all);
        } else if (const auto* plain = find_key(plain_texts, name)) {
            if (const auto& text = from.target.*(plain->at); name != "description" || !text.empty())
                to.target.*(plain->at) = text;
        } else if (const auto* text = find_key(optional_texts, name)) {
            to.target.*(text->at) = from.target.*(text->at);
        } else if (const auto* truth = find_key(truths, name)) {
            to.target.*(truth->at) = from.target.*(truth->at);
        } else if (const auto* map = find_key(pair_lists, name)) {
            for (const auto& [key, value] : from.target.*(map->at)) put_pair(to.target.*(map->at), key, value);
        }
        to.has.insert(name);
    }
    to.inherits.insert(to.inherits.end(), from.inherits.begin(), from.inherits.end());
}

void normalize(BakeTarget& target) {
    if (target.network == "host") target.entitlements.emplace_back("network.host");
    for (const auto& key : lists) normalize_list(key.name, target.*(key.at));
    std::erase_if(target.contexts, [](const auto& one) { return one.second.empty(); });
}

} // namespace davit::baking

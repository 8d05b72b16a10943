// What differs between two revisions, by service and attribute.
#include "davit/revisions.hpp"

#include "reconcile/hashes.hpp"
#include "reconcile/service_shape.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

namespace davit {

namespace {

using nlohmann::json;

bool holds_a_secret(const json& value) {
    if (value.is_string()) return looks_like_a_credential(value.get_ref<const std::string&>());
    if (value.is_object())
        return std::any_of(value.items().begin(), value.items().end(),
                           [](const auto& item) { return looks_secret(item.key()) || holds_a_secret(item.value()); });
    return value.is_array() && std::any_of(value.begin(), value.end(), holds_a_secret);
}

bool is_list_of_things(const json* value) {
    return value && value->is_array() &&
           std::any_of(value->begin(), value->end(), [](const json& e) { return e.is_object(); });
}

std::string text_of(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

class Difference {
public:
    explicit Difference(std::vector<RevisionChange>& out) : out_(out) {}

    void section(const char* name, const char* key, const json& from, const json& to) {
        const json a = from.value(key, json::object()), b = to.value(key, json::object());
        section_ = name;
        for (const auto& entry : keys(&a, &b)) {
            name_ = entry;
            attributes("", below(&a, entry), below(&b, entry));
        }
    }

private:
    static std::set<std::string> keys(const json* a, const json* b) {
        std::set<std::string> out;
        for (const json* map : {a, b})
            if (map && map->is_object())
                for (const auto& [key, unused] : map->items()) out.insert(key);
        return out;
    }
    static const json* below(const json* map, const std::string& key) {
        return map && map->is_object() && map->contains(key) ? &map->at(key) : nullptr;
    }

    void attributes(const std::string& path, const json* a, const json* b) {
        if (a && b && *a == *b) return;
        const bool maps = (!a || a->is_object()) && (!b || b->is_object());
        if (maps && !keys(a, b).empty()) {
            for (const auto& key : keys(a, b))
                attributes(path.empty() ? key : path + (path.find(' ') == std::string::npos ? " " : ".") + key,
                           below(a, key), below(b, key));
            return;
        }
        RevisionChange change{section_, name_, path, {}, {}, false};
        change.hidden = looks_secret(path) || (a && holds_a_secret(*a)) || (b && holds_a_secret(*b));
        if (is_list_of_things(a) || is_list_of_things(b)) elements(a, b, change);
        else {
            if (a) change.before.push_back(text_of(*a));
            if (b) change.after.push_back(text_of(*b));
        }
        if (change.hidden) {
            change.before.assign(change.before.empty() ? 0 : 1, "");
            change.after.assign(change.after.empty() ? 0 : 1, "");
        }
        out_.push_back(std::move(change));
    }

    // Ports, mounts …: those that one side alone has.
    static void elements(const json* a, const json* b, RevisionChange& change) {
        auto missing = [](const json* in, const json& element) {
            return !in || !in->is_array() || std::find(in->begin(), in->end(), element) == in->end();
        };
        for (const json* side : {a, b}) {
            if (!side || !side->is_array()) continue;
            auto& lines = side == a ? change.before : change.after;
            for (const json& element : *side)
                if (missing(side == a ? b : a, element)) lines.push_back(text_of(element));
        }
    }

    std::vector<RevisionChange>& out_;
    std::string section_, name_;
};

void add_images(const Revision& from, const Revision& to, std::vector<RevisionChange>& out) {
    auto id_in = [](const Revision& revision, const std::string& service) {
        for (const auto& image : revision.images)
            if (image.service == service) return image.id;
        return std::string();
    };
    std::set<std::string> services;
    for (const auto* revision : {&from, &to})
        for (const auto& image : revision->images)
            if (!image.service.empty()) services.insert(image.service);
    for (const auto& service : services) {
        const std::string a = id_in(from, service), b = id_in(to, service);
        if (a == b) continue;
        RevisionChange change{"service", service, "image id", {}, {}, false};
        if (!a.empty()) change.before.push_back(text_of(a));
        if (!b.empty()) change.after.push_back(text_of(b));
        out.push_back(std::move(change));
    }
}

// By their keyed hashes: enough to see that they differ.
void add_contents(const Revision& from, const Revision& to, std::vector<RevisionChange>& out) {
    constexpr std::size_t shown = 12;
    using Key = std::pair<RevisionContent::Kind, std::string>;
    auto find = [](const Revision& revision, const Key& key) -> const RevisionContent* {
        for (const auto& content : revision.contents)
            if (content.kind == key.first && content.key == key.second) return &content;
        return nullptr;
    };
    auto text = [&](const RevisionContent& c) {
        return c.hash.empty() ? std::string("unknown") : fmt::format("{} ({} bytes)", c.hash.substr(0, shown), c.size);
    };
    std::set<Key> keys;
    for (const auto* revision : {&from, &to})
        for (const auto& content : revision->contents) keys.emplace(content.kind, content.key);
    for (const Key& key : keys) {
        const auto *a = find(from, key), *b = find(to, key);
        if (a && b && a->hash == b->hash) continue;
        const bool secret = key.first == RevisionContent::Kind::secret;
        RevisionChange change{secret ? "secret" : "config", key.second, "content", {}, {}, false};
        if (a) change.before.push_back(text(*a));
        if (b) change.after.push_back(text(*b));
        out.push_back(std::move(change));
    }
}

// Contents stand in the model as their hashes: add_contents() tells of them.
void drop_contents(json& model) {
    if (!model.contains("configs")) return;
    for (auto& config : model["configs"])
        if (config.is_object()) config.erase("content");
}

} // namespace

std::vector<RevisionChange> changes_between(const Revision& from, const Revision& to) {
    auto parsed = [](const Revision& revision) {
        auto model = json::parse(revision.model, nullptr, false);
        if (!model.is_object()) model = json::object();
        drop_contents(model);
        if (const auto services = model.find("services"); services != model.end())
            for (auto& service : *services) service = in_plain_shape(std::move(service));
        return model;
    };
    const json a = parsed(from), b = parsed(to);
    std::vector<RevisionChange> out;
    Difference difference(out);
    difference.section("service", "services", a, b);
    add_images(from, to, out);
    difference.section("network", "networks", a, b);
    difference.section("volume", "volumes", a, b);
    difference.section("config", "configs", a, b);
    difference.section("secret", "secrets", a, b);
    add_contents(from, to, out);
    std::stable_sort(out.begin(), out.end(), [](const auto& x, const auto& y) {
        auto rank = [](const std::string& s) {
            return s == "service" ? 0 : s == "network" ? 1 : s == "volume" ? 2 : s == "config" ? 3 : 4;
        };
        return std::pair(rank(x.section), x.name) < std::pair(rank(y.section), y.name);
    });
    return out;
}

} // namespace davit

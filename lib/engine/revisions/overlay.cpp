#include "engine/revisions/overlay.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace davit {

namespace {

using nlohmann::json;

template <typename T, typename Same>
void add_missing(std::vector<T>& to, const std::vector<T>& from, Same&& same) {
    for (const T& one : from)
        if (std::none_of(to.begin(), to.end(), [&](const T& there) { return same(there, one); })) to.push_back(one);
}

// Networks, volumes … that only services of before know.
void add_shared_things(json& to, const json& from) {
    for (const char* section : {"networks", "volumes", "configs", "secrets"}) {
        const auto there = from.find(section);
        if (there == from.end() || !there->is_object()) continue;
        for (const auto& [key, value] : there->items())
            if (!to[section].contains(key)) to[section][key] = value;
    }
}

} // namespace

void keep_untouched(Revision& now, const Revision& before, const std::set<std::string>& services) {
    auto model = json::parse(now.model, nullptr, false);
    const auto old = before.model.empty() ? json::object() : json::parse(before.model, nullptr, false);
    if (model.is_discarded() || old.is_discarded()) return;
    const json known = old.value("services", json::object());
    bool any = false;
    for (const auto& service : services) {
        if (known.contains(service)) {
            model["services"][service] = known[service];
            any = true;
        } else {
            model["services"].erase(service);
        }
        std::erase_if(now.images, [&](const auto& image) { return image.service == service; });
        for (const auto& image : before.images)
            if (image.service == service) now.images.push_back(image);
        if (const auto scale = before.scale.find(service); scale != before.scale.end()) now.scale.insert(*scale);
    }
    if (any) {
        add_shared_things(model, old);
        add_missing(now.contents, before.contents,
                    [](const auto& a, const auto& b) { return a.kind == b.kind && a.key == b.key; });
        add_missing(now.images, before.images, [](const auto& a, const auto& b) {
            return a.service == b.service && (!a.service.empty() || a.reference == b.reference);
        });
    }
    now.model = model.dump(2);
}

} // namespace davit

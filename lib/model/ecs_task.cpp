#include "model/ecs_task.hpp"

#include <algorithm>

namespace davit {

namespace {

const Value* find(const Value::Map& map, const char* key) {
    const auto it = std::find_if(map.begin(), map.end(), [&](const auto& m) { return m.first == key; });
    return it == map.end() ? nullptr : &it->second;
}

template <typename T>
T member(const Value::Map& map, const char* key, T otherwise) {
    const Value* found = find(map, key);
    if (!found) return otherwise;
    if (const T* value = std::get_if<T>(&found->data)) return *value;
    if constexpr (std::is_same_v<T, double>)
        if (const auto* whole = std::get_if<std::int64_t>(&found->data)) return static_cast<double>(*whole);
    return otherwise;
}

std::vector<int> numbers(const Value::Map& map, const char* key) {
    std::vector<int> out;
    const Value* found = find(map, key);
    if (const auto* list = found ? std::get_if<Value::List>(&found->data) : nullptr)
        for (const Value& v : *list)
            if (const auto* n = std::get_if<std::int64_t>(&v.data)) out.push_back(static_cast<int>(*n));
    return out;
}

} // namespace

std::optional<EcsTask> ecs_task_of(const Service& service) {
    const auto it = service.extensions.find(ecs_task_key);
    if (it == service.extensions.end()) return std::nullopt;
    const auto* map = std::get_if<Value::Map>(&it->second.data);
    if (!map) return std::nullopt;
    EcsTask out;
    out.name = member<std::string>(*map, "name", {});
    out.family = member<std::string>(*map, "family", {});
    out.revision = static_cast<int>(member<std::int64_t>(*map, "revision", 0));
    out.container = member<std::string>(*map, "container", service.name);
    out.essential = member<bool>(*map, "essential", false);
    out.network = member<bool>(*map, "network", false);
    out.metadata = member<bool>(*map, "metadata", false);
    out.cpu = member<double>(*map, "cpu", 0);
    out.memory = member<std::int64_t>(*map, "memory", 0);
    out.start_timeout = member<std::int64_t>(*map, "start_timeout", 0);
    out.restart_after = member<std::int64_t>(*map, "restart_after", 0);
    out.copy = static_cast<int>(member<std::int64_t>(*map, "copy", 1));
    out.ignored_exit_codes = numbers(*map, "ignored_exit_codes");
    return out;
}

} // namespace davit

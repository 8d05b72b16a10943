// What the loader of ECS task definitions says of a service: x-davit-task.
#include "container/builder.hpp"

#include <algorithm>

namespace davit {

namespace {

template <typename T>
T member(const Value::Map& map, const char* key, T otherwise) {
    const auto it = std::find_if(map.begin(), map.end(), [&](const auto& m) { return m.first == key; });
    if (it == map.end()) return otherwise;
    if (const T* value = std::get_if<T>(&it->second.data)) return *value;
    if constexpr (std::is_same_v<T, double>)
        if (const auto* whole = std::get_if<std::int64_t>(&it->second.data)) return static_cast<double>(*whole);
    return otherwise;
}

} // namespace

// What `run` starts beside a task is none of its containers.
void ContainerBuilder::ecs_task() {
    const auto it = service_.extensions.find("x-davit-task");
    if (it == service_.extensions.end() || out_.record.oneoff) return;
    const auto* map = std::get_if<Value::Map>(&it->second.data);
    if (!map) return;
    EcsRecord& r = out_.record.ecs.emplace();
    r.task = member<std::string>(*map, "name", {});
    r.family = member<std::string>(*map, "family", {});
    r.revision = static_cast<int>(member<std::int64_t>(*map, "revision", 0));
    r.container = member<std::string>(*map, "container", service_.name);
    r.essential = member<bool>(*map, "essential", false);
    r.network = member<bool>(*map, "network", false);
    r.metadata = member<bool>(*map, "metadata", false);
    r.cpu = member<double>(*map, "cpu", 0);
    r.memory = member<std::int64_t>(*map, "memory", 0);
}

} // namespace davit

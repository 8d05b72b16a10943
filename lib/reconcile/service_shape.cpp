#include "reconcile/service_shape.hpp"
#include "davit/labels.hpp"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

namespace davit {

namespace {

using nlohmann::json;

json variables(const json& env) {
    json out = json::object();
    for (const json& entry : env) {
        if (!entry.is_string()) continue;
        const auto text = entry.get<std::string>();
        const auto equals = text.find('=');
        out[text.substr(0, equals)] = equals == std::string::npos ? json() : json(text.substr(equals + 1));
    }
    return out;
}

void take_container(json& to, const json& task) {
    const json container = task.value("ContainerSpec", json::object());
    for (const auto& [key, value] : container.items()) {
        if (key == "Env" && value.is_array()) to["Env"] = variables(value);
        else if (key == "Labels") to["ContainerLabels"] = value;
        else if (key != "Davit") to[key] = value;
    }
}

void take_mode(json& to, const json& mode) {
    if (!mode.is_object()) return;
    for (const auto& [kind, numbers] : mode.items()) {
        if (kind != "Replicated") to["Mode"] = kind;
        for (const auto& [key, value] : numbers.items()) to[key] = value;
    }
}

} // namespace

json in_plain_shape(json service) {
    const auto task = service.is_object() ? service.find("TaskTemplate") : service.end();
    if (!service.is_object() || task == service.end() || !task->is_object()) return service;
    json out = json::object();
    take_container(out, *task);
    for (const auto& [key, value] : task->items())
        if (key != "ContainerSpec" && key != "ForceUpdate" && key != "Runtime") out[key] = value;
    take_mode(out, service.value("Mode", json::object()));
    const json endpoint = service.value("EndpointSpec", json::object());
    for (const auto& [key, value] : endpoint.items()) out[key == "Mode" ? "EndpointMode" : key] = value;
    for (const char* key : {"UpdateConfig", "RollbackConfig"})
        if (service.contains(key)) out[key] = service[key];
    const json own = service.value("Davit", json::object());
    for (const auto& [key, value] : own.items()) out[key] = value;
    if (json labels = service.value("Labels", json::object()); labels.is_object()) {
        labels.erase(label::stack_image);
        if (!labels.empty()) out["Labels"] = std::move(labels);
    }
    return out;
}

} // namespace davit

#include "reconcile/labels.hpp"

#include <set>
#include <sstream>

namespace davit::label {

Labels of_user(Labels labels) {
    std::erase_if(labels, [](const auto& label) { return label.first.starts_with(of_compose); });
    return labels;
}

namespace {

const char* condition_name(DependencyCondition condition) {
    switch (condition) {
    case DependencyCondition::started: return "service_started";
    case DependencyCondition::healthy: return "service_healthy";
    case DependencyCondition::completed_successfully: return "service_completed_successfully";
    case DependencyCondition::completed: return "service_completed";
    }
    return "service_started";
}

DependencyCondition condition_from(const std::string& name) {
    if (name == "service_healthy") return DependencyCondition::healthy;
    if (name == "service_completed_successfully") return DependencyCondition::completed_successfully;
    if (name == "service_completed") return DependencyCondition::completed;
    return DependencyCondition::started;
}

} // namespace

std::string depends_on_text(const std::map<std::string, Dependency>& dependencies) {
    std::string out;
    for (const auto& [name, dependency] : dependencies) {
        if (!out.empty()) out += ',';
        out += name + ':' + condition_name(dependency.condition) + (dependency.restart ? ":true" : ":false");
    }
    return out;
}

std::string image_volumes_text(const std::map<std::string, std::string>& ids) {
    std::set<std::string> entries; // in their order as texts
    for (const auto& [target, id] : ids) entries.insert(target + '=' + id);
    std::string out;
    for (const std::string& entry : entries) out += (out.empty() ? "" : ",") + entry;
    return out;
}

std::map<std::string, Dependency> parse_depends_on(const std::string& text) {
    std::map<std::string, Dependency> out;
    std::istringstream list(text);
    for (std::string item; std::getline(list, item, ',');) {
        std::istringstream fields(item);
        std::string name, condition, restart;
        std::getline(fields, name, ':');
        std::getline(fields, condition, ':');
        std::getline(fields, restart, ':');
        if (name.empty()) continue;
        Dependency dependency;
        dependency.condition = condition_from(condition);
        dependency.restart = restart == "true";
        out.emplace(name, dependency);
    }
    return out;
}

} // namespace davit::label

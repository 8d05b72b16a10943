#include "reconcile/observed.hpp"

#include <algorithm>

namespace davit {

const ObservedContainer* ObservedState::find(const std::string& id) const {
    auto it = std::find_if(containers.begin(), containers.end(), [&](const auto& c) { return c.record.id == id; });
    return it == containers.end() ? nullptr : &*it;
}

std::set<std::string> ObservedState::ids() const {
    std::set<std::string> out;
    for (const auto& c : containers) out.insert(c.record.id);
    return out;
}

std::vector<const ObservedContainer*> ObservedState::of_service(const std::string& service) const {
    std::vector<const ObservedContainer*> out;
    for (const auto& c : containers)
        if (c.record.service == service && !c.record.oneoff) out.push_back(&c);
    return out;
}

namespace {

std::string container_of(const std::string& mode) {
    constexpr std::string_view prefix = "container:";
    return mode.compare(0, prefix.size(), prefix) == 0 ? mode.substr(prefix.size()) : std::string();
}

} // namespace

std::vector<std::string> foreign_containers(const Project& project) {
    std::vector<std::string> out;
    auto add = [&](const std::string& name) {
        if (!name.empty() && std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    };
    for (const auto& [unused, s] : project.services) {
        for (const auto* mode : {&s.network_mode, &s.ipc, &s.pid}) add(container_of(*mode));
        for (const auto& from : s.volumes_from) {
            std::string name = container_of(from);
            add(name.substr(0, name.find(':')));
        }
        for (const auto& link : s.external_links) add(link.substr(0, link.find(':')));
    }
    return out;
}

} // namespace davit

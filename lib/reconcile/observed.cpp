#include "reconcile/observed.hpp"

#include "base/shared_with.hpp"

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

std::vector<std::string> foreign_containers(const Project& project) {
    std::vector<std::string> out;
    auto add = [&](std::string_view name) {
        if (!name.empty() && std::find(out.begin(), out.end(), name) == out.end()) out.emplace_back(name);
    };
    for (const auto& [unused, s] : project.services) {
        for (const auto* mode : {&s.network_mode, &s.ipc, &s.pid})
            if (const SharedWith other = SharedWith::parse(*mode); other.is_container()) add(other.name);
        for (const auto& from : s.volumes_from)
            if (const SharedWith other = VolumesFrom::parse(from).of; other.is_container()) add(other.name);
        for (const auto& link : s.external_links) add(link.substr(0, link.find(':')));
    }
    return out;
}

} // namespace davit

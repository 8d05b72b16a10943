#include "plan/observed.hpp"

#include <algorithm>
#include <tuple>

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

bool names(const ContainerRecord& record, const std::string& name) {
    return record.name == name || (name.size() >= 12 && record.id.compare(0, name.size(), name) == 0);
}

void look_abroad(const RecordStore& store, const ObserveWishes& wishes, ObservedState& state) {
    for (const auto& name : list_directory(store.roots().projects())) {
        const bool own = name == state.project;
        for (auto& record : store.containers(name)) {
            for (const auto& wanted : wishes.foreign)
                if (names(record, wanted) && !state.foreign.count(wanted))
                    state.foreign.emplace(wanted, ObservedContainer{record, store.status(record)});
            if (!wishes.in_use || own) continue;
            for (const auto& endpoint : record.endpoints) state.networks_in_use.insert(endpoint.network);
            for (const auto& mount : record.mounts)
                if (mount.type == "volume") state.volumes_in_use.insert(mount.name);
        }
    }
}

std::string container_of(const std::string& mode) {
    constexpr std::string_view prefix = "container:";
    return mode.compare(0, prefix.size(), prefix) == 0 ? mode.substr(prefix.size()) : std::string();
}

} // namespace

std::vector<ObservedContainer> observe_containers(const RecordStore& store, const std::string& project) {
    std::vector<ObservedContainer> out;
    for (auto& record : store.containers(project)) {
        ContainerStatus status = store.status(record);
        out.push_back({std::move(record), std::move(status)});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
        return std::tie(a.record.service, a.record.oneoff, a.record.number, a.record.created) <
               std::tie(b.record.service, b.record.oneoff, b.record.number, b.record.created);
    });
    return out;
}

ObservedState observe(const RecordStore& store, const std::string& project, const ObserveWishes& wishes) {
    ObservedState state;
    state.project = project;
    state.containers = observe_containers(store, project);
    for (auto& network : store.networks()) state.networks.emplace(network.name, network);
    for (auto& volume : store.volumes()) state.volumes.emplace(volume.name, volume);
    if (!wishes.foreign.empty() || wishes.in_use) look_abroad(store, wishes, state);
    return state;
}

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

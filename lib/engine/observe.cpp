#include "engine/observe.hpp"

#include "network/builtin.hpp"

#include <algorithm>
#include <tuple>

namespace davit {

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
    NetworkRecord bridge = builtin_network("bridge", store.roots().run);
    bridge.subnet4.clear(); // nobody has it before its first container makes it
    state.networks.emplace("bridge", std::move(bridge));
    for (auto& volume : store.volumes()) state.volumes.emplace(volume.name, volume);
    if (!wishes.foreign.empty() || wishes.in_use) look_abroad(store, wishes, state);
    return state;
}

} // namespace davit

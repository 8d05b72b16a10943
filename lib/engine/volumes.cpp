#include "davit/volumes.hpp"

#include "base/error.hpp"
#include "engine/roots.hpp"
#include "project/store.hpp"
#include "reconcile/plan_builder.hpp"

namespace davit {

namespace {

void remove(Engine& engine, const VolumeInfo& volume) {
    if (volume.project.empty()) { // made for nobody in particular: no supervisor owns it
        RecordStore(roots_of(engine)).remove_volume(volume.name);
        return;
    }
    PlanBuilder plan(volume.project);
    plan.add(OpKind::remove_volume, "volume:" + volume.compose_name, "asked for").volume = volume.name;
    engine.apply(plan.take());
}

} // namespace

std::map<std::string, std::string> volumes_in_use(Engine& engine) {
    std::map<std::string, std::string> out;
    for (const ContainerInfo& c : engine.all_containers())
        for (const AttachedMount& m : c.mounts)
            if (!m.name.empty()) out.emplace(m.name, c.name);
    return out;
}

VolumeInfo volume(Engine& engine, const std::string& name) {
    for (VolumeInfo& v : engine.volumes())
        if (v.name == name) return std::move(v);
    throw error(Errc::not_found, "no such volume: {}", name);
}

void remove_volume(Engine& engine, const std::string& name) {
    const auto used = volumes_in_use(engine);
    if (const auto user = used.find(name); user != used.end())
        throw error(Errc::conflict, "volume {} is in use by container {}", name, user->second);
    remove(engine, volume(engine, name));
}

void prune_volumes(Engine& engine, bool all, const std::function<void(const VolumeInfo&)>& removed) {
    const auto used = volumes_in_use(engine);
    for (const VolumeInfo& v : engine.volumes()) {
        if (used.count(v.name) || (!all && !v.anonymous)) continue;
        remove(engine, v);
        if (removed) removed(v);
    }
}

} // namespace davit

#include "davit/volumes.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "davit/labels.hpp"
#include "engine/disk_survey.hpp"
#include "engine/events/record.hpp"
#include "engine/roots.hpp"
#include "project/store.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <fmt/ranges.h>

namespace davit {

namespace {

void remove(Engine& engine, const VolumeInfo& volume, const std::stop_token& stop) {
    heed(stop);
    if (volume.project.empty()) { // made for nobody in particular: no supervisor owns it
        const Roots roots = roots_of(engine);
        RecordStore(roots).remove_volume(volume.name);
        record_event(roots, {sys::realtime_ns(), "volume", "destroy", volume.name, {{"driver", volume.driver}}});
        return;
    }
    PlanBuilder plan(volume.project);
    plan.add(OpKind::remove_volume, "volume:" + volume.compose_name, "asked for").volume = volume.name;
    engine.apply(plan.take(), stop);
}

void check_volume_name(const std::string& name) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    };
    const bool right = letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
                           return letter(c) || c == '_' || c == '.' || c == '-';
                       });
    if (!right || name.size() > 255)
        throw error(Errc::invalid_project,
                    "create {}: \"{}\" includes invalid characters for a local volume name, only "
                    "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute "
                    "path",
                    name, name);
    if (name.size() < 2)
        throw error(Errc::invalid_project,
                    "create {}: volume name is too short, names should be at least two alphanumeric characters", name);
}

// Docker's local driver knows these, and what each needs beside it.
void check_options(const std::string& name, const std::map<std::string, std::string>& options) {
    for (const auto& [key, value] : options)
        if (key != "type" && key != "o" && key != "device" && key != "size")
            throw error(Errc::invalid_project, "create {}: invalid option: \"{}\"", name, key);
    if (options.contains("size"))
        throw error(Errc::unsupported, "create {}: quota size requested but no quota support", name)
            .with_hint("for a volume in memory say so in its options: o=size=100m");
    const auto needs = [&](const char* key, const char* beside) {
        if (options.contains(key) && !options.contains(beside))
            throw error(Errc::invalid_project, "create {}: missing required option: \"{}\"", name, beside);
    };
    needs("device", "type");
    needs("type", "device");
    needs("o", "device");
    needs("o", "type");
}

VolumeInfo info_of(const VolumeRecord& r, const Roots& roots) {
    VolumeInfo v;
    v.name = r.name;
    v.project = r.project;
    v.compose_name = r.compose_name;
    v.driver = r.driver;
    v.driver_opts = r.driver_opts;
    v.mountpoint = roots.volume_data(r.name);
    v.anonymous = r.anonymous;
    v.labels = r.labels;
    v.created = r.created;
    return v;
}

} // namespace

std::vector<VolumeInfo> Engine::volumes(const std::string& project) {
    const Roots roots = roots_of(*this);
    std::vector<VolumeInfo> out;
    for (const auto& r : RecordStore(roots).volumes())
        if (project.empty() || r.project == project) out.push_back(info_of(r, roots));
    return out;
}

VolumeInfo create_volume(Engine& engine, const VolumeSpec& spec) {
    const Roots roots = roots_of(engine);
    make_roots(roots);
    const RecordStore store(roots);
    VolumeRecord record;
    record.name = spec.name.empty() ? sys::random_hex(64) : spec.name;
    record.anonymous = spec.name.empty();
    record.driver = spec.driver.empty() ? "local" : spec.driver;
    record.driver_opts = spec.driver_opts;
    record.labels = spec.labels;
    if (record.anonymous) record.labels.emplace(label::anonymous, "");
    record.created = sys::realtime_ns();
    check_volume_name(record.name);
    if (record.driver != "local")
        throw error(Errc::not_found, "create {0}: error looking up volume plugin {1}: plugin \"{1}\" not found",
                    record.name, record.driver);
    if (const auto there = store.volume(record.name)) return info_of(*there, roots);
    check_options(record.name, record.driver_opts);
    store.create(record);
    record_event(roots, {record.created, "volume", "create", record.name, {{"driver", record.driver}}});
    return info_of(store.volume(record.name).value_or(record), roots);
}

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
    throw error(Errc::not_found, "get {}: no such volume", name).with_resource("volume:" + name);
}

void remove_volume(Engine& engine, const std::string& name, std::stop_token stop) {
    std::vector<std::string> users;
    for (const ContainerInfo& c : engine.all_containers())
        if (std::any_of(c.mounts.begin(), c.mounts.end(), [&](const AttachedMount& m) { return m.name == name; }))
            users.push_back(c.id);
    if (!users.empty())
        throw error(Errc::conflict, "remove {}: volume is in use - [{}]", name, fmt::join(users, ", "))
            .with_resource("volume:" + name);
    remove(engine, volume(engine, name), stop);
}

void prune_volumes(Engine& engine, bool all, const std::function<void(const VolumeInfo&)>& removed,
                   std::stop_token stop) {
    prune_volumes(
        engine, [all](const VolumeInfo& v) { return all || v.anonymous; },
        [&](const VolumeInfo& v, std::uint64_t) {
            if (removed) removed(v);
        },
        std::move(stop));
}

void prune_volumes(Engine& engine, const std::function<bool(const VolumeInfo&)>& wanted,
                   const std::function<void(const VolumeInfo&, std::uint64_t)>& removed, std::stop_token stop) {
    const auto used = volumes_in_use(engine);
    const Roots roots = roots_of(engine);
    std::uint64_t all = 0;
    for (const VolumeInfo& v : engine.volumes()) {
        // What stands elsewhere, as its options say, was not made by itself: as docker, which keeps it too.
        if (used.contains(v.name) || !v.driver_opts.empty() || (wanted && !wanted(v))) continue;
        heed(stop);
        const std::uint64_t bytes = removed ? DiskSurvey().bytes(roots.volume_data(v.name)) : 0;
        remove(engine, v, stop);
        all += bytes;
        if (removed) removed(v, bytes);
    }
    record_prune(roots, "volume", all);
}

} // namespace davit

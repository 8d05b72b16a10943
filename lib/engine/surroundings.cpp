#include "engine/surroundings.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "engine/machine/machine.hpp"
#include "image/pull.hpp"
#include "runtime/host_devices.hpp"
#include "runtime/oci/document.hpp"

#include <algorithm>

namespace davit {

Donor MachineSurroundings::existing(const ContainerRecord& record) const {
    Donor donor{record, {}};
    const std::string file = ProjectPaths(store_.roots(), record.project).bundle(record.id);
    donor.mounts = runtime::spec_from_json(davit::read_file(file), file).mounts;
    return donor;
}

Donor MachineSurroundings::of_service(const std::string& service) {
    if (auto it = plan_.services.find(service); it != plan_.services.end() && !it->second.empty())
        return by_name(it->second.front());
    const auto replicas = observed_.of_service(service);
    if (replicas.empty())
        throw error(Errc::not_found, "no container found for service \"{}\"", service)
            .with_resource("service:" + service);
    return existing(replicas.front()->record);
}

Donor MachineSurroundings::by_name(const std::string& name) {
    if (auto it = made_.find(name); it != made_.end()) return it->second;
    for (const auto& made : plan_.containers) // one that replaces another has that one's name in the end
        if (auto it = made_.find(made.id); made.name == name && it != made_.end()) return it->second;
    for (const auto& c : observed_.containers)
        if (c.record.name == name || (name.size() >= 12 && c.record.id.compare(0, name.size(), name) == 0))
            return existing(c.record);
    if (auto it = observed_.foreign.find(name); it != observed_.foreign.end()) return existing(it->second.record);
    throw machine::no_such_container(name);
}

std::vector<std::string> MachineSurroundings::names_of(const std::string& service) {
    std::vector<std::string> out;
    auto it = plan_.services.find(service);
    if (it == plan_.services.end()) {
        for (const auto* c : observed_.of_service(service)) out.push_back(c->record.name);
        return out;
    }
    for (const auto& id : it->second) {
        if (const auto* c = observed_.find(id)) out.push_back(c->record.name);
        for (const auto& made : plan_.containers)
            if (made.id == id) out.push_back(made.name);
    }
    return out;
}

ImageFacts MachineSurroundings::image(const std::string& reference) {
    auto [it, fresh] = facts_.emplace(reference, ImageFacts{});
    if (!fresh) return it->second;
    const auto pinned = pinned_.find(reference);
    const auto found = images_.find(pinned == pinned_.end() ? reference : pinned->second);
    if (!found) {
        facts_.erase(it);
        auto missing = error(Errc::not_found, "No such image: {}", reference)
                           .with_hint(fmt::format("'davit image pull {}', or 'davit image load -i FILE'", reference));
        if (const auto parsed = registry::Reference::try_parse(reference))
            image::hint_at_others(missing, images_, *parsed);
        throw missing.with_resource("image:" + reference);
    }
    it->second = {found->id, found->config, images_.layer_paths(*found)};
    return it->second;
}

VolumeRecord MachineSurroundings::volume(const std::string& name) {
    auto it = observed_.volumes.find(name);
    const auto& made = plan_.volumes; // those of `run --volume` have their names as keys
    if (it == observed_.volumes.end() && std::find(made.begin(), made.end(), name) != made.end()) return VolumeRecord();
    if (it == observed_.volumes.end())
        throw error(Errc::not_found, "external volume \"{}\" not found", name).with_resource("volume:" + name);
    return it->second;
}

std::vector<cdi::File> MachineSurroundings::cdi_files() {
    std::vector<cdi::File> out;
    int priority = 0;
    for (const std::string directory : {"/etc/cdi", "/var/run/cdi"}) {
        std::vector<std::string> names = list_directory(directory);
        std::sort(names.begin(), names.end());
        for (const std::string& name : names) {
            if (!name.ends_with(".json") && !name.ends_with(".yaml") && !name.ends_with(".yml")) continue;
            if (auto text = read_file_if_exists(directory + "/" + name))
                out.push_back({directory + "/" + name, std::move(*text), priority});
        }
        ++priority;
    }
    return out;
}

std::string MachineSurroundings::read_file(const std::string& path) { return davit::read_file(path); }

std::vector<runtime::Device> MachineSurroundings::devices(const std::string& path) {
    return runtime::host_devices(path);
}

std::string MachineSurroundings::new_volume_name() { return sys::random_hex(64); }

void MachineSurroundings::made(const BuiltContainer& container) {
    Donor donor{container.record, container.spec.mounts};
    made_.insert_or_assign(container.record.id, std::move(donor));
}

} // namespace davit

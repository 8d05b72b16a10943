#include "engine/scope/isolate.hpp"

#include "base/shared_with.hpp"
#include "model/image_reference.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace davit {

namespace {

// container:NAME of one of the project's own containers means the service by now.
void follow_container(std::string& mode, const std::map<std::string, std::string>& services) {
    const SharedWith with = SharedWith::parse(mode);
    if (!with.is_container()) return;
    if (const auto it = services.find(std::string(with.name)); it != services.end()) mode = mode_of_service(it->second);
}

void rename_service(Service& service, const Project& before, const std::map<std::string, std::string>& named) {
    // What was built under the old name need not be built again.
    if (service.image.empty() && service.build) service.image = image_reference(before, service);
    for (std::string* mode : {&service.network_mode, &service.pid, &service.ipc}) follow_container(*mode, named);
    if (service.container_name.empty()) return;
    for (auto& [key, network] : service.networks) {
        if (!network) network.emplace();
        network->aliases.push_back(service.container_name);
    }
    service.container_name.clear();
}

} // namespace

Project renamed(const Project& project, const std::string& name) {
    Project out = project;
    out.name = name;
    std::map<std::string, std::string> named; // container_name → service
    for (const auto* services : {&project.services, &project.disabled_services})
        for (const auto& [key, service] : *services)
            if (!service.container_name.empty()) named.emplace(service.container_name, key);
    for (auto* services : {&out.services, &out.disabled_services})
        for (auto& [key, service] : *services) rename_service(service, project, named);
    const auto rename = [&name](auto& things) {
        for (auto& [key, thing] : things)
            if (!thing.external) thing.name = name + "_" + key;
    };
    rename(out.networks);
    rename(out.volumes);
    rename(out.secrets);
    rename(out.configs);
    return out;
}

void free_ports(Project& project) {
    for (auto& [unused, service] : project.services)
        for (Port& port : service.ports) port.published.clear();
}

} // namespace davit

#include "davit/inspect.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "davit/images.hpp"
#include "davit/networks.hpp"
#include "engine/bundle.hpp"
#include "engine/inspect/container.hpp"
#include "engine/inspect/json_parts.hpp"
#include "engine/roots.hpp"
#include "project/store.hpp"

namespace davit {

std::string inspect(Engine& engine, const ContainerInfo& container,
                    const std::function<void(const std::string&)>& warning) {
    const Roots roots = roots_of(engine);
    const RecordStore store(roots);
    documents::Inspected of;
    of.info = container;
    of.record = store.container(container.project, container.id).value_or(ContainerRecord{});
    of.status = store.status(of.record);
    of.checks = engine.health_log(container);
    of.directory = ProjectPaths(roots, container.project).container(container.id);
    try {
        of.spec = spec_of(roots, container);
        if (const auto image = find_image(engine, container.image_id)) of.image = image->config;
    } catch (const Error& e) {
        if (warning) warning(e.describe());
    }
    for (const EndpointRecord& endpoint : of.record.endpoints)
        if (auto network = store.network(endpoint.network)) of.networks.emplace(endpoint.network, std::move(*network));
    for (const MountRecord& mount : of.record.mounts)
        if (mount.type == "volume") of.volumes.emplace(mount.name, roots.volume_data(mount.name));
    return documents::text_of(documents::container(of));
}

std::string inspect(Engine& engine, const NetworkInfo& n) {
    using documents::Json;
    Json ipam = Json::array(), containers = Json::object();
    for (const std::string& subnet : n.subnets) ipam.push_back({{"Subnet", subnet}});
    for (const ContainerInfo& c : containers_of(engine, n))
        for (const AttachedNetwork& a : c.networks)
            if (a.name == n.name && c.pid)
                containers[c.id] = {
                    {"Name", c.name}, {"MacAddress", a.mac}, {"IPv4Address", a.ipv4}, {"IPv6Address", a.ipv6}};
    const Json document = {{"Name", n.name},
                           {"Id", n.id},
                           {"Created", rfc3339_nano(n.created)},
                           {"Scope", "local"},
                           {"Driver", n.driver},
                           {"EnableIPv6", n.enable_ipv6},
                           {"IPAM", {{"Driver", "default"}, {"Config", ipam}}},
                           {"Internal", n.internal},
                           {"Containers", containers},
                           {"Labels", n.labels}};
    return documents::text_of(document);
}

std::string inspect(const VolumeInfo& v) {
    const documents::Json document = {{"CreatedAt", rfc3339_nano(v.created)},
                                      {"Driver", v.driver},
                                      {"Labels", v.labels},
                                      {"Mountpoint", v.mountpoint},
                                      {"Name", v.name},
                                      {"Options", nullptr},
                                      {"Scope", "local"}};
    return documents::text_of(document);
}

} // namespace davit

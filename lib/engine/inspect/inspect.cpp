#include "davit/inspect.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "davit/images.hpp"
#include "davit/networks.hpp"
#include "davit/swarm_objects.hpp"
#include "engine/bundle.hpp"
#include "engine/inspect/container.hpp"
#include "engine/inspect/image.hpp"
#include "engine/inspect/json_parts.hpp"
#include "engine/roots.hpp"
#include "net/address.hpp"
#include "network/builtin.hpp"
#include "project/store.hpp"

#include <set>

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
    const ProjectPaths paths(roots, container.project);
    of.directory = paths.container(container.id);
    of.request = read_file_if_exists(paths.request(container.id)).value_or("");
    try {
        of.spec = spec_of(roots, container);
        if (const auto image = find_image(engine, container.image_id)) {
            of.image = image->config;
            of.manifest = documents::image_manifest(image::Store(roots.images()), *image);
        }
    } catch (const Error& e) {
        if (warning) warning(e.describe());
    }
    for (const EndpointRecord& endpoint : of.record.endpoints)
        if (auto network = store.network(endpoint.network)) of.networks.emplace(endpoint.network, std::move(*network));
    for (const MountRecord& mount : of.record.mounts)
        if (mount.type == "volume") of.volumes.emplace(mount.name, roots.volume_data(mount.name));
    return documents::text_of(documents::container(of));
}

namespace {

using documents::Json;

Json ipam_of(const NetworkInfo& n) {
    Json config = Json::array();
    for (const NetworkPool& pool : n.pools) {
        Json one = {{"Subnet", pool.subnet}};
        if (!pool.ip_range.empty()) one["IPRange"] = pool.ip_range;
        if (!pool.gateway.empty()) one["Gateway"] = pool.gateway;
        if (!pool.aux_addresses.empty()) one["AuxiliaryAddresses"] = pool.aux_addresses;
        config.push_back(std::move(one));
    }
    if (config.empty()) config = nullptr;
    return {{"Driver", "default"},
            {"Options", is_builtin(n) || n.scope == "swarm" ? Json() : Json::object()},
            {"Config", config}};
}

// "10.1.0.5" on a network of 10.1.0.0/16 → "10.1.0.5/16".
std::string with_prefix(const std::string& address, const NetworkInfo& n) {
    if (address.empty()) return "";
    const bool v6 = address.find(':') != std::string::npos;
    for (const std::string& subnet : n.subnets)
        if ((subnet.find(':') != std::string::npos) == v6) return address + subnet.substr(subnet.find('/'));
    return address;
}

Json containers_on(Engine& engine, const NetworkInfo& n) {
    Json out = Json::object();
    const bool alone = is_builtin(n) && n.name != "bridge"; // host, none: nobody has an address there
    for (const ContainerInfo& c : containers_of(engine, n)) {
        if (alone && c.pid)
            out[c.id] = {{"Name", c.name},
                         {"EndpointID", sha256_hex(c.id + n.id)},
                         {"MacAddress", ""},
                         {"IPv4Address", ""},
                         {"IPv6Address", ""}};
        for (const AttachedNetwork& a : c.networks)
            if (a.name == n.name && c.pid)
                out[c.id] = {{"Name", c.name},
                             {"EndpointID", sha256_hex(c.id + n.id)},
                             {"MacAddress", a.mac},
                             {"IPv4Address", with_prefix(a.ipv4, n)},
                             {"IPv6Address", with_prefix(a.ipv6, n)}};
    }
    return out;
}

// How many addresses of one subnet are taken, and how many of those that containers get are free.
Json use_of(const NetworkPool& pool, const net::Subnet& subnet, const Json& containers) {
    std::set<net::IpAddress> taken{subnet.base()};
    if (!subnet.is_v6()) taken.insert(subnet.last());
    const auto take = [&](const std::string& text) {
        if (const auto address = net::IpAddress::try_parse(text.substr(0, text.find('/'))))
            if (subnet.contains(*address)) taken.insert(*address);
    };
    take(pool.gateway);
    for (const auto& [name, address] : pool.aux_addresses) take(address);
    for (const auto& [id, container] : containers.items())
        for (const char* family : {"IPv4Address", "IPv6Address"}) take(container.at(family).get<std::string>());
    const net::Subnet range = net::Subnet::try_parse(pool.ip_range).value_or(subnet);
    const int free_bits = range.base().bits() - range.prefix();
    std::uint64_t free = free_bits >= 64 ? UINT64_MAX : std::uint64_t{1} << free_bits;
    for (const net::IpAddress& address : taken)
        if (range.contains(address)) --free;
    return {{"IPsInUse", taken.size()}, {"DynamicIPsAvailable", free}};
}

Json addresses_in_use(const NetworkInfo& n, const Json& containers) {
    Json subnets = Json::object();
    for (const NetworkPool& pool : n.pools)
        if (const auto subnet = net::Subnet::try_parse(pool.subnet))
            subnets[pool.subnet] = use_of(pool, *subnet, containers);
    return subnets.empty() ? Json::object() : Json{{"Subnets", subnets}};
}

// Whose configuration it has.
std::string configuration_of(Engine& engine, const NetworkInfo& n) {
    const auto record = RecordStore(roots_of(engine)).network(n.name);
    const auto from = record ? record->labels.find(config_from_label) : Labels::const_iterator();
    return record && from != record->labels.end() ? from->second : std::string();
}

// Go's map[string]string.
Json map_or_null(const std::map<std::string, std::string>& map) { return map.empty() ? Json() : Json(map); }

} // namespace

std::string inspect(Engine& engine, const NetworkInfo& n) {
    const Json on_it = containers_on(engine, n);
    const Json document = {{"Name", n.name},
                           {"Id", n.id},
                           {"Created", rfc3339_nano(n.created)},
                           {"Scope", n.scope},
                           {"Driver", n.driver},
                           {"EnableIPv4", n.enable_ipv4},
                           {"EnableIPv6", n.enable_ipv6},
                           {"IPAM", ipam_of(n)},
                           {"Internal", n.internal},
                           {"Attachable", n.attachable},
                           {"Ingress", n.scope == "swarm" && n.name == swarm::ingress_name},
                           {"ConfigFrom", {{"Network", configuration_of(engine, n)}}},
                           {"ConfigOnly", n.driver == "null" && !is_builtin(n)},
                           {"Options", n.driver_opts},
                           {"Labels", n.labels},
                           {"Containers", on_it},
                           {"Status", {{"IPAM", addresses_in_use(n, on_it)}}}};
    return documents::text_of(document);
}

std::string inspect(const VolumeInfo& v) {
    const Json document = {{"CreatedAt", rfc3339_nano(v.created / 1'000'000'000 * 1'000'000'000)},
                           {"Driver", v.driver},
                           {"Labels", map_or_null(v.labels)},
                           {"Mountpoint", v.mountpoint},
                           {"Name", v.name},
                           {"Options", map_or_null(v.driver_opts)},
                           {"Scope", "local"}};
    return documents::text_of(document);
}

} // namespace davit

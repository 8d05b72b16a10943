#include "davit/networks.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/network_drivers.hpp"
#include "base/shared_with.hpp"
#include "base/sys.hpp"
#include "engine/events/record.hpp"
#include "engine/network_info.hpp"
#include "engine/roots.hpp"
#include "net/bridge.hpp"
#include "net/netlink.hpp"
#include "net/state.hpp"
#include "net/taken.hpp"
#include "network/builtin.hpp"
#include "network/drivers.hpp"
#include "network/options.hpp"
#include "network/subnets.hpp"
#include "project/store.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <linux/netlink.h>
#include <unistd.h>

namespace davit {

NetworkInfo info_of(const NetworkRecord& r) {
    NetworkInfo n;
    n.name = r.name;
    n.id = r.id;
    n.project = r.project;
    n.compose_name = r.compose_name;
    n.driver = r.driver;
    n.driver_opts = r.driver_opts;
    for (const auto& [subnet, gateway] : {std::pair(&r.subnet4, &r.gateway4), std::pair(&r.subnet6, &r.gateway6)}) {
        if (subnet->empty()) continue;
        n.subnets.push_back(*subnet);
        NetworkPool& pool = n.pools.emplace_back();
        pool.subnet = *subnet;
        pool.gateway = *gateway;
        for (const auto& asked : r.ipam)
            if (asked.subnet == *subnet) pool.ip_range = asked.ip_range, pool.aux_addresses = asked.aux_addresses;
    }
    n.internal = r.internal;
    n.enable_ipv4 = r.enable_ipv4;
    n.enable_ipv6 = r.enable_ipv6;
    n.attachable = r.attachable;
    if (!r.scope.empty()) n.scope = r.scope;
    n.leaving = r.leaving;
    n.labels = r.labels;
    n.labels.erase(config_from_label);
    n.created = r.created;
    return n;
}

bool is_builtin(const NetworkInfo& network) { return is_builtin_network(network.name); }

namespace {

bool is_active(const ContainerInfo& c) {
    return c.state == ContainerState::running || c.state == ContainerState::paused ||
           c.state == ContainerState::restarting;
}

bool is_on(const ContainerInfo& c, const NetworkInfo& network) {
    if (network.driver == "host" || network.driver == "null") return c.network_mode == network.name;
    return std::any_of(c.networks.begin(), c.networks.end(),
                       [&](const AttachedNetwork& a) { return a.name == network.name; });
}

void check_spec(const NetworkSpec& spec) {
    if (spec.name.find_first_not_of(" \t") == std::string::npos)
        throw error(Errc::invalid_project, "invalid name: name is empty");
    if (SharedWith::parse(spec.name).is_container())
        throw error(Errc::invalid_project, "network name \"{}\" is reserved and cannot be created", spec.name);
    if (spec.name == "default") throw error(Errc::denied, "operation is not permitted on predefined default network");
    if (is_builtin_network(spec.name))
        throw error(Errc::denied, "operation is not permitted on predefined {} network", spec.name);
    check_name("network", spec.name);
    if (spec.config_only && (spec.internal || spec.attachable))
        throw error(Errc::invalid_project,
                    "configuration network can only contain network specific fields. Network operator fields like [ "
                    "ingress | internal | attachable | scope ] are not supported.");
    if (!spec.enable_ipv4 && !spec.enable_ipv6 && spec.driver == "bridge")
        throw error(Errc::invalid_project, "IPv4 or IPv6 must be enabled");
    if (spec.driver == "host" || spec.driver == "null")
        throw error(Errc::invalid_project, "only one instance of \"{}\" network is allowed", spec.driver);
    if (spec.driver == "overlay" || !has_driver(spec.driver))
        throw error(Errc::unsupported, "plugin \"{}\" not found", spec.driver)
            .with_hint("davit has the drivers " + network_driver_list());
    for (const IpamPool& pool : spec.pools) {
        if (pool.subnet.empty())
            throw error(Errc::invalid_project, "every ip-range or gateway must have a corresponding subnet");
        const auto block = net::Subnet::try_parse(pool.subnet);
        if (block && pool.subnet.find('.') != std::string::npos && block->to_string() != pool.subnet)
            throw error(Errc::invalid_project, "invalid network config:\ninvalid subnet {}: it should be {}",
                        pool.subnet, block->to_string());
    }
}

// A network that is a configuration only has the driver null, which else only `none` has.
bool is_configuration(const NetworkRecord& record) {
    return record.driver == "null" && !is_builtin_network(record.name);
}

// What the configuration says, of which the network may say nothing itself.
void take_configuration(NetworkRecord& record, const NetworkSpec& spec, const std::vector<NetworkRecord>& others) {
    if (spec.config_only)
        throw error(Errc::invalid_project, "a configuration network cannot depend on another configuration network");
    const auto found = std::find_if(others.begin(), others.end(), [&](const NetworkRecord& r) {
        return is_configuration(r) && r.name == spec.config_from;
    });
    if (!spec.pools.empty() || !spec.driver_opts.empty() || !spec.labels.empty() || spec.enable_ipv6)
        throw error(
            Errc::invalid_project,
            "user-specified configurations are not supported if the network depends on a configuration network");
    if (found == others.end())
        throw error(Errc::not_found, "configuration network \"{}\" does not exist", spec.config_from);
    record.ipam = found->ipam;
    record.driver_opts = found->driver_opts;
    record.labels = found->labels;
    record.enable_ipv4 = found->enable_ipv4;
    record.enable_ipv6 = found->enable_ipv6;
    record.labels[config_from_label] = spec.config_from;
}

NetworkRecord record_of(const NetworkSpec& spec) {
    NetworkRecord r;
    r.name = spec.name;
    r.id = sys::random_hex(64);
    r.driver = spec.driver;
    r.driver_opts = spec.driver_opts;
    r.labels = spec.labels;
    r.internal = spec.internal;
    r.attachable = spec.attachable;
    r.enable_ipv4 = spec.enable_ipv4;
    r.enable_ipv6 = spec.enable_ipv6;
    for (const IpamPool& pool : spec.pools)
        r.ipam.push_back({pool.subnet, pool.ip_range, pool.gateway, pool.aux_addresses});
    r.created = sys::realtime_ns();
    return r;
}

// Two networks on one bridge would be one.
void check_bridge_name(const NetworkRecord& record, const std::vector<NetworkRecord>& others) {
    const std::string name = network_options(record).bridge_name;
    for (const auto& other : others)
        if (!name.empty() && other.bridge == name)
            throw error(Errc::conflict, "conflicts with network {} ({}): networks have same bridge name", other.id,
                        other.name);
}

void check_parent(net::NetlinkSocket& host, const NetworkRecord& record, const std::vector<NetworkRecord>& others) {
    check_parent_use(record, others);
    const std::string parent = shared_network(record).parent;
    if (!parent.empty()) net::check_parent(host, {parent, {}});
}

// Its subnets and the name of its bridge, clear of what the machine has.
void lay_out(NetworkRecord& record, const std::vector<NetworkRecord>& others, const Roots& roots) {
    check_network_options(record);
    check_bridge_name(record, others);
    net::NetlinkSocket host(NETLINK_ROUTE);
    const bool shared = is_shared_driver(record.driver);
    if (shared) check_parent(host, record, others);
    // What shares a link has the addresses of that link's neighbours.
    auto taken = shared ? std::vector<net::Taken>() : net::observe_taken(host, {});
    for (auto& one : taken_by(others, record.name)) taken.push_back(std::move(one));
    const std::string bridge =
        network_options(record).bridge_name.empty() ? net::bridge_name({}, record.name, roots.run) : "";
    try {
        complete(record, taken, read_file_if_exists("/etc/machine-id").value_or(""));
    } catch (const Error& e) {
        if (e.kind() != Errc::conflict || record.ipam.empty()) throw;
        throw error(Errc::conflict, "invalid pool request: Pool overlaps with other one on this address space")
            .with_hint(e.what());
    }
    if (!bridge.empty() && (!shared || shared_network(record).parent.empty())) record.bridge = bridge;
}

} // namespace

NetworkInfo create_network(Engine& engine, const NetworkSpec& spec) {
    check_spec(spec);
    const Roots roots = roots_of(engine);
    make_roots(roots);
    const RecordStore store(roots);
    NetworkRecord record = record_of(spec);
    {
        const net::MachineLock machine = net::MachineLock::acquire(roots.run);
        if (store.network(spec.name))
            throw error(Errc::conflict, "network with name {} already exists", spec.name)
                .with_resource("network:" + spec.name);
        const auto others = store.networks();
        if (!spec.config_from.empty()) take_configuration(record, spec, others);
        if (spec.config_only) record.driver = "null";
        else lay_out(record, others, roots);
        store.write(record);
        machine.remove_if_unused();
    }
    ::rmdir(roots.run.c_str()); // where nothing runs nothing stays
    record_event(roots,
                 {record.created, "network", "create", record.id, {{"name", record.name}, {"type", record.driver}}});
    return info_of(record);
}

NetworkInfo network(Engine& engine, const std::string& name_or_id) {
    std::optional<NetworkInfo> by_id;
    for (NetworkInfo& n : engine.networks()) {
        if (n.name == name_or_id || n.id == name_or_id) return std::move(n);
        if (name_or_id.empty() || !n.id.starts_with(name_or_id)) continue;
        if (by_id) throw error(Errc::conflict, "network {} is ambiguous: several ids begin so", name_or_id);
        by_id = std::move(n);
    }
    if (!by_id) throw error(Errc::not_found, "network {} not found", name_or_id).with_resource("network:" + name_or_id);
    return std::move(*by_id);
}

std::vector<ContainerInfo> containers_of(Engine& engine, const NetworkInfo& network) {
    std::vector<ContainerInfo> all = engine.all_containers();
    std::erase_if(all, [&](const ContainerInfo& c) { return !is_on(c, network); });
    return all;
}

namespace {

void remove_record(const Roots& roots, const NetworkInfo& network) {
    {
        const net::MachineLock machine = net::MachineLock::acquire(roots.run);
        RecordStore(roots).remove_network(network.name);
        sys::remove_tree(roots.addresses() + "/" + network.name);
        machine.remove_if_unused();
    }
    ::rmdir(roots.addresses().c_str());
    ::rmdir(roots.run.c_str());
    record_event(
        roots,
        {sys::realtime_ns(), "network", "destroy", network.id, {{"name", network.name}, {"type", network.driver}}});
}

void remove(Engine& engine, const NetworkInfo& network, const std::vector<ContainerInfo>& users,
            const std::stop_token& stop) {
    heed(stop);
    if (is_builtin(network))
        throw error(Errc::denied, "{} is a pre-defined network and cannot be removed", network.name);
    for (const NetworkRecord& other : RecordStore(roots_of(engine)).networks())
        if (const auto from = other.labels.find(config_from_label);
            from != other.labels.end() && from->second == network.name)
            throw error(Errc::conflict, "error while removing network: configuration network \"{}\" is in use",
                        network.name);
    std::string endpoints, one;
    for (const ContainerInfo& c : users)
        if (is_active(c) && is_on(c, network)) {
            endpoints += fmt::format("{}name:\"{}\" id:\"{}\"", endpoints.empty() ? "" : ", ", c.name,
                                     sha256_hex(c.id + network.id).substr(0, 12)); // as inspect has its EndpointID
            one = c.name;
        }
    if (!endpoints.empty())
        throw error(Errc::conflict, "error while removing network: network {} has active endpoints ({})", network.name,
                    endpoints)
            .with_hint(
                fmt::format("stop the container, or take it off: davit network disconnect {} {}", network.name, one));
    if (network.project.empty()) return remove_record(roots_of(engine), network);
    PlanBuilder plan(network.project);
    plan.add(OpKind::remove_network, "network:" + network.compose_name, "asked for").network = network.name;
    engine.apply(plan.take(), stop);
}

} // namespace

void remove_network(Engine& engine, const std::string& name_or_id, std::stop_token stop) {
    about("network:" + name_or_id, [&] { remove(engine, network(engine, name_or_id), engine.all_containers(), stop); });
}

void prune_networks(Engine& engine, const std::function<bool(const NetworkInfo&)>& wanted,
                    const std::function<void(const NetworkInfo&)>& removed, std::stop_token stop) {
    const auto containers = engine.all_containers();
    for (const NetworkInfo& n : engine.networks()) {
        const auto used = [&](const ContainerInfo& c) { return is_active(c) && is_on(c, n); };
        // What is a configuration only is never used.
        if (is_builtin(n) || n.driver == "null" || n.scope == "swarm" || n.leaving || (wanted && !wanted(n))) continue;
        if (std::any_of(containers.begin(), containers.end(), used)) continue;
        try {
            remove(engine, n, containers, stop);
        } catch (const Error& e) {
            if (e.kind() != Errc::conflict) throw;
            continue; // somebody has just begun to use it
        }
        if (removed) removed(n);
    }
    record_prune(roots_of(engine), "network", 0);
}

} // namespace davit

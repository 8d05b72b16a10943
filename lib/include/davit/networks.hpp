// The networks of this machine: Engine::networks() lists them, and `bridge`, `host` and `none`, which are always there;
// here they are made, found, removed, and containers put on them. Those made here belong to no project: compose files
// name them as external, and they go only when they are removed. Blocks on the disk and on projects' supervisors;
// several threads may call at once. A stop ends the waiting for another command, and a prune between two networks:
// those that are gone stay gone (interrupted).
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "davit/project.hpp"

#include <functional>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct NetworkSpec {
    std::string name;
    std::string driver = "bridge";
    std::map<std::string, std::string> driver_opts; // com.docker.network.bridge.name …, parent, macvlan_mode …
    Labels labels;
    std::vector<IpamPool> pools; // one of a family at most; none: a free subnet is found
    bool internal = false, attachable = false;
    bool enable_ipv4 = true, enable_ipv6 = false;
    bool config_only = false; // no containers, and no link: others take what is in it …
    std::string config_from;  // … by its name
};
// Its bridge, or the VLAN that is its parent, is made by the first container on it. Errors: conflict (name or subnet
// taken), invalid_project (name, subnet, option), not_found (parent, configuration), unsupported (driver;
// overlay networks are Swarm::create_network()'s).
NetworkInfo create_network(Engine& engine, const NetworkSpec& spec);

// By name, or by the first digits of its id. Errors: not_found, conflict (several ids begin so).
NetworkInfo network(Engine& engine, const std::string& name_or_id);
// bridge, host, none.
bool is_builtin(const NetworkInfo& network);
// The containers of all projects that are attached to it, running or not.
std::vector<ContainerInfo> containers_of(Engine& engine, const NetworkInfo& network);
// Errors: not_found, conflict (a container that runs is attached to it), denied (bridge, host, none).
void remove_network(Engine& engine, const std::string& name_or_id, std::stop_token stop = {});
// Those that no running container is attached to and for which wanted (empty: all) is true, without those of stacks;
// calls removed after each.
void prune_networks(Engine& engine, const std::function<bool(const NetworkInfo&)>& wanted = {},
                    const std::function<void(const NetworkInfo&)>& removed = {}, std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop

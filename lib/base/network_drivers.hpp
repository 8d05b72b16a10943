// The drivers of networks that davit has, and the driver_opts that it acts on: what is refused, warned of, listed and
// told comes from here. What a driver does with a container's link stands in lib/network/drivers.cpp.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

inline constexpr std::string_view network_drivers[] = {"bridge", "macvlan", "ipvlan", "overlay"};

inline constexpr std::string_view acted_network_options[] = {
    "com.docker.network.bridge.name",
    "com.docker.network.driver.mtu",
    "com.docker.network.bridge.enable_icc",
    "com.docker.network.bridge.default_bridge",
    "com.docker.network.bridge.enable_ip_masquerade",
    "com.docker.network.bridge.gateway_mode_ipv4",
    "com.docker.network.container_iface_prefix",
    "parent", // of macvlan and ipvlan, as those that follow
    "macvlan_mode",
    "ipvlan_mode",
    "ipvlan_flag",
};

// Among a container's own options for a network: what its interface is called.
inline constexpr std::string_view endpoint_ifname = "com.docker.network.endpoint.ifname";

// "bridge, macvlan, ipvlan or overlay"
inline std::string network_driver_list() {
    std::string out;
    for (const std::string_view& name : network_drivers) {
        if (!out.empty()) out += &name == std::end(network_drivers) - 1 ? " or " : ", ";
        out += name;
    }
    return out;
}

// What an engine lists as its plugins: those, and the drivers of the networks host and none, in the alphabet's order.
inline std::vector<std::string> network_plugins() {
    std::vector<std::string> out(std::begin(network_drivers), std::end(network_drivers));
    out.insert(out.end(), {"host", "null"});
    std::sort(out.begin(), out.end());
    return out;
}

} // namespace davit

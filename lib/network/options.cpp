#include "network/options.hpp"

#include "base/error.hpp"

#include <charconv>

namespace davit {

namespace {

bool read_bool(const std::string& key, const std::string& value) {
    if (value == "true" || value == "1") return true;
    if (value == "false" || value == "0") return false;
    throw error(Errc::invalid_project, "network option {} is '{}'; it must be true or false", key, value);
}

unsigned read_number(const std::string& key, const std::string& value) {
    unsigned n = 0;
    auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), n);
    if (ec != std::errc() || end != value.data() + value.size())
        throw error(Errc::invalid_project,
                    "failed to parse {0} value: {1} (strconv.Atoi: parsing \"{1}\": invalid syntax)", key, value);
    return n;
}

} // namespace

NetworkOptions network_options(const NetworkRecord& record) {
    NetworkOptions o;
    o.shared = shared_network(record);
    const std::string prefix = "com.docker.network.";
    for (const auto& [key, value] : record.driver_opts) {
        if (key.rfind(prefix, 0) != 0) continue;
        std::string name = key.substr(prefix.size());
        if (name == "bridge.name") o.bridge_name = value;
        else if (name == "driver.mtu") o.mtu = read_number(key, value);
        else if (name == "bridge.enable_icc") o.icc = read_bool(key, value);
        else if (name == "bridge.default_bridge") o.default_bridge = read_bool(key, value);
        else if (name == "bridge.enable_ip_masquerade") o.masquerade = read_bool(key, value);
        else if (name == "bridge.gateway_mode_ipv4") {
            o.isolated = value == "isolated";
            if (value == "routed") o.masquerade = false;
        } else if (name == "container_iface_prefix") o.interface_prefix = value;
    }
    return o;
}

} // namespace davit

#include "network/options.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "net/address.hpp"

#include <algorithm>
#include <iterator>
#include <limits>
#include <string_view>

namespace davit {

namespace {

Error wrong(const std::string& key, const std::string& value, const std::string& why) {
    return error(Errc::invalid_project, "failed to parse {} value: {} ({})", key, value, why);
}

// As Go reads them.
bool read_bool(const std::string& key, const std::string& value) {
    for (const char* yes : {"true", "1", "t", "T", "TRUE", "True"})
        if (value == yes) return true;
    for (const char* no : {"false", "0", "f", "F", "FALSE", "False"})
        if (value == no) return false;
    throw wrong(key, value, fmt::format("strconv.ParseBool: parsing \"{}\": invalid syntax", value));
}

unsigned read_mtu(const std::string& key, const std::string& value) {
    const auto n = parse_int(value);
    if (!n) throw wrong(key, value, fmt::format("strconv.Atoi: parsing \"{}\": invalid syntax", value));
    if (*n < 0 || *n > std::numeric_limits<int>::max())
        throw error(Errc::invalid_project, "invalid MTU number: {}", value);
    return static_cast<unsigned>(*n);
}

void check_bridge_name(const std::string& name) {
    constexpr std::size_t longest = 15; // IFNAMSIZ
    if (name.size() > longest) throw error(Errc::invalid_project, "numerical result out of range");
    if (name == "." || name == ".." || name.find_first_of("/: \t\n") != std::string::npos)
        throw error(Errc::invalid_project, "invalid argument").with_hint("'" + name + "' cannot name an interface");
}

void check_gateway_mode(const std::string& key, const std::string& value, bool internal) {
    static constexpr std::string_view known[] = {"nat", "nat-unprotected", "routed", "isolated"};
    if (std::find(std::begin(known), std::end(known), value) == std::end(known))
        throw wrong(key, value, "unknown gateway mode " + value);
    if (value == "isolated" && !internal)
        throw error(Errc::invalid_project, "gateway mode 'isolated' can only be used for an internal network");
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
        else if (name == "driver.mtu") o.mtu = read_mtu(key, value);
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

void check_network_options(const NetworkRecord& record) {
    const NetworkOptions read = network_options(record);
    if (record.driver != "bridge") return;
    constexpr unsigned most = 65535; // of a bridge
    if (read.mtu > most) throw error(Errc::invalid_project, "invalid argument").with_hint("the MTU is at most 65535");
    check_bridge_name(read.bridge_name);
    for (const auto& [key, value] : record.driver_opts) {
        if (key == "com.docker.network.bridge.inhibit_ipv4") read_bool(key, value);
        if (key == "com.docker.network.bridge.host_binding_ipv4" && !net::IpAddress::try_parse(value))
            throw wrong(key, value, "nil ip");
        if (key.starts_with("com.docker.network.bridge.gateway_mode_ipv"))
            check_gateway_mode(key, value, record.internal);
    }
}

} // namespace davit

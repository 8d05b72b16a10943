#include "base/shared_with.hpp"
#include "docker/parts.hpp"
#include "docker/values.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "compose/short_forms.hpp"
#include "davit/short_forms.hpp"
#include "stack/flag_values.hpp"
#include "stack/short_forms.hpp"

#include <algorithm>
#include <cctype>
#include <set>

namespace davit::docker {

namespace {

// What is no network of the user's.
bool is_mode(const std::string& target) {
    return target.empty() || target == "default" || target == "bridge" || target == "host" || target == "none" ||
           SharedWith::parse(target).is_container();
}

// Six bytes in hexadecimal digits, by colons or dashes.
bool is_mac(const std::string& text) {
    constexpr std::size_t length = 17;
    if (text.size() != length || (text[2] != ':' && text[2] != '-')) return false;
    for (std::size_t i = 0; i < length; ++i)
        if (i % 3 == 2 ? text[i] != text[2] : !std::isxdigit(static_cast<unsigned char>(text[i]))) return false;
    return true;
}

// As it is kept: "02-42-AC-11-00-02" is 02:42:ac:11:00:02.
std::string plain_mac(std::string mac) {
    for (char& c : mac) c = c == '-' ? ':' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return mac;
}

void refuse_twice(const ContainerFlags& flags, const char* flag, bool in_network, const char* what) {
    if (flags.has(flag) && in_network)
        throw error(Errc::usage, "conflicting options: cannot specify both --{} and per-network {}", flag, what);
}

// --network-alias, --ip … are the first network's.
void add_plain_flags(const ContainerFlags& flags, NetworkUse& first) {
    ServiceNetwork& e = first.endpoint;
    refuse_twice(flags, "network-alias", !e.aliases.empty(), "alias");
    refuse_twice(flags, "ip", !e.ipv4_address.empty(), "IPv4 address");
    refuse_twice(flags, "ip6", !e.ipv6_address.empty(), "IPv6 address");
    refuse_twice(flags, "mac-address", !e.mac_address.empty(), "MAC address");
    refuse_twice(flags, "link-local-ip", !e.link_local_ips.empty(), "link-local IP addresses");
    for (const std::string& alias : flags.all("network-alias")) e.aliases.push_back(alias);
    if (flags.has("ip")) e.ipv4_address = flags.text("ip");
    if (flags.has("ip6")) e.ipv6_address = flags.text("ip6");
    if (flags.has("mac-address")) e.mac_address = flags.text("mac-address");
    for (const std::string& address : flags.all("link-local-ip")) e.link_local_ips.push_back(address);
}

std::vector<NetworkUse> networks_of(const ContainerFlags& flags) {
    std::vector<NetworkUse> out;
    for (const std::string& text : flags.all("network")) out.push_back(network_use(text));
    for (const NetworkUse& use : out)
        if (use.target.empty()) throw error(Errc::usage, "no name set for network");
    if (out.empty()) out.emplace_back().target = "default";
    add_plain_flags(flags, out.front());
    std::set<std::string> seen;
    for (const NetworkUse& use : out)
        if (!seen.insert(use.target).second)
            throw error(Errc::usage, "network \"{}\" is specified multiple times", use.target);
    const bool mode = std::any_of(out.begin(), out.end(), [](const auto& use) { return is_mode(use.target); });
    if (mode && out.size() > 1)
        throw error(Errc::usage,
                    "conflicting options: cannot attach both user-defined and non-user-defined network-modes");
    return out;
}

// The engine: only networks of the user's have names, and addresses to choose.
void check_mode(const NetworkUse& use) {
    const ServiceNetwork& e = use.endpoint;
    if (use.target == SharedWith::container_prefix)
        throw error(Errc::invalid_project, "invalid network mode: invalid container format container:<name|id>")
            .with_hint("container:NAME, as in  --network container:web");
    if (!e.aliases.empty())
        throw error(Errc::usage, "network-scoped aliases are only supported for user-defined networks")
            .with_hint("docker network create NAME, and --network NAME");
    if (!e.ipv4_address.empty() || !e.ipv6_address.empty())
        throw error(
            Errc::invalid_project,
            "invalid config for network {}: invalid endpoint settings:\n* user-specified IP address is supported "
            "on user-defined networks only\n* no configured subnet contains IP address {}",
            use.target == "default" ? "bridge" : use.target, e.ipv4_address.empty() ? e.ipv6_address : e.ipv4_address)
            .with_hint("docker network create --subnet … NAME, and --network NAME");
}

} // namespace

std::string network_mode(const ContainerFlags& flags) {
    const std::string target = networks_of(flags).front().target;
    return target == "default" ? "bridge" : target;
}

void take_networks(const ContainerFlags& flags, ContainerSpec& to) {
    Service& service = to.service;
    std::vector<NetworkUse> uses = networks_of(flags);
    for (NetworkUse& use : uses) {
        std::string& mac = use.endpoint.mac_address;
        if (!mac.empty() && !is_mac(mac)) throw error(Errc::usage, "{} is not a valid mac address", mac);
        mac = plain_mac(mac);
    }
    if (uses.size() == 1 && is_mode(uses[0].target)) {
        check_mode(uses[0]);
        service.network_mode = uses[0].target == "default" ? "bridge" : uses[0].target;
        service.mac_address = uses[0].endpoint.mac_address;
    } else {
        int priority = static_cast<int>(uses.size()); // they are connected in the order in which they are named
        for (NetworkUse& use : uses) {
            use.endpoint.priority = priority--;
            service.networks[use.target] = use.endpoint;
        }
    }
    service.links = flags.all("link");
}

std::vector<Port> published_ports(const ContainerFlags& flags) {
    std::vector<Port> out;
    for (const std::string& text : flags.all("publish")) try {
            if (text.find('=') != std::string::npos) {
                for (const swarm::PortConfig& port : stack::port_value(text)) {
                    Port& added = out.emplace_back();
                    added.target = port.target;
                    if (port.published) added.published = std::to_string(port.published);
                    added.protocol = port.protocol;
                }
                continue;
            }
            for (Port& port : parse_short_ports(text)) out.push_back(std::move(port));
            if (std::any_of(out.begin(), out.end(), [](const Port& port) { return port.target == 0; }))
                throw error(Errc::invalid_project, "invalid port specification: \"0/{}\"", out.back().protocol);
        } catch (const Error& e) {
            if (e.kind() == Errc::invalid_project) throw;
            throw error(Errc::usage, "{}", stack::why_no_port(text)).with_hint(e.what());
        }
    return out;
}

namespace {

void check_exposed(const std::string& text) {
    const auto refuse = [](const std::string& why) {
        throw error(Errc::usage, "invalid range format for --expose: {}", why);
    };
    const auto number = [&](const char* end, const std::string& digits) {
        constexpr std::int64_t highest = 65535;
        const bool written = !digits.empty() && digits.find_first_not_of("0123456789") == std::string::npos;
        if (!written) refuse(fmt::format("invalid {} port '{}': invalid syntax", end, digits));
        const auto read = parse_int(digits);
        if (!read || *read > highest) refuse(fmt::format("invalid {} port '{}': value out of range", end, digits));
        return *read;
    };
    if (text.empty()) refuse("invalid port range: value is empty");
    const std::string numbers = text.substr(0, text.find('/'));
    const std::size_t dash = numbers.find('-');
    const std::int64_t first = number("start", numbers.substr(0, dash));
    if (dash != std::string::npos && number("end", numbers.substr(dash + 1)) < first)
        refuse("invalid port range: " + text);
}

} // namespace

void take_ports(const ContainerFlags& flags, Service& to) {
    to.ports = published_ports(flags);
    for (Port& port : to.ports)
        if (port.published == "0") port.published.clear();
    for (const std::string& text : flags.all("expose")) {
        check_exposed(text);
        if (const compose::ShortPorts parsed = compose::parse_ports(text); !parsed.error.empty())
            throw error(Errc::usage, "invalid range format for --expose: {}", text).with_hint(parsed.error);
        to.expose.push_back(text);
    }
}

} // namespace davit::docker

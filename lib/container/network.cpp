#include "container/builder.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "net/address.hpp"
#include "reconcile/default_bridge.hpp"

#include <algorithm>
#include <charconv>
#include <climits>
#include <fmt/format.h>

namespace davit {

namespace {

// "4000-4002/udp": one text for each port. What is no range stays as it is.
std::vector<std::string> single_ports(const std::string& text) {
    const std::size_t slash = std::min(text.find('/'), text.size()), dash = text.find('-');
    if (dash >= slash) return {text};
    unsigned first = 0, last = 0;
    std::from_chars(text.data(), text.data() + dash, first);
    std::from_chars(text.data() + dash + 1, text.data() + slash, last);
    std::vector<std::string> out;
    for (; first <= last && last <= 65535; ++first) out.push_back(std::to_string(first) + text.substr(slash));
    return out;
}

bool same_host_port(const PortRecord& a, const PortRecord& b) {
    return a.host && a.host->single() && a.host == b.host && a.protocol == b.protocol && a.host_ip == b.host_ip;
}

void check_mac(const std::string& mac) {
    if (!mac.empty() && !net::MacAddress::try_parse(mac))
        throw error(Errc::invalid_project, "invalid MAC address: {}", mac);
}

} // namespace

void ContainerBuilder::network() {
    ContainerRecord& r = out_.record;
    const std::string& mode = service_.network_mode;
    out_.spec.ns.net.mode = runtime::NsMode::passed;
    std::optional<Donor> donor;
    about("network_mode", [&] {
        const SharedWith other = SharedWith::parse(mode);
        const std::string name(other.name);
        if (!name.empty()) donor = other.is_service() ? around_.of_service(name) : around_.by_name(name);
    });
    about("hostname", [&] {
        if (service_.hostname.size() > HOST_NAME_MAX)
            throw error(Errc::invalid_project, "hostname \"{}\" is too long (maximum {} bytes)", service_.hostname,
                        HOST_NAME_MAX);
    });
    r.hostname = service_.hostname.empty() ? r.id.substr(0, 12) : service_.hostname;
    r.domainname = service_.domainname;
    if (donor) {
        // One network stack has one set of names: the files are the donor's own.
        r.network_mode = mode_of_container(donor->record.id);
        r.hostname = donor->record.hostname;
        r.domainname = donor->record.domainname;
        files_of_ = donor->record.id;
        files_project_ = donor->record.project;
        refuse_with_donor();
        return;
    }
    if ((mode == "host" || mode == "none") && !service_.ports.empty())
        out_.warnings.push_back(
            fmt::format("service \"{}\": ports have no effect with network_mode: {}", service_.name, mode));
    if (mode == "host") {
        r.network_mode = "host";
        out_.spec.ns.net.mode = runtime::NsMode::host;
        if (service_.hostname.empty()) r.hostname = in_.host.hostname;
        return;
    }
    r.network_mode = mode == "none" ? "none" : "bridge";
    if (mode.empty()) endpoints();
    if (mode == "bridge") bridge_endpoint();
    ports();
}

// What says something of a network that is another container's. Docker refuses it too.
void ContainerBuilder::refuse_with_donor() const {
    const struct {
        bool given;
        const char* attribute;
        const char* what;
    } conflicts[] = {
        {!service_.ports.empty(), "ports", "port publishing and the container type network mode"},
        {!service_.expose.empty(), "expose", "port exposing and the container type network mode"},
        {!service_.hostname.empty(), "hostname", "hostname and the network mode"},
        {!service_.dns.empty(), "dns", "dns and the network mode"},
        {!service_.extra_hosts.empty(), "extra_hosts", "custom host-to-IP mapping and the network mode"},
        {!service_.mac_address.empty(), "mac_address", "mac-address and the network mode"},
    };
    for (const auto& conflict : conflicts)
        if (conflict.given)
            about(conflict.attribute, [&] {
                throw error(Errc::invalid_project, "conflicting options: {}", conflict.what)
                    .with_hint(fmt::format("service {} uses the network of another container: it is set there",
                                           service_.name));
            });
}

void ContainerBuilder::endpoints() {
    for (const auto& key : network_order(service_)) {
        auto network = in_.project.networks.find(key);
        if (network == in_.project.networks.end())
            throw error(Errc::invalid_project, "service \"{}\" refers to undefined network {}", service_.name, key);
        EndpointRecord e;
        e.network = network->second.name;
        e.compose_name = key;
        const bool known_by_service =
            !out_.record.oneoff || (in_.container.oneoff && in_.container.oneoff->use_aliases);
        if (known_by_service && !outside_) e.aliases.push_back(service_.name);
        if (const auto& wish = service_.networks.at(key)) {
            if (known_by_service) e.aliases.insert(e.aliases.end(), wish->aliases.begin(), wish->aliases.end());
            e.ipv4_address = wish->ipv4_address;
            e.ipv6_address = wish->ipv6_address;
            e.link_local_ips = wish->link_local_ips;
            e.mac_address = wish->mac_address;
            e.interface_name = wish->interface_name;
            e.priority = wish->priority;
            e.gw_priority = wish->gw_priority;
            e.driver_opts = wish->driver_opts;
        }
        if (e.mac_address.empty() && out_.record.endpoints.empty()) e.mac_address = service_.mac_address;
        about(e.mac_address == service_.mac_address ? "mac_address" : "networks." + key + ".mac_address",
              [&] { check_mac(e.mac_address); });
        links(e);
        out_.record.endpoints.push_back(std::move(e));
    }
}

// The default bridge knows no names.
void ContainerBuilder::bridge_endpoint() {
    EndpointRecord e;
    e.network = in_.project.networks.at(default_bridge_key).name;
    e.compose_name = "bridge";
    if (!service_.links.empty() || !service_.external_links.empty())
        out_.warnings.push_back(fmt::format(
            "service \"{}\": links have no effect with network_mode: bridge, where containers have no names",
            service_.name));
    e.mac_address = service_.mac_address;
    about("mac_address", [&] { check_mac(e.mac_address); });
    out_.record.endpoints.push_back(std::move(e));
}

void ContainerBuilder::links(EndpointRecord& endpoint) const {
    auto add = [&](const std::string& text, const std::vector<std::string>& targets) {
        const auto colon = text.find(':');
        const std::string name = text.substr(0, colon);
        const std::string alias = colon == std::string::npos ? name : text.substr(colon + 1);
        auto& list = endpoint.links[alias];
        list.insert(list.end(), targets.begin(), targets.end());
    };
    for (const auto& link : service_.links) add(link, around_.names_of(link.substr(0, link.find(':'))));
    for (const auto& link : service_.external_links) add(link, {link.substr(0, link.find(':'))});
}

void ContainerBuilder::ports() {
    about("ports", [&] { // a project that was built in code and not completed
        if (service_.network_mode.empty() && service_.networks.empty() && !service_.ports.empty())
            throw error(Errc::invalid_project, "service \"{}\" publishes ports and is on no network", service_.name)
                .with_hint("davit::normalize() (in_code.hpp) puts it on the project's default network");
    });
    // `run` publishes only what it is asked to: then the ports stand in its copy of the service.
    about_each("ports", service_.ports, [&](const Port& port) {
        PortRecord p;
        p.host_ip = port.host_ip;
        p.host = parse_port_range(port.published);
        if (!p.host && !port.published.empty())
            throw error(Errc::invalid_project, "'{}' is not a port to publish", port.published);
        p.target = static_cast<std::uint16_t>(port.target);
        if (!port.protocol.empty()) p.protocol = port.protocol;
        for (const auto& other : out_.record.ports)
            if (same_host_port(p, other) && other.target != p.target)
                throw error(
                    Errc::conflict,
                    "port {} of the machine is published twice by service \"{}\": for {} and for {} in the container",
                    port.published, service_.name, other.target, p.target);
        out_.record.ports.push_back(std::move(p));
    });
}

void ContainerBuilder::names() {
    ContainerRecord& r = out_.record;
    auto expose = [&](std::string port) {
        if (port.find('/') == std::string::npos) port += "/tcp";
        if (std::find(r.expose.begin(), r.expose.end(), port) == r.expose.end()) r.expose.push_back(std::move(port));
    };
    for (const auto& ports : service_.expose)
        for (auto& port : single_ports(ports)) expose(std::move(port));
    for (const auto& port : in_.image.config.exposed_ports) expose(port);
    for (const auto& port : r.ports) expose(fmt::format("{}/{}", port.target, port.protocol));
    about_each("dns", service_.dns, [](const auto& server) {
        if (!net::IpAddress::try_parse(server))
            throw error(Errc::invalid_project, "invalid DNS address: \"{}\": unable to parse IP", server);
    });
    r.dns = service_.dns;
    r.dns_search = service_.dns_search;
    r.dns_options = service_.dns_opt;
    for (const auto& [name, addresses] : service_.extra_hosts)
        for (const auto& address : addresses) {
            about("extra_hosts", [&] {
                if (address != "host-gateway" && !net::IpAddress::try_parse(address))
                    throw error(Errc::invalid_project, "invalid IP address in add-host: \"{}\"", address);
            });
            r.extra_hosts.emplace_back(name, address);
        }
    if (service_.uts != "host") {
        out_.spec.hostname = r.hostname;
        out_.spec.domainname = r.domainname;
    }
}

} // namespace davit

#include "supervisor/network/wiring.hpp"

#include "base/error.hpp"
#include "base/network_drivers.hpp"

#include <algorithm>

namespace davit::supervisor {

namespace {

std::string short_id(const std::string& id) { return id.substr(0, 12); }
std::string hostname_of(const ContainerRecord& r) { return r.hostname.empty() ? short_id(r.id) : r.hostname; }

net::ResolvRequest resolv_request(const ContainerRecord& r, const net::ResolvConf& host) {
    return {host, r.dns, r.dns_search, r.dns_options};
}

net::EndpointSpec endpoint_spec(const Attachment& a, const std::string& ifname, std::uint32_t group) {
    net::EndpointSpec spec;
    spec.link = a.network->options().shared.link;
    spec.bridge = a.network->is_shared() ? parent_of(a.network->record()) : a.network->record().bridge;
    spec.network = a.network->name();
    spec.host_ifname = net::new_veth_name();
    spec.ifname = ifname;
    if (!a.wish->mac_address.empty()) spec.mac = net::MacAddress::parse(a.wish->mac_address);
    for (const auto& address : {a.v4, a.v6})
        if (address) spec.addresses.push_back({*address, a.network->prefix_of(*address)});
    for (const auto& text : a.wish->link_local_ips) {
        auto address = net::IpAddress::parse(text);
        spec.addresses.push_back({address, address.bits()});
    }
    spec.mtu = a.network->options().mtu;
    spec.group = group;
    spec.ipv6 = a.v6.has_value();
    spec.icc = a.network->options().icc;
    if (auto it = a.wish->driver_opts.find("com.docker.network.endpoint.sysctls"); it != a.wish->driver_opts.end()) {
        std::string_view rest = it->second;
        while (!rest.empty()) {
            auto comma = rest.find(',');
            std::string_view item = rest.substr(0, comma);
            auto equals = item.find('=');
            if (equals == std::string_view::npos)
                throw error(Errc::invalid_project, "endpoint sysctl '{}' on network {} has no value", item,
                            a.network->name());
            spec.sysctls.emplace_back(item.substr(0, equals), item.substr(equals + 1));
            rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
        }
    }
    return spec;
}

std::string wished_interface(const EndpointRecord& wish) {
    if (!wish.interface_name.empty()) return wish.interface_name;
    const auto option = wish.driver_opts.find(std::string(endpoint_ifname));
    return option == wish.driver_opts.end() ? std::string() : option->second;
}

std::vector<std::string> interface_names(const std::vector<Attachment>& attachments) {
    std::vector<std::string> requested;
    for (const auto& a : attachments) requested.push_back(wished_interface(*a.wish));
    std::string prefix = attachments.empty() ? "eth" : attachments[0].network->options().interface_prefix;
    return net::assign_interface_names(requested, prefix);
}

std::vector<net::NetworkChoice> choices(const std::vector<Attachment>& attachments) {
    std::vector<net::NetworkChoice> out;
    for (const auto& a : attachments)
        out.push_back({a.network->name(), a.wish->gw_priority, a.network->internal(), a.network->gateway(false),
                       a.network->gateway(true)});
    return out;
}

void add_default_routes(Wiring& w, const std::vector<Attachment>& attachments,
                        const std::vector<net::NetworkChoice>& nets) {
    net::GatewayChoice gw = net::choose_gateways(nets);
    auto route = [&](std::optional<std::size_t> at, bool v6) -> std::optional<net::DefaultRoute> {
        if (!at) return std::nullopt;
        return net::DefaultRoute{*attachments[*at].network->gateway(v6), w.plan.endpoints[*at].ifname};
    };
    w.plan.default_v4 = route(gw.v4, false);
    w.plan.default_v6 = route(gw.v6, true);
}

net::HostsRequest hosts_request(const ContainerRecord& r, const std::vector<EndpointStatus>& endpoints) {
    net::HostsRequest q;
    q.hostname = hostname_of(r);
    q.domainname = r.domainname;
    for (const auto& e : endpoints)
        for (const auto& text : {e.ipv4, e.ipv6})
            if (!text.empty()) q.addresses.push_back(net::IpAddress::parse(text));
    q.extra_hosts = r.extra_hosts;
    return q;
}

// Docker's own default bridge, which it writes whatever the container's networks are. Where the container
// has no way to the host the name resolves all the same, and a connection fails at once.
const net::IpAddress docker_gateway = net::IpAddress::v4(0xac110001); // 172.17.0.1

// Where the host answers: at the gateway, on an internal network too. Not on a link that is shared with it.
std::vector<net::IpAddress> host_gateways(const std::vector<net::NetworkChoice>& nets, const net::NetnsPlan& plan) {
    std::vector<net::IpAddress> out;
    const auto to_bridge = [](const net::EndpointSpec& e) { return !e.link.is_shared(); };
    for (const auto& route : {plan.default_v4, plan.default_v6})
        if (route && std::any_of(plan.endpoints.begin(), plan.endpoints.end(),
                                 [&](const auto& e) { return e.ifname == route->ifname && to_bridge(e); }))
            out.push_back(route->gateway);
    if (!out.empty()) return out;
    for (std::size_t i : net::gateway_order(nets)) {
        if (!to_bridge(plan.endpoints[i])) continue;
        for (const auto& gateway : {nets[i].gateway_v4, nets[i].gateway_v6})
            if (gateway) out.push_back(*gateway);
        if (!out.empty()) return out;
    }
    return {docker_gateway};
}

EndpointStatus endpoint_status(const Attachment& a, const net::EndpointSpec& spec) {
    EndpointStatus s;
    s.network = a.network->name();
    s.interface = spec.ifname;
    if (a.v4) s.ipv4 = a.v4->to_string();
    if (a.v6) s.ipv6 = a.v6->to_string();
    if (!spec.link.has_own_mac()) s.mac.clear(); // its parent's
    else if (spec.mac) s.mac = spec.mac->to_string();
    else if (!spec.addresses.empty()) s.mac = net::MacAddress::of(spec.addresses[0].address).to_string();
    if (auto gw = a.network->gateway(false); gw && a.v4 && !gw->is_unspecified()) s.gateway = gw->to_string();
    return s;
}

} // namespace

std::vector<EndpointRecord> connect_order(const ContainerRecord& record) {
    std::vector<EndpointRecord> out = record.endpoints;
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.priority > b.priority; });
    return out;
}

std::vector<net::dns::NamedEndpoint> names_of(const ContainerRecord& record,
                                              const std::vector<EndpointStatus>& endpoints) {
    std::vector<net::dns::NamedEndpoint> out;
    for (const auto& status : endpoints) {
        net::dns::NamedEndpoint e;
        e.container_id = record.id;
        e.container_name = record.name;
        e.network = status.network;
        for (const auto& text : {status.ipv4, status.ipv6})
            if (!text.empty()) e.addresses.push_back(net::IpAddress::parse(text));
        for (const auto& wish : record.endpoints)
            if (wish.network == status.network)
                e.names = net::dns::docker_names(record.name, wish.aliases, record.id, hostname_of(record));
        out.push_back(std::move(e));
    }
    return out;
}

Wiring wire(const ContainerRecord& record, const std::vector<Attachment>& attachments, std::uint32_t group,
            const net::ResolvConf& host_resolv, bool asks_us) {
    Wiring w;
    w.dns = asks_us;
    auto ifnames = interface_names(attachments);
    for (std::size_t i = 0; i < attachments.size(); ++i) {
        w.plan.endpoints.push_back(endpoint_spec(attachments[i], ifnames[i], group));
        w.endpoints.push_back(endpoint_status(attachments[i], w.plan.endpoints.back()));
        w.dns = w.dns || !attachments[i].network->options().default_bridge;
        w.external = w.external || !attachments[i].network->internal();
    }
    auto nets = choices(attachments);
    add_default_routes(w, attachments, nets);
    w.client.container_id = record.id;
    for (std::size_t i : net::gateway_order(nets)) {
        if (attachments[i].network->options().default_bridge) continue; // nobody has a name there
        w.client.networks.push_back(nets[i].network);
        for (const auto& [alias, targets] : attachments[i].wish->links)
            for (const auto& target : targets) w.client.links.emplace_back(alias, target);
    }
    w.names = names_of(record, w.endpoints);

    const net::ResolvRequest request = resolv_request(record, host_resolv);
    net::ResolvResult resolv =
        w.dns || attachments.empty() ? net::resolv_conf_internal(request) : net::resolv_conf_plain(request, false);
    w.resolv_conf = resolv.text;
    w.upstreams = resolv.upstreams;
    net::HostsRequest hosts = hosts_request(record, w.endpoints);
    hosts.host_gateway = host_gateways(nets, w.plan);
    w.hosts = net::hosts_text(hosts);
    w.hostname = hostname_of(record) + "\n";
    return w;
}

Plugging wire_one(const std::vector<Attachment>& attachments, const std::string& network,
                  const std::vector<EndpointStatus>& there, std::uint32_t group) {
    const auto found = std::find_if(attachments.begin(), attachments.end(),
                                    [&](const auto& a) { return a.network->name() == network; });
    if (found == attachments.end()) throw error(Errc::failed, "the container has no address on network {}", network);
    std::vector<std::string> names;
    for (const auto& e : there)
        if (e.network != network) names.push_back(e.interface);
    names.push_back(wished_interface(*found->wish));
    const auto given = net::assign_interface_names(names, found->network->options().interface_prefix);
    Plugging out;
    out.endpoint = endpoint_spec(*found, given.back(), group);
    out.status = endpoint_status(*found, out.endpoint);
    return out;
}

std::pair<std::optional<net::DefaultRoute>, std::optional<net::DefaultRoute>> routes_of(
    const std::vector<Attachment>& attachments, const std::vector<EndpointStatus>& there) {
    const net::GatewayChoice gw = net::choose_gateways(choices(attachments));
    auto route = [&](std::optional<std::size_t> at, bool v6) -> std::optional<net::DefaultRoute> {
        if (!at) return std::nullopt;
        const Network& network = *attachments[*at].network;
        for (const auto& e : there)
            if (e.network == network.name()) return net::DefaultRoute{*network.gateway(v6), e.interface};
        return std::nullopt;
    };
    return {route(gw.v4, false), route(gw.v6, true)};
}

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < text.size();) {
        const auto end = std::min(text.find('\n', at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

} // namespace

std::string changed_lines(const std::string& text, const std::string& before, const std::string& after) {
    if (text == before) return after;
    const auto was = lines_of(before), now = lines_of(after);
    const auto has = [](const std::vector<std::string>& list, const std::string& line) {
        return std::find(list.begin(), list.end(), line) != list.end();
    };
    auto lines = lines_of(text);
    std::erase_if(lines, [&](const auto& line) { return has(was, line) && !has(now, line); });
    for (const auto& line : now)
        if (!has(was, line) && !has(lines, line)) lines.push_back(line);
    std::string out;
    for (const auto& line : lines) out += line + '\n';
    return out;
}

Wiring wire_without_network(const ContainerRecord& record, const net::ResolvConf& host_resolv,
                            const std::string& host_hosts, const std::string& host_name) {
    Wiring w;
    bool host = record.network_mode == "host";
    w.resolv_conf = net::resolv_conf_plain(resolv_request(record, host_resolv), host).text;
    net::HostsRequest hosts = hosts_request(record, {});
    hosts.host_gateway = {host ? net::IpAddress::v4(0x7f000001) : docker_gateway};
    w.hosts = host ? net::hosts_text_host_mode(host_hosts, hosts) : net::hosts_text(hosts);
    w.hostname = (host && record.hostname.empty() ? host_name : hostname_of(record)) + "\n";
    return w;
}

} // namespace davit::supervisor

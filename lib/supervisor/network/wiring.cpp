#include "supervisor/network/wiring.hpp"

#include "base/error.hpp"

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
    spec.bridge = a.network->record().bridge;
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

std::vector<std::string> interface_names(const std::vector<Attachment>& attachments) {
    std::vector<std::string> requested;
    for (const auto& a : attachments) requested.push_back(a.wish->interface_name);
    std::string prefix = attachments.empty() ? "eth" : attachments[0].network->options().interface_prefix;
    return net::assign_interface_names(requested, prefix);
}

std::vector<net::NetworkChoice> choices(const std::vector<Attachment>& attachments) {
    std::vector<net::NetworkChoice> out;
    for (const auto& a : attachments)
        out.push_back({a.network->name(), a.wish->gw_priority, a.network->record().internal, a.network->gateway(false),
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

// Where the host answers: at the gateway, on an internal network too.
std::vector<net::IpAddress> host_gateways(const std::vector<net::NetworkChoice>& nets, const net::NetnsPlan& plan) {
    std::vector<net::IpAddress> out;
    for (const auto& route : {plan.default_v4, plan.default_v6})
        if (route) out.push_back(route->gateway);
    if (!out.empty()) return out;
    for (std::size_t i : net::gateway_order(nets)) {
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
    if (spec.mac) s.mac = spec.mac->to_string();
    else if (!spec.addresses.empty()) s.mac = net::MacAddress::of(spec.addresses[0].address).to_string();
    if (auto gw = a.network->gateway(false); gw && a.v4) s.gateway = gw->to_string();
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
            const net::ResolvConf& host_resolv) {
    Wiring w;
    auto ifnames = interface_names(attachments);
    for (std::size_t i = 0; i < attachments.size(); ++i) {
        w.plan.endpoints.push_back(endpoint_spec(attachments[i], ifnames[i], group));
        w.endpoints.push_back(endpoint_status(attachments[i], w.plan.endpoints.back()));
        w.dns = w.dns || !attachments[i].network->options().default_bridge;
        w.external = w.external || !attachments[i].network->record().internal;
    }
    auto nets = choices(attachments);
    add_default_routes(w, attachments, nets);
    w.client.container_id = record.id;
    for (std::size_t i : net::gateway_order(nets)) {
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

// Names and ports: a Service for every service.
#include "export/kubernetes/cluster.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

Document name_service(const Cluster& cluster, const std::string& name, const Service& service, bool peers) {
    Document out = k8s_service(cluster, name, service);
    Document& spec = out["spec"];
    const auto ports = inner_ports(service);
    const bool one_address_each = service.deploy && service.deploy->endpoint_mode == "dnsrr";
    if (ports.empty() || one_address_each || peers) spec["clusterIP"] = "None";
    if (ports.empty())
        cluster.report().adjusted("services." + service.name, "a headless Service",
                                  "the file names no port of it, and the image's are not read",
                                  "expose: [PORT] gives it an address that balances");
    if (peers) spec["publishNotReadyAddresses"] = true; // members find each other before any is ready
    for (const ServicePort& p : ports) {
        Document port{{"name", p.name}, {"port", p.port}, {"targetPort", p.port}, {"protocol", p.protocol}};
        if (!p.app_protocol.empty()) port["appProtocol"] = p.app_protocol;
        spec["ports"].push_back(std::move(port));
    }
    return out;
}

void note_no_service(const Cluster& cluster, const Service& service) {
    for (std::size_t i = 0; i < service.ports.size(); ++i)
        if (service.ports[i].mode != "host" && !service.ports[i].published.empty())
            cluster.report().dropped(key_path(service, fmt::format("ports[{}].published", i)),
                                     "what runs once has no Service", "x-k8s-controller: deployment, where it serves");
}

// A headless Service leads to all ports of its pods.
void note_closed_ports(const Cluster& cluster, const Service& service) {
    std::set<std::uint32_t> named;
    for (const ServicePort& p : inner_ports(service)) named.insert(p.port);
    if (!named.empty() && !(service.deploy && service.deploy->endpoint_mode == "dnsrr"))
        note_asked_ports(cluster.scope, service, named, "its Service");
}

std::set<std::string> aliases_of(const Cluster& cluster, const Service& service) {
    std::set<std::string> out;
    for (const auto& [network, how] : service.networks)
        if (how) out.insert(how->aliases.begin(), how->aliases.end());
    for (const auto& [name, other] : cluster.project().services)
        for (const std::string& link : other.links)
            if (link.starts_with(service.name + ":")) out.insert(link.substr(service.name.size() + 1));
    if (const std::string& name = service.container_name;
        !name.empty() && !clients_of(cluster.project(), service, name).empty() && out.insert(name).second)
        cluster.report().adjusted(key_path(service, "container_name"), "the Service " + dns_label(name),
                                  "others ask for it by this name");
    std::set<std::string> names;
    for (const std::string& alias : out) names.insert(dns_label(alias));
    for (const auto& [key, other] : cluster.project().services) names.erase(cluster.services.at(key));
    return names;
}

} // namespace

std::string upper(std::string text) {
    for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return text;
}

Document k8s_service(const Cluster& cluster, const std::string& name, const Service& service) {
    Document out{{"apiVersion", "v1"},
                 {"kind", "Service"},
                 {"metadata", metadata(cluster, name, cluster.services.at(service.name))}};
    out["spec"]["selector"] = selector_labels(cluster, service);
    return out;
}

std::vector<ServicePort> inner_ports(const Service& service) {
    std::vector<ServicePort> out;
    auto add = [&](std::uint32_t port, std::string protocol, const std::string& name, const std::string& app) {
        protocol = upper(protocol.empty() ? "tcp" : protocol);
        if (port == 0 || std::any_of(out.begin(), out.end(),
                                     [&](const auto& p) { return p.port == port && p.protocol == protocol; }))
            return;
        std::string label = name.empty() ? "" : dns_label(name, 15);
        if (label.empty() || std::any_of(out.begin(), out.end(), [&](const auto& p) { return p.name == label; })) {
            std::string lower = protocol;
            for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            label = fmt::format("{}-{}", lower, port);
        }
        out.push_back({port, protocol, label, app});
    };
    for (const Port& p : service.ports) add(p.target, p.protocol, p.name, p.app_protocol);
    for (const std::string& text : service.expose) {
        const std::size_t slash = text.find('/'), dash = text.find('-');
        const std::string protocol = slash == std::string::npos ? "" : text.substr(slash + 1);
        const std::int64_t first = parse_int(text.substr(0, std::min(slash, dash))).value_or(0);
        const std::int64_t last =
            dash == std::string::npos ? first : parse_int(text.substr(dash + 1, slash - dash - 1)).value_or(first);
        for (std::int64_t port = first; port <= last && port - first < 100; ++port)
            add(static_cast<std::uint32_t>(port), protocol, "", "");
    }
    add(port_for_traefik(service).value_or(0), "", "", "");
    return out;
}

std::string peers_name(const Cluster& cluster, const Service& service) {
    const std::string& name = cluster.services.at(service.name);
    return inner_ports(service).empty() ? name : dns_label(name + "-peers");
}

std::vector<Document> service_objects(const Cluster& cluster, const Service& service) {
    std::vector<Document> out;
    const Workload w = cluster.workloads.at(service.name);
    if (w == Workload::job || w == Workload::cron_job) {
        note_no_service(cluster, service);
        return out;
    }
    const std::string& name = cluster.services.at(service.name);
    note_closed_ports(cluster, service);
    const std::string peers = w == Workload::stateful_set ? peers_name(cluster, service) : "";
    out.push_back(name_service(cluster, name, service, peers == name));
    if (!peers.empty() && peers != name) out.push_back(name_service(cluster, peers, service, true));
    for (const std::string& alias : aliases_of(cluster, service))
        out.push_back(name_service(cluster, alias, service, false));
    for (Document& d : entrance_objects(cluster, service)) out.push_back(std::move(d));
    return out;
}

} // namespace davit::exports

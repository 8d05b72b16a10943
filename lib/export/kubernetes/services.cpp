// Names and ports: a Service for every service, load balancers, Ingress, and policies for networks.
#include "export/kubernetes/cluster.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

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

std::set<std::string> aliases_of(const Cluster& cluster, const Service& service) {
    std::set<std::string> out;
    for (const auto& [network, how] : service.networks)
        if (how) out.insert(how->aliases.begin(), how->aliases.end());
    for (const auto& [name, other] : cluster.project().services)
        for (const std::string& link : other.links)
            if (link.starts_with(service.name + ":")) out.insert(link.substr(service.name.size() + 1));
    std::set<std::string> names;
    for (const std::string& alias : out) names.insert(dns_label(alias));
    for (const auto& [key, name] : cluster.services) names.erase(name);
    return names;
}

// Published and not by `mode: host`, each once.
std::vector<const Port*> published(const Service& service) {
    std::vector<const Port*> out;
    for (const Port& p : service.ports)
        if (!p.published.empty() && p.mode != "host" && !is_loopback(p)) out.push_back(&p);
    return out;
}

struct IngressRule {
    std::string host, path, ingress_class, tls;
};

// The words in backquotes of each call of a name: Host(`a`, `b`).
std::vector<std::string> arguments_of(const std::string& rule, const std::string& name) {
    std::vector<std::string> out;
    for (std::size_t at = 0; (at = rule.find(name + "(", at)) != std::string::npos; at += name.size()) {
        if (at > 0 && std::isalpha(static_cast<unsigned char>(rule[at - 1]))) continue; // PathPrefix is no Prefix
        const std::size_t end = std::min(rule.find(')', at), rule.size());
        for (std::size_t open = rule.find('`', at); open < end; open = rule.find('`', open)) {
            const std::size_t close = rule.find('`', open + 1);
            if (close == std::string::npos) return out;
            out.push_back(rule.substr(open + 1, close - open - 1));
            open = close + 1;
        }
    }
    return out;
}

// "Host(`a`) && PathPrefix(`/b`)" of a Traefik label: a rule for each host.
std::vector<IngressRule> traefik_rules(const Cluster& cluster, const Service& service) {
    std::vector<IngressRule> out;
    for (const auto& [key, value] : service.labels) {
        if (!key.starts_with("traefik.http.routers.") || !key.ends_with(".rule")) continue;
        const auto hosts = arguments_of(value, "Host"), paths = arguments_of(value, "PathPrefix");
        for (const std::string& host : hosts)
            for (const std::string& path : paths.empty() ? std::vector<std::string>{""} : paths)
                out.push_back({host, path, "", ""});
        if (hosts.empty() || value.find('!') != std::string::npos || value.find("Regexp") != std::string::npos ||
            value.find("Headers") != std::string::npos)
            cluster.report().adjusted(key_path(service, "labels." + key), "an annotation alone",
                                      "an Ingress has hosts and the beginnings of paths",
                                      "x-k8s-ingress, or a rule of the cluster's own Traefik");
    }
    return out;
}

std::vector<IngressRule> ingress_of(const Cluster& cluster, const Service& service) {
    if (const auto it = service.extensions.find("x-k8s-ingress"); it != service.extensions.end()) {
        auto member = [&](const char* key) {
            const Value* v = find_member(it->second, key);
            return v ? text_of(*v) : std::string();
        };
        if (std::holds_alternative<std::string>(it->second.data)) return {{text_of(it->second), "", "", ""}};
        return {{member("host"), member("path"), member("class"), member("tls")}};
    }
    return traefik_rules(cluster, service);
}

Document ingress(const Cluster& cluster, const Service& service, const std::vector<IngressRule>& rules) {
    const std::string& name = cluster.services.at(service.name);
    Document backend;
    backend["service"]["name"] = name;
    backend["service"]["port"]["number"] = inner_ports(service).front().port;
    Document out{
        {"apiVersion", "networking.k8s.io/v1"}, {"kind", "Ingress"}, {"metadata", metadata(cluster, name, name)}};
    Document& spec = out["spec"];
    if (!rules.front().ingress_class.empty()) spec["ingressClassName"] = rules.front().ingress_class;
    if (!rules.front().tls.empty()) {
        Document tls{{"secretName", rules.front().tls}};
        if (!rules.front().host.empty()) tls["hosts"] = Document::array({rules.front().host});
        spec["tls"] = Document::array({tls});
    }
    for (const IngressRule& rule : rules) {
        Document path{{"path", rule.path.empty() ? "/" : rule.path}, {"pathType", "Prefix"}, {"backend", backend}};
        Document entry = Document::object();
        if (!rule.host.empty()) entry["host"] = rule.host;
        entry["http"]["paths"] = Document::array({path});
        spec["rules"].push_back(std::move(entry));
    }
    return out;
}

Document published_service(const Cluster& cluster, const Service& service, const std::vector<const Port*>& ports) {
    const std::string type = text_of(service.extensions, "x-k8s-service-type", "LoadBalancer");
    Document out = k8s_service(cluster, dns_label(cluster.services.at(service.name) + "-published"), service);
    out["spec"]["type"] = type;
    std::set<std::string> taken;
    for (const Port* p : ports) {
        const std::int64_t port = parse_int(p->published.substr(0, p->published.find('-'))).value_or(p->target);
        const std::string name = fmt::format("{}-{}", p->protocol.empty() ? "tcp" : p->protocol, port);
        if (!taken.insert(name).second) continue;
        out["spec"]["ports"].push_back({{"name", name},
                                        {"port", port},
                                        {"targetPort", p->target},
                                        {"protocol", upper(p->protocol.empty() ? "tcp" : p->protocol)}});
    }
    return out;
}

Document policy(const Cluster& cluster, const std::string& name, const Document& selector) {
    Document out{
        {"apiVersion", "networking.k8s.io/v1"}, {"kind", "NetworkPolicy"}, {"metadata", metadata(cluster, name, name)}};
    out["spec"]["podSelector"] = selector;
    return out;
}

Document same_network(const std::string& label) {
    Document labels{{label, "true"}};
    Document selector{{"matchLabels", labels}};
    return selector;
}

// Members of internal networks alone reach each other and DNS, nothing else.
Document internal_policy(const Cluster& cluster, const std::string& network, const std::vector<std::string>& all) {
    const std::string& name = cluster.networks.at(network);
    Document selector = same_network("network.davit.dev/" + name);
    for (const std::string& other : all) {
        const auto it = cluster.project().networks.find(other);
        if (it != cluster.project().networks.end() && it->second.internal) continue;
        selector["matchExpressions"].push_back(
            {{"key", "network.davit.dev/" + cluster.networks.at(other)}, {"operator", "DoesNotExist"}});
    }
    Document out = policy(cluster, dns_label("internal-" + name), selector);
    out["spec"]["policyTypes"] = Document::array({"Egress"});
    Document inside;
    inside["to"].push_back({{"podSelector", same_network("network.davit.dev/" + name)}});
    Document dns;
    for (const char* protocol : {"UDP", "TCP"}) dns["ports"].push_back({{"protocol", protocol}, {"port", 53}});
    out["spec"]["egress"] = Document::array({inside, dns});
    return out;
}

} // namespace

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
    // Traefik's label says where the program listens, too.
    for (const auto& [key, value] : service.labels)
        if (key.starts_with("traefik.http.services.") && key.ends_with(".loadbalancer.server.port"))
            add(static_cast<std::uint32_t>(parse_int(value).value_or(0)), "", "", "");
    return out;
}

std::string peers_name(const Cluster& cluster, const Service& service) {
    const std::string& name = cluster.services.at(service.name);
    return inner_ports(service).empty() ? name : dns_label(name + "-peers");
}

std::vector<Document> service_objects(const Cluster& cluster, const Service& service) {
    std::vector<Document> out;
    const Workload w = cluster.workloads.at(service.name);
    if (w == Workload::job || w == Workload::cron_job) return out;
    const std::string& name = cluster.services.at(service.name);
    const std::string peers = w == Workload::stateful_set ? peers_name(cluster, service) : "";
    out.push_back(name_service(cluster, name, service, peers == name));
    if (!peers.empty() && peers != name) out.push_back(name_service(cluster, peers, service, true));
    for (const std::string& alias : aliases_of(cluster, service))
        out.push_back(name_service(cluster, alias, service, false));
    const auto rules = ingress_of(cluster, service);
    if (!rules.empty() && inner_ports(service).empty())
        cluster.report().needs(key_path(service, "expose"), "an Ingress leads to a port, and the file names none",
                               "expose: [PORT]");
    if (!rules.empty() && !inner_ports(service).empty()) {
        out.push_back(ingress(cluster, service, rules));
        cluster.report().adjusted("services." + service.name, "an Ingress", "its ports are published by it");
        return out;
    }
    note_inner_ports(cluster.scope, service);
    const auto ports = published(service);
    if (!ports.empty() && text_of(service.extensions, "x-k8s-service-type") != "ClusterIP")
        out.push_back(published_service(cluster, service, ports));
    return out;
}

std::vector<Document> network_policies(const Cluster& cluster) {
    std::vector<Document> out;
    const auto networks = policy_networks(cluster);
    for (const std::string& network : networks) {
        const std::string label = "network.davit.dev/" + cluster.networks.at(network);
        Document p = policy(cluster, dns_label("network-" + cluster.networks.at(network)), same_network(label));
        p["spec"]["policyTypes"] = Document::array({"Ingress"});
        Document rule;
        rule["from"].push_back({{"podSelector", same_network(label)}});
        p["spec"]["ingress"] = Document::array({rule});
        out.push_back(std::move(p));
        const auto it = cluster.project().networks.find(network);
        if (it != cluster.project().networks.end() && it->second.internal)
            out.push_back(internal_policy(cluster, network, networks));
    }
    for (const auto& [name, service] : cluster.project().services) {
        const Workload w = cluster.workloads.at(name);
        if (networks.empty() || service.ports.empty() || w == Workload::job || w == Workload::cron_job) continue;
        Document selector{{"matchLabels", selector_labels(cluster, service)}};
        Document p = policy(cluster, dns_label("published-" + cluster.services.at(name)), selector);
        p["spec"]["policyTypes"] = Document::array({"Ingress"});
        Document rule;
        for (const Port& port : service.ports)
            rule["ports"].push_back(
                {{"protocol", upper(port.protocol.empty() ? "tcp" : port.protocol)}, {"port", port.target}});
        p["spec"]["ingress"] = Document::array({rule});
        out.push_back(std::move(p));
    }
    return out;
}

} // namespace davit::exports

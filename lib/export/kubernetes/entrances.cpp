// What comes in from outside of the cluster: load balancers, Ingress.
#include "export/kubernetes/cluster.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

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

} // namespace

std::optional<std::uint32_t> port_for_traefik(const Service& service) {
    for (const auto& [key, value] : service.labels)
        if (key.starts_with("traefik.http.services.") && key.ends_with(".loadbalancer.server.port"))
            if (const auto port = parse_int(value); port && *port > 0 && *port < 65536)
                return static_cast<std::uint32_t>(*port);
    return std::nullopt;
}

Entrances entrances_of(const Cluster& cluster, const Service& service) {
    Entrances out;
    out.type = text_of(service.extensions, "x-k8s-service-type", "LoadBalancer");
    const Workload w = cluster.workloads.at(service.name);
    if (w == Workload::job || w == Workload::cron_job) return out;
    out.rules = ingress_of(cluster, service);
    if (const auto ports = inner_ports(service); !out.rules.empty() && !ports.empty())
        out.ingress_port = port_for_traefik(service).value_or(ports.front().port);
    for (std::size_t i = 0; i < service.ports.size(); ++i) {
        const Port& p = service.ports[i];
        if (p.published.empty() || is_loopback(p)) continue;
        if (p.mode == "host") out.of_node.push_back(i);
        else if (p.target == out.ingress_port && p.protocol != "udp") out.by_ingress.push_back(i);
        else (out.type == "ClusterIP" ? out.inside : out.balanced).push_back(i);
    }
    return out;
}

namespace {

Document ingress(const Cluster& cluster, const Service& service, const Entrances& entrances) {
    const std::vector<IngressRule>& rules = entrances.rules;
    const std::string& name = cluster.services.at(service.name);
    Document backend;
    backend["service"]["name"] = name;
    backend["service"]["port"]["number"] = entrances.ingress_port;
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

std::int64_t first_published(const Port& port) {
    return parse_int(port.published.substr(0, port.published.find('-'))).value_or(port.target);
}

constexpr bool is_node_port(std::int64_t port) { return port >= 30000 && port <= 32767; }

Document published_service(const Cluster& cluster, const Service& service, const Entrances& entrances,
                           const std::string& name, const std::vector<const Port*>& ports) {
    Document out = k8s_service(cluster, dns_label(cluster.services.at(service.name) + name), service);
    out["spec"]["type"] = entrances.type;
    std::set<std::string> taken;
    for (const Port* p : ports) {
        const std::int64_t port = first_published(*p);
        const std::string label = fmt::format("{}-{}", p->protocol.empty() ? "tcp" : p->protocol, port);
        if (!taken.insert(label).second) continue;
        Document entry{{"name", label},
                       {"port", port},
                       {"targetPort", p->target},
                       {"protocol", upper(p->protocol.empty() ? "tcp" : p->protocol)}};
        if (entrances.type == "NodePort" && is_node_port(port)) entry["nodePort"] = port;
        out["spec"]["ports"].push_back(std::move(entry));
    }
    return out;
}

// A load balancer for each protocol: many clouds refuse one for both.
std::vector<Document> published_services(const Cluster& cluster, const Service& service, const Entrances& entrances) {
    std::map<std::string, std::vector<const Port*>> by_protocol;
    for (const std::size_t i : entrances.balanced) {
        const Port& port = service.ports[i];
        const bool other = entrances.type == "LoadBalancer" && !port.protocol.empty() && port.protocol != "tcp";
        by_protocol[other ? "-published-" + port.protocol : "-published"].push_back(&port);
    }
    std::vector<Document> out;
    for (const auto& [name, ports] : by_protocol)
        out.push_back(published_service(cluster, service, entrances, name, ports));
    return out;
}

void note_entrances(const Cluster& cluster, const Service& service, const Entrances& entrances) {
    const auto path = [&](std::size_t i) { return key_path(service, fmt::format("ports[{}].published", i)); };
    for (const std::size_t i : entrances.by_ingress)
        cluster.report().adjusted(path(i), "the Ingress",
                                  "its host and path lead there, on the ports of the cluster's Ingress controller");
    for (const std::size_t i : entrances.inside)
        cluster.report().adjusted(path(i), "the container's port of the Service",
                                  "x-k8s-service-type: ClusterIP keeps it inside");
    if (entrances.type != "NodePort") return;
    for (const std::size_t i : entrances.balanced) {
        if (is_node_port(first_published(service.ports[i])))
            cluster.report().adjusted(path(i), "that port of every node", "x-k8s-service-type: NodePort");
        else
            cluster.report().adjusted(path(i), "a port of every node from 30000 on, which Kubernetes chooses",
                                      "x-k8s-service-type: NodePort", "publish one of 30000-32767");
    }
}

} // namespace

std::vector<Document> entrance_objects(const Cluster& cluster, const Service& service) {
    std::vector<Document> out;
    const Entrances entrances = entrances_of(cluster, service);
    if (!entrances.rules.empty() && !entrances.ingress_port)
        cluster.report().needs(key_path(service, "expose"), "an Ingress leads to a port, and the file names none",
                               "expose: [PORT]");
    if (entrances.ingress_port) {
        out.push_back(ingress(cluster, service, entrances));
        cluster.report().adjusted("services." + service.name, "an Ingress",
                                  fmt::format("it leads to the port {}", entrances.ingress_port));
    }
    note_inner_ports(cluster.scope, service);
    note_entrances(cluster, service, entrances);
    for (Document& d : published_services(cluster, service, entrances)) out.push_back(std::move(d));
    return out;
}

} // namespace davit::exports

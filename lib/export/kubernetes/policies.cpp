// Networks as policies: who is on one reaches who else is on it, and what is published stays open.
#include "export/kubernetes/cluster.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

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

// Open to all, as the way in is: what a load balancer, an Ingress or the node leads there, and nothing else.
std::optional<Document> published_policy(const Cluster& cluster, const Service& service) {
    const Entrances entrances = entrances_of(cluster, service);
    Document open = Document::array();
    const auto add = [&](std::uint32_t port, const std::string& protocol) {
        Document entry{{"protocol", upper(protocol.empty() ? "tcp" : protocol)}, {"port", port}};
        if (std::find(open.begin(), open.end(), entry) == open.end()) open.push_back(std::move(entry));
    };
    if (entrances.ingress_port) add(entrances.ingress_port, "tcp");
    for (const auto* some : {&entrances.balanced, &entrances.of_node})
        for (const std::size_t i : *some) add(service.ports[i].target, service.ports[i].protocol);
    if (open.empty()) return std::nullopt;
    Document selector{{"matchLabels", selector_labels(cluster, service)}};
    Document out = policy(cluster, dns_label("published-" + cluster.services.at(service.name)), selector);
    out["spec"]["policyTypes"] = Document::array({"Ingress"});
    Document rule{{"ports", open}};
    out["spec"]["ingress"] = Document::array({rule});
    return out;
}

} // namespace

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
        if (networks.empty()) break;
        if (auto p = published_policy(cluster, service)) out.push_back(std::move(*p));
    }
    return out;
}

} // namespace davit::exports

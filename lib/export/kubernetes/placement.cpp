// Swarm's constraints and preferences as affinity and spread.
#include "export/kubernetes/cluster.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

constexpr const char* control_plane = "node-role.kubernetes.io/control-plane";

std::string trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return std::string(text.substr(first, text.find_last_not_of(" \t") - first + 1));
}

std::string architecture(const std::string& name) {
    return name == "x86_64" ? "amd64" : name == "aarch64" ? "arm64" : name;
}

// The label of nodes that a word of Swarm's is about; "" = none.
std::string node_label(const std::string& what) {
    constexpr std::string_view labels = "node.labels.";
    if (what == "node.hostname") return "kubernetes.io/hostname";
    if (what == "node.platform.arch") return "kubernetes.io/arch";
    if (what == "node.platform.os") return "kubernetes.io/os";
    return what.starts_with(labels) ? what.substr(labels.size()) : "";
}

std::optional<Document> expression(const std::string& constraint) {
    std::size_t at = constraint.find("==");
    const bool equal = at != std::string::npos;
    if (!equal) at = constraint.find("!=");
    if (at == std::string::npos) return std::nullopt;
    const std::string what = trimmed(constraint.substr(0, at)), value = trimmed(constraint.substr(at + 2));
    if (what == "node.role") {
        const bool manager = (value == "manager") == equal;
        return Document{{"key", control_plane}, {"operator", manager ? "Exists" : "DoesNotExist"}};
    }
    const std::string label = node_label(what);
    if (label.empty()) return std::nullopt;
    return Document{{"key", label}, {"operator", equal ? "In" : "NotIn"}, {"values", {architecture(value)}}};
}

Document spread(const Cluster& cluster, const Service& service, const std::string& label, const char* otherwise,
                std::uint64_t skew) {
    Document selector{{"matchLabels", selector_labels(cluster, service)}};
    return {{"maxSkew", skew}, {"topologyKey", label}, {"whenUnsatisfiable", otherwise}, {"labelSelector", selector}};
}

// "node.role == manager" and "node.role != worker"
bool wants_managers(const Document& expression) {
    return expression["key"] == control_plane && expression["operator"] == "Exists";
}

// These nodes keep pods away, and where somebody else runs the control plane there are none.
void add_toleration(const Cluster& cluster, const std::string& path, Document& pod) {
    Document toleration{{"key", control_plane}, {"operator", "Exists"}, {"effect", "NoSchedule"}};
    Document& all = pod["tolerations"];
    if (std::find(all.begin(), all.end(), toleration) == all.end()) all.push_back(std::move(toleration));
    cluster.report().adjusted(path, "nodes of the control plane, and a toleration of their taint",
                              "managed clusters show no such nodes: the pod is Pending for ever there",
                              "leave it out, or a label of nodes: node.labels.X");
}

void add_constraints(const Cluster& cluster, const Service& service, Document& pod) {
    Document all = Document::array();
    const auto& constraints = service.deploy->placement.constraints;
    for (std::size_t i = 0; i < constraints.size(); ++i) {
        const std::string path = key_path(service, fmt::format("deploy.placement.constraints[{}]", i));
        if (auto e = expression(constraints[i])) {
            if (wants_managers(*e)) add_toleration(cluster, path, pod);
            all.push_back(std::move(*e));
        } else {
            cluster.report().dropped(path,
                                     fmt::format("{}: nodes of Kubernetes have no such attribute", constraints[i]),
                                     "a label of nodes: node.labels.X");
        }
    }
    if (all.empty()) return;
    Document term{{"matchExpressions", all}};
    pod["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] =
        Document::array({term});
}

} // namespace

void add_placement(const Cluster& cluster, const Service& service, Document& pod) {
    if (!service.platform.empty()) {
        const std::size_t slash = service.platform.find('/');
        pod["nodeSelector"]["kubernetes.io/os"] = service.platform.substr(0, slash);
        if (slash != std::string::npos)
            pod["nodeSelector"]["kubernetes.io/arch"] =
                service.platform.substr(slash + 1, service.platform.find('/', slash + 1) - slash - 1);
    }
    if (!service.deploy) return;
    add_constraints(cluster, service, pod);
    const Placement& placement = service.deploy->placement;
    for (const Placement::Preference& p : placement.preferences) {
        const std::string label = node_label(p.spread);
        if (!label.empty())
            pod["topologySpreadConstraints"].push_back(spread(cluster, service, label, "ScheduleAnyway", 1));
    }
    if (placement.max_replicas_per_node == 1) {
        Document selector{{"matchLabels", selector_labels(cluster, service)}};
        Document term{{"labelSelector", selector}, {"topologyKey", "kubernetes.io/hostname"}};
        pod["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = Document::array({term});
    } else if (placement.max_replicas_per_node > 1) {
        pod["topologySpreadConstraints"].push_back(
            spread(cluster, service, "kubernetes.io/hostname", "DoNotSchedule", placement.max_replicas_per_node));
        cluster.report().adjusted(key_path(service, "deploy.placement.max_replicas_per_node"), "maxSkew",
                                  "nodes differ by at most so many pods, which is not the same as a most");
    }
}

} // namespace davit::exports

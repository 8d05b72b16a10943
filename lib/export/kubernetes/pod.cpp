// A service's containers as a pod's template.
#include "export/kubernetes/cluster.hpp"

#include "base/shared_with.hpp"
#include "export/tasks.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

const char* image_pull_policy(const std::string& policy) {
    if (policy == "always") return "Always";
    if (policy == "never") return "Never";
    if (policy == "missing" || policy == "if_not_present") return "IfNotPresent";
    return nullptr;
}

Document words(const std::vector<std::string>& all) {
    Document out = Document::array();
    for (const std::string& word : all) out.push_back(escaped_reference(word));
    return out;
}

Document container_ports(const Cluster& cluster, const Service& service) {
    Document out = Document::array();
    for (const ServicePort& p : inner_ports(service))
        out.push_back({{"containerPort", p.port}, {"protocol", p.protocol}});
    for (std::size_t i = 0; i < service.ports.size(); ++i) {
        const Port& p = service.ports[i];
        if (p.mode != "host" || p.published.empty() || is_loopback(p)) continue;
        for (Document& port : out)
            if (port["containerPort"] == p.target && port["protocol"] == upper(p.protocol.empty() ? "tcp" : p.protocol))
                port["hostPort"] = std::stoi(p.published);
        cluster.report().adjusted(fmt::format("services.{}.ports[{}].published", service.name, i), "hostPort",
                                  "mode: host");
    }
    return out;
}

void add_hostname(const Cluster& cluster, const Service& service, Document& pod) {
    if (!service.hostname.empty()) {
        const std::string name = dns_label(service.hostname);
        pod["hostname"] = name;
        if (name != service.hostname)
            cluster.report().adjusted(key_path(service, "hostname"), name, "a pod's hostname is a DNS label");
    }
    if (!service.domainname.empty()) pod["subdomain"] = dns_label(service.domainname);
}

// Of all containers of the pod: it has one file of hosts and one resolver.
void add_names(const Cluster& cluster, const Service& service, Document& pod) {
    Document aliases = pod.value("hostAliases", Document::array());
    for (const auto& [host, addresses] : service.extra_hosts)
        for (const std::string& address : addresses) {
            if (address == "host-gateway") {
                cluster.report().dropped(key_path(service, "extra_hosts." + host),
                                         "there is no one host whose gateway is meant",
                                         "the address itself, or status.hostIP by the downward API");
                continue;
            }
            aliases.push_back({{"ip", address}, {"hostnames", Document::array({host})}});
        }
    if (!aliases.empty()) pod["hostAliases"] = aliases;
    Document dns = pod.value("dnsConfig", Document::object());
    if (!service.dns.empty()) dns["nameservers"] = service.dns;
    if (!service.dns_search.empty()) dns["searches"] = service.dns_search;
    for (const std::string& option : service.dns_opt) {
        const std::size_t colon = option.find(':');
        Document item{{"name", option.substr(0, colon)}};
        if (colon != std::string::npos) item["value"] = option.substr(colon + 1);
        dns["options"].push_back(std::move(item));
    }
    if (!dns.empty()) pod["dnsConfig"] = dns;
}

// host is the node's; of another container of the pod: all of the pod share it then.
void add_namespace(const Cluster& cluster, const Service& service, const std::string& value, const char* key,
                   const char* field, const char* of_pod, Document& pod) {
    if (value == "host") {
        pod[field] = true;
        cluster.report().adjusted(key_path(service, key), field, "the node's");
    } else if (const SharedWith with = SharedWith::parse(value); with.is_service()) {
        const auto other = cluster.pod_names.find(std::string(with.name));
        if (other == cluster.pod_names.end() || other->second != cluster.pod_names.at(service.name)) return;
        if (*of_pod) pod[of_pod] = true;
        cluster.report().adjusted(key_path(service, key), *of_pod ? of_pod : "the pod's", "all of the pod share it");
    }
}

void add_namespaces(const Cluster& cluster, const Service& service, Document& pod) {
    if (service.network_mode == "host") {
        pod["hostNetwork"] = true;
        pod["dnsPolicy"] = "ClusterFirstWithHostNet";
        cluster.report().adjusted(key_path(service, "network_mode"), "hostNetwork", "the node's");
    }
    add_namespace(cluster, service, service.pid, "pid", "hostPID", "shareProcessNamespace", pod);
    add_namespace(cluster, service, service.ipc, "ipc", "hostIPC", "", pod);
    if (service.init.value_or(false)) pod["shareProcessNamespace"] = true;
    if (!service.runtime.empty()) pod["runtimeClassName"] = service.runtime;
}

Document main_container(const Cluster& cluster, const Service& service, const PodStorage& storage) {
    Document out{{"name", cluster.services.at(service.name)}, {"image", image_of(cluster.scope, service)}};
    if (const char* policy = image_pull_policy(service.pull_policy)) out["imagePullPolicy"] = policy;
    const Executed run = executed(cluster.scope, service);
    if (run.entrypoint) out["command"] = words(*run.entrypoint);
    if (run.command) out["args"] = words(*run.command);
    if (!service.working_dir.empty()) out["workingDir"] = service.working_dir;
    if (Document ports = container_ports(cluster, service); !ports.empty()) out["ports"] = ports;
    if (Document env = containers_environment(cluster, service); !env.empty()) out["env"] = env;
    if (Document r = resources_of(cluster, service); !r.empty()) out["resources"] = r;
    if (service.tty) out["tty"] = true;
    if (service.stdin_open) out["stdin"] = true;
    if (const auto& mounts = storage.mounts_of.at(service.name); !mounts.empty()) out["volumeMounts"] = mounts;
    return out;
}

} // namespace

std::string escaped_reference(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (text[i] == '$' && i + 1 < text.size() && (text[i + 1] == '$' || text[i + 1] == '(')) out += '$';
    }
    return out;
}

Document containers_environment(const Cluster& cluster, const Service& service) {
    Document out = Document::array();
    for (const auto& [key, value] : service.environment)
        if (value && !key.empty()) out.push_back({{"name", key}, {"value", escaped_reference(*value)}});
    for (const SecretVariable& secret : secret_variables(service)) {
        Document variable{{"name", secret.variable}};
        variable["valueFrom"]["secretKeyRef"] = {{"name", cluster.variables.at(secret.variable)},
                                                 {"key", secret.variable}};
        out.push_back(std::move(variable));
    }
    return out;
}

namespace {

// A container with what belongs to it, and what it needs of the pod.
Document container_of(const Cluster& cluster, const Service& service, const PodStorage& storage, Document& pod) {
    Document container = main_container(cluster, service, storage);
    add_probes(cluster, service, container);
    add_lifecycle(cluster, service, container);
    add_security(cluster, service, storage, pod, container);
    add_names(cluster, service, pod);
    add_namespaces(cluster, service, pod);
    if (!service.stop_signal.empty()) pod["os"] = {{"name", "linux"}}; // stopSignal asks for it
    if (service.stop_grace_period)
        pod["terminationGracePeriodSeconds"] = std::max<std::int64_t>(pod.value("terminationGracePeriodSeconds", 0),
                                                                      whole_seconds(*service.stop_grace_period));
    for (const std::string& name : list_of(service.extensions, "x-k8s-pull-secret"))
        pod["imagePullSecrets"].push_back({{"name", name}});
    return container;
}

// Among the containers that begin before others: it ends, or it runs on, and then its probe tells when the next begins.
void begin_first(const Service& service, Document& container, Place place) {
    if (place == Place::runs_first) {
        for (const char* key : {"readinessProbe", "startupProbe", "livenessProbe", "lifecycle"}) container.erase(key);
        return;
    }
    container["restartPolicy"] = "Always";
    if (auto probe = startup_probe(service)) container["startupProbe"] = std::move(*probe);
}

} // namespace

Document pod_template(const Cluster& cluster, const std::vector<const Service*>& members, const PodStorage& storage) {
    const Service& owner = *members.front();
    Document pod = Document::object(), first = Document::array(), containers = Document::array();
    Document meta{{"labels", pod_labels(cluster, owner)}};
    const auto places = places_in_pod(cluster, members);
    for (const Service* service : members.size() > 1 ? in_order(members) : members) {
        Document container = container_of(cluster, *service, storage, pod);
        for (Document& waits : init_containers(cluster, *service, container)) first.push_back(std::move(waits));
        const Place place = places.at(service->name);
        if (place != Place::begins_at_once) begin_first(*service, container, place);
        (place == Place::begins_at_once ? containers : first).push_back(std::move(container));
        const std::string path = "services." + service->name;
        annotate(cluster, service->annotations, path + ".annotations", meta);
        annotate(cluster, service->labels, path + ".labels", meta);
    }
    add_hostname(cluster, owner, pod);
    add_placement(cluster, owner, pod);
    pod["enableServiceLinks"] = false;
    pod["automountServiceAccountToken"] = false;
    if (!first.empty()) pod["initContainers"] = first;
    pod["containers"] = containers;
    if (!storage.volumes.empty()) pod["volumes"] = storage.volumes;

    Document out{{"metadata", meta}};
    out["spec"] = pod;
    return out;
}

} // namespace davit::exports

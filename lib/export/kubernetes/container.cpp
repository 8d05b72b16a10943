// Probes, hooks, rights and what runs before: the parts of a container that a healthcheck, a user and conditions
// become.
#include "export/kubernetes/cluster.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

using namespace std::chrono_literals;

constexpr const char* waiting_image = "busybox:1.36";

// Of a probe, whose words the kubelet expands as those of the container; it does not those of hooks.
Document exec_of(const std::vector<std::string>& test) {
    Document command = Document::array();
    const bool shell = test.front() == "CMD-SHELL";
    if (shell) command = {"/bin/sh", "-c"};
    for (std::size_t i = 1; i < (shell ? std::min<std::size_t>(2, test.size()) : test.size()); ++i)
        command.push_back(escaped_reference(test[i]));
    Document out{{"command", command}};
    return out;
}

std::int64_t at_least_a_second(std::chrono::nanoseconds time) { return std::max<std::int64_t>(1, whole_seconds(time)); }

std::string without_cap(const std::string& name) { return name.starts_with("CAP_") ? name.substr(4) : name; }

// Root is 0 everywhere; who else has a name has the image's number.
std::optional<std::int64_t> id_of(const std::string& name) { return name == "root" ? 0 : parse_int(name); }

void add_user(const Cluster& cluster, const Service& service, Document& security) {
    if (service.user.empty()) return;
    const std::size_t colon = service.user.find(':');
    const auto uid = id_of(service.user.substr(0, colon));
    const auto gid = colon == std::string::npos ? std::nullopt : id_of(service.user.substr(colon + 1));
    if (uid) security["runAsUser"] = *uid;
    if (gid) security["runAsGroup"] = *gid;
    if (!uid || (colon != std::string::npos && !gid))
        cluster.report().dropped(key_path(service, "user"), "Kubernetes knows no names of users",
                                 "write numbers: user: \"1000:1000\"");
}

void add_security_options(const Cluster& cluster, const Service& service, Document& security) {
    for (std::size_t i = 0; i < service.security_opt.size(); ++i) {
        const std::string& option = service.security_opt[i];
        if (option == "no-new-privileges" || option == "no-new-privileges:true" || option == "no-new-privileges=true") {
            security["allowPrivilegeEscalation"] = false;
        } else if (option == "seccomp:unconfined" || option == "seccomp=unconfined") {
            security["seccompProfile"] = {{"type", "Unconfined"}};
        } else if (option == "apparmor:unconfined" || option == "apparmor=unconfined") {
            security["appArmorProfile"] = {{"type", "Unconfined"}};
        } else {
            cluster.report().dropped(key_path(service, fmt::format("security_opt[{}]", i)),
                                     fmt::format("{} names what is on one machine", option),
                                     "a profile on the nodes: securityContext.seccompProfile, type Localhost");
        }
    }
}

// What the kubelet allows without being told, since 1.32 at the latest.
bool is_safe_sysctl(const std::string& name) {
    static const std::set<std::string> safe = {"kernel.shm_rmid_forced",
                                               "net.ipv4.ip_local_port_range",
                                               "net.ipv4.tcp_syncookies",
                                               "net.ipv4.ping_group_range",
                                               "net.ipv4.ip_unprivileged_port_start",
                                               "net.ipv4.ip_local_reserved_ports",
                                               "net.ipv4.tcp_keepalive_time",
                                               "net.ipv4.tcp_fin_timeout",
                                               "net.ipv4.tcp_keepalive_intvl",
                                               "net.ipv4.tcp_keepalive_probes",
                                               "net.ipv4.tcp_rmem",
                                               "net.ipv4.tcp_wmem"};
    return safe.contains(name);
}

// Waits until somebody answers on the port: only pods that are ready stand behind a Service.
Document waiting_container(const Cluster& cluster, const std::string& other, std::uint32_t port) {
    const std::string name = cluster.services.at(other);
    return {{"name", "wait-for-" + dns_label(name, 50)},
            {"image", waiting_image},
            {"command", {"/bin/sh", "-c", fmt::format("until nc -z -w 2 {} {}; do sleep 1; done", name, port)}}};
}

void note_order(const Cluster& cluster, const std::string& path, const Dependency& dependency,
                const std::string& other) {
    switch (dependency.condition) {
    case DependencyCondition::started:
        return cluster.report().adjusted(path, std::string(left_out),
                                         "Kubernetes starts all pods at once and restarts what fails");
    case DependencyCondition::healthy:
        return cluster.report().dropped(path, fmt::format("{} names no port on which to wait for it", other),
                                        fmt::format("expose: [PORT] at {}: an init container waits then", other));
    case DependencyCondition::completed_successfully:
    case DependencyCondition::completed:
        return cluster.report().dropped(
            path, "Kubernetes starts all pods at once",
            fmt::format("kubectl wait --for=condition=complete job/{} before the rest is applied",
                        cluster.services.contains(other) ? cluster.services.at(other) : other));
    }
}

bool in_one_pod(const Cluster& cluster, const std::string& a, const std::string& b) {
    const auto pod_a = cluster.pod_names.find(a), pod_b = cluster.pod_names.find(b);
    return pod_a != cluster.pod_names.end() && pod_b != cluster.pod_names.end() && pod_a->second == pod_b->second;
}

void add_waiting(const Cluster& cluster, const Service& service, Document& out) {
    const bool wanted = flag_of(service.extensions, "x-k8s-wait", true);
    for (const auto& [other, dependency] : service.depends_on) {
        const std::string path = fmt::format("services.{}.depends_on.{}", service.name, other);
        if (in_one_pod(cluster, service.name, other)) continue; // places_in_pod()
        const auto it = cluster.project().services.find(other);
        if (it == cluster.project().services.end()) continue;
        const auto ports = inner_ports(it->second);
        const auto tcp = std::find_if(ports.begin(), ports.end(), [](const auto& p) { return p.protocol == "TCP"; });
        if (dependency.condition != DependencyCondition::healthy || tcp == ports.end() || !wanted) {
            note_order(cluster, path, dependency, other);
            continue;
        }
        out.push_back(waiting_container(cluster, other, tcp->port));
        if (dependency.restart)
            cluster.report().dropped(path + ".restart", "pods are not restarted with those of another service",
                                     "kubectl rollout restart");
        cluster.report().adjusted(path, "an init container",
                                  fmt::format("it waits until {} answers on port {}", other, tcp->port),
                                  "x-k8s-wait: false leaves it out");
    }
}

Document hook_container(const Service& service, const ServiceHook& hook, std::size_t i, const Document& main) {
    Document out{{"name", fmt::format("before-{}", i + 1)},
                 {"image", hook.image.empty() ? main["image"].get<std::string>() : hook.image}};
    if (hook.command) out["command"] = *hook.command;
    const std::string& dir = hook.working_dir.empty() ? service.working_dir : hook.working_dir;
    if (!dir.empty()) out["workingDir"] = dir;
    Document env = main.contains("env") ? main["env"] : Document::array();
    for (const auto& [key, value] : hook.environment)
        if (value) env.push_back({{"name", key}, {"value", escaped_reference(*value)}});
    if (!env.empty()) out["env"] = env;
    if (hook.privileged) out["securityContext"]["privileged"] = true;
    if (const auto uid = parse_int(hook.user.substr(0, hook.user.find(':'))))
        out["securityContext"]["runAsUser"] = *uid;
    if (main.contains("volumeMounts")) out["volumeMounts"] = main["volumeMounts"];
    return out;
}

void note_hooks(const Cluster& cluster, const Service& service, const std::vector<ServiceHook>& hooks,
                const char* key) {
    if (hooks.size() > 1)
        cluster.report().dropped(fmt::format("services.{}.{}[1]", service.name, key),
                                 "a container has one hook of a kind", "one hook that does both");
}

bool is_tested(const Service& service) {
    if (!service.healthcheck) return false;
    const HealthCheck& h = *service.healthcheck;
    return !h.disable && !h.test.empty() && h.test[0] != "NONE";
}

Document ready_probe(const HealthCheck& h) {
    Document out{{"exec", exec_of(h.test)}};
    out["timeoutSeconds"] = at_least_a_second(h.timeout.value_or(30s));
    out["periodSeconds"] = at_least_a_second(h.interval.value_or(30s));
    out["failureThreshold"] = std::max<std::uint64_t>(1, h.retries.value_or(3));
    return out;
}

} // namespace

std::optional<Document> startup_probe(const Service& service) {
    if (!is_tested(service)) return std::nullopt;
    const HealthCheck& h = *service.healthcheck;
    Document out = ready_probe(h);
    if (!h.start_period || h.start_period->count() <= 0) return out;
    // Failures within start_period do not count, and then retries at the pace of interval.
    const std::int64_t more = out["failureThreshold"].get<std::int64_t>() * out["periodSeconds"].get<std::int64_t>();
    const std::int64_t period = at_least_a_second(h.start_interval.value_or(5s));
    out["periodSeconds"] = period;
    out["failureThreshold"] = (whole_seconds(*h.start_period) + more + period - 1) / period;
    return out;
}

void add_probes(const Cluster& cluster, const Service& service, Document& container) {
    if (!service.healthcheck) return;
    const HealthCheck& h = *service.healthcheck;
    if (h.disable || (!h.test.empty() && h.test[0] == "NONE")) return;
    if (h.test.empty()) {
        cluster.report().needs(key_path(service, "healthcheck"),
                               "the test stands in the image, and Kubernetes does not read it",
                               "healthcheck.test in the compose file");
        return;
    }
    container["readinessProbe"] = ready_probe(h);
    // Both end containers: compose never does for a healthcheck, so somebody has to ask for it.
    if (!flag_of(service.extensions, "x-k8s-liveness")) return;
    container["livenessProbe"] = container["readinessProbe"];
    if (!h.start_period || h.start_period->count() <= 0) return;
    container["startupProbe"] = *startup_probe(service);
    for (const char* key : {"healthcheck.start_period", "healthcheck.start_interval"})
        cluster.report().exact(key_path(service, key), "the startupProbe, within which livenessProbe waits");
}

void add_lifecycle(const Cluster& cluster, const Service& service, Document& container) {
    Document out = Document::object();
    if (!service.post_start.empty() && service.post_start[0].command)
        out["postStart"]["exec"]["command"] = *service.post_start[0].command;
    note_hooks(cluster, service, service.post_start, "post_start");
    note_hooks(cluster, service, service.pre_stop, "pre_stop");
    // Whoever sends to a pod learns of its end after it has begun: it goes on answering for a moment.
    constexpr std::int64_t drain = 5;
    const bool time = whole_seconds(service.stop_grace_period.value_or(30s)) >= 2 * drain;
    if (!service.pre_stop.empty() && service.pre_stop[0].command)
        out["preStop"]["exec"]["command"] = *service.pre_stop[0].command;
    else if (!service.ports.empty() && time && !runs_once(cluster.project(), service))
        out["preStop"]["sleep"]["seconds"] = drain;
    if (!service.stop_signal.empty()) {
        std::string name = service.stop_signal;
        if (!name.starts_with("SIG")) name = "SIG" + name;
        out["stopSignal"] = name;
    }
    if (!out.empty()) container["lifecycle"] = out;
}

void add_security(const Cluster& cluster, const Service& service, const PodStorage& storage, Document& pod,
                  Document& container) {
    Document own = Document::object(), whole = pod.value("securityContext", Document::object());
    add_user(cluster, service, own);
    add_security_options(cluster, service, own);
    if (service.privileged) own["privileged"] = true;
    if (service.read_only) own["readOnlyRootFilesystem"] = true;
    for (const std::string& c : service.cap_add) own["capabilities"]["add"].push_back(without_cap(c));
    for (const std::string& c : service.cap_drop) own["capabilities"]["drop"].push_back(without_cap(c));
    for (std::size_t i = 0; i < service.group_add.size(); ++i) {
        if (const auto gid = parse_int(service.group_add[i])) whole["supplementalGroups"].push_back(*gid);
        else
            cluster.report().dropped(key_path(service, fmt::format("group_add[{}]", i)),
                                     "Kubernetes knows no names of groups", "write its number");
    }
    for (const auto& [key, value] : service.sysctls) {
        whole["sysctls"].push_back({{"name", key}, {"value", value}});
        if (!is_safe_sysctl(key))
            cluster.report().needs(
                key_path(service, "sysctls." + key), "a node refuses pods with it unless its kubelet allows it",
                "--allowed-unsafe-sysctls " + key + " of the kubelets, or an init container with rights");
    }
    // A new claim belongs to root, as files do: who is not root writes to it, and reads them, as a member of this
    // group.
    const std::string wanted = text_of(service.extensions, "x-k8s-fs-group");
    const auto group = wanted.empty() ? std::nullopt : parse_int(wanted);
    if (group) {
        whole["fsGroup"] = *group;
    } else if (storage.any_claim || storage.closed_files || !service.secrets.empty()) {
        if (own.contains("runAsGroup")) whole["fsGroup"] = own["runAsGroup"];
        else if (own.contains("runAsUser")) whole["fsGroup"] = own["runAsUser"];
    }
    if (!own.empty()) container["securityContext"] = own;
    if (!whole.empty()) pod["securityContext"] = whole;
}

Document init_containers(const Cluster& cluster, const Service& service, const Document& main) {
    Document out = Document::array();
    add_waiting(cluster, service, out);
    for (std::size_t i = 0; i < service.pre_start.size(); ++i)
        out.push_back(hook_container(service, service.pre_start[i], i, main));
    return out;
}

} // namespace davit::exports

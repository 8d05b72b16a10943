#include "export/kubernetes/cluster.hpp"

#include "base/shared_with.hpp"
#include "export/tasks.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

template <typename Map>
std::vector<std::string> keys_of(const Map& map) {
    std::vector<std::string> out;
    for (const auto& [key, value] : map) out.push_back(key);
    return out;
}

std::optional<Workload> workload_by_word(const std::string& word) {
    if (word == "deployment") return Workload::deployment;
    if (word == "statefulset") return Workload::stateful_set;
    if (word == "daemonset") return Workload::daemon_set;
    if (word == "job") return Workload::job;
    if (word == "cronjob") return Workload::cron_job;
    return std::nullopt;
}

bool has_own_volume(const Cluster& cluster, const Service& service) {
    return std::any_of(service.volumes.begin(), service.volumes.end(), [&](const Mount& m) {
        if (m.type != MountType::volume || m.read_only) return false;
        if (const auto volume = cluster.project().volumes.find(m.source);
            volume != cluster.project().volumes.end() && nfs_source(volume->second))
            return false;
        if (ends_with_task(cluster.project(), m.source)) return false;
        const auto it = cluster.volume_users.find(m.source);
        return it == cluster.volume_users.end() || it->second.size() == 1;
    });
}

Workload choose_workload(const Cluster& cluster, const std::vector<const Service*>& members) {
    const Service& owner = *members.front();
    const std::string word = text_of(owner.extensions, "x-k8s-controller");
    if (!text_of(owner.extensions, "x-k8s-schedule").empty()) return Workload::cron_job;
    if (const auto wanted = workload_by_word(word)) return *wanted;
    if (!word.empty())
        cluster.report().needs(key_path(owner, "x-k8s-controller"), fmt::format("{} is no workload", word),
                               "deployment, statefulset, daemonset, job or cronjob");
    if (std::all_of(members.begin(), members.end(), [&](const Service* s) { return runs_once(cluster.project(), *s); }))
        return Workload::job;
    if (owner.deploy && owner.deploy->mode.starts_with("global")) return Workload::daemon_set;
    const bool stateful =
        std::any_of(members.begin(), members.end(), [&](const Service* s) { return has_own_volume(cluster, *s); });
    return stateful ? Workload::stateful_set : Workload::deployment;
}

// By the services that own a network; a task of ECS has the name of its family.
void make_pods(Cluster& out) {
    out.pods = network_groups(out.project());
    std::set<std::string> families;
    for (const auto& [owner, members] : out.pods) {
        const auto task = ecs_task_of(*members.front());
        const bool whole = task && members.size() > 1 && families.insert(task->family).second;
        if (whole)
            out.report().adjusted(key_path(*members.front(), "x-davit-task"),
                                  "containers of the pod " + dns_label(task->family),
                                  "where an essential one ends, ECS ends the task; here each is begun again alone");
        for (const Service* s : members) {
            out.pod_names[s->name] = whole ? dns_label(task->family) : out.services.at(owner);
            if (SharedWith::parse(s->network_mode).is_service())
                out.report().adjusted(key_path(*s, "network_mode"), "a container of the pod " + out.pod_names[s->name],
                                      "containers of one pod share their network");
            for (const Mount& m : s->volumes)
                if (m.type == MountType::volume && !m.source.empty() && !ends_with_task(out.project(), m.source))
                    out.volume_users[m.source].insert(owner);
        }
    }
    for (const auto& [owner, members] : out.pods)
        for (const Service* s : members) out.workloads[s->name] = choose_workload(out, members);
}

// With those that are left out: a name is the same whatever is.
std::vector<std::string> names_of_services(const Project& project) {
    std::vector<std::string> out = keys_of(project.services), others = keys_of(project.disabled_services);
    out.insert(out.end(), others.begin(), others.end());
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> secret_names(const Project& project) {
    std::vector<std::string> out = keys_of(project.secrets);
    for (const auto& [name, service] : project.services)
        for (const SecretVariable& secret : secret_variables(service))
            if (std::find(out.begin(), out.end(), secret.variable) == out.end()) out.push_back(secret.variable);
    return out;
}

void note_names(const Cluster& cluster) {
    for (const auto& [key, name] : cluster.services)
        if (key != name && cluster.project().services.contains(key))
            cluster.report().adjusted("services." + key, name,
                                      "Kubernetes allows lower case letters, digits and dashes",
                                      "clients must use the new name");
}

} // namespace

Cluster make_cluster(const Scope& scope) {
    const Project& p = scope.project;
    Cluster out{scope,
                dns_labels(names_of_services(p)),
                dns_labels(keys_of(p.volumes)),
                dns_labels(keys_of(p.configs), 50),
                dns_labels(secret_names(p)),
                dns_labels(keys_of(p.networks)),
                {},
                {},
                {},
                {},
                {}};
    for (const auto& [name, service] : p.services)
        for (const SecretVariable& secret : secret_variables(service))
            out.variables[secret.variable] = out.secrets.at(secret.variable);
    make_pods(out);
    note_names(out);
    return out;
}

Document selector_labels(const Cluster& cluster, const Service& service) {
    return {{"app.kubernetes.io/name", cluster.pod_names.at(service.name)},
            {"app.kubernetes.io/part-of", dns_label(cluster.project().name)}};
}

Document object_labels(const Cluster& cluster, const std::string& name) {
    return {{"app.kubernetes.io/name", name},
            {"app.kubernetes.io/part-of", dns_label(cluster.project().name)},
            {"app.kubernetes.io/managed-by", "davit"}};
}

Document metadata(const Cluster& cluster, const std::string& name, const std::string& of) {
    return {{"name", name}, {"labels", object_labels(cluster, of)}};
}

namespace {

bool is_plain(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// apimachinery's IsQualifiedName: [PREFIX/]NAME, the prefix a DNS subdomain (of any case in annotations).
bool is_qualified(std::string_view key) {
    const auto slash = key.find('/');
    const std::string_view prefix = slash == std::string_view::npos ? "" : key.substr(0, slash),
                           name = slash == std::string_view::npos ? key : key.substr(slash + 1);
    const auto fits = [](std::string_view word, std::size_t most, std::string_view inside) {
        return !word.empty() && word.size() <= most && is_plain(word.front()) && is_plain(word.back()) &&
               std::all_of(word.begin(), word.end(),
                           [&](char c) { return is_plain(c) || inside.find(c) != std::string_view::npos; });
    };
    if (!fits(name, 63, "-_.")) return false;
    if (slash == std::string_view::npos) return true;
    if (!fits(prefix, 253, "-.")) return false;
    for (std::size_t at = 0, end; at <= prefix.size(); at = end + 1) {
        end = std::min(prefix.find('.', at), prefix.size());
        if (!fits(prefix.substr(at, end - at), 253, "-")) return false;
    }
    return true;
}

} // namespace

void annotate(const Cluster& cluster, const std::map<std::string, std::string>& labels, const std::string& path,
              Document& metadata) {
    for (const auto& [key, value] : labels) {
        if (is_qualified(key)) metadata["annotations"][key] = value;
        else
            cluster.report().dropped(path + "." + key, "Kubernetes has no annotations of such names",
                                     "[PREFIX/]NAME: a domain, then at most 63 letters, digits, '-', '_' and '.'");
    }
}

std::vector<std::string> policy_networks(const Cluster& cluster) {
    std::set<std::string> used;
    bool internal = false;
    for (const auto& [name, service] : cluster.project().services)
        for (const auto& [network, how] : service.networks) {
            used.insert(network);
            const auto it = cluster.project().networks.find(network);
            internal = internal || (it != cluster.project().networks.end() && it->second.internal);
        }
    if (used.size() < 2 && !internal) return {};
    return {used.begin(), used.end()};
}

Document pod_labels(const Cluster& cluster, const Service& service) {
    Document out = object_labels(cluster, cluster.pod_names.at(service.name));
    for (const std::string& network : policy_networks(cluster))
        if (service.networks.contains(network)) out["network.davit.dev/" + cluster.networks.at(network)] = "true";
    return out;
}

} // namespace davit::exports

// Deployment, StatefulSet, DaemonSet, Job, CronJob.
#include "export/kubernetes/cluster.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

const char* kind_word(Workload w) {
    switch (w) {
    case Workload::deployment: return "Deployment";
    case Workload::stateful_set: return "StatefulSet";
    case Workload::daemon_set: return "DaemonSet";
    case Workload::job: return "Job";
    case Workload::cron_job: return "CronJob";
    }
    return "Deployment";
}

// By how many an update goes at a time; 0 is all.
Document update_amount(const UpdateConfig& u) {
    const std::uint64_t parallel = u.parallelism.value_or(1);
    return parallel == 0 ? Document("100%") : Document(parallel);
}

bool starts_first(const Service& service) {
    return service.deploy && service.deploy->update_config && service.deploy->update_config->order == "start-first";
}

// Two pods of one node cannot have the same port of it: with hostNetwork any that the program opens.
bool has_ports_of_node(const std::vector<const Service*>& members) {
    return std::any_of(members.begin(), members.end(), [](const Service* s) {
        return s->network_mode == "host" || std::any_of(s->ports.begin(), s->ports.end(), [](const Port& p) {
                   return p.mode == "host" && !p.published.empty();
               });
    });
}

// compose ends the old container before it starts the new one: of two databases on one volume neither is right.
bool add_recreate(const Cluster& cluster, const Service& service, const PodStorage& storage, Document& spec) {
    if (!storage.writes && !storage.one_node) return false;
    const std::string path = key_path(service, "deploy.update_config.order");
    if (starts_first(service) && !storage.one_node) {
        cluster.report().adjusted(path, "RollingUpdate", "the old pod and the new one write to its volume side by side",
                                  "order: stop-first, where only one may");
        return false;
    }
    spec["strategy"]["type"] = "Recreate";
    if (storage.one_node) cluster.report().adjusted(path, "Recreate", "a volume is with one pod at a time");
    else
        cluster.report().adjusted(path, "Recreate", "it writes to a volume, and two pods would at once",
                                  "update_config: {order: start-first}, where several may write");
    return true;
}

void add_deployment_strategy(const Cluster& cluster, const std::vector<const Service*>& members,
                             const PodStorage& storage, Document& spec) {
    const Service& service = *members.front();
    if (add_recreate(cluster, service, storage, spec)) return;
    const bool of_node = has_ports_of_node(members);
    const bool said = service.deploy && service.deploy->update_config;
    if (!said && !of_node) return;
    const UpdateConfig u = said ? *service.deploy->update_config : UpdateConfig{};
    const bool start_first = starts_first(service) && !of_node;
    if (of_node && starts_first(service))
        cluster.report().adjusted(key_path(service, "deploy.update_config.order"), std::string(left_out),
                                  "its ports are the node's, and two pods cannot have them",
                                  "a port without mode: host, and no network_mode: host");
    Document amounts{{"maxSurge", start_first ? update_amount(u) : Document(0)},
                     {"maxUnavailable", start_first ? Document(0) : update_amount(u)}};
    spec["strategy"]["type"] = "RollingUpdate";
    spec["strategy"]["rollingUpdate"] = amounts;
}

void add_set_strategy(const Cluster& cluster, const Service& service, Document& spec, bool daemon) {
    if (!service.deploy || !service.deploy->update_config) return;
    const UpdateConfig& u = *service.deploy->update_config;
    spec["updateStrategy"]["type"] = "RollingUpdate";
    if (daemon) spec["updateStrategy"]["rollingUpdate"]["maxUnavailable"] = update_amount(u);
    else if (u.parallelism.value_or(1) != 1)
        cluster.report().adjusted(key_path(service, "deploy.update_config.parallelism"), "1",
                                  "a StatefulSet replaces one pod after the other");
    if (u.order == "start-first")
        cluster.report().adjusted(key_path(service, "deploy.update_config.order"), "stop-first",
                                  "a pod's name and claim are with one pod at a time");
}

void add_ready_time(const Service& service, Document& spec) {
    if (!service.deploy || !service.deploy->update_config) return;
    const UpdateConfig& u = *service.deploy->update_config;
    const std::int64_t seconds = whole_seconds(std::max(u.monitor, u.delay));
    if (seconds > 0) spec["minReadySeconds"] = seconds;
}

void note_restart(const Cluster& cluster, const Service& service) {
    const bool by_deploy = service.deploy && service.deploy->restart_policy;
    if (effective_restart(service).kind == RestartPolicy::Kind::on_failure)
        cluster.report().adjusted(key_path(service, by_deploy ? "deploy.restart_policy.condition" : "restart"),
                                  "Always", "pods of a Deployment, StatefulSet or DaemonSet are restarted always");
    else if (service.restart == "no")
        cluster.report().adjusted(key_path(service, "restart"), "Always",
                                  "pods of a Deployment, StatefulSet or DaemonSet are restarted always",
                                  "x-k8s-controller: job, for what runs once");
}

Document job_spec(const Cluster& cluster, const Service& service, Document pod) {
    const RestartPolicy restart = effective_restart(service);
    const bool again = restart.kind == RestartPolicy::Kind::on_failure || restart.kind == RestartPolicy::Kind::always;
    pod["spec"]["restartPolicy"] = again ? "OnFailure" : "Never";
    Document out{{"backoffLimit", again ? (restart.max_attempts ? restart.max_attempts : 6) : 0}};
    if (restart.max_attempts)
        cluster.report().adjusted(key_path(service, service.deploy && service.deploy->restart_policy
                                                        ? "deploy.restart_policy.max_attempts"
                                                        : "restart"),
                                  fmt::format("backoffLimit: {}", restart.max_attempts), "it is a Job");
    if (const int count = replicas(service); count > 1) out["completions"] = count, out["parallelism"] = count;
    out["template"] = std::move(pod);
    return out;
}

Document set_spec(const Cluster& cluster, const std::vector<const Service*>& members, Workload w, PodStorage& storage) {
    const Service& service = *members.front();
    Document out = Document::object();
    if (w != Workload::daemon_set) out["replicas"] = replicas(service);
    out["selector"]["matchLabels"] = selector_labels(cluster, service);
    add_ready_time(service, out);
    if (w == Workload::deployment) add_deployment_strategy(cluster, members, storage, out);
    else add_set_strategy(cluster, service, out, w == Workload::daemon_set);
    if (w == Workload::stateful_set) {
        out["serviceName"] = peers_name(cluster, service);
        out["podManagementPolicy"] = "Parallel";
        if (!storage.claim_templates.empty()) out["volumeClaimTemplates"] = storage.claim_templates;
    }
    out["template"] = pod_template(cluster, members, storage);
    return out;
}

} // namespace

Document workload_of(const Cluster& cluster, const std::vector<const Service*>& members, PodStorage& storage) {
    const Service& service = *members.front();
    const Workload w = cluster.workloads.at(service.name);
    const bool job = w == Workload::job || w == Workload::cron_job;
    const std::string& name = cluster.pod_names.at(service.name);
    Document out{{"apiVersion", job ? "batch/v1" : "apps/v1"},
                 {"kind", kind_word(w)},
                 {"metadata", metadata(cluster, name, name)}};
    if (service.deploy)
        annotate(cluster, service.deploy->labels, "services." + service.name + ".deploy.labels", out["metadata"]);
    if (w == Workload::job) {
        out["spec"] = job_spec(cluster, service, pod_template(cluster, members, storage));
        cluster.report().adjusted(
            "services." + service.name, "a Job",
            "it runs once; a Job never changes, so each apply makes it anew: jobs.sh deletes it before",
            "davit deploy --to kubernetes does");
    } else if (w == Workload::cron_job) {
        out["spec"]["schedule"] = text_of(service.extensions, "x-k8s-schedule", "@daily");
        out["spec"]["concurrencyPolicy"] = "Forbid";
        out["spec"]["jobTemplate"]["spec"] = job_spec(cluster, service, pod_template(cluster, members, storage));
    } else {
        out["spec"] = set_spec(cluster, members, w, storage);
        for (const Service* s : members) note_restart(cluster, *s);
    }
    return out;
}

} // namespace davit::exports

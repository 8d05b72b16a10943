#include "export/kubernetes/cluster.hpp"

#include "model/ecs_task.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

void add_manifests(std::vector<ExportedFile>& files, const std::string& name, const std::vector<Document>& documents) {
    if (!documents.empty()) files.push_back({name + ".yaml", yaml_of(documents), false});
}

// What a deployment waits for; a CronJob has its time.
const char* awaited(Workload workload) {
    switch (workload) {
    case Workload::deployment: return "deployment/";
    case Workload::stateful_set: return "statefulset/";
    case Workload::daemon_set: return "daemonset/";
    case Workload::job: return "job/";
    case Workload::cron_job: break;
    }
    return nullptr;
}

// What kubectl has no one command for.
constexpr const char* jobs_script =
    R"script(#!/bin/sh
# A Job never changes, and does not run again by itself.
#   sh jobs.sh delete [kubectl's options, -n NAMESPACE]            before `kubectl apply`
#   sh jobs.sh wait JOB SECONDS [kubectl's options, -n NAMESPACE]  until it has ended; fails when it does
set -eu

act=$1
shift
if [ "$act" = delete ]; then
    # Until its pods are gone: two of one kind are not to run at once.
    exec kubectl delete job @JOBS@ --ignore-not-found --cascade=foreground "$@"
fi
job=$1 seconds=$2
shift 2
until=$(($(date +%s) + seconds))
while :; do
    state=$(kubectl get job "$job" -o 'jsonpath={.status.conditions[?(@.status=="True")].type}' "$@")
    case " $state " in
    *" Complete "*) exit 0 ;;
    *" Failed "*)
        echo "the job $job has failed: kubectl logs job/$job says why" >&2
        exit 1
        ;;
    esac
    if [ "$(date +%s)" -ge "$until" ]; then
        echo "the job $job has not ended within $seconds s: kubectl describe job/$job" >&2
        exit 1
    fi
    sleep 1
done
)script";

std::vector<std::string> jobs_of(const Cluster& cluster) {
    std::vector<std::string> out;
    for (const auto& [owner, members] : cluster.pods)
        if (cluster.workloads.at(owner) == Workload::job) out.push_back(cluster.pod_names.at(owner));
    return out;
}

std::string script_of_jobs(const std::vector<std::string>& jobs) {
    std::string out = jobs_script;
    return out.replace(out.find("@JOBS@"), 6, fmt::format("{}", fmt::join(jobs, " ")));
}

// kubectl's own `apply --prune` takes claims along where it is not told each kind, and asks for names of its own
// making.
constexpr const char* pruning_script =
    R"script(#!/bin/sh
# Takes away what earlier exports of this project have made and the file no longer has; with DRY_RUN=1 it tells only.
# Claims and Secrets stay, and ConfigMaps: an older revision needs those that it had. So does what another object
# has made, as a CronJob its Jobs: it goes with that one.
#   [DRY_RUN=1] sh prune.sh [kubectl's options, -n NAMESPACE]      after `kubectl apply`
set -eu

keep='@KEEP@'
there=$(kubectl get deployment,statefulset,daemonset,job,cronjob,service,ingress,networkpolicy \
    -l '@SELECTOR@' "$@" -o \
    'go-template={{range .items}}{{if .metadata.ownerReferences}}{{else}}{{.kind}}/{{.metadata.name}} {{end}}{{end}}')
for object in $(echo "$there" | tr '[:upper:]' '[:lower:]'); do
    case " $keep " in *" $object "*) continue ;; esac
    echo "$object"
    [ -n "${DRY_RUN-}" ] || kubectl delete "$object" --ignore-not-found "$@"
done
)script";

// Of services that profiles or a selection leave out everything stays: they are in the file.
std::string script_of_pruning(const Cluster& cluster, const std::set<std::string>& names) {
    std::string out = pruning_script, keep, selector;
    for (const std::string& name : names) keep += (keep.empty() ? "" : " ") + name;
    selector = fmt::format("app.kubernetes.io/managed-by=davit,app.kubernetes.io/part-of={}",
                           dns_label(cluster.project().name));
    std::set<std::string> left_out;
    for (const auto& [name, service] : cluster.project().disabled_services) {
        const std::string& label = cluster.services.at(name);
        left_out.insert({label, dns_label("published-" + label)});
        // Of several containers the pod has the task's name.
        if (const auto task = ecs_task_of(service)) left_out.insert(dns_label(task->family));
        for (const auto& [network, how] : service.networks) {
            const auto known = cluster.networks.find(network);
            const std::string of = known == cluster.networks.end() ? dns_label(network) : known->second;
            left_out.insert({dns_label("network-" + of), dns_label("internal-" + of)});
        }
    }
    if (!left_out.empty()) selector += fmt::format(",app.kubernetes.io/name notin ({})", fmt::join(left_out, ","));
    out.replace(out.find("@KEEP@"), 6, keep);
    return out.replace(out.find("@SELECTOR@"), 10, selector);
}

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// "deployment/web", as kubectl names what it finds.
std::string object_of(const Document& document) {
    return lower(document["kind"].get<std::string>()) + "/" + document["metadata"]["name"].get<std::string>();
}

std::string k8s_readme(const Cluster& cluster, bool secrets, bool claims) {
    std::string out = fmt::format("# {} on Kubernetes\n\nWritten by `davit export --to kubernetes`. In this order:\n\n",
                                  cluster.project().name);
    int step = 1;
    bool builds = false;
    for (const auto& [name, service] : cluster.project().services) builds = builds || service.build;
    if (builds)
        out += fmt::format("{}. Images: `davit build`, then `davit push` to the registry that the manifests name.\n",
                           step++);
    out += fmt::format("{}. A namespace, where it is not there yet: `kubectl create namespace NAMESPACE`.\n", step++);
    if (secrets) out += fmt::format("{}. Secrets: `sh secrets.sh -n NAMESPACE`. No manifest holds a value.\n", step++);
    if (claims)
        out += fmt::format("{}. Storage: sizes and classes of the claims cannot be changed later in a StatefulSet.\n",
                           step++);
    const auto jobs = jobs_of(cluster);
    if (!jobs.empty())
        out += fmt::format("{}. Jobs never change: `sh jobs.sh delete -n NAMESPACE` before each apply.\n", step++);
    out += fmt::format("{}. `kubectl apply -n NAMESPACE -f .`\n", step++);
    for (const std::string& job : jobs)
        out += fmt::format("{0}. The job {1}: `sh jobs.sh wait {1} 600 -n NAMESPACE`, which fails when it does.\n",
                           step++, job);
    out += fmt::format("{}. What the file no longer has: `sh prune.sh -n NAMESPACE` (`DRY_RUN=1` tells what). Claims, "
                       "Secrets and ConfigMaps stay.\n",
                       step++);
    out +=
        "\nA roll-back: `kubectl rollout undo deployment/NAME`. `kustomize create --autodetect` makes a base of this "
        "directory.\n";
    return out;
}

} // namespace

std::vector<ExportedFile> to_kubernetes(const Scope& scope) {
    const Cluster cluster = make_cluster(scope);
    std::vector<ExportedFile> out;
    bool claims = false;
    std::set<std::string> names, kept;
    std::vector<SecretFiles> secret_files;
    add_manifests(out, "configs", config_maps(cluster));
    add_manifests(out, "volumes", shared_claims(cluster));
    for (const auto& [owner, members] : cluster.pods) {
        PodStorage storage = storage_of(cluster, members);
        claims = claims || storage.any_claim;
        std::move(storage.secret_files.begin(), storage.secret_files.end(), std::back_inserter(secret_files));
        const std::string& pod = cluster.pod_names.at(owner);
        std::vector<Document> documents = storage.objects;
        documents.push_back(workload_of(cluster, members, storage));
        kept.insert(object_of(documents.back()));
        if (const char* kind = awaited(cluster.workloads.at(owner))) scope.facts.workloads.push_back(kind + pod);
        for (const Service* service : members)
            for (Document& d : service_objects(cluster, *service)) {
                const std::string object =
                    d["kind"].get<std::string>() + " " + d["metadata"]["name"].get<std::string>();
                kept.insert(object_of(d));
                if (names.insert(object).second) documents.push_back(std::move(d));
                else
                    scope.report.dropped(key_path(*service, "networks"), fmt::format("{} is another service's", object),
                                         "another alias: a name leads to the pods of one service");
            }
        add_manifests(out, "service-" + pod, documents);
    }
    const auto policies = network_policies(cluster);
    for (const Document& d : policies) kept.insert(object_of(d));
    add_manifests(out, "network-policies", policies);
    const std::string secrets = secrets_script(cluster, secret_files);
    if (!secrets.empty()) out.push_back({"secrets.sh", secrets, true});
    if (const auto jobs = jobs_of(cluster); !jobs.empty()) out.push_back({"jobs.sh", script_of_jobs(jobs), true});
    out.push_back({"prune.sh", script_of_pruning(cluster, kept), true});
    out.push_back({"README.md", k8s_readme(cluster, !secrets.empty(), claims), false});
    return out;
}

} // namespace davit::exports

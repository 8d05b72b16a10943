#include "export/kubernetes/cluster.hpp"

#include <fmt/format.h>
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

std::string k8s_readme(const Cluster& cluster, bool secrets, bool claims) {
    std::string out = fmt::format("# {} on Kubernetes\n\nWritten by `davit export --to kubernetes`. In this order:\n\n",
                                  cluster.project().name);
    int step = 1;
    bool builds = false;
    for (const auto& [name, service] : cluster.project().services) builds = builds || service.build;
    if (builds)
        out += fmt::format("{}. Images: `davit build`, then `davit push` to the registry that the manifests name.\n",
                           step++);
    if (secrets) out += fmt::format("{}. Secrets: `sh secrets.sh -n NAMESPACE`. No manifest holds a value.\n", step++);
    if (claims)
        out += fmt::format("{}. Storage: sizes and classes of the claims cannot be changed later in a StatefulSet.\n",
                           step++);
    out += fmt::format("{}. `kubectl apply -n NAMESPACE -f .`\n", step++);
    for (const auto& [name, members] : cluster.pods) {
        if (cluster.workloads.at(name) == Workload::job)
            out +=
                fmt::format("{0}. The job {1}: `kubectl wait -n NAMESPACE --for=condition=complete job/{1}`; before it "
                            "runs again, `kubectl delete job {1}`.\n",
                            step++, cluster.pod_names.at(name));
    }
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
    std::set<std::string> names;
    add_manifests(out, "configs", config_maps(cluster));
    add_manifests(out, "volumes", shared_claims(cluster));
    for (const auto& [owner, members] : cluster.pods) {
        PodStorage storage = storage_of(cluster, members);
        claims = claims || storage.any_claim;
        const std::string& pod = cluster.pod_names.at(owner);
        std::vector<Document> documents = storage.objects;
        documents.push_back(workload_of(cluster, members, storage));
        if (const char* kind = awaited(cluster.workloads.at(owner))) scope.facts.workloads.push_back(kind + pod);
        for (const Service* service : members)
            for (Document& d : service_objects(cluster, *service)) {
                const std::string object =
                    d["kind"].get<std::string>() + " " + d["metadata"]["name"].get<std::string>();
                if (names.insert(object).second) documents.push_back(std::move(d));
                else
                    scope.report.dropped(key_path(*service, "networks"), fmt::format("{} is another service's", object),
                                         "another alias: a name leads to the pods of one service");
            }
        add_manifests(out, "service-" + pod, documents);
    }
    add_manifests(out, "network-policies", network_policies(cluster));
    const std::string secrets = secrets_script(cluster);
    if (!secrets.empty()) out.push_back({"secrets.sh", secrets, true});
    out.push_back({"README.md", k8s_readme(cluster, !secrets.empty(), claims), false});
    return out;
}

} // namespace davit::exports

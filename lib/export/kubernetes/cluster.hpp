// What the parts of a Kubernetes export share: names, labels, which workload a service becomes.
#pragma once

#include "export/targets.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::exports {

enum class Workload { deployment, stateful_set, daemon_set, job, cron_job };

struct Cluster {
    const Scope& scope;
    std::map<std::string, std::string> services, volumes, configs, secrets, networks; // key → legal name
    std::map<std::string, std::set<std::string>> volume_users;
    std::map<std::string, Workload> workloads;
    // Services that share their network are containers of one pod, of which one owns the network. Each is in one.
    std::map<std::string, std::vector<const Service*>> pods; // by owner, which comes first
    std::map<std::string, std::string> pod_names;            // of each service: the name of its workload
    std::map<std::string, std::string> variables;            // that are secrets → the Secret's name

    const Project& project() const { return scope.project; }
    Report& report() const { return scope.report; }
};
Cluster make_cluster(const Scope& scope);

// Selectors never change: no versions, no hashes.
Document selector_labels(const Cluster& cluster, const Service& service);
Document object_labels(const Cluster& cluster, const std::string& name);
Document metadata(const Cluster& cluster, const std::string& name, const std::string& of);
Document pod_labels(const Cluster& cluster, const Service& service);
// Labels of the compose file, as annotations; those whose names Kubernetes refuses are reported below `path`.
void annotate(const Cluster& cluster, const std::map<std::string, std::string>& labels, const std::string& path,
              Document& metadata);
// The networks of a service that become policies; none where all services are on one.
std::vector<std::string> policy_networks(const Cluster& cluster);

// A Secret that secrets.sh makes of files.
struct SecretFiles {
    std::string name;
    std::vector<std::pair<std::string, std::string>> files; // key, path
};

// Storage of one pod.
struct PodStorage {
    std::vector<Document> volumes, mounts, claim_templates, objects; // objects: claims and ConfigMaps
    std::map<std::string, std::vector<Document>> mounts_of;          // `mounts` of each container's service
    std::map<std::string, std::string> claims;                       // key of a volume → its name in the pod
    std::vector<SecretFiles> secret_files;
    bool one_node = false; // a volume that one node has at a time
    bool writes = false;   // something that outlives the pod
    bool any_claim = false;
    bool closed_files = false; // not for everybody to read
};
PodStorage storage_of(const Cluster& cluster, const std::vector<const Service*>& members);
constexpr std::size_t most_of_a_config_map = 1024 * 1024;
std::string file_key(std::string_view name);
Document config_map(const Cluster& cluster, const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& contents);
void add_file_mount(const std::string& volume, const std::string& path, const std::string& target, PodStorage& out);
// binds.cpp
void add_bind(const Cluster& cluster, const Service& service, const Mount& m, const std::string& path, PodStorage& out);
// claims.cpp
void add_volume(const Cluster& cluster, const Service& service, const Mount& m, const std::string& path,
                PodStorage& out);
std::string name_of_volume(const PodStorage& out, const std::string& base);
// {type: nfs, o: "addr=10.0.0.1,rw", device: ":/path"} of the local driver: the kubelet mounts such a one itself.
std::optional<Document> nfs_source(const Volume& volume);
std::string config_object_name(const Cluster& cluster, const FileObject& config);
// ConfigMaps of configs, once.
std::vector<Document> config_maps(const Cluster& cluster);
std::vector<Document> shared_claims(const Cluster& cluster);
std::string secrets_script(const Cluster& cluster, const std::vector<SecretFiles>& files);

// The pod's template, {metadata, spec}.
Document pod_template(const Cluster& cluster, const std::vector<const Service*>& members, const PodStorage& storage);
Document containers_environment(const Cluster& cluster, const Service& service);
std::string escaped_reference(std::string_view text); // $(X) would be replaced, and $$ be one
void add_probes(const Cluster& cluster, const Service& service, Document& container);
std::optional<Document> startup_probe(const Service& service);         // nullopt: it has no healthcheck
Document resources_of(const Cluster& cluster, const Service& service); // resources.cpp
void add_lifecycle(const Cluster& cluster, const Service& service, Document& container);
void add_security(const Cluster& cluster, const Service& service, const PodStorage& storage, Document& pod,
                  Document& container);
void add_placement(const Cluster& cluster, const Service& service, Document& pod);
Document init_containers(const Cluster& cluster, const Service& service, const Document& main);
// Of one pod: those that others of it wait for begin first, in order; the rest begins at once.
enum class Place { begins_at_once, runs_first, begins_first /* and runs on */ };
std::map<std::string, Place> places_in_pod(const Cluster& cluster, const std::vector<const Service*>& members);
std::vector<const Service*> in_order(const std::vector<const Service*>& members);

Document workload_of(const Cluster& cluster, const std::vector<const Service*>& members, PodStorage& storage);
// services.cpp
struct ServicePort {
    std::uint32_t port = 0;
    std::string protocol, name, app_protocol;
};
std::vector<ServicePort> inner_ports(const Service& service);
// The headless Service by which the pods of a StatefulSet find each other.
std::string peers_name(const Cluster& cluster, const Service& service);
std::vector<Document> service_objects(const Cluster& cluster, const Service& service);
std::string upper(std::string text);
Document k8s_service(const Cluster& cluster, const std::string& name, const Service& service);

// entrances.cpp: where what comes from outside of the cluster arrives.
struct IngressRule {
    std::string host, path, ingress_class, tls;
};

struct Entrances {
    std::vector<IngressRule> rules;
    std::uint32_t ingress_port = 0;                                 // 0: no Ingress
    std::string type;                                               // of the Service of those that are balanced
    std::vector<std::size_t> by_ingress, balanced, of_node, inside; // of `ports`; those of 127.0.0.1 are nowhere
};
Entrances entrances_of(const Cluster& cluster, const Service& service);
std::vector<Document> entrance_objects(const Cluster& cluster, const Service& service);
// Traefik's label says where the program listens, whatever else the file publishes.
std::optional<std::uint32_t> port_for_traefik(const Service& service);
std::vector<Document> network_policies(const Cluster& cluster);

} // namespace davit::exports

// Named volumes: claims, and what the kubelet mounts itself.
#include "export/kubernetes/cluster.hpp"
#include "export/tasks.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

constexpr const char* default_size = "1Gi";

Document claim_spec(const Cluster& cluster, const Extensions& given, const std::string& path, bool shared) {
    const std::string size = text_of(given, "x-k8s-size");
    if (size.empty())
        cluster.report().needs(path + "size", fmt::format("a claim has a size: {} is taken", default_size),
                               "x-k8s-size at the volume");
    const std::string access = text_of(given, "x-k8s-access", shared ? "ReadWriteMany" : "ReadWriteOnce");
    if (shared && text_of(given, "x-k8s-access").empty())
        cluster.report().needs(path + "access", "pods of several services mount it: the class must offer ReadWriteMany",
                               "x-k8s-class, x-k8s-access at the volume");
    Document out{{"accessModes", {access}}};
    if (const std::string name = text_of(given, "x-k8s-class"); !name.empty()) out["storageClassName"] = name;
    out["resources"] = {{"requests", {{"storage", size.empty() ? default_size : size}}}};
    return out;
}

// A claim is mounted by a directory in it: lost+found at its top breaks databases, PostgreSQL first. One that is there
// already is mounted whole: what it has does not lie in a directory of ours.
void mount_claim(PodStorage& out, const std::string& volume, const Mount& m, bool external) {
    std::string sub = external ? "" : "data";
    if (m.volume && !m.volume->subpath.empty()) sub += (sub.empty() ? "" : "/") + m.volume->subpath;
    Document mount{{"name", volume}, {"mountPath", m.target}};
    if (!sub.empty()) mount["subPath"] = sub;
    if (m.read_only) mount["readOnly"] = true;
    out.mounts.push_back(std::move(mount));
    out.any_claim = true;
    out.writes = out.writes || !m.read_only;
}

bool add_nfs(const Cluster& cluster, const std::string& key, const Volume& volume, const std::string& name,
             const Mount& m, PodStorage& out) {
    const auto source = nfs_source(volume);
    if (!source) return false;
    if (out.claims.emplace(key, name).second) out.volumes.push_back({{"name", name}, {"nfs", *source}});
    Document mount{{"name", name}, {"mountPath", m.target}};
    if (m.volume && !m.volume->subpath.empty()) mount["subPath"] = m.volume->subpath;
    if (m.read_only) mount["readOnly"] = true;
    out.mounts.push_back(std::move(mount));
    out.writes = out.writes || !m.read_only;
    cluster.report().adjusted("volumes." + key + ".driver_opts", "a volume of type nfs",
                              "the kubelet mounts it; its other options are those of the node");
    return true;
}

// A directory of the pod, which its containers share.
void add_scratch(const Cluster& cluster, const Mount& m, const std::string& path, const std::string& name,
                 PodStorage& out) {
    if (out.claims.emplace(m.source, name).second)
        out.volumes.push_back({{"name", name}, {"emptyDir", Document::object()}});
    Document mount{{"name", name}, {"mountPath", m.target}};
    if (m.read_only) mount["readOnly"] = true;
    out.mounts.push_back(std::move(mount));
    cluster.report().adjusted(path, "an emptyDir", "a volume of the task lives as long as the pod");
}

} // namespace

std::string name_of_volume(const PodStorage& out, const std::string& base) {
    std::string name = dns_label(base);
    auto taken = [&](const std::string& n) {
        return std::any_of(out.volumes.begin(), out.volumes.end(), [&](const Document& v) { return v["name"] == n; }) ||
               std::any_of(out.claim_templates.begin(), out.claim_templates.end(),
                           [&](const Document& v) { return v["metadata"]["name"] == n; });
    };
    for (int i = 2; taken(name); ++i) name = dns_label(base, 59) + "-" + std::to_string(i);
    return name;
}

std::optional<Document> nfs_source(const Volume& volume) {
    auto option = [&](const char* key) {
        const auto it = volume.driver_opts.find(key);
        return it == volume.driver_opts.end() ? std::string() : it->second;
    };
    if (!volume.driver.empty() && volume.driver != "local") return std::nullopt;
    const std::string device = option("device"), options = "," + option("o");
    if (!option("type").starts_with("nfs")) return std::nullopt;
    const std::size_t colon = device.find(":/"), at = options.find(",addr=");
    std::string server = colon == std::string::npos ? "" : device.substr(0, colon);
    if (at != std::string::npos) server = options.substr(at + 6, options.find(',', at + 1) - at - 6);
    const std::string path = colon == std::string::npos ? device : device.substr(colon + 1);
    if (server.empty() || !path.starts_with('/')) return std::nullopt;
    return Document{{"server", server}, {"path", path}};
}

void add_volume(const Cluster& cluster, const Service& service, const Mount& m, const std::string& path,
                PodStorage& out) {
    if (m.source.empty()) {
        const std::string name = name_of_volume(out, "anonymous");
        out.volumes.push_back({{"name", name}, {"emptyDir", Document::object()}});
        Document mount{{"name", name}, {"mountPath", m.target}};
        out.mounts.push_back(std::move(mount));
        cluster.report().adjusted(path, "an emptyDir", "an anonymous volume lives as long as the pod");
        return;
    }
    const auto found = cluster.project().volumes.find(m.source);
    static const Volume nothing;
    const Volume& volume = found == cluster.project().volumes.end() ? nothing : found->second;
    const auto users = cluster.volume_users.find(m.source);
    const bool shared = users != cluster.volume_users.end() && users->second.size() > 1;
    const auto known = out.claims.find(m.source);
    const std::string name =
        known != out.claims.end()
            ? known->second
            : name_of_volume(out, cluster.volumes.contains(m.source) ? cluster.volumes.at(m.source) : m.source);
    if (ends_with_task(cluster.project(), m.source)) return add_scratch(cluster, m, path, name, out);
    if (add_nfs(cluster, m.source, volume, name, m, out)) return;
    if (volume.external)
        cluster.report().adjusted(path + ".source", "the claim " + dns_label(volume.name),
                                  "it has to be there, and is mounted whole",
                                  "volume: {subpath: DIRECTORY}, for a part of it");
    else if (!m.volume || !m.volume->nocopy)
        cluster.report().adjusted(path + ".target", m.target,
                                  "a new claim is empty: what the image has there is not copied into it",
                                  "an init container that copies, or a program that fills it");
    if (!out.claims.emplace(m.source, name).second)
        return mount_claim(out, name, m, volume.external); // another container's, too
    const bool own = !shared && !volume.external && cluster.workloads.at(service.name) == Workload::stateful_set;
    if (own) {
        Document claim{{"metadata", {{"name", name}, {"labels", object_labels(cluster, name)}}}};
        claim["spec"] = claim_spec(cluster, volume.extensions, "volumes." + m.source + ".x-k8s-", false);
        out.claim_templates.push_back(std::move(claim));
        if (replicas(service) > 1)
            cluster.report().adjusted(path, "a claim for each replica", "compose shares one between all replicas");
    } else {
        const std::string claim = volume.external ? dns_label(volume.name) : name;
        Document source{{"claimName", claim}};
        out.volumes.push_back({{"name", name}, {"persistentVolumeClaim", source}});
    }
    const std::string access = text_of(volume.extensions, "x-k8s-access");
    out.one_node = out.one_node || access.starts_with("ReadWriteOnce") || // and ReadWriteOncePod
                   (access.empty() && !shared && !m.read_only);
    mount_claim(out, name, m, volume.external);
}

std::vector<Document> shared_claims(const Cluster& cluster) {
    std::vector<Document> out;
    for (const auto& [key, volume] : cluster.project().volumes) {
        const auto users = cluster.volume_users.find(key);
        if (volume.external || users == cluster.volume_users.end() || nfs_source(volume)) continue;
        const bool shared = users->second.size() > 1;
        if (!shared && cluster.workloads.at(*users->second.begin()) == Workload::stateful_set) continue;
        const std::string& name = cluster.volumes.at(key);
        Document claim{
            {"apiVersion", "v1"}, {"kind", "PersistentVolumeClaim"}, {"metadata", metadata(cluster, name, name)}};
        annotate(cluster, volume.labels, "volumes." + key + ".labels", claim["metadata"]);
        claim["spec"] = claim_spec(cluster, volume.extensions, "volumes." + key + ".x-k8s-", shared);
        out.push_back(std::move(claim));
    }
    return out;
}

} // namespace davit::exports

// Volumes of a pod: claims, ConfigMaps, secrets, memory.
#include "export/kubernetes/cluster.hpp"

#include "base/text_code.hpp"
#include "base/units.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

constexpr std::size_t most_of_a_config_map = 1024 * 1024;
constexpr const char* default_size = "1Gi";

std::string file_key(std::string_view name) {
    std::string out;
    for (char c : name) out += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' ? c : '-';
    return out;
}

bool is_text(const std::string& bytes) {
    // JSON and YAML carry Unicode only; the library knows what is none.
    try {
        (void)nlohmann::json(bytes).dump();
        return bytes.find('\0') == std::string::npos;
    } catch (const nlohmann::json::exception&) {
        return false;
    }
}

Document config_map(const Cluster& cluster, const std::string& name, const std::string& key,
                    const std::string& content) {
    Document out{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", metadata(cluster, name, name)}};
    out["immutable"] = true;
    if (is_text(content)) out["data"] = {{key, content}};
    else out["binaryData"] = {{key, base64_encode(content)}};
    return out;
}

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

// A claim is mounted by a directory in it: lost+found at its top breaks databases, PostgreSQL first.
void mount_claim(PodStorage& out, const std::string& volume, const Mount& m) {
    std::string sub = "data";
    if (m.volume && !m.volume->subpath.empty()) sub += "/" + m.volume->subpath;
    Document mount{{"name", volume}, {"mountPath", m.target}, {"subPath", sub}};
    if (m.read_only) mount["readOnly"] = true;
    out.mounts.push_back(std::move(mount));
    out.any_claim = true;
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
    const std::string name =
        name_of_volume(out, cluster.volumes.contains(m.source) ? cluster.volumes.at(m.source) : m.source);
    if (!m.volume || !m.volume->nocopy)
        cluster.report().adjusted(path + ".target", m.target,
                                  "a new claim is empty: what the image has there is not copied into it",
                                  "an init container that copies, or a program that fills it");
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
    out.single_writer =
        out.single_writer || (!shared && !m.read_only) || text_of(volume.extensions, "x-k8s-access") == "ReadWriteOnce";
    mount_claim(out, name, m);
}

void add_file_mount(const std::string& volume, const std::string& key, const std::string& target, PodStorage& out) {
    out.mounts.push_back({{"name", volume}, {"mountPath", target}, {"subPath", key}, {"readOnly", true}});
}

void add_bind(const Cluster& cluster, const Service& service, const Mount& m, const std::string& path,
              PodStorage& out) {
    const auto content = cluster.scope.options.read_file ? cluster.scope.options.read_file(m.source) : std::nullopt;
    if (!content || content->size() > most_of_a_config_map) {
        cluster.report().dropped(
            path,
            fmt::format("{} is of one machine{}", m.source, content ? ", and too large for a ConfigMap (1 MiB)" : ""),
            "copy it into the image, or use a volume; a single file becomes a ConfigMap");
        return;
    }
    const std::string key = file_key(m.source.substr(m.source.rfind('/') + 1));
    const std::string object =
        dns_label(cluster.services.at(service.name) + "-" + key, 50) + "-" + short_hash(*content);
    const std::string volume = name_of_volume(out, key);
    out.objects.push_back(config_map(cluster, object, key, *content));
    Document source{{"name", object}};
    out.volumes.push_back({{"name", volume}, {"configMap", source}});
    add_file_mount(volume, key, m.target, out);
    cluster.report().adjusted(path + ".source", "a ConfigMap", "the file's content, read only");
}

void add_memory(const std::string& base, const std::string& target, std::int64_t size, bool read_only,
                PodStorage& out) {
    const std::string name = name_of_volume(out, base);
    Document directory{{"medium", "Memory"}};
    if (size > 0) directory["sizeLimit"] = size;
    out.volumes.push_back({{"name", name}, {"emptyDir", directory}});
    Document mount{{"name", name}, {"mountPath", target}};
    if (read_only) mount["readOnly"] = true;
    out.mounts.push_back(std::move(mount));
}

void add_tmpfs(const Cluster& cluster, const Service& service, PodStorage& out) {
    for (const std::string& entry : service.tmpfs) {
        const std::size_t colon = entry.find(':');
        std::int64_t size = 0;
        const std::size_t at = entry.find("size=");
        if (at != std::string::npos) size = parse_bytes(entry.substr(at + 5, entry.find(',', at) - at - 5)).value_or(0);
        add_memory("tmpfs", entry.substr(0, colon), size, false, out);
        const std::string_view given = colon == std::string::npos ? "" : std::string_view(entry).substr(colon + 1);
        if (!given.empty() && (!given.starts_with("size=") || given.find(',') != std::string_view::npos))
            cluster.report().adjusted(key_path(service, "tmpfs"), "an emptyDir in memory",
                                      "of the options only size is known");
    }
    if (service.shm_size > 0) add_memory("shm", "/dev/shm", service.shm_size, false, out);
}

void add_mount(const Cluster& cluster, const Service& service, std::size_t i, PodStorage& out) {
    const Mount& m = service.volumes[i];
    const std::string path = fmt::format("services.{}.volumes[{}]", service.name, i);
    switch (m.type) {
    case MountType::volume: return add_volume(cluster, service, m, path, out);
    case MountType::bind: return add_bind(cluster, service, m, path, out);
    case MountType::tmpfs: return add_memory("tmpfs", m.target, m.tmpfs ? m.tmpfs->size : 0, m.read_only, out);
    case MountType::image: {
        const std::string name = name_of_volume(out, "image");
        Document image{{"reference", m.source}};
        out.volumes.push_back({{"name", name}, {"image", image}});
        Document mount{{"name", name}, {"mountPath", m.target}, {"readOnly", true}};
        if (m.image && !m.image->subpath.empty()) mount["subPath"] = m.image->subpath;
        out.mounts.push_back(std::move(mount));
        return;
    }
    case MountType::npipe:
    case MountType::cluster: cluster.report().dropped(path, "Kubernetes has no such mounts", "a claim");
    }
}

void add_configs(const Cluster& cluster, const Service& service, PodStorage& out) {
    for (const FileReference& use : service.configs) {
        const auto it = cluster.project().configs.find(use.source);
        if (it == cluster.project().configs.end()) continue;
        const std::string key = file_key(use.source), volume = name_of_volume(out, "config-" + use.source);
        Document source{{"name", config_object_name(cluster, it->second)}, {"defaultMode", use.mode.value_or(0444)}};
        out.volumes.push_back({{"name", volume}, {"configMap", source}});
        add_file_mount(volume, key, use.target.empty() ? "/" + use.source : use.target, out);
    }
}

// All below /run/secrets in one volume, so that they follow changes; others file by file.
void add_secrets(const Cluster& cluster, const Service& service, PodStorage& out) {
    Document sources = Document::array();
    for (const FileReference& use : service.secrets) {
        const auto it = cluster.project().secrets.find(use.source);
        if (it == cluster.project().secrets.end()) continue;
        const FileObject& secret = it->second;
        const std::string object = secret.external ? dns_label(secret.name) : cluster.secrets.at(use.source);
        const std::string key = file_key(use.source), target = use.target.empty() ? use.source : use.target;
        constexpr std::string_view home = "/run/secrets/";
        const std::string inside = target.starts_with(home) ? target.substr(home.size()) : target;
        Document item{{"key", key}, {"path", inside}, {"mode", use.mode.value_or(0444)}};
        if (secret.external)
            cluster.report().adjusted("secrets." + use.source + ".external", object + ", its key " + key,
                                      "a Secret holds several values by key");
        if (inside.starts_with('/')) {
            const std::string volume = name_of_volume(out, "secret-" + use.source);
            item["path"] = key;
            Document source{{"secretName", object}, {"items", Document::array({item})}};
            out.volumes.push_back({{"name", volume}, {"secret", source}});
            add_file_mount(volume, key, target, out);
        } else {
            Document source{{"name", object}, {"items", Document::array({item})}};
            sources.push_back({{"secret", source}});
        }
    }
    if (sources.empty()) return;
    const std::string volume = name_of_volume(out, "run-secrets");
    Document projected{{"sources", sources}};
    out.volumes.push_back({{"name", volume}, {"projected", projected}});
    out.mounts.push_back({{"name", volume}, {"mountPath", "/run/secrets"}, {"readOnly", true}});
}

} // namespace

std::string config_object_name(const Cluster& cluster, const FileObject& config) {
    if (config.external) return dns_label(config.name);
    return cluster.configs.at(config.key) + "-" + short_hash(config_content(cluster.scope, config).value_or(""));
}

PodStorage storage_of(const Cluster& cluster, const Service& service) {
    PodStorage out;
    for (std::size_t i = 0; i < service.volumes.size(); ++i) add_mount(cluster, service, i, out);
    add_tmpfs(cluster, service, out);
    add_configs(cluster, service, out);
    add_secrets(cluster, service, out);
    return out;
}

std::vector<Document> config_maps(const Cluster& cluster) {
    std::vector<Document> out;
    for (const auto& [key, config] : cluster.project().configs) {
        if (config.external) continue;
        const std::string content = config_content(cluster.scope, config).value_or("");
        if (content.size() > most_of_a_config_map) {
            cluster.report().dropped("configs." + key, "a ConfigMap has room for 1 MiB", "copy it into the image");
            continue;
        }
        out.push_back(config_map(cluster, config_object_name(cluster, config), file_key(key), content));
        for (const auto& [label, value] : config.labels) out.back()["metadata"]["annotations"][label] = value;
    }
    return out;
}

std::vector<Document> shared_claims(const Cluster& cluster) {
    std::vector<Document> out;
    for (const auto& [key, volume] : cluster.project().volumes) {
        const auto users = cluster.volume_users.find(key);
        if (volume.external || users == cluster.volume_users.end()) continue;
        const bool shared = users->second.size() > 1;
        if (!shared && cluster.workloads.at(*users->second.begin()) == Workload::stateful_set) continue;
        const std::string& name = cluster.volumes.at(key);
        Document claim{
            {"apiVersion", "v1"}, {"kind", "PersistentVolumeClaim"}, {"metadata", metadata(cluster, name, name)}};
        for (const auto& [label, value] : volume.labels) claim["metadata"]["annotations"][label] = value;
        claim["spec"] = claim_spec(cluster, volume.extensions, "volumes." + key + ".x-k8s-", shared);
        out.push_back(std::move(claim));
    }
    return out;
}

std::string secrets_script(const Cluster& cluster) {
    std::string commands;
    for (const auto& [key, secret] : cluster.project().secrets) {
        if (secret.external) continue;
        const std::string name = cluster.secrets.at(key), file = file_key(key);
        if (secret.environment.empty())
            commands += fmt::format("make_secret {} {} <{}\n", name, file, shell_quoted(secret.file));
        else
            commands += fmt::format("printf %s \"${{{0}?the secret {1} is the value of this variable}}\" | make_secret "
                                    "{2} {3}\n",
                                    secret.environment, key, name, file);
    }
    if (commands.empty()) return {};
    return "#!/bin/sh\n"
           "# Makes the secrets, or gives them their values anew: sh secrets.sh [kubectl's options, -n NAMESPACE]\n"
           "set -eu\n\n"
           "options=\"$*\"\n"
           "# The value comes by standard input: arguments are for all to see.\n"
           "make_secret() {\n"
           "    # shellcheck disable=SC2086\n"
           "    kubectl $options create secret generic \"$1\" --from-file=\"$2\"=/dev/stdin --dry-run=client -o yaml "
           "|\n"
           "        kubectl $options apply -f -\n"
           "}\n\n" +
           commands;
}

} // namespace davit::exports

// Volumes of a pod: claims, ConfigMaps, secrets, memory.
#include "export/kubernetes/cluster.hpp"
#include "export/kubernetes/file_kinds.hpp"

#include "base/text_code.hpp"
#include "base/units.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

bool is_text(const std::string& bytes) {
    // JSON and YAML carry Unicode only; the library knows what is none.
    try {
        (void)nlohmann::json(bytes).dump();
        return bytes.find('\0') == std::string::npos;
    } catch (const nlohmann::json::exception&) {
        return false;
    }
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
        std::optional<std::int64_t> size = 0;
        const std::size_t at = entry.find("size=");
        if (at != std::string::npos) size = parse_bytes(entry.substr(at + 5, entry.find(',', at) - at - 5));
        if (!size)
            cluster.report().dropped(key_path(service, "tmpfs"), "a sizeLimit is no part of the memory",
                                     "the size in bytes: size=64m");
        add_memory("tmpfs", entry.substr(0, colon), size.value_or(0), false, out);
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
        out.closed_files = out.closed_files || (use.mode.value_or(0444) & 0004) == 0;
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

// Of two at one place Kubernetes refuses the pod; the later one is what a container here would see.
void leave_hidden(const Cluster& cluster, const Service& service, PodStorage& out) {
    std::map<std::string, std::size_t> last;
    const auto place = [](const Document& mount) { return mount.at("mountPath").get<std::string>(); };
    for (std::size_t i = 0; i < out.mounts.size(); ++i) last[place(out.mounts[i])] = i;
    std::vector<Document> seen;
    for (std::size_t i = 0; i < out.mounts.size(); ++i) {
        const std::string target = place(out.mounts[i]);
        if (last.at(target) == i) seen.push_back(std::move(out.mounts[i]));
        else
            cluster.report().dropped("services." + service.name, fmt::format("two things are mounted at {}", target),
                                     "the later one hides the other: leave that out");
    }
    out.mounts = std::move(seen);
}

} // namespace

// A key of a ConfigMap or a Secret.
std::string file_key(std::string_view name) {
    std::string out;
    for (char c : name) out += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '_' ? c : '-';
    return out;
}

Document config_map(const Cluster& cluster, const std::string& name,
                    const std::vector<std::pair<std::string, std::string>>& contents) {
    Document out{{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", metadata(cluster, name, name)}};
    out["immutable"] = true;
    for (const auto& [key, content] : contents) {
        if (is_text(content)) out["data"][key] = content;
        else out["binaryData"][key] = base64_encode(content);
    }
    return out;
}

void add_file_mount(const std::string& volume, const std::string& path, const std::string& target, PodStorage& out) {
    out.mounts.push_back({{"name", volume}, {"mountPath", target}, {"subPath", path}, {"readOnly", true}});
}

std::string config_object_name(const Cluster& cluster, const FileObject& config) {
    if (config.external) return dns_label(config.name);
    return cluster.configs.at(config.key) + "-" + short_hash(config_content(cluster.scope, config).value_or(""));
}

PodStorage storage_of(const Cluster& cluster, const std::vector<const Service*>& members) {
    PodStorage out;
    for (const Service* service : members) {
        out.mounts.clear();
        for (std::size_t i = 0; i < service->volumes.size(); ++i) add_mount(cluster, *service, i, out);
        add_tmpfs(cluster, *service, out);
        add_configs(cluster, *service, out);
        add_secrets(cluster, *service, out);
        leave_hidden(cluster, *service, out);
        out.mounts_of[service->name] = out.mounts;
    }
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
        if (holds_secret(content))
            cluster.report().needs("configs." + key,
                                   "something in it looks like a key or a password, and a ConfigMap has it in clear",
                                   "`secrets:` instead of `configs:`");
        out.push_back(config_map(cluster, config_object_name(cluster, config), {{file_key(key), content}}));
        annotate(cluster, config.labels, "configs." + key + ".labels", out.back()["metadata"]);
    }
    return out;
}

namespace {

constexpr const char* of_files =
    "# Of files, which the manifests mount.\n"
    "make_secret_of() {\n"
    "    name=$1\n"
    "    shift\n"
    "    # shellcheck disable=SC2086\n"
    "    kubectl $options create secret generic \"$name\" \"$@\" --dry-run=client -o yaml |\n"
    "        kubectl $options apply -f -\n"
    "}\n";

} // namespace

std::string secrets_script(const Cluster& cluster, const std::vector<SecretFiles>& files) {
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
    for (const auto& [variable, name] : cluster.variables)
        commands += fmt::format("printf %s \"${{{0}?the secret {0} is the value of this variable}}\" | make_secret {1} "
                                "{0}\n",
                                variable, name);
    for (const SecretFiles& secret : files) {
        commands += "make_secret_of " + secret.name;
        for (const auto& [key, path] : secret.files) commands += " " + shell_quoted("--from-file=" + key + "=" + path);
        commands += "\n";
    }
    if (commands.empty()) return {};
    return std::string(
               "#!/bin/sh\n"
               "# Makes the secrets, or gives them their values anew: sh secrets.sh [kubectl's options, -n NAMESPACE]\n"
               "set -eu\n\n"
               "options=\"$*\"\n"
               "# The value comes by standard input: arguments are for all to see.\n"
               "make_secret() {\n"
               "    # shellcheck disable=SC2086\n"
               "    kubectl $options create secret generic \"$1\" --from-file=\"$2\"=/dev/stdin --dry-run=client -o "
               "yaml "
               "|\n"
               "        kubectl $options apply -f -\n"
               "}\n") +
           (files.empty() ? "" : of_files) + "\n" + commands;
}

} // namespace davit::exports

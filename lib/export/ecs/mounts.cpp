// What a container has of files: secrets by a helper that ends first, file systems, directories.
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

constexpr const char* sidecar_image = "public.ecr.aws/docker/library/busybox:1.36";

// Two volumes that are one directory: what a database keeps lies among the files of another service.
void note_one_root(const Layout& plan, const std::string& key, const std::string& id) {
    const auto is_its_root = [&](const Volume& v) {
        return text_of(v.extensions, "x-aws-filesystem") == id && !v.extensions.contains("x-aws-access_point");
    };
    const auto& volumes = plan.scope.project.volumes;
    if (id.empty() || !is_its_root(volumes.at(key))) return;
    for (const auto& [other, volume] : volumes)
        if (other != key && is_its_root(volume))
            return plan.scope.report.needs(
                "volumes." + key + ".x-aws-access_point",
                fmt::format("it and {} are both the root of {}, and their files are mixed", other, id),
                "x-aws-access_point: fsap-… at each, with a root directory of its own");
}

std::string efs_volume(Layout& plan, Task& task, const std::string& key, Document& definition) {
    task.file_systems.insert(key);
    const std::string name = dns_label(key);
    for (const Document& v : definition["volumes"])
        if (v["name"] == name) return name;
    const auto it = plan.scope.project.volumes.find(key);
    const std::string given =
        it == plan.scope.project.volumes.end() ? "" : text_of(it->second.extensions, "x-aws-filesystem");
    const std::string path = "volumes." + key + ".x-aws-filesystem";
    if (given.empty())
        plan.scope.report.needs(path, "a named volume is an EFS file system, which is there before",
                                "x-aws-filesystem: fs-… at the volume, or the format's parameter");
    const std::string group =
        it == plan.scope.project.volumes.end() ? "" : text_of(it->second.extensions, "x-aws-mount_group");
    if (!group.empty()) plan.mount_groups[key] = group;
    else
        plan.scope.report.needs(
            path, "the security group of its mount targets has to let in TCP 2049 (NFS) from the groups of the tasks",
            "x-aws-mount_group: sg-… at the volume makes the rule");
    note_one_root(plan, key, given);
    const std::string id = given.empty() ? word("EFS:" + key) : given;
    plan.file_systems[key] = id;
    Document efs{{"fileSystemId", id}, {"transitEncryption", "ENABLED"}};
    const std::string point =
        it == plan.scope.project.volumes.end() ? "" : text_of(it->second.extensions, "x-aws-access_point");
    if (!point.empty()) efs["authorizationConfig"]["accessPointId"] = point;
    Document volume{{"name", name}};
    volume["efsVolumeConfiguration"] = efs;
    definition["volumes"].push_back(std::move(volume));
    return name;
}

std::string secret_arn(const Layout& plan, const FileObject& secret) {
    if (secret.external && secret.name.starts_with("arn:")) return secret.name;
    return fmt::format("arn:{}:secretsmanager:{}:{}:secret:{}", word("PARTITION"), word("REGION"), word("ACCOUNT"),
                       secret.external ? secret.name : plan.project + "/" + secret.key);
}

} // namespace

std::vector<std::string> mount_groups_of(const Layout& plan, const Task& task) {
    std::set<std::string> out;
    for (const std::string& key : task.file_systems)
        if (const auto it = plan.mount_groups.find(key); it != plan.mount_groups.end()) out.insert(it->second);
    return {out.begin(), out.end()};
}

// Secrets are variables of a container that ends before the program begins, and files of a directory in memory's place.
void add_secret_files(Layout& plan, const Service& service, Document& container, Document& definition) {
    constexpr std::string_view home = "/run/secrets/";
    Document secrets = Document::array();
    std::string command = "set -eu; cd /run/secrets;";
    for (std::size_t i = 0; i < service.secrets.size(); ++i) {
        const FileReference& use = service.secrets[i];
        const auto it = plan.scope.project.secrets.find(use.source);
        if (it == plan.scope.project.secrets.end()) continue;
        std::string target = use.target.empty() ? use.source : use.target;
        if (target.starts_with(home)) target = target.substr(home.size());
        if (target.starts_with('/')) {
            plan.scope.report.dropped(fmt::format("services.{}.secrets[{}]", service.name, i),
                                      "secrets are files below /run/secrets", "a target there");
            continue;
        }
        const std::string variable = fmt::format("SECRET_{}", i + 1);
        const std::string arn = secret_arn(plan, it->second);
        secrets.push_back({{"name", variable}, {"valueFrom", arn}});
        const std::string file = shell_quoted(target);
        command += fmt::format(
            " mkdir -p \"$(dirname {0})\"; printf %s \"${1}\" >{0}; chown {2}:{3} {0}; chmod {4:o} {0};", file,
            variable, use.uid.empty() ? "0" : use.uid, use.gid.empty() ? "0" : use.gid, use.mode.value_or(0444));
    }
    if (secrets.empty()) return;
    const std::string& label = plan.labels.at(service.name);
    const std::string volume = label + "-secrets", helper = label + "-files";
    Document mount{{"sourceVolume", volume}, {"containerPath", "/run/secrets"}};
    Document log{{"logDriver", "awslogs"}};
    log["options"] = {
        {"awslogs-group", plan.log_group}, {"awslogs-region", word("REGION")}, {"awslogs-stream-prefix", helper}};
    Document sidecar{{"name", helper}, {"image", sidecar_image}, {"essential", false}};
    sidecar["entryPoint"] = {"/bin/sh", "-c"};
    sidecar["command"] = Document::array({command});
    sidecar["secrets"] = secrets;
    sidecar["mountPoints"] = Document::array({mount});
    sidecar["logConfiguration"] = log;
    definition["containerDefinitions"].push_back(std::move(sidecar));
    Document directory{{"name", volume}};
    definition["volumes"].push_back(std::move(directory));
    mount["readOnly"] = true;
    container["mountPoints"].push_back(std::move(mount));
    container["dependsOn"].push_back({{"containerName", helper}, {"condition", "SUCCESS"}});
}

void add_mounts_of(Layout& plan, Task& task, const Service& service, Document& container, Document& definition) {
    for (std::size_t i = 0; i < service.volumes.size(); ++i) {
        const Mount& m = service.volumes[i];
        const std::string path = fmt::format("services.{}.volumes[{}]", service.name, i);
        std::string volume;
        if (m.type == MountType::volume && !m.source.empty()) {
            volume = efs_volume(plan, task, m.source, definition);
        } else if (m.type == MountType::volume) {
            volume = fmt::format("{}-{}", plan.labels.at(service.name), i);
            Document empty{{"name", volume}};
            definition["volumes"].push_back(std::move(empty));
            plan.scope.report.adjusted(path, "an empty directory of the task", "it lives as long as the task");
        } else if (m.type == MountType::bind && task.ec2) {
            volume = fmt::format("{}-{}", plan.labels.at(service.name), i);
            Document host{{"name", volume}};
            host["host"]["sourcePath"] = m.source;
            definition["volumes"].push_back(std::move(host));
            plan.scope.report.adjusted(path + ".source", "a path of the container instance",
                                       "it must be on every instance");
            if (!m.bind || *m.bind == MountBind{}) plan.scope.report.exact(path + ".bind", "");
            else if (m.bind->create_host_path) plan.scope.report.exact(path + ".bind.create_host_path", "");
        } else {
            if (m.type != MountType::tmpfs)
                plan.scope.report.dropped(
                    path, m.type == MountType::bind ? m.source + " is of one machine" : "ECS has no such mounts",
                    "copy it into the image, or use a named volume");
            continue;
        }
        Document mount{{"sourceVolume", volume}, {"containerPath", m.target}};
        if (m.read_only) mount["readOnly"] = true;
        container["mountPoints"].push_back(std::move(mount));
    }
}

} // namespace davit::exports::ecs

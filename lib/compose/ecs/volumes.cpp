// Volumes of tasks: paths of the host, volumes of the task, and what stands in for file systems of AWS.
#include "compose/ecs/task.hpp"

#include <fmt/format.h>

namespace davit::compose::ecs {

namespace {

// A volume of the project for each copy, or one for all.
void declare(Context& c, Object& volume, const std::vector<Copy>& copies, bool shared, Node& volumes,
             const std::string& name, const Node* definition) {
    for (const Copy& copy : copies) {
        Node& made = c.map_in(volumes, name + (shared ? "" : copy.suffix), volume.node().pos);
        if (definition)
            for (const Entry& e : definition->map()) c.set(made, e.key, c.tree.clone(*e.value));
        if (shared) break;
    }
}

// As Docker's driver has it; a shared one lives longer than the task.
const Node* docker_volume(Context& c, Object docker, const std::string& name, bool& shared) {
    Node* out = c.tree.map(docker.node().pos);
    const std::string scope = docker.word("scope");
    shared = scope == "shared";
    if (!scope.empty() && scope != "shared" && scope != "task") docker.error("scope", "must be 'task' or 'shared'");
    const bool autoprovision = docker.truth("autoprovision");
    if (shared) c.set(*out, "name", c.text(name, docker.node().pos));
    if (shared && !autoprovision) {
        c.set(*out, "external", c.tree.boolean(true, docker.node().pos));
        for (const char* key : {"driver", "driverOpts", "labels"})
            docker.no_effect(key, "a shared volume without autoprovision has to be there already");
    } else {
        if (const Node* driver = docker.text("driver")) c.set(*out, "driver", c.tree.clone(*driver));
        if (const Node* options = docker.map("driverOpts")) c.set(*out, "driver_opts", c.tree.clone(*options));
        if (const Node* labels = docker.map("labels")) c.set(*out, "labels", c.tree.clone(*labels));
    }
    docker.finish();
    return out;
}

void read_volume(Context& c, Task& task, Object volume, const std::vector<Copy>& copies, Node& volumes) {
    const std::string name = volume.required("name");
    TaskVolume made;
    made.source = name;
    const Node* definition = nullptr;
    if (auto host = volume.object("host")) {
        const std::string path = host->word("sourcePath");
        host->finish();
        made.bind = !path.empty();
        if (made.bind) made.source = path;
    }
    if (auto docker = volume.object("dockerVolumeConfiguration"))
        definition = docker_volume(c, *docker, name, made.shared);
    for (const char* key : {"efsVolumeConfiguration", "s3filesVolumeConfiguration"})
        if (volume.map(key)) {
            made.shared = true; // one file system for all tasks
            volume.warning(key, fmt::format("the file system is not reached from here: '{}' is a local volume", name),
                           "to have its files, mount it and give its path as host.sourcePath");
        }
    if (volume.map("fsxWindowsFileServerVolumeConfiguration"))
        volume.error("fsxWindowsFileServerVolumeConfiguration", "file systems of Windows cannot be mounted here",
                     "give a directory of this machine as host.sourcePath");
    if (volume.truth("configuredAtLaunch"))
        volume.warning("configuredAtLaunch", fmt::format("nothing configures it here: '{}' is a local volume", name));
    volume.finish();
    if (name.empty()) return;
    if (!task.volumes.emplace(name, made).second) volume.error("name", fmt::format("there are two volumes '{}'", name));
    else if (!made.bind) declare(c, volume, copies, made.shared, volumes, name, definition);
}

} // namespace

void read_volumes(Context& c, Task& task, Object& definition, const std::vector<Copy>& copies, Node& volumes) {
    for (Object& volume : definition.objects("volumes")) read_volume(c, task, volume, copies, volumes);
}

void add_mounts(Context& c, const Task& task, const Copy& copy, Object& definition, Node& service) {
    for (Object& point : definition.objects("mountPoints")) {
        const std::string name = point.required("sourceVolume"), target = point.required("containerPath");
        const bool read_only = point.truth("readOnly");
        point.finish();
        const auto volume = task.volumes.find(name);
        if (name.empty() || target.empty()) continue;
        if (volume == task.volumes.end()) {
            point.error("sourceVolume", fmt::format("the task has no volume '{}'", name),
                        "volumes stand below \"volumes\" of the task definition");
            continue;
        }
        const TaskVolume& v = volume->second;
        Node* mount = c.tree.map(point.node().pos);
        const bool own = !v.bind && !v.shared;
        c.set(*mount, "type", c.text(v.bind ? "bind" : "volume", point.node().pos));
        c.set(*mount, "source", c.text(v.source + (own ? copy.suffix : ""), point.at("sourceVolume")));
        c.set(*mount, "target", c.text(target, point.at("containerPath")));
        if (read_only) c.set(*mount, "read_only", c.tree.boolean(true, point.at("readOnly")));
        c.tree.push(c.list_in(service, "volumes", point.node().pos), mount);
    }
    for (Object& from : definition.objects("volumesFrom")) {
        const std::string source = from.required("sourceContainer");
        const std::string mode = from.truth("readOnly") ? ":ro" : "";
        from.finish();
        if (source.empty()) continue;
        c.tree.push(c.list_in(service, "volumes_from", from.node().pos),
                    c.text(source + copy.suffix + mode, from.at("sourceContainer")));
    }
}

} // namespace davit::compose::ecs

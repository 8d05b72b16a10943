// One service as version 3 takes it.
#include "base/units.hpp"
#include "export/swarm/stack_file.hpp"
#include "export/tasks.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit::exports {

namespace {

using yaml::Node;

void swarm_limits(StackFile& file, const Service& service, Node& node) {
    for (std::string_view key : {"cpus", "mem_limit", "mem_reservation", "pids_limit"}) node.erase(key);
    const EffectiveLimits limits = effective_limits(service);
    const Deploy* deploy = service.deploy ? &*service.deploy : nullptr;
    const double reserved = deploy && deploy->resources.reservations ? deploy->resources.reservations->cpus : 0;
    auto resources = [&](std::string_view which) -> Node& {
        return file.map_in(file.map_in(file.map_in(node, "deploy"), "resources"), which);
    };
    auto set = [&](std::string_view which, std::string_view key, Node* value) {
        file.tree.set(resources(which), key, value);
    };
    if (limits.cpus > 0) set("limits", "cpus", file.text(format_float(limits.cpus)));
    if (limits.memory > 0) set("limits", "memory", file.text(std::to_string(limits.memory)));
    if (limits.pids && *limits.pids > 0) set("limits", "pids", file.tree.integer(*limits.pids));
    if (limits.memory_reservation > 0)
        set("reservations", "memory", file.text(std::to_string(limits.memory_reservation)));
    if (reserved > 0) set("reservations", "cpus", file.text(format_float(reserved)));
}

// Trap: `restart: no` is Swarm's "any" where no policy is given.
void swarm_restart(StackFile& file, const Service& service, Node& node) {
    node.erase("restart");
    Node* deploy = node.find("deploy");
    if (deploy && deploy->find("restart_policy")) return;
    const bool once = runs_once(file.scope.project, service);
    const RestartPolicy policy = effective_restart(service);
    auto set = [&](const char* condition) {
        Node& to = file.map_in(file.map_in(node, "deploy"), "restart_policy");
        file.tree.set(to, "condition", file.text(condition));
        if (policy.max_attempts)
            file.tree.set(to, "max_attempts", file.tree.integer(static_cast<std::int64_t>(policy.max_attempts)));
    };
    switch (policy.kind) {
    case RestartPolicy::Kind::always:
    case RestartPolicy::Kind::unless_stopped: return set("any");
    case RestartPolicy::Kind::on_failure: return set("on-failure");
    case RestartPolicy::Kind::no: break;
    }
    if (service.restart == "no" || once) return set("none");
    file.scope.report.adjusted("services." + service.name, "restarted when it ends",
                               "without `restart` compose leaves it and Swarm starts it again",
                               "restart: \"no\" for what should end");
}

// A job: a service in mode replicated that ends is never complete, and `stack deploy --detach=false` waits for it.
void swarm_mode(StackFile& file, const Service& service, Node& node) {
    const bool written = service.deploy && !service.deploy->mode.empty();
    if (!runs_once(file.scope.project, service) || written) return;
    Node& deploy = file.map_in(node, "deploy");
    file.tree.set(deploy, "mode", file.text("replicated-job"));
    deploy.erase("update_config");
    deploy.erase("rollback_config");
    file.scope.report.adjusted("services." + service.name, "deploy.mode: replicated-job", "it runs once");
}

void swarm_process(StackFile& file, const Service& service, Node& node) {
    const Executed run = executed(file.scope, service);
    if (run.entrypoint == service.entrypoint) return;
    node.erase("entrypoint");
    Node* command = node.find("command");
    if (!run.entrypoint || !command) return;
    node.erase("command");
    file.tree.set(node, "entrypoint", command);
}

// By the container's name others find it here.
void swarm_alias(StackFile& file, const Service& service, Node& networks) {
    const std::string& name = service.container_name;
    if (name.empty() || clients_of(file.scope.project, service, name).empty()) return;
    for (yaml::Entry& e : networks.map()) {
        if (!e.value->is_map()) e.value = file.tree.map();
        Node* aliases = e.value->find("aliases");
        if (!aliases) aliases = file.tree.set(*e.value, "aliases", file.tree.list()).value;
        file.tree.push(*aliases, file.text(name));
    }
    file.scope.report.adjusted(key_path(service, "container_name"), "an alias on its networks",
                               "others ask for it by this name");
}

void swarm_replicas(StackFile& file, const Service& service, Node& node) {
    node.erase("scale");
    if (service.scale && !(service.deploy && service.deploy->mode == "global"))
        file.tree.set(file.map_in(node, "deploy"), "replicas", file.tree.integer(*service.scale));
}

void swarm_platform(StackFile& file, const Service& service, Node& node) {
    node.erase("platform");
    if (service.platform.empty()) return;
    const std::size_t slash = service.platform.find('/');
    const std::string os = service.platform.substr(0, slash);
    std::string arch = slash == std::string::npos ? "" : service.platform.substr(slash + 1);
    arch = arch == "amd64" ? "x86_64" : arch.starts_with("arm64") ? "aarch64" : arch;
    Node& placement = file.map_in(file.map_in(node, "deploy"), "placement");
    Node* constraints = placement.find("constraints");
    if (!constraints) constraints = file.tree.set(placement, "constraints", file.tree.list()).value;
    file.tree.push(*constraints, file.text("node.platform.os == " + os));
    if (!arch.empty()) file.tree.push(*constraints, file.text("node.platform.arch == " + arch));
}

void swarm_networks(StackFile& file, const Service& service, Node& node) {
    node.erase("network_mode");
    if (service.network_mode == "host" || service.network_mode == "none") {
        const std::string& name = service.network_mode;
        (name == "host" ? file.host_network : file.none_network) = true;
        file.tree.set(file.map_in(node, "networks"), file.tree.copy(name), file.tree.null());
        file.scope.report.adjusted(key_path(service, "network_mode"), "the external network " + name,
                                   "tasks are put on it by name");
    }
    Node* networks = node.find("networks");
    if (!networks) return;
    swarm_alias(file, service, *networks);
    for (yaml::Entry& e : networks->map()) {
        if (!e.value->is_map()) continue;
        if (e.value->has("driver_opts")) file.needs_version(13);
        if (e.value->empty()) e.value = file.tree.null();
    }
}

Node* tmpfs_mount(StackFile& file, const Service& service, const std::string& entry) {
    const std::size_t colon = entry.find(':');
    Node* mount = file.tree.map();
    file.tree.add(*mount, "type", file.text("tmpfs"));
    file.tree.add(*mount, "target", file.text(entry.substr(0, colon)));
    std::string_view options = colon == std::string::npos ? "" : std::string_view(entry).substr(colon + 1);
    while (!options.empty()) {
        const std::size_t end = std::min(options.find(','), options.size());
        const std::string_view option = options.substr(0, end);
        options.remove_prefix(std::min(end + 1, options.size()));
        // The kernel knows a part of the memory, "50%", too.
        const auto size = option.starts_with("size=") ? parse_bytes(option.substr(5)) : std::nullopt;
        if (size) {
            Node* details = file.tree.set(*mount, "tmpfs", file.tree.map()).value;
            file.tree.add(*details, "size", file.tree.integer(*size));
        } else if (option == "ro") {
            file.tree.set(*mount, "read_only", file.tree.boolean(true));
        } else {
            file.scope.report.dropped(key_path(service, "tmpfs"),
                                      fmt::format("version 3 has no word for the option {}", option));
        }
    }
    return mount;
}

void swarm_mounts(StackFile& file, const Service& service, Node& node) {
    node.erase("tmpfs");
    Node* mounts = node.find("volumes");
    for (std::size_t i = service.volumes.size(); mounts && i-- > 0;) {
        const Mount& m = service.volumes[i];
        const std::string path = fmt::format("services.{}.volumes[{}]", service.name, i);
        Node& mount = *mounts->list()[i];
        if (Node* tmpfs = mount.find("tmpfs"); tmpfs && m.tmpfs && m.tmpfs->size)
            file.tree.set(*tmpfs, "size", file.tree.integer(m.tmpfs->size));
        if (m.type == MountType::bind)
            file.scope.report.adjusted(
                path + ".source", "a path of each node", "a task fails on a node where it does not exist",
                "a config, a volume with a driver that all nodes reach, or a placement constraint");
        if (m.type == MountType::image) {
            file.scope.report.dropped(path, "version 3 has no mounts of images", "copy it into the service's image");
            mounts->erase_item(i);
        }
    }
    if (!service.tmpfs.empty() && !mounts) mounts = file.tree.set(node, "volumes", file.tree.list()).value;
    for (const std::string& entry : service.tmpfs) file.tree.push(*mounts, tmpfs_mount(file, service, entry));
}

void swarm_files(StackFile& file, const std::vector<FileReference>& uses, Node* list) {
    for (std::size_t i = 0; list && i < uses.size(); ++i)
        if (uses[i].mode) file.tree.set(*list->list()[i], "mode", file.tree.integer(*uses[i].mode));
}

void swarm_texts(StackFile& file, const Service& service, Node& node) {
    if (Node* environment = node.find("environment"))
        for (const auto& [key, value] : service.environment)
            if (!value || key.empty()) {
                environment->erase(key); // Swarm would take the value of whoever deploys
                file.scope.report.adjusted(key_path(service, "environment"), key + " left out",
                                           "it has no value, and Swarm would take that of whoever deploys");
            }
    for (const SecretVariable& secret : secret_variables(service))
        file.scope.report.dropped(key_path(service, "environment." + secret.variable),
                                  "Swarm gives no secret as a variable: " + secret.from + " has its value",
                                  "`secrets:`, and a program that reads /run/secrets");
    if (service.extra_hosts.empty()) return;
    Node* hosts = file.tree.set(node, "extra_hosts", file.tree.list()).value;
    for (const auto& [host, addresses] : service.extra_hosts)
        for (const std::string& address : addresses) file.tree.push(*hosts, file.text(host + ":" + address));
}

// Traefik's provider for Swarm reads the labels of services, and those of a compose file are the containers'.
void swarm_labels(StackFile& file, const Service& service, Node& node) {
    for (const auto& [key, value] : service.labels) {
        if (!key.starts_with("traefik.") || (service.deploy && service.deploy->labels.contains(key))) continue;
        Node& labels = file.map_in(file.map_in(node, "deploy"), "labels");
        file.tree.set(labels, file.tree.copy(key), file.text(value));
        file.scope.report.adjusted(key_path(service, "labels"), "labels of the service, too",
                                   "Traefik reads those of services in a swarm");
    }
}

void swarm_versions(StackFile& file, const Service& service) {
    if (service.healthcheck && service.healthcheck->start_interval) file.needs_version(12);
    if (service.oom_score_adj) file.needs_version(13);
}

void note_swarm_order(StackFile& file, const Service& service) {
    for (const auto& [other, how] : service.depends_on)
        note_no_order(file.scope, fmt::format("services.{}.depends_on.{}", service.name, other), how,
                      "Swarm has no order: all services start at once",
                      "let the program try again until the other answers, or fail so that it is restarted");
}

} // namespace

void rewrite_service(StackFile& file, const Service& service, Node& node) {
    swarm_mounts(file, service, node); // first: by their places in the list
    swarm_ports(file, service, node);
    swarm_files(file, service.configs, node.find("configs"));
    swarm_files(file, service.secrets, node.find("secrets"));
    if (const std::string image = image_of(file.scope, service); !image.empty())
        file.tree.set(node, "image", file.text(image));
    swarm_process(file, service, node);
    swarm_limits(file, service, node);
    swarm_restart(file, service, node);
    swarm_replicas(file, service, node);
    swarm_mode(file, service, node);
    swarm_platform(file, service, node);
    swarm_networks(file, service, node);
    swarm_texts(file, service, node);
    swarm_labels(file, service, node);
    swarm_versions(file, service);
    note_swarm_order(file, service);
}

} // namespace davit::exports

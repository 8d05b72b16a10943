#include "stack/modern_service.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "davit/labels.hpp"
#include "stack/convert.hpp"
#include "stack/text.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace davit::stack {

namespace {

std::int64_t ns(const std::optional<std::chrono::nanoseconds>& d) { return d ? d->count() : 0; }
std::optional<std::int64_t> optional_ns(const std::optional<std::chrono::nanoseconds>& d) {
    return d ? std::optional(static_cast<std::int64_t>(d->count())) : std::nullopt;
}
std::int64_t nano(double cpus) { return static_cast<std::int64_t>(std::llround(cpus * 1e9)); }

const char* type_name(MountType type) {
    switch (type) {
    case MountType::bind: return "bind";
    case MountType::volume: return "volume";
    case MountType::tmpfs: return "tmpfs";
    case MountType::npipe: return "npipe";
    case MountType::image: return "image";
    case MountType::cluster: return "cluster";
    }
    return "volume";
}

void volume_options(const ModernScope& scope, const Mount& m, swarm::Mount& out) {
    if (m.volume) {
        out.volume_options = true;
        out.no_copy = m.volume->nocopy;
        out.subpath = m.volume->subpath;
        out.volume_labels = m.volume->labels;
    }
    const auto it = scope.project.volumes.find(m.source);
    if (it == scope.project.volumes.end()) return;
    const Volume& v = it->second;
    out.source = scope.own_name(v.name, v.key);
    out.volume_options = true;
    if (v.external) return;
    out.volume_labels.insert(v.labels.begin(), v.labels.end());
    out.volume_labels[label::stack] = scope.stack;
    out.driver = v.driver;
    out.driver_options = v.driver_opts;
}

swarm::Mount mount_of(const ModernScope& scope, const Mount& m) {
    swarm::Mount out;
    out.type = type_name(m.type);
    out.source = m.source;
    out.target = m.target;
    out.read_only = m.read_only;
    out.consistency = m.consistency;
    if (m.type == MountType::volume) volume_options(scope, m, out);
    if (m.bind) {
        out.bind_options = true;
        out.propagation = m.bind->propagation;
        out.create_mountpoint = m.bind->create_host_path;
        out.non_recursive = m.bind->recursive == "disabled";
    }
    if (m.tmpfs) {
        out.tmpfs_options = true;
        out.tmpfs_size = m.tmpfs->size;
        out.tmpfs_mode = m.tmpfs->mode;
    }
    if (m.image) out.subpath = m.image->subpath;
    return out;
}

std::vector<swarm::FileReference> references_of(const ModernScope& scope, const std::vector<FileReference>& references,
                                                const std::map<std::string, FileObject>& declared) {
    std::vector<swarm::FileReference> out;
    for (const FileReference& r : references) {
        swarm::FileReference& ref = out.emplace_back();
        const auto it = declared.find(r.source);
        ref.name = scope.own_name(it == declared.end() ? "" : it->second.name, r.source);
        ref.target = r.target.empty() ? r.source : r.target;
        if (!r.uid.empty()) ref.uid = r.uid;
        if (!r.gid.empty()) ref.gid = r.gid;
        ref.mode = r.mode.value_or(0444);
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

std::optional<swarm::Healthcheck> health_of(const Service& s) {
    if (!s.healthcheck) return std::nullopt;
    const HealthCheck& h = *s.healthcheck;
    swarm::Healthcheck out;
    if (h.disable) {
        out.test = {"NONE"};
        return out;
    }
    out.test = h.test;
    out.interval = ns(h.interval);
    out.timeout = ns(h.timeout);
    out.start_period = ns(h.start_period);
    out.start_interval = ns(h.start_interval);
    out.retries = static_cast<int>(h.retries.value_or(0));
    return out;
}

swarm::ContainerSpec container_of(const ModernScope& scope, const Service& s) {
    swarm::ContainerSpec out;
    out.image = s.image;
    out.labels = scope.labelled(s.labels);
    out.command = s.entrypoint.value_or(std::vector<std::string>());
    out.args = s.command.value_or(std::vector<std::string>());
    out.hostname = s.hostname;
    for (const auto& [key, value] : s.environment) out.env.push_back(value ? key + "=" + *value : key);
    out.dir = s.working_dir;
    out.user = s.user;
    out.groups = s.group_add;
    out.privileges = swarm::Privileges{};
    out.init = s.init;
    out.stop_signal = s.stop_signal;
    out.tty = s.tty;
    out.open_stdin = s.stdin_open;
    out.read_only = s.read_only;
    for (const Mount& m : s.volumes) out.mounts.push_back(mount_of(scope, m));
    out.stop_grace_period = optional_ns(s.stop_grace_period);
    out.healthcheck = health_of(s);
    for (const auto& [host, addresses] : s.extra_hosts)
        for (const std::string& address : addresses) out.hosts.push_back(address + " " + host);
    if (!s.dns.empty() || !s.dns_search.empty() || !s.dns_opt.empty())
        out.dns_config = {s.dns, s.dns_search, s.dns_opt};
    out.secrets = references_of(scope, s.secrets, scope.project.secrets);
    out.configs = references_of(scope, s.configs, scope.project.configs);
    out.isolation = s.isolation;
    out.sysctls = s.sysctls;
    out.capability_add = s.cap_add;
    out.capability_drop = s.cap_drop;
    effective_capabilities(out.capability_add, out.capability_drop);
    for (const auto& [name, limit] : s.ulimits) out.ulimits.push_back({name, limit.soft, limit.hard});
    out.oom_score_adj = s.oom_score_adj;
    return out;
}

swarm::Resources resources_of(const Service& s, const Deploy& deploy) {
    swarm::Resources out;
    const EffectiveLimits limits = effective_limits(s);
    if (deploy.resources.limits || limits.cpus > 0 || limits.memory > 0 || limits.pids)
        out.limits = {nano(limits.cpus), limits.memory, limits.pids.value_or(0)};
    if (deploy.resources.reservations || limits.memory_reservation > 0) {
        out.reservations.emplace();
        out.reservations->memory = limits.memory_reservation;
    }
    if (const auto& r = deploy.resources.reservations) {
        out.reservations->nano_cpus = nano(r->cpus);
        for (const GenericResource& g : r->generic_resources)
            out.reservations->generic.push_back({g.kind, {}, g.value});
    }
    return out;
}

std::optional<swarm::UpdateConfig> update_of(const std::optional<UpdateConfig>& u) {
    if (!u) return std::nullopt;
    swarm::UpdateConfig out;
    out.parallelism = u->parallelism.value_or(1);
    out.delay = u->delay.count();
    out.failure_action = u->failure_action;
    if (u->monitor.count() != 0) out.monitor = u->monitor.count();
    out.max_failure_ratio = u->max_failure_ratio;
    out.order = u->order;
    return out;
}

std::vector<swarm::PortConfig> ports_of(const Service& s) {
    std::vector<swarm::PortConfig> out;
    for (const Port& p : s.ports) {
        const std::string published = p.published.substr(0, p.published.find('-'));
        out.push_back({p.name, port_protocol(p.protocol), static_cast<std::uint16_t>(p.target),
                       static_cast<std::uint16_t>(parse_int(published).value_or(0)), publish_mode(p.mode)});
    }
    sort_ports(out);
    return out;
}

std::vector<swarm::NetworkAttachment> attachments_of(const ModernScope& scope, const Service& s) {
    std::vector<swarm::NetworkAttachment> out;
    for (const auto& [key, options] : s.networks) {
        const auto it = scope.project.networks.find(key);
        swarm::NetworkAttachment& a = out.emplace_back();
        a.target = it == scope.project.networks.end() ? scope.own_name("", key) : scope.own_name(it->second.name, key);
        if (options) a.aliases = options->aliases, a.driver_opts = options->driver_opts;
        if (is_user_defined(a.target)) a.aliases.push_back(s.name);
    }
    if (out.empty()) out.push_back({scope.own_name("", "default"), {s.name}, {}});
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.target < b.target; });
    return out;
}

std::optional<swarm::RestartPolicy> restart_of(const Service& s, const Deploy& deploy) {
    if (!deploy.restart_policy) return restart_word(s.restart);
    const DeployRestartPolicy& p = *deploy.restart_policy;
    return swarm::RestartPolicy{p.condition, optional_ns(p.delay), p.max_attempts, optional_ns(p.window)};
}

const char* word_of(DependencyCondition condition) {
    switch (condition) {
    case DependencyCondition::started: break;
    case DependencyCondition::healthy: return "service_healthy";
    case DependencyCondition::completed_successfully: return "service_completed_successfully";
    case DependencyCondition::completed: return "service_completed";
    }
    return "service_started";
}

std::vector<swarm::ServiceDependency> dependencies_of(const ModernScope& scope, const Service& s) {
    std::vector<swarm::ServiceDependency> out;
    for (const auto& [name, d] : s.depends_on) {
        const bool written = scope.with_map.contains(s.name) || d.condition != DependencyCondition::started;
        if (d.inferred || !written) continue;
        if (!d.required && !scope.project.services.contains(name)) continue;
        out.push_back({scope.stack + "_" + name, word_of(d.condition), d.required});
    }
    return out;
}

swarm::Placement placement_of(const Deploy& deploy) {
    swarm::Placement out;
    out.constraints = deploy.placement.constraints;
    for (const Placement::Preference& p : deploy.placement.preferences) out.preferences.push_back(p.spread);
    out.max_replicas = deploy.placement.max_replicas_per_node;
    return out;
}

} // namespace

swarm::ServiceSpec service_of(const ModernScope& scope, const Service& s) {
    static const Deploy nothing;
    const Deploy& deploy = s.deploy ? *s.deploy : nothing;
    swarm::ServiceSpec out;
    out.name = scope.stack + "_" + s.name;
    out.labels = scope.labelled(deploy.labels);
    out.labels[label::stack_image] = s.image;
    out.endpoint = {deploy.endpoint_mode, ports_of(s)};
    const std::optional<int> count = deploy.replicas ? deploy.replicas : s.scale;
    out.mode = service_mode(deploy.mode, count ? std::optional(static_cast<std::uint64_t>(*count)) : std::nullopt);
    out.task.container = container_of(scope, s);
    out.task.resources = resources_of(s, deploy);
    out.task.restart_policy = restart_of(s, deploy);
    out.task.placement = placement_of(deploy);
    out.task.networks = attachments_of(scope, s);
    if (s.logging) out.task.log_driver = {s.logging->driver, s.logging->options};
    out.update_config = update_of(deploy.update_config);
    out.rollback_config = update_of(deploy.rollback_config);
    out.depends_on = dependencies_of(scope, s);
    return out;
}

std::string ignored_keys_of(const Project& project) {
    std::set<std::string> keys;
    for (const auto& [name, s] : project.services) {
        auto note = [&](bool used, const char* key) {
            if (used) keys.insert(key);
        };
        note(s.build.has_value(), "build");
        note(!s.cgroup.empty(), "cgroup");
        note(!s.cgroup_parent.empty(), "cgroup_parent");
        note(!s.container_name.empty(), "container_name");
        note(!s.devices.empty(), "devices");
        note(!s.gpus.empty(), "gpus");
        note(!s.ipc.empty(), "ipc");
        note(!s.links.empty() || !s.external_links.empty(), "links");
        note(!s.mac_address.empty(), "mac_address");
        note(!s.network_mode.empty(), "network_mode");
        note(!s.pid.empty(), "pid");
        note(!s.platform.empty(), "platform");
        note(!s.post_start.empty() || !s.pre_stop.empty() || !s.pre_start.empty(), "pre_start, post_start, pre_stop");
        note(s.privileged, "privileged");
        note(!s.pull_policy.empty(), "pull_policy");
        note(!s.runtime.empty(), "runtime");
        note(!s.security_opt.empty(), "security_opt");
        note(s.shm_size != 0, "shm_size");
        note(!s.tmpfs.empty(), "tmpfs");
        note(!s.userns_mode.empty(), "userns_mode");
        note(!s.volumes_from.empty(), "volumes_from");
    }
    std::string out;
    for (const std::string& key : keys) out += (out.empty() ? "" : ", ") + key;
    return out;
}

} // namespace davit::stack

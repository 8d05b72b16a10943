#include "swarm/json_spec.hpp"

#include "base/error.hpp"
#include "project/json_fields.hpp"
#include "swarm/store.hpp"

namespace davit::swarm {

namespace {

using J = OrderedJson;

// Go's omitempty: what is empty or zero does not appear.
void put(J& to, const char* key, const std::string& value) {
    if (!value.empty()) to[key] = value;
}
void put(J& to, const char* key, bool value) {
    if (value) to[key] = true;
}
template <typename T>
void put_list(J& to, const char* key, const T& value) {
    if (!value.empty()) to[key] = value;
}
template <typename N>
void put_number(J& to, const char* key, N value) {
    if (value != N{}) to[key] = value;
}
template <typename T>
void put_given(J& to, const char* key, const std::optional<T>& value) {
    if (value) to[key] = *value;
}
J json_of(const Mount& m) {
    J out = J::object();
    put(out, "Type", m.type);
    put(out, "Source", m.source);
    put(out, "Target", m.target);
    put(out, "ReadOnly", m.read_only);
    put(out, "Consistency", m.consistency);
    J bind = J::object(), volume = J::object(), tmpfs = J::object();
    put(bind, "Propagation", m.propagation);
    put(bind, "NonRecursive", m.non_recursive);
    put(bind, "CreateMountpoint", m.create_mountpoint);
    put(bind, "ReadOnlyNonRecursive", m.read_only_non_recursive);
    put(bind, "ReadOnlyForceRecursive", m.read_only_force_recursive);
    put(volume, "NoCopy", m.no_copy);
    put_list(volume, "Labels", m.volume_labels);
    put(volume, "Subpath", m.subpath);
    if (!m.driver.empty() || !m.driver_options.empty()) {
        J driver = J::object();
        put(driver, "Name", m.driver);
        put_list(driver, "Options", m.driver_options);
        volume["DriverConfig"] = std::move(driver);
    }
    put_number(tmpfs, "SizeBytes", m.tmpfs_size);
    put_number(tmpfs, "Mode", m.tmpfs_mode);
    if (m.bind_options || !bind.empty()) out["BindOptions"] = std::move(bind);
    if (m.volume_options || !volume.empty()) out["VolumeOptions"] = std::move(volume);
    if (m.tmpfs_options || !tmpfs.empty()) out["TmpfsOptions"] = std::move(tmpfs);
    return out;
}

J json_of(const FileReference& r, const char* id, const char* name) {
    return {
        {"File", {{"Name", r.target}, {"UID", r.uid}, {"GID", r.gid}, {"Mode", r.mode}}}, {id, r.id}, {name, r.name}};
}

J json_of(const Healthcheck& h) {
    J out = J::object();
    put_list(out, "Test", h.test);
    put_number(out, "Interval", h.interval);
    put_number(out, "Timeout", h.timeout);
    put_number(out, "StartPeriod", h.start_period);
    put_number(out, "StartInterval", h.start_interval);
    put_number(out, "Retries", h.retries);
    return out;
}

J json_of(const DnsConfig& d) {
    J out = J::object();
    put_list(out, "Nameservers", d.nameservers);
    put_list(out, "Search", d.search);
    put_list(out, "Options", d.options);
    return out;
}

J json_of(const Privileges& p) {
    J credential;
    if (!(p.credential_config + p.credential_file + p.credential_registry).empty())
        credential = {
            {"Config", p.credential_config}, {"File", p.credential_file}, {"Registry", p.credential_registry}};
    J out = {{"CredentialSpec", credential}, {"SELinuxContext", nullptr}};
    auto mode = [&](const char* key, bool given, const std::string& text) {
        if (!given) return;
        out[key] = J::object();
        put(out[key], "Mode", text);
    };
    mode("Seccomp", p.seccomp, p.seccomp_mode);
    mode("AppArmor", p.apparmor, p.apparmor_mode);
    out["NoNewPrivileges"] = p.no_new_privileges;
    return out;
}

void put_files(J& out, const ContainerSpec& c) {
    for (const FileReference& r : c.secrets) out["Secrets"].push_back(json_of(r, "SecretID", "SecretName"));
    for (const FileReference& r : c.configs) out["Configs"].push_back(json_of(r, "ConfigID", "ConfigName"));
}

J json_of(const ContainerSpec& c) {
    J out = J::object();
    put(out, "Image", c.image);
    put_list(out, "Labels", c.labels);
    put_list(out, "Command", c.command);
    put_list(out, "Args", c.args);
    put(out, "Hostname", c.hostname);
    put_list(out, "Env", c.env);
    put(out, "Dir", c.dir);
    put(out, "User", c.user);
    put_list(out, "Groups", c.groups);
    if (c.privileges) out["Privileges"] = json_of(*c.privileges);
    put_given(out, "Init", c.init);
    put(out, "StopSignal", c.stop_signal);
    put(out, "TTY", c.tty);
    put(out, "OpenStdin", c.open_stdin);
    put(out, "ReadOnly", c.read_only);
    for (const Mount& m : c.mounts) out["Mounts"].push_back(json_of(m));
    put_given(out, "StopGracePeriod", c.stop_grace_period);
    if (c.healthcheck) out["Healthcheck"] = json_of(*c.healthcheck);
    put_list(out, "Hosts", c.hosts);
    if (c.dns_config) out["DNSConfig"] = json_of(*c.dns_config);
    put_files(out, c);
    put(out, "Isolation", c.isolation);
    put_list(out, "Sysctls", c.sysctls);
    put_list(out, "CapabilityAdd", c.capability_add);
    put_list(out, "CapabilityDrop", c.capability_drop);
    for (const Ulimit& u : c.ulimits) out["Ulimits"].push_back({{"Name", u.name}, {"Hard", u.hard}, {"Soft", u.soft}});
    put_number(out, "OomScoreAdj", c.oom_score_adj);
    if (!c.image_id.empty()) out["Davit"] = {{"ImageID", c.image_id}};
    return out;
}

J json_of(const GenericResource& g) {
    if (!g.named.empty()) return {{"NamedResourceSpec", {{"Kind", g.kind}, {"Value", g.named}}}};
    return {{"DiscreteResourceSpec", {{"Kind", g.kind}, {"Value", g.discrete}}}};
}

J json_of(const Resources& r) {
    J out = J::object();
    if (r.limits) {
        J limits = J::object();
        put_number(limits, "NanoCPUs", r.limits->nano_cpus);
        put_number(limits, "MemoryBytes", r.limits->memory);
        put_number(limits, "Pids", r.limits->pids);
        out["Limits"] = std::move(limits);
    }
    if (r.reservations) {
        J reservations = J::object();
        put_number(reservations, "NanoCPUs", r.reservations->nano_cpus);
        put_number(reservations, "MemoryBytes", r.reservations->memory);
        for (const GenericResource& g : r.reservations->generic) reservations["GenericResources"].push_back(json_of(g));
        out["Reservations"] = std::move(reservations);
    }
    put_given(out, "SwapBytes", r.swap);
    put_given(out, "MemorySwappiness", r.swappiness);
    return out;
}

J json_of(const RestartPolicy& r) {
    J out = J::object();
    put(out, "Condition", r.condition);
    put_given(out, "Delay", r.delay);
    put_given(out, "MaxAttempts", r.max_attempts);
    put_given(out, "Window", r.window);
    return out;
}

J json_of(const Placement& p) {
    J out = J::object();
    put_list(out, "Constraints", p.constraints);
    for (const std::string& spread : p.preferences)
        out["Preferences"].push_back({{"Spread", {{"SpreadDescriptor", spread}}}});
    put_number(out, "MaxReplicas", p.max_replicas);
    for (const auto& [architecture, os] : p.platforms) {
        J platform = J::object();
        put(platform, "Architecture", architecture);
        put(platform, "OS", os);
        out["Platforms"].push_back(std::move(platform));
    }
    return out;
}

J json_of(const NetworkAttachment& n) {
    J out = J::object();
    put(out, "Target", n.target);
    put_list(out, "Aliases", n.aliases);
    put_list(out, "DriverOpts", n.driver_opts);
    return out;
}

J json_of(const LogDriver& l) {
    J out = J::object();
    put(out, "Name", l.name);
    put_list(out, "Options", l.options);
    return out;
}

J json_of(const ServiceMode& m) {
    J inner = J::object();
    switch (m.kind) {
    case ModeKind::replicated: put_given(inner, "Replicas", m.replicas); return {{"Replicated", inner}};
    case ModeKind::global: return {{"Global", inner}};
    case ModeKind::replicated_job:
        put_given(inner, "MaxConcurrent", m.max_concurrent);
        put_given(inner, "TotalCompletions", m.total_completions);
        return {{"ReplicatedJob", inner}};
    case ModeKind::global_job: return {{"GlobalJob", inner}};
    }
    return J::object();
}

J json_of(const UpdateConfig& u) {
    J out = {{"Parallelism", u.parallelism}};
    put_number(out, "Delay", u.delay);
    put(out, "FailureAction", u.failure_action);
    put_given(out, "Monitor", u.monitor);
    // As Go prints numbers: 0, not 0.0.
    out["MaxFailureRatio"] = u.max_failure_ratio == static_cast<double>(static_cast<int>(u.max_failure_ratio))
                                 ? J(static_cast<int>(u.max_failure_ratio))
                                 : J(u.max_failure_ratio);
    out["Order"] = u.order;
    return out;
}

// What Docker's API has no word for stands below one key of its own, where there is something.
J davit_part(const ServiceSpec& s) {
    J out = J::object();
    for (const ServiceDependency& d : s.depends_on) {
        J one = {{"Service", d.service}, {"Condition", d.condition}};
        put(one, "Optional", !d.required);
        out["DependsOn"].push_back(std::move(one));
    }
    return out;
}

} // namespace

OrderedJson json_of(const std::vector<PortConfig>& ports) {
    J out = J::array();
    for (const PortConfig& p : ports) {
        J port = J::object();
        put(port, "Name", p.name);
        put(port, "Protocol", p.protocol);
        put_number(port, "TargetPort", p.target);
        put_number(port, "PublishedPort", p.published);
        put(port, "PublishMode", p.mode);
        out.push_back(std::move(port));
    }
    return out;
}

OrderedJson json_of(const EndpointSpec& endpoint) {
    J out = J::object();
    put(out, "Mode", endpoint.mode);
    if (!endpoint.ports.empty()) out["Ports"] = json_of(endpoint.ports);
    return out;
}

OrderedJson json_of(const TaskSpec& t) {
    J out = {{"ContainerSpec", json_of(t.container)}};
    if (t.resources) out["Resources"] = json_of(*t.resources);
    if (t.restart_policy) out["RestartPolicy"] = json_of(*t.restart_policy);
    if (t.placement) out["Placement"] = json_of(*t.placement);
    for (const NetworkAttachment& n : t.networks) out["Networks"].push_back(json_of(n));
    if (t.log_driver) out["LogDriver"] = json_of(*t.log_driver);
    out["ForceUpdate"] = t.force_update;
    out["Runtime"] = "container";
    return out;
}

OrderedJson json_of(const ServiceSpec& s) {
    J out = {{"Name", s.name}, {"Labels", s.labels}, {"TaskTemplate", json_of(s.task)}, {"Mode", json_of(s.mode)}};
    if (s.update_config) out["UpdateConfig"] = json_of(*s.update_config);
    if (s.rollback_config) out["RollbackConfig"] = json_of(*s.rollback_config);
    if (s.endpoint) out["EndpointSpec"] = json_of(*s.endpoint);
    if (J part = davit_part(s); !part.empty()) out["Davit"] = std::move(part);
    return out;
}

std::string to_json(const ServiceSpec& spec) { return json::text(json_of(spec)); }

ServiceSpec service_spec_from_json(const std::string& text, const std::string& file) {
    const auto json = davit::json::parse_or_discarded(text);
    if (!json.is_object()) throw error(Errc::failed, "{} is not a specification of a service", file);
    return service_spec_of(json);
}

} // namespace davit::swarm

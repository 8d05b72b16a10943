#include "base/json_read.hpp"
#include "swarm/json_spec.hpp"

namespace davit::swarm {

namespace {

bool truth(const Json& j, const char* key) {
    const auto it = j.find(key);
    return it != j.end() && it->is_boolean() && it->get<bool>();
}

template <typename N>
std::optional<N> given_number(const Json& j, const char* key) {
    const auto it = j.find(key);
    if (it == j.end() || !it->is_number_integer()) return std::nullopt;
    return it->get<N>();
}

template <typename N>
N number(const Json& j, const char* key) {
    return given_number<N>(j, key).value_or(N{});
}

const Json& array(const Json& j, const char* key) {
    static const Json none = Json::array();
    const auto it = j.find(key);
    return it != j.end() && it->is_array() ? *it : none;
}

const Json& object(const Json& j, const char* key) {
    static const Json none = Json::object();
    const Json* found = object_of(j, key);
    return found ? *found : none;
}

Mount mount_of(const Json& j) {
    Mount m;
    m.type = text_of(j, "Type");
    m.source = text_of(j, "Source");
    m.target = text_of(j, "Target");
    m.read_only = truth(j, "ReadOnly");
    m.consistency = text_of(j, "Consistency");
    const Json &bind = object(j, "BindOptions"), &volume = object(j, "VolumeOptions"),
               &tmpfs = object(j, "TmpfsOptions");
    m.bind_options = object_of(j, "BindOptions");
    m.propagation = text_of(bind, "Propagation");
    m.non_recursive = truth(bind, "NonRecursive");
    m.create_mountpoint = truth(bind, "CreateMountpoint");
    m.read_only_non_recursive = truth(bind, "ReadOnlyNonRecursive");
    m.read_only_force_recursive = truth(bind, "ReadOnlyForceRecursive");
    m.volume_options = object_of(j, "VolumeOptions");
    m.no_copy = truth(volume, "NoCopy");
    m.volume_labels = map_of(volume, "Labels");
    m.subpath = text_of(volume, "Subpath");
    m.driver = text_of(object(volume, "DriverConfig"), "Name");
    m.driver_options = map_of(object(volume, "DriverConfig"), "Options");
    m.tmpfs_options = object_of(j, "TmpfsOptions");
    m.tmpfs_size = number<std::int64_t>(tmpfs, "SizeBytes");
    m.tmpfs_mode = number<std::uint32_t>(tmpfs, "Mode");
    return m;
}

std::vector<FileReference> references(const Json& list, const char* id, const char* name) {
    std::vector<FileReference> out;
    for (const Json& j : list) {
        const Json& file = object(j, "File");
        out.push_back({text_of(j, id), text_of(j, name), text_of(file, "Name"), text_of(file, "UID"),
                       text_of(file, "GID"), number<std::uint32_t>(file, "Mode")});
    }
    return out;
}

Privileges privileges_of(const Json& j) {
    Privileges p;
    const Json& credential = object(j, "CredentialSpec");
    p.credential_config = text_of(credential, "Config");
    p.credential_file = text_of(credential, "File");
    p.credential_registry = text_of(credential, "Registry");
    p.no_new_privileges = truth(j, "NoNewPrivileges");
    p.seccomp = object_of(j, "Seccomp");
    p.seccomp_mode = text_of(object(j, "Seccomp"), "Mode");
    p.apparmor = object_of(j, "AppArmor");
    p.apparmor_mode = text_of(object(j, "AppArmor"), "Mode");
    return p;
}

Healthcheck healthcheck_of(const Json& j) {
    return {list_of(j, "Test"),
            number<std::int64_t>(j, "Interval"),
            number<std::int64_t>(j, "Timeout"),
            number<std::int64_t>(j, "StartPeriod"),
            number<std::int64_t>(j, "StartInterval"),
            number<int>(j, "Retries")};
}

ContainerSpec container_of(const Json& j) {
    ContainerSpec c;
    c.image = text_of(j, "Image");
    c.labels = map_of(j, "Labels");
    c.command = list_of(j, "Command");
    c.args = list_of(j, "Args");
    c.hostname = text_of(j, "Hostname");
    c.env = list_of(j, "Env");
    c.dir = text_of(j, "Dir");
    c.user = text_of(j, "User");
    c.groups = list_of(j, "Groups");
    if (const Json* privileges = object_of(j, "Privileges")) c.privileges = privileges_of(*privileges);
    if (const auto init = j.find("Init"); init != j.end() && init->is_boolean()) c.init = init->get<bool>();
    c.stop_signal = text_of(j, "StopSignal");
    c.tty = truth(j, "TTY");
    c.open_stdin = truth(j, "OpenStdin");
    c.read_only = truth(j, "ReadOnly");
    for (const Json& m : array(j, "Mounts")) c.mounts.push_back(mount_of(m));
    c.stop_grace_period = given_number<std::int64_t>(j, "StopGracePeriod");
    if (const Json* health = object_of(j, "Healthcheck")) c.healthcheck = healthcheck_of(*health);
    c.hosts = list_of(j, "Hosts");
    if (const Json* dns = object_of(j, "DNSConfig"))
        c.dns_config = {list_of(*dns, "Nameservers"), list_of(*dns, "Search"), list_of(*dns, "Options")};
    c.secrets = references(array(j, "Secrets"), "SecretID", "SecretName");
    c.configs = references(array(j, "Configs"), "ConfigID", "ConfigName");
    c.isolation = text_of(j, "Isolation");
    c.sysctls = map_of(j, "Sysctls");
    c.capability_add = list_of(j, "CapabilityAdd");
    c.capability_drop = list_of(j, "CapabilityDrop");
    for (const Json& u : array(j, "Ulimits"))
        c.ulimits.push_back({text_of(u, "Name"), number<std::int64_t>(u, "Soft"), number<std::int64_t>(u, "Hard")});
    c.oom_score_adj = number<std::int64_t>(j, "OomScoreAdj");
    c.image_id = text_of(object(j, "Davit"), "ImageID");
    return c;
}

Resources resources_of(const Json& j) {
    Resources r;
    if (const Json* l = object_of(j, "Limits"))
        r.limits = {number<std::int64_t>(*l, "NanoCPUs"), number<std::int64_t>(*l, "MemoryBytes"),
                    number<std::int64_t>(*l, "Pids")};
    if (const Json* n = object_of(j, "Reservations")) {
        r.reservations = {number<std::int64_t>(*n, "NanoCPUs"), number<std::int64_t>(*n, "MemoryBytes"), {}};
        for (const Json& g : array(*n, "GenericResources")) {
            const Json &named = object(g, "NamedResourceSpec"), &discrete = object(g, "DiscreteResourceSpec");
            r.reservations->generic.push_back({named.empty() ? text_of(discrete, "Kind") : text_of(named, "Kind"),
                                               text_of(named, "Value"), number<std::int64_t>(discrete, "Value")});
        }
    }
    r.swap = given_number<std::int64_t>(j, "SwapBytes");
    r.swappiness = given_number<std::int64_t>(j, "MemorySwappiness");
    return r;
}

Placement placement_of(const Json& j) {
    Placement p;
    p.constraints = list_of(j, "Constraints");
    for (const Json& preference : array(j, "Preferences"))
        p.preferences.push_back(text_of(object(preference, "Spread"), "SpreadDescriptor"));
    p.max_replicas = number<std::uint64_t>(j, "MaxReplicas");
    for (const Json& platform : array(j, "Platforms"))
        p.platforms.emplace_back(text_of(platform, "Architecture"), text_of(platform, "OS"));
    return p;
}

TaskSpec task_of(const Json& j) {
    TaskSpec t;
    t.container = container_of(object(j, "ContainerSpec"));
    if (const Json* resources = object_of(j, "Resources")) t.resources = resources_of(*resources);
    if (const Json* r = object_of(j, "RestartPolicy"))
        t.restart_policy = {text_of(*r, "Condition"), given_number<std::int64_t>(*r, "Delay"),
                            given_number<std::uint64_t>(*r, "MaxAttempts"), given_number<std::int64_t>(*r, "Window")};
    if (const Json* placement = object_of(j, "Placement")) t.placement = placement_of(*placement);
    for (const Json& n : array(j, "Networks"))
        t.networks.push_back({text_of(n, "Target"), list_of(n, "Aliases"), map_of(n, "DriverOpts")});
    if (const Json* log = object_of(j, "LogDriver")) t.log_driver = {text_of(*log, "Name"), map_of(*log, "Options")};
    t.force_update = number<std::uint64_t>(j, "ForceUpdate");
    return t;
}

ServiceMode mode_of(const Json& j) {
    ServiceMode m;
    if (object_of(j, "Global")) m.kind = ModeKind::global;
    if (object_of(j, "GlobalJob")) m.kind = ModeKind::global_job;
    m.replicas = given_number<std::uint64_t>(object(j, "Replicated"), "Replicas");
    if (const Json* job = object_of(j, "ReplicatedJob")) {
        m.kind = ModeKind::replicated_job;
        m.max_concurrent = given_number<std::uint64_t>(*job, "MaxConcurrent");
        m.total_completions = given_number<std::uint64_t>(*job, "TotalCompletions");
    }
    return m;
}

UpdateConfig update_of(const Json& j) {
    UpdateConfig u;
    u.parallelism = given_number<std::uint64_t>(j, "Parallelism").value_or(1);
    u.delay = number<std::int64_t>(j, "Delay");
    u.failure_action = text_of(j, "FailureAction");
    u.monitor = given_number<std::int64_t>(j, "Monitor");
    if (const auto ratio = j.find("MaxFailureRatio"); ratio != j.end() && ratio->is_number())
        u.max_failure_ratio = ratio->get<double>();
    u.order = text_of(j, "Order");
    return u;
}

} // namespace

std::vector<PortConfig> ports_of(const Json& json) {
    std::vector<PortConfig> out;
    if (!json.is_array()) return out;
    for (const Json& p : json)
        out.push_back({text_of(p, "Name"), text_of(p, "Protocol"), number<std::uint16_t>(p, "TargetPort"),
                       number<std::uint16_t>(p, "PublishedPort"), text_of(p, "PublishMode")});
    return out;
}

ServiceSpec service_spec_of(const Json& j) {
    ServiceSpec s;
    s.name = text_of(j, "Name");
    s.labels = map_of(j, "Labels");
    s.task = task_of(object(j, "TaskTemplate"));
    s.mode = mode_of(object(j, "Mode"));
    if (const Json* update = object_of(j, "UpdateConfig")) s.update_config = update_of(*update);
    if (const Json* rollback = object_of(j, "RollbackConfig")) s.rollback_config = update_of(*rollback);
    for (const Json& d : array(object(j, "Davit"), "DependsOn"))
        s.depends_on.push_back({text_of(d, "Service"), text_of(d, "Condition"), !truth(d, "Optional")});
    if (const Json* e = object_of(j, "EndpointSpec")) s.endpoint = {text_of(*e, "Mode"), ports_of(array(*e, "Ports"))};
    return s;
}

} // namespace davit::swarm

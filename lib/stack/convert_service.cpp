#include "base/error.hpp"
#include "davit/labels.hpp"
#include "stack/convert.hpp"
#include "stack/text.hpp"

#include <algorithm>

namespace davit::stack {

using compose::Entry;
using compose::Node;

namespace {

std::vector<std::string> convert_environment(const Node& service) {
    std::vector<std::string> out;
    for (const Entry& e : section_of(service, "environment").map())
        out.push_back(e.value->is_null() ? std::string(e.key) : fmt::format("{}={}", e.key, e.value->str()));
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<std::string> convert_hosts(const Node& service) {
    std::vector<std::string> out;
    for (const std::string& host : texts_of(service, "extra_hosts"))
        if (const std::size_t colon = host.find(':'); colon != std::string::npos)
            out.push_back(host.substr(colon + 1) + " " + host.substr(0, colon));
    return out;
}

std::optional<swarm::Healthcheck> convert_health(const Scope& scope, std::string_view name, const Node& service) {
    const Node* n = service.find("healthcheck");
    if (!n) return std::nullopt;
    swarm::Healthcheck out;
    out.test = texts_of(*n, "test");
    if (boolean_of(*n, "disable").value_or(false)) {
        if (!out.test.empty()) throw scope.mistake(name, *n, "test and disable can't be set at the same time");
        out.test = {"NONE"};
        return out;
    }
    out.interval = duration_of(*n, "interval").value_or(0);
    out.timeout = duration_of(*n, "timeout").value_or(0);
    out.start_period = duration_of(*n, "start_period").value_or(0);
    out.start_interval = duration_of(*n, "start_interval").value_or(0);
    out.retries = static_cast<int>(integer_of(*n, "retries").value_or(0));
    return out;
}

std::vector<swarm::Ulimit> convert_ulimits(const Node& service) {
    std::vector<swarm::Ulimit> out;
    for (const Entry& e : section_of(service, "ulimits").map()) {
        const bool single = e.value->kind == compose::Kind::integer;
        const std::int64_t one = single ? e.value->integer : 0;
        out.push_back({std::string(e.key), integer_of(*e.value, "soft").value_or(one),
                       integer_of(*e.value, "hard").value_or(one)});
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

std::vector<swarm::NetworkAttachment> convert_attachments(const Scope& scope, std::string_view name,
                                                          const Node& service) {
    std::vector<swarm::NetworkAttachment> out;
    static const Node nothing;
    auto attach = [&](std::string_view key, const Node& options) {
        const Node* declared = scope.declared("networks", key);
        if (!declared && key != "default")
            throw scope.mistake(name, options, fmt::format("undefined network \"{}\"", key));
        swarm::NetworkAttachment& a = out.emplace_back();
        a.target = declared ? scope.name_of(*declared, key) : scope.scoped(key);
        a.aliases = texts_of(options, "aliases");
        a.driver_opts = map_of(options, "driver_opts");
        if (is_user_defined(a.target)) a.aliases.emplace_back(name);
    };
    const auto networks = section_of(service, "networks").map();
    if (networks.empty()) attach("default", nothing);
    for (const Entry& e : networks) attach(e.key, *e.value);
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.target < b.target; });
    return out;
}

// section: configs or secrets, kind: config or secret.
std::vector<swarm::FileReference> convert_references(const Scope& scope, std::string_view name, const Node& service,
                                                     std::string_view section, std::string_view kind) {
    std::vector<swarm::FileReference> out;
    for (const Node* item : section_of(service, section).list()) {
        const std::string source = text_of(*item, "source");
        const Node* declared = scope.declared(section, source);
        if (!declared) throw scope.mistake(name, *item, fmt::format("undefined {} \"{}\"", kind, source));
        swarm::FileReference& r = out.emplace_back();
        r.name = scope.name_of(*declared, source);
        r.target = item->has("target") ? text_of(*item, "target") : source;
        if (const std::string uid = text_of(*item, "uid"); !uid.empty()) r.uid = uid;
        if (const std::string gid = text_of(*item, "gid"); !gid.empty()) r.gid = gid;
        if (const auto mode = integer_of(*item, "mode")) r.mode = static_cast<std::uint32_t>(*mode);
    }
    // The order of the file restarts no tasks.
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

swarm::Privileges convert_privileges(const Scope& scope, std::string_view name, const Node& service) {
    swarm::Privileges out;
    const Node& n = section_of(service, "credential_spec");
    out.credential_config = text_of(n, "config");
    out.credential_file = text_of(n, "file");
    out.credential_registry = text_of(n, "registry");
    const int given = !out.credential_config.empty() + !out.credential_file.empty() + !out.credential_registry.empty();
    if (given > 1) throw scope.mistake(name, n, "invalid credential spec: more than one of Config, File and Registry");
    if (out.credential_config.empty()) return out;
    const Node* declared = scope.declared("configs", out.credential_config);
    if (!declared) throw scope.mistake(name, n, fmt::format("undefined config \"{}\"", out.credential_config));
    out.credential_config = scope.name_of(*declared, out.credential_config);
    return out;
}

std::optional<swarm::UpdateConfig> convert_update(const Node& deploy, std::string_view key) {
    const Node* n = deploy.find(key);
    if (!n) return std::nullopt;
    swarm::UpdateConfig out;
    out.parallelism = static_cast<std::uint64_t>(integer_of(*n, "parallelism").value_or(1));
    out.delay = duration_of(*n, "delay").value_or(0);
    out.failure_action = text_of(*n, "failure_action");
    if (const auto monitor = duration_of(*n, "monitor"); monitor.value_or(0) != 0) out.monitor = monitor;
    out.max_failure_ratio = real_of(*n, "max_failure_ratio");
    out.order = text_of(*n, "order");
    return out;
}

std::uint16_t port_of(const Scope& scope, std::string_view name, const Node& item, std::string_view key) {
    const std::int64_t port = integer_of(item, key).value_or(0);
    if (port > 65535)
        throw scope.mistake(name, item, fmt::format("invalid {} port {}: the highest is 65535", key, port));
    return static_cast<std::uint16_t>(port);
}

swarm::EndpointSpec convert_endpoint(const Scope& scope, std::string_view name, const Node& service,
                                     const Node& deploy) {
    swarm::EndpointSpec out;
    for (char c : text_of(deploy, "endpoint_mode"))
        out.mode += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    for (const Node* item : section_of(service, "ports").list()) {
        swarm::PortConfig& p = out.ports.emplace_back();
        p.target = port_of(scope, name, *item, "target");
        p.published = port_of(scope, name, *item, "published");
        p.protocol = port_protocol(text_of(*item, "protocol"));
        p.mode = publish_mode(text_of(*item, "mode"));
    }
    sort_ports(out.ports);
    return out;
}

swarm::Placement convert_placement(const Node& deploy) {
    const Node& n = section_of(deploy, "placement");
    swarm::Placement out;
    out.constraints = texts_of(n, "constraints");
    for (const Node* item : section_of(n, "preferences").list()) out.preferences.push_back(text_of(*item, "spread"));
    out.max_replicas = static_cast<std::uint64_t>(integer_of(n, "max_replicas_per_node").value_or(0));
    return out;
}

swarm::ContainerSpec convert_container(const Scope& scope, std::string_view name, const Node& s) {
    swarm::ContainerSpec out;
    out.image = text_of(s, "image");
    out.labels = scope.labelled(map_of(s, "labels"));
    out.command = texts_of(s, "entrypoint");
    out.args = texts_of(s, "command");
    out.hostname = text_of(s, "hostname");
    out.env = convert_environment(s);
    out.dir = text_of(s, "working_dir");
    out.user = text_of(s, "user");
    out.privileges = convert_privileges(scope, name, s);
    out.init = boolean_of(s, "init");
    out.stop_signal = text_of(s, "stop_signal");
    out.tty = boolean_of(s, "tty").value_or(false);
    out.open_stdin = boolean_of(s, "stdin_open").value_or(false);
    out.read_only = boolean_of(s, "read_only").value_or(false);
    out.mounts = convert_mounts(scope, name, s);
    out.stop_grace_period = duration_of(s, "stop_grace_period");
    out.healthcheck = convert_health(scope, name, s);
    out.hosts = convert_hosts(s);
    if (s.has("dns") || s.has("dns_search")) out.dns_config = {texts_of(s, "dns"), texts_of(s, "dns_search"), {}};
    out.secrets = convert_references(scope, name, s, "secrets", "secret");
    out.configs = convert_references(scope, name, s, "configs", "config");
    out.isolation = text_of(s, "isolation");
    out.sysctls = map_of(s, "sysctls");
    out.capability_add = texts_of(s, "cap_add");
    out.capability_drop = texts_of(s, "cap_drop");
    effective_capabilities(out.capability_add, out.capability_drop);
    out.ulimits = convert_ulimits(s);
    out.oom_score_adj = integer_of(s, "oom_score_adj").value_or(0);
    return out;
}

} // namespace

swarm::ServiceSpec convert_service(const Scope& scope, std::string_view name, const Node& s) {
    const Node& deploy = section_of(s, "deploy");
    swarm::ServiceSpec out;
    out.name = scope.scoped(name);
    out.labels = scope.labelled(map_of(deploy, "labels"));
    out.labels[label::stack_image] = text_of(s, "image");
    out.endpoint = convert_endpoint(scope, name, s, deploy);
    const auto replicas = integer_of(deploy, "replicas");
    try {
        out.mode = service_mode(text_of(deploy, "mode"),
                                replicas ? std::optional(static_cast<std::uint64_t>(*replicas)) : std::nullopt);
    } catch (const Error& e) {
        throw scope.mistake(name, deploy, e.what());
    }
    out.task.container = convert_container(scope, name, s);
    out.task.resources = convert_resources(scope, name, deploy);
    out.task.restart_policy = convert_restart(scope, name, s);
    out.task.placement = convert_placement(deploy);
    out.task.networks = convert_attachments(scope, name, s);
    if (const Node* logging = s.find("logging"))
        out.task.log_driver = {text_of(*logging, "driver"), map_of(*logging, "options")};
    out.update_config = convert_update(deploy, "update_config");
    out.rollback_config = convert_update(deploy, "rollback_config");
    return out;
}

} // namespace davit::stack

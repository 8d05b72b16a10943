#include "project/record.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "project/json_fields.hpp"
#include "project/store.hpp"

namespace davit {

DAVIT_JSON_ENUM(RestartKind, {RestartKind::no, "no"}, {RestartKind::always, "always"},
                {RestartKind::unless_stopped, "unless-stopped"}, {RestartKind::on_failure, "on-failure"})
DAVIT_JSON_ENUM(DesiredState, {DesiredState::created, "created"}, {DesiredState::running, "running"},
                {DesiredState::stopped, "stopped"})
DAVIT_JSON_ENUM(ContainerState, {ContainerState::created, "created"}, {ContainerState::running, "running"},
                {ContainerState::paused, "paused"}, {ContainerState::restarting, "restarting"},
                {ContainerState::removing, "removing"}, {ContainerState::exited, "exited"},
                {ContainerState::dead, "dead"})
DAVIT_JSON_ENUM(Health, {Health::none, "none"}, {Health::starting, "starting"}, {Health::healthy, "healthy"},
                {Health::unhealthy, "unhealthy"})

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EndpointRecord, network, compose_name, aliases, links, ipv4_address,
                                                ipv6_address, link_local_ips, mac_address, interface_name, priority,
                                                gw_priority, driver_opts)

// The host's ports are a text in the file, as they were in the first format.
void to_json(json::Value& v, const PortRecord& port) {
    v = {{"host_ip", port.host_ip},
         {"published", port.host ? to_string(*port.host) : ""},
         {"target", port.target},
         {"protocol", port.protocol}};
}
void from_json(const json::Value& v, PortRecord& port) {
    port.host_ip = v.value("host_ip", port.host_ip);
    port.target = v.value("target", port.target);
    port.protocol = v.value("protocol", port.protocol);
    const auto published = v.value("published", std::string());
    port.host = parse_port_range(published);
    if (!port.host && !published.empty()) throw error(Errc::failed, "'{}' is not a port to publish", published);
}
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HealthcheckRecord, test, interval, timeout, start_period,
                                                start_interval, retries)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(RestartRecord, kind, max_retries, final_codes, least_run)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(LogConfig, driver, options)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(HookRecord, command, user, privileged, working_dir, environment)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(MountRecord, type, name, source, target, read_only, anonymous)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EcsRecord, task, family, revision, container, essential, network,
                                                metadata, cpu, memory, start_timeout, after)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ContainerRecord, format, id, name, project, service, number, oneoff,
                                                auto_remove, image, image_id, config_hash, content_hash, labels,
                                                created, desired, generation, network_mode, ipc_mode, pid_mode,
                                                volumes_from, endpoints, ports, hostname, domainname, dns, dns_search,
                                                dns_options, extra_hosts, expose, healthcheck, restart, stop_signal,
                                                stop_grace, log, tty, open_stdin, stdin_once, post_start, pre_stop,
                                                mounts, command, user, working_dir, environment, cgroup, start_error,
                                                takes_over, ecs)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(EndpointStatus, network, interface, ipv4, ipv6, mac, gateway)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(PublishedPort, host_ip, host_port, target, protocol)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ContainerStatus, id, state, pid, pid_start, started_at, finished_at,
                                                exit_code, exit_known, oom_killed, error, restart_count, next_restart,
                                                restart_delay, post_start_begun, pre_stop_begun, stopped_by_user,
                                                health, failing_streak, endpoints, ports)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(IpamPoolRecord, subnet, ip_range, gateway, aux_addresses)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(NetworkRecord, format, name, id, project, compose_name, driver,
                                                driver_opts, internal, attachable, enable_ipv4, enable_ipv6, ipam,
                                                config_hash, labels, created, scope, leaving, bridge, subnet4, gateway4,
                                                subnet6, gateway6)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(VolumeRecord, format, name, project, compose_name, driver, driver_opts,
                                                anonymous, config_hash, labels, created)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ProjectRecord, format, name, working_dir, config_files, boot_id, model)

// Written by the shim, which has no JSON library: flat and small.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(ShimExit, format, pid, start_time, code, signal, known, oom,
                                                finished_ns)

std::optional<ShimExit> exit_record(const std::string& file) {
    auto text = read_file_if_exists(file);
    if (!text || text->empty()) return std::nullopt;
    return json::parse_record<ShimExit>(*text, file, 1);
}

std::string to_json(const ContainerRecord& r) { return json::dump(r); }
std::string to_json(const ContainerStatus& s) { return json::dump(s); }
std::string to_json(const NetworkRecord& r) { return json::dump(r); }
std::string to_json(const VolumeRecord& r) { return json::dump(r); }
std::string to_json(const ProjectRecord& r) { return json::dump(r); }

ContainerRecord container_record_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<ContainerRecord>(text, file, record_format);
}
ContainerStatus container_status_from_json(const std::string& text, const std::string& file) {
    return json::parse<ContainerStatus>(text, file);
}
NetworkRecord network_record_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<NetworkRecord>(text, file, record_format);
}
VolumeRecord volume_record_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<VolumeRecord>(text, file, record_format);
}
ProjectRecord project_record_from_json(const std::string& text, const std::string& file) {
    return json::parse_record<ProjectRecord>(text, file, record_format);
}

} // namespace davit

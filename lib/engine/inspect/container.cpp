#include "engine/inspect/container.hpp"

#include "base/date.hpp"
#include "engine/inspect/json_parts.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace davit::documents {

namespace {

std::string time_text(std::int64_t time) { return time ? rfc3339_nano(time) : "0001-01-01T00:00:00Z"; }

Json state_of(const ContainerInfo& c, const std::vector<HealthCheckResult>& checks) {
    Json state = {{"Status", to_string(c.state)},
                  {"Running", c.pid != 0},
                  {"Paused", c.state == ContainerState::paused},
                  {"Restarting", c.state == ContainerState::restarting},
                  {"OOMKilled", c.oom_killed},
                  {"Dead", c.state == ContainerState::dead},
                  {"Pid", c.pid},
                  {"ExitCode", c.exit_code},
                  {"Error", c.error},
                  {"StartedAt", time_text(c.started_at)},
                  {"FinishedAt", time_text(c.finished_at)}};
    if (auto checked = health(c, checks); !checked.is_null()) state["Health"] = std::move(checked);
    return state;
}

Json mounts_of(const Inspected& of) {
    Json out = Json::array();
    for (const MountRecord& m : of.record.mounts) {
        Json one = {{"Type", m.type}};
        const auto directory = of.volumes.find(m.name);
        if (!m.name.empty()) one["Name"] = m.name;
        one["Source"] = m.type == "volume" && directory != of.volumes.end() ? directory->second : m.source;
        one["Destination"] = m.target;
        if (m.type == "volume") one["Driver"] = "local";
        one["Mode"] = m.type == "tmpfs" ? "" : m.read_only ? "ro" : "rw";
        one["RW"] = !m.read_only;
        one["Propagation"] = m.type == "bind" ? "rprivate" : "";
        out.push_back(std::move(one));
    }
    return out;
}

// "K=V" of the image, "K" alone of all others.
Json environment_of(const Inspected& of) {
    Json out = Json::array();
    for (const std::string& entry : of.record.environment) {
        const bool public_value =
            entry.starts_with("PATH=") ||
            (of.image && std::find(of.image->env.begin(), of.image->env.end(), entry) != of.image->env.end());
        out.push_back(public_value ? entry : entry.substr(0, entry.find('=')));
    }
    return out;
}

Json healthcheck_of(const HealthcheckRecord& h) {
    return {{"Test", h.test},
            {"Interval", h.interval},
            {"Timeout", h.timeout},
            {"StartPeriod", h.start_period},
            {"StartInterval", h.start_interval},
            {"Retries", h.retries}};
}

Json config_of(const Inspected& of) {
    const ContainerRecord& r = of.record;
    const std::vector<std::string> entrypoint = of.image ? of.image->entrypoint : std::vector<std::string>{};
    const bool of_image = !entrypoint.empty() && r.command.size() >= entrypoint.size() &&
                          std::equal(entrypoint.begin(), entrypoint.end(), r.command.begin());
    const std::vector<std::string> command(
        r.command.begin() + static_cast<std::ptrdiff_t>(of_image ? entrypoint.size() : 0), r.command.end());
    std::vector<std::string> anonymous;
    for (const MountRecord& m : r.mounts)
        if (m.anonymous) anonymous.push_back(m.target);
    Json out = {{"Hostname", r.hostname}, {"Domainname", r.domainname}, {"User", r.user},
                {"AttachStdin", false},   {"AttachStdout", true},       {"AttachStderr", true}};
    if (!r.expose.empty()) out["ExposedPorts"] = set_of<Json>(r.expose);
    out["Tty"] = r.tty;
    out["OpenStdin"] = r.open_stdin;
    out["StdinOnce"] = false;
    out["Env"] = environment_of(of);
    out["Cmd"] = command.empty() ? Json() : Json(command);
    if (r.healthcheck) out["Healthcheck"] = healthcheck_of(*r.healthcheck);
    out["Image"] = r.image;
    out["Volumes"] = anonymous.empty() ? Json() : set_of<Json>(anonymous);
    out["WorkingDir"] = r.working_dir;
    out["Entrypoint"] = of_image ? Json(entrypoint) : Json();
    out["Labels"] = Json(r.labels);
    out["StopSignal"] = r.stop_signal;
    out["StopTimeout"] = r.stop_grace / 1'000'000'000;
    return out;
}

Json ports_of(const ContainerInfo& c) {
    Json out = Json::object();
    for (const std::string& port : c.expose) out[port] = nullptr;
    for (const PublishedPort& p : c.ports) {
        const std::string key = std::to_string(p.target) + "/" + p.protocol;
        if (!p.host_ip.empty()) {
            out[key].push_back({{"HostIp", p.host_ip}, {"HostPort", std::to_string(p.host_port)}});
            continue;
        }
        for (const char* all : {"0.0.0.0", "::"})
            out[key].push_back({{"HostIp", all}, {"HostPort", std::to_string(p.host_port)}});
    }
    return out;
}

int prefix_of(const std::string& subnet) {
    int out = 0;
    const std::size_t slash = subnet.find('/');
    if (slash != std::string::npos) std::from_chars(subnet.data() + slash + 1, subnet.data() + subnet.size(), out);
    return out;
}

Json network_of(const Inspected& of, const EndpointRecord& endpoint) {
    EndpointStatus live;
    for (const EndpointStatus& e : of.status.endpoints)
        if (e.network == endpoint.network) live = e;
    NetworkRecord network;
    if (const auto found = of.networks.find(endpoint.network); found != of.networks.end()) network = found->second;
    Json names = Json::array({of.record.name});
    for (const std::string& alias : endpoint.aliases)
        if (alias != of.record.name) names.push_back(alias);
    names.push_back(of.record.id.substr(0, 12));
    Json asked;
    if (!endpoint.ipv4_address.empty()) asked["IPv4Address"] = endpoint.ipv4_address;
    if (!endpoint.ipv6_address.empty()) asked["IPv6Address"] = endpoint.ipv6_address;
    if (!endpoint.link_local_ips.empty()) asked["LinkLocalIPs"] = endpoint.link_local_ips;
    return {{"IPAMConfig", asked},
            {"Links", nullptr},
            {"Aliases", endpoint.aliases},
            {"DriverOpts", endpoint.driver_opts.empty() ? Json() : Json(endpoint.driver_opts)},
            {"GwPriority", endpoint.gw_priority},
            {"NetworkID", network.id},
            {"EndpointID", ""},
            {"Gateway", live.ipv4.empty() ? "" : network.gateway4},
            {"IPAddress", live.ipv4},
            {"MacAddress", live.mac},
            {"IPPrefixLen", live.ipv4.empty() ? 0 : prefix_of(network.subnet4)},
            {"IPv6Gateway", live.ipv6.empty() ? "" : network.gateway6},
            {"GlobalIPv6Address", live.ipv6},
            {"GlobalIPv6PrefixLen", live.ipv6.empty() ? 0 : prefix_of(network.subnet6)},
            {"DNSNames", names}};
}

Json network_settings(const Inspected& of) {
    Json networks = Json::object();
    for (const EndpointRecord& endpoint : of.record.endpoints) networks[endpoint.network] = network_of(of, endpoint);
    const bool alone = of.record.network_mode == "host" || of.record.network_mode == "none";
    if (alone) networks[of.record.network_mode] = Json::object();
    return {{"SandboxID", ""},
            {"SandboxKey", of.info.pid ? "/proc/" + std::to_string(of.info.pid) + "/ns/net" : ""},
            {"Ports", ports_of(of.info)},
            {"Networks", networks}};
}

Json graph_driver(const Inspected& of) {
    Json data = nullptr;
    if (of.spec) {
        std::string lower;
        for (const std::string& directory : of.spec->root.overlay.lower)
            lower += (lower.empty() ? "" : ":") + directory;
        data = {
            {"LowerDir", lower}, {"UpperDir", of.spec->root.overlay.upper}, {"WorkDir", of.spec->root.overlay.work}};
    }
    return {{"Data", data}, {"Name", "overlay"}};
}

} // namespace

Json container(const Inspected& of) {
    const ContainerInfo& c = of.info;
    const std::string path = c.command.empty() ? "" : c.command.front();
    const std::vector<std::string> arguments(c.command.begin() + (c.command.empty() ? 0 : 1), c.command.end());
    return {{"Id", c.id},
            {"Created", rfc3339_nano(c.created)},
            {"Path", path},
            {"Args", arguments},
            {"State", state_of(c, of.checks)},
            {"Image", c.image_id},
            {"ResolvConfPath", of.directory + "/resolv.conf"},
            {"HostnamePath", of.directory + "/hostname"},
            {"HostsPath", of.directory + "/hosts"},
            {"LogPath", c.log_path},
            {"Name", "/" + c.name},
            {"RestartCount", c.restart_count},
            {"Driver", "overlay"},
            {"Platform", "linux"},
            {"MountLabel", ""},
            {"ProcessLabel", ""},
            {"AppArmorProfile", of.spec ? of.spec->process.apparmor_profile : ""},
            {"ExecIDs", nullptr},
            {"HostConfig", host_config(of)},
            {"GraphDriver", graph_driver(of)},
            {"Mounts", mounts_of(of)},
            {"Config", config_of(of)},
            {"NetworkSettings", network_settings(of)}};
}

} // namespace davit::documents

#include "engine/inspect/container.hpp"

#include "base/date.hpp"
#include "base/engine_words.hpp"
#include "base/hash.hpp"
#include "base/network_drivers.hpp"
#include "base/shared_with.hpp"
#include "davit/labels.hpp"
#include "engine/inspect/json_parts.hpp"
#include "network/builtin.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace davit::documents {

namespace {

std::string time_text(std::int64_t time) { return time ? rfc3339_nano(time) : "0001-01-01T00:00:00Z"; }

// What stands before the reason in docker's engine, where its runtime finds it: of the command, of a sysctl.
std::string with_runtime(const std::string& error) {
    const bool command = error.starts_with("exec: \"");
    if (!command && !error.starts_with("sysctl \"")) return error;
    std::string out =
        "failed to create task for container: failed to create shim task: OCI runtime create failed: runc "
        "create failed: ";
    if (command) out += "unable to start container process: error during container init: ";
    return out + error;
}

Json state_of(const ContainerInfo& c, const std::vector<HealthCheckResult>& checks) {
    Json state = {{"Status", to_string(c.state)},
                  {"Running", c.pid != 0 || c.state == ContainerState::restarting},
                  {"Paused", c.state == ContainerState::paused},
                  {"Restarting", c.state == ContainerState::restarting},
                  {"OOMKilled", c.oom_killed},
                  {"Dead", c.state == ContainerState::dead},
                  {"Pid", c.pid},
                  {"ExitCode", c.exit_code},
                  {"Error", with_runtime(port_error_of_engine(c.error, c.name, c.id))},
                  {"StartedAt", time_text(c.started_at)},
                  {"FinishedAt", time_text(c.finished_at)}};
    if (auto checked = health(c, checks); !checked.is_null()) state["Health"] = std::move(checked);
    return state;
}

// What was asked for, {"Config": {…}, "HostConfig": {…}}; an empty object where nobody kept it.
Json request_of(const Inspected& of) {
    Json out = of.request.empty() ? Json::object() : Json::parse(of.request, nullptr, false);
    return out.is_object() ? out : Json::object();
}

// SOURCE:TARGET[:MODE] of HostConfig.Binds, for what is mounted at a target.
std::optional<std::string> bind_mode(const Json& binds, const std::string& target) {
    for (const Json& bind : binds.is_array() ? binds : Json::array()) {
        const std::string text = bind.get<std::string>();
        const std::size_t first = text.find(':'), second = text.find(':', first + 1);
        if (first == std::string::npos || text.substr(first + 1, second - first - 1) != target) continue;
        return second == std::string::npos ? "" : text.substr(second + 1);
    }
    return std::nullopt;
}

std::string propagation_of(const Json& host, const std::string& target, const std::string& mode) {
    for (const Json& mount : host.value("Mounts", Json::array()))
        if (mount.value("Target", "") == target)
            return mount.value("BindOptions", Json::object()).value("Propagation", "rprivate");
    for (const char* name : {"rshared", "rslave", "rprivate", "shared", "slave", "private"})
        if (("," + mode + ",").find("," + std::string(name) + ",") != std::string::npos) return name;
    return "rprivate";
}

// A volume that was asked for by name or by --mount is shared ("z") unless its mode says otherwise; one that stands in
// Volumes alone has no mode.
std::string mode_of(const MountRecord& m, const Json& host) {
    const auto mode = bind_mode(host.value("Binds", Json()), m.target);
    if (mode && (!mode->empty() || m.type != "volume")) return *mode;
    const Json mounts = host.value("Mounts", Json::array());
    const bool asked = mode || std::any_of(mounts.begin(), mounts.end(),
                                           [&](const Json& one) { return one.value("Target", "") == m.target; });
    return asked && m.type == "volume" ? "z" : "";
}

// As docker shows mounts: those of --tmpfs stand in HostConfig alone.
Json mounts_as_asked(const Inspected& of, const Json& host) {
    Json out = Json::array();
    const Json tmpfs = host.value("Tmpfs", Json::object());
    for (const MountRecord& m : of.record.mounts) {
        if (m.type == "tmpfs" && tmpfs.contains(m.target)) continue;
        const auto directory = of.volumes.find(m.name);
        Json one = {{"Type", m.type}};
        if (m.type == "volume") one["Name"] = m.name;
        if (m.type == "image") one["Name"] = m.source;
        one["Source"] = m.type == "volume" && directory != of.volumes.end() ? directory->second : m.source;
        one["Destination"] = m.target;
        if (m.type == "volume") one["Driver"] = "local";
        one["Mode"] = mode_of(m, host);
        one["RW"] = !m.read_only;
        one["Propagation"] = m.type == "bind"    ? propagation_of(host, m.target, mode_of(m, host))
                             : m.type == "image" ? "rprivate"
                                                 : "";
        out.push_back(std::move(one));
    }
    return out;
}

Json mounts_of(const Inspected& of) {
    const Json request = request_of(of);
    if (request.contains("HostConfig") &&
        (of.record.project == machine_project || request["HostConfig"].contains("Binds")))
        return mounts_as_asked(of, request["HostConfig"]);
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
        if (!of.record.hostname.empty() && entry == "HOSTNAME=" + of.record.hostname) continue; // nobody asked for it
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
    if (Json request = request_of(of); request.contains("Config")) {
        if (!request["Config"].contains("Env")) request["Config"]["Env"] = environment_of(of);
        return request["Config"];
    }
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
    std::map<std::string, Json> out; // in the order of the alphabet, as Go has it
    if (!c.pid) return Json::object();
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
    return Json(out);
}

int prefix_of(const std::string& subnet) {
    int out = 0;
    const std::size_t slash = subnet.find('/');
    if (slash != std::string::npos) std::from_chars(subnet.data() + slash + 1, subnet.data() + subnet.size(), out);
    return out;
}

Json dns_names(const ContainerRecord& record, const EndpointRecord& endpoint) {
    std::vector<std::string> names{record.name};
    names.insert(names.end(), endpoint.aliases.begin(), endpoint.aliases.end());
    names.push_back(record.id.substr(0, 12));
    if (!record.hostname.empty()) names.push_back(record.hostname);
    Json out = Json::array();
    for (const std::string& name : names)
        if (std::find(out.begin(), out.end(), Json(name)) == out.end()) out.push_back(name);
    return out;
}

Json links_of(const EndpointRecord& endpoint) {
    Json out = Json::array();
    for (const auto& [alias, targets] : endpoint.links)
        for (const std::string& target : targets) out.push_back(target + ":" + alias);
    return out.empty() ? Json() : out;
}

// Docker Compose asks for the container's name as the first alias.
Json aliases_of(const ContainerRecord& record, const EndpointRecord& endpoint) {
    std::vector<std::string> out = endpoint.aliases;
    if (record.labels.contains(label::project) && std::find(out.begin(), out.end(), record.name) == out.end())
        out.insert(out.begin(), record.name);
    return out.empty() ? Json() : Json(out);
}

// A name of the interface goes to Docker's engine as an option.
Json driver_options_of(const EndpointRecord& endpoint) {
    std::map<std::string, std::string> out = endpoint.driver_opts;
    if (!endpoint.interface_name.empty()) out[std::string(endpoint_ifname)] = endpoint.interface_name;
    return out.empty() ? Json() : Json(out);
}

Json network_of(const Inspected& of, const EndpointRecord& endpoint) {
    EndpointStatus live;
    for (const EndpointStatus& e : of.status.endpoints)
        if (e.network == endpoint.network) live = e;
    NetworkRecord network;
    if (const auto found = of.networks.find(endpoint.network); found != of.networks.end()) network = found->second;
    const bool alone = endpoint.network == of.record.network_mode; // host, none: there is no record, nor an address
    if (alone) network = builtin_network(endpoint.network, "");
    Json asked;
    if (!endpoint.ipv4_address.empty()) asked["IPv4Address"] = endpoint.ipv4_address;
    if (!endpoint.ipv6_address.empty()) asked["IPv6Address"] = endpoint.ipv6_address;
    if (!endpoint.link_local_ips.empty()) asked["LinkLocalIPs"] = endpoint.link_local_ips;
    const bool named = endpoint.compose_name != "bridge"; // the default bridge knows no names
    const bool up = of.info.pid != 0 && (alone || !live.ipv4.empty());
    return {{"IPAMConfig", asked},
            {"Links", links_of(endpoint)},
            {"Aliases", aliases_of(of.record, endpoint)},
            {"DriverOpts", driver_options_of(endpoint)},
            {"GwPriority", endpoint.gw_priority},
            {"NetworkID", of.info.started_at != 0 ? network.id : ""},
            {"EndpointID", up ? sha256_hex(of.record.id + network.id) : ""},
            {"Gateway", live.ipv4.empty() || network.internal ? "" : network.gateway4},
            {"IPAddress", live.ipv4},
            {"MacAddress", live.mac.empty() ? endpoint.mac_address : live.mac},
            {"IPPrefixLen", live.ipv4.empty() ? 0 : prefix_of(network.subnet4)},
            {"IPv6Gateway", live.ipv6.empty() || network.internal ? "" : network.gateway6},
            {"GlobalIPv6Address", live.ipv6},
            {"GlobalIPv6PrefixLen", live.ipv6.empty() ? 0 : prefix_of(network.subnet6)},
            {"DNSNames", named && of.info.started_at != 0 ? dns_names(of.record, endpoint) : Json()}};
}

Json network_settings(const Inspected& of) {
    Json networks = Json::object();
    for (const EndpointRecord& endpoint : of.record.endpoints) networks[endpoint.network] = network_of(of, endpoint);
    const bool alone = of.record.network_mode == "host" || of.record.network_mode == "none";
    if (alone) {
        EndpointRecord endpoint;
        endpoint.network = of.record.network_mode;
        endpoint.compose_name = "bridge";
        networks[of.record.network_mode] = network_of(of, endpoint);
    }
    const bool own = of.info.pid && !SharedWith::parse(of.record.network_mode).is_container(); // no other's
    return {{"SandboxID", own ? sha256_hex(of.record.id) : ""},
            {"SandboxKey", own ? "/proc/" + std::to_string(of.info.pid) + "/ns/net" : ""},
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

// The request over what became of it; what `update` changes is shown as it is now.
Json as_asked(const Inspected& of, Json live) {
    const Json request = request_of(of);
    if (!request.contains("HostConfig")) return live;
    // What --mount has made stands in Mounts alone.
    if (of.record.project == machine_project && !request["HostConfig"].contains("Tmpfs")) live.erase("Tmpfs");
    const bool quota = request["HostConfig"].value("CpuQuota", std::int64_t{0}) != 0;
    for (const auto& [key, value] : request["HostConfig"].items()) {
        if (key == "CpuQuota" || (key == "NetworkMode" && SharedWith::parse(live.value(key, "")).is_container()))
            continue;
        live[key] = value;
    }
    if (const std::int64_t cpus = live.value("NanoCpus", std::int64_t{0}); quota && cpus) { // it was asked for as such
        live["CpuQuota"] = cpus / 10'000;
        live["CpuPeriod"] = 100'000;
        live["NanoCpus"] = 0;
    }
    Json links = Json::array();
    for (const Json& link : live["Links"].is_array() ? live["Links"] : Json::array()) {
        const std::string text = link.get<std::string>();
        const std::size_t colon = text.find(':');
        const std::string target = text.substr(0, colon);
        links.push_back("/" + target + ":/" + of.record.name + "/" +
                        (colon == std::string::npos ? target : text.substr(colon + 1)));
    }
    // On a network of the user's they are its endpoint's.
    const bool plain = live.value("NetworkMode", "") == "bridge";
    live["Links"] = links.empty() || !plain ? Json() : links;
    return live;
}

// Docker labels no process of such a container, where there is SELinux, and says so among its options.
Json with_labels_off(Json host) {
    const bool shares = host.value("PidMode", "") == "host" || host.value("IpcMode", "") == "host";
    if (!host.value("Privileged", false) && !shares) return host;
    Json& options = host["SecurityOpt"];
    if (!options.is_array()) options = Json::array();
    options.push_back("label=disable");
    return host;
}

Json manifest_of(const registry::Descriptor& d) {
    Json out = {{"mediaType", d.media_type}, {"digest", d.digest}, {"size", d.size}};
    if (!d.platform) return out;
    out["platform"] = {{"architecture", d.platform->architecture}, {"os", d.platform->os}};
    if (!d.platform->variant.empty()) out["platform"]["variant"] = d.platform->variant;
    return out;
}

// Swarm asks for nothing but what the service's specification says, and tells the grace of a stop when it stops.
void as_task(const Inspected& of, Json& config, Json& host) {
    for (const char* stream : {"AttachStdout", "AttachStderr"}) config[stream] = false;
    config.erase("StopTimeout");
    if (of.record.stop_signal == ContainerRecord().stop_signal) config.erase("StopSignal");
    if (of.record.working_dir == "/" && of.image && of.image->working_dir.empty()) config["WorkingDir"] = "";
    // Its networks are attached to it afterwards.
    if (of.record.network_mode != "host" && of.record.network_mode != "none") host["NetworkMode"] = "bridge";
    for (const char* list : {"DnsOptions", "DnsSearch", "ExtraHosts", "BlkioWeightDevice", "BlkioDeviceReadBps",
                             "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps", "Devices"})
        if (host[list].empty()) host[list] = nullptr;
    if (host["Ulimits"].is_null()) host["Ulimits"] = Json::array();
    host["Isolation"] = "default";
    if (!host.contains("Init")) host["Init"] = false;
}

} // namespace

Json container(const Inspected& of) {
    const ContainerInfo& c = of.info;
    const std::string path = c.command.empty() ? "" : c.command.front();
    const std::vector<std::string> arguments(c.command.begin() + (c.command.empty() ? 0 : 1), c.command.end());
    const bool began = c.started_at != 0; // before, docker has made none of its files
    const auto file = [&](const std::string& name) { return began ? name : std::string(); };
    Json out = {{"Id", c.id},
                {"Created", rfc3339_nano(c.created)},
                {"Path", path},
                {"Args", arguments},
                {"State", state_of(c, of.checks)},
                {"Image", c.image_id},
                {"ResolvConfPath", file(of.directory + "/resolv.conf")},
                {"HostnamePath", file(of.directory + "/hostname")},
                {"HostsPath", file(of.directory + "/hosts")},
                {"LogPath", file(c.log_path)},
                {"Name", "/" + c.name},
                {"RestartCount", c.restart_count},
                {"Driver", "overlayfs"},
                {"Platform", "linux"},
                {"MountLabel", ""},
                {"ProcessLabel", ""},
                {"AppArmorProfile", of.spec ? of.spec->process.apparmor_profile : ""},
                {"ExecIDs", nullptr},
                {"HostConfig", with_labels_off(as_asked(of, host_config(of)))},
                {"Storage", {{"RootFS", {{"Snapshot", {{"Name", "overlayfs"}}}}}}},
                {"GraphDriver", graph_driver(of)}, // davit's own: where it stands
                {"Mounts", mounts_of(of)},
                {"Config", config_of(of)},
                {"NetworkSettings", network_settings(of)}};
    if (of.record.labels.contains(label::swarm_task_id)) as_task(of, out["Config"], out["HostConfig"]);
    if (of.manifest) out["ImageManifestDescriptor"] = manifest_of(*of.manifest);
    return out;
}

} // namespace davit::documents

// What inspect shows of a request beside what follows from the service.
#include "docker/parts.hpp"
#include "docker/values.hpp"

#include "davit/to_string.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::docker {

namespace {

using Json = nlohmann::ordered_json;

Json list_or_null(const std::vector<std::string>& list) { return list.empty() ? Json() : Json(list); }

Json bind_options(const swarm::Mount& m) {
    Json out = Json::object();
    if (!m.propagation.empty()) out["Propagation"] = m.propagation;
    if (m.non_recursive) out["NonRecursive"] = true;
    if (m.create_mountpoint) out["CreateMountpoint"] = true;
    if (m.read_only_non_recursive) out["ReadOnlyNonRecursive"] = true;
    if (m.read_only_force_recursive) out["ReadOnlyForceRecursive"] = true;
    return out;
}

Json volume_options(const swarm::Mount& m) {
    Json out = Json::object();
    if (m.no_copy) out["NoCopy"] = true;
    if (!m.volume_labels.empty()) out["Labels"] = m.volume_labels;
    if (!m.subpath.empty()) out["Subpath"] = m.subpath;
    if (m.driver.empty() && m.driver_options.empty()) return out;
    Json driver = Json::object();
    if (!m.driver.empty()) driver["Name"] = m.driver;
    if (!m.driver_options.empty()) driver["Options"] = m.driver_options;
    out["DriverConfig"] = std::move(driver);
    return out;
}

Json tmpfs_options(const swarm::Mount& m) {
    Json out = Json::object();
    if (m.tmpfs_size) out["SizeBytes"] = m.tmpfs_size;
    if (m.tmpfs_mode) out["Mode"] = m.tmpfs_mode;
    return out;
}

Json mount_document(const swarm::Mount& m) {
    Json out = {{"Type", m.type}};
    if (!m.source.empty()) out["Source"] = m.source;
    out["Target"] = m.target;
    if (m.read_only) out["ReadOnly"] = true;
    if (!m.consistency.empty()) out["Consistency"] = m.consistency;
    if (m.bind_options) out["BindOptions"] = bind_options(m);
    if (m.volume_options) out["VolumeOptions"] = volume_options(m);
    if (m.tmpfs_options) out["TmpfsOptions"] = tmpfs_options(m);
    if (m.image_options) out["ImageOptions"] = m.subpath.empty() ? Json::object() : Json{{"Subpath", m.subpath}};
    return out;
}

Json port_bindings(const ContainerFlags& flags) {
    Json out = Json::object();
    for (const Port& port : published_ports(flags))
        out[fmt::format("{}/{}", port.target, port.protocol.empty() ? "tcp" : port.protocol)].push_back(
            {{"HostIp", port.host_ip}, {"HostPort", port.published}});
    return out;
}

Json config_of(const ContainerFlags& flags, const std::vector<std::string>& environment,
               const std::vector<std::string>& anonymous, bool detached) {
    const AttachedStreams streams = detached ? AttachedStreams{} : attached_streams(flags);
    Json out = {{"AttachStdin", streams.input},
                {"AttachStdout", streams.output},
                {"AttachStderr", streams.errors},
                {"StdinOnce", flags.is_true("interactive") && streams.input},
                {"Env", environment}};
    Json volumes = Json::object();
    for (const std::string& target : anonymous) volumes[target] = Json::object();
    if (!volumes.empty()) out["Volumes"] = std::move(volumes);
    return out;
}

} // namespace

std::string asked_of(const ContainerFlags& flags, const ContainerFlagSurroundings& around, const ContainerSpec& spec,
                     const std::vector<std::string>& environment, bool detached) {
    const Binds binds = binds_of(flags, around);
    Json host = {
        {"Binds", list_or_null(binds.binds)},          {"ContainerIDFile", flags.text("cidfile")},
        {"NetworkMode", network_mode(flags)},          {"PortBindings", port_bindings(flags)},
        {"VolumeDriver", flags.text("volume-driver")}, {"VolumesFrom", list_or_null(flags.all("volumes-from"))},
        {"Links", list_or_null(flags.all("link"))},    {"PublishAllPorts", spec.publish_all}};
    if (flags.all("ulimit").empty()) host["Ulimits"] = Json::array(); // docker's client sends a list, compose's none
    std::vector<std::string> hosts;
    for (const std::string& text : flags.all("add-host")) hosts.push_back(extra_host(text));
    host["ExtraHosts"] = list_or_null(hosts);
    Json mounts = Json::array();
    for (const swarm::Mount& m : mounts_of(flags, around)) mounts.push_back(mount_document(m));
    if (!mounts.empty()) host["Mounts"] = std::move(mounts);
    const Json out = {{"Config", config_of(flags, environment, binds.anonymous, detached)},
                      {"HostConfig", std::move(host)}};
    return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace davit::docker

#include "engine/inspect/container.hpp"

#include "engine/inspect/json_parts.hpp"
#include "runtime/defaults.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

namespace davit::documents {

namespace {

Json list_of(const std::vector<std::string>& list) { return list.empty() ? Json::array() : Json(list); }

Json binds_of(const ContainerRecord& record) {
    Json out = Json::array();
    for (const MountRecord& m : record.mounts)
        if (!m.anonymous && (m.type == "bind" || m.type == "volume"))
            out.push_back((m.name.empty() ? m.source : m.name) + ":" + m.target + (m.read_only ? ":ro" : ":rw"));
    return out.empty() ? Json() : out;
}

// As they were asked for; where they are is in NetworkSettings.
Json port_bindings(const ContainerRecord& record) {
    Json out = Json::object();
    for (const PortRecord& p : record.ports)
        out[fmt::format("{}/{}", p.target, p.protocol)].push_back(
            {{"HostIp", p.host_ip}, {"HostPort", p.host ? to_string(*p.host) : ""}});
    return out;
}

Json restart_policy(const RestartRecord& restart) {
    const char* name = "no";
    switch (restart.kind) {
    case RestartKind::no: break;
    case RestartKind::always: name = "always"; break;
    case RestartKind::unless_stopped: name = "unless-stopped"; break;
    case RestartKind::on_failure: name = "on-failure"; break;
    }
    return {{"Name", name}, {"MaximumRetryCount", restart.max_retries}};
}

// What differs from Docker's default set, which is all that stays of cap_add and cap_drop.
Json capabilities(const runtime::Spec& spec, bool added) {
    if (spec.resources.devices.empty()) return nullptr; // privileged
    const runtime::CapSet has = spec.process.caps.bounding, usual = runtime::default_capabilities();
    const runtime::CapSet differ = added ? has & ~usual : usual & ~has;
    Json out = Json::array();
    for (int i = 0; const char* name = runtime::capability_name(i); ++i)
        if (differ >> i & 1) out.push_back(name);
    return out.empty() ? Json() : out;
}

Json security_options(const runtime::Spec& spec, bool privileged) {
    Json out = Json::array();
    if (spec.process.no_new_privileges) out.push_back("no-new-privileges:true");
    if (spec.seccomp.kind == runtime::Seccomp::Kind::profile)
        out.push_back("seccomp=" +
                      (spec.seccomp.source_name.starts_with('{') ? std::string("…") : spec.seccomp.source_name));
    if (spec.seccomp.kind == runtime::Seccomp::Kind::unconfined && !privileged) out.push_back("seccomp=unconfined");
    if (!spec.process.apparmor_profile.empty()) out.push_back("apparmor=" + spec.process.apparmor_profile);
    if (spec.masked_paths.empty() && !privileged) out.push_back("systempaths=unconfined");
    return out.empty() ? Json() : out;
}

std::int64_t shm_size(const runtime::Spec& spec) {
    std::int64_t size = 64 << 20;
    for (const runtime::Mount& m : spec.mounts) {
        const std::size_t at = m.destination == "/dev/shm" ? m.data.find("size=") : std::string::npos;
        if (at == std::string::npos) continue;
        const char* end = m.data.data() + m.data.size();
        const auto [stop, problem] = std::from_chars(m.data.data() + at + 5, end, size);
        if (problem == std::errc{} && stop != end && (*stop == 'k' || *stop == 'K')) size <<= 10;
        if (problem == std::errc{} && stop != end && (*stop == 'm' || *stop == 'M')) size <<= 20;
    }
    return size;
}

Json tmpfs_of(const ContainerRecord& record, const runtime::Spec& spec) {
    std::map<std::string, std::string> out; // as Go writes a map
    for (const MountRecord& m : record.mounts) {
        if (m.type != "tmpfs") continue;
        const auto found = std::find_if(spec.mounts.begin(), spec.mounts.end(),
                                        [&](const runtime::Mount& s) { return s.destination == m.target; });
        out[m.target] = found == spec.mounts.end() ? "" : found->data;
    }
    return Json(out);
}

Json devices_of(const runtime::Spec& spec, bool privileged) {
    Json out = Json::array();
    static const std::vector<runtime::Device> usual = runtime::default_spec().devices;
    if (privileged) return out;
    for (const runtime::Device& d : spec.devices) {
        if (std::any_of(usual.begin(), usual.end(), [&](const runtime::Device& u) {
                return u.path == d.path && u.major == d.major && u.minor == d.minor;
            }))
            continue;
        std::string access = "rwm";
        for (const runtime::DeviceRule& r : spec.resources.devices)
            if (r.allow && r.type == d.type && r.major == d.major && r.minor == d.minor) access = r.access;
        out.push_back({{"PathOnHost", d.path}, {"PathInContainer", d.path}, {"CgroupPermissions", access}});
    }
    return out;
}

Json rates(const std::vector<runtime::BlkioDevice>& list, const char* value) {
    Json out = Json::array();
    for (const runtime::BlkioDevice& d : list) out.push_back({{"Path", d.path}, {value, d.value}});
    return out;
}

Json ulimits_of(const runtime::Spec& spec) {
    Json out = Json::array();
    const auto shown = [](std::uint64_t n) {
        return n == ~std::uint64_t{0} ? std::int64_t{-1} : static_cast<std::int64_t>(n);
    };
    for (const runtime::Rlimit& r : spec.process.rlimits)
        out.push_back({{"Name", runtime::rlimit_name(r.resource)}, {"Hard", shown(r.hard)}, {"Soft", shown(r.soft)}});
    return out.empty() ? Json() : out;
}

std::string network_mode(const ContainerRecord& record) {
    if (record.network_mode != "bridge" || record.endpoints.empty()) return record.network_mode;
    return record.endpoints.front().network;
}

std::string namespace_mode(const std::string& mode, const runtime::Namespace& ns, const char* otherwise) {
    if (!mode.empty()) return mode;
    return ns.mode == runtime::NsMode::host ? "host" : otherwise;
}

// `cpus: 1.5` is a quota in a period of 100 ms.
bool from_cpus(const runtime::Resources& r) { return r.cpu_period == 100'000u && r.cpu_quota.value_or(0) > 0; }

void add_resources(Json& out, const runtime::Spec& spec, const ContainerRecord& record, bool privileged) {
    const runtime::Resources& r = spec.resources;
    const bool cpus = from_cpus(r);
    const std::string tail = "/" + record.id;
    const std::string parent = record.cgroup.starts_with("davit/") || !record.cgroup.ends_with(tail)
                                   ? ""
                                   : record.cgroup.substr(0, record.cgroup.size() - tail.size());
    out["CpuShares"] = r.cpu_shares.value_or(0);
    out["Memory"] = r.memory.value_or(0);
    out["NanoCpus"] = cpus ? *r.cpu_quota * 10'000 : 0;
    out["CgroupParent"] = parent;
    out["BlkioWeight"] = r.blkio_weight.value_or(0);
    out["BlkioWeightDevice"] = rates(r.blkio_weight_device, "Weight");
    out["BlkioDeviceReadBps"] = rates(r.read_bps, "Rate");
    out["BlkioDeviceWriteBps"] = rates(r.write_bps, "Rate");
    out["BlkioDeviceReadIOps"] = rates(r.read_iops, "Rate");
    out["BlkioDeviceWriteIOps"] = rates(r.write_iops, "Rate");
    out["CpuPeriod"] = cpus ? 0 : r.cpu_period.value_or(0);
    out["CpuQuota"] = cpus ? 0 : r.cpu_quota.value_or(0);
    out["CpuRealtimePeriod"] = r.cpu_rt_period.value_or(0);
    out["CpuRealtimeRuntime"] = r.cpu_rt_runtime.value_or(0);
    out["CpusetCpus"] = r.cpuset_cpus;
    out["CpusetMems"] = r.cpuset_mems;
    out["Devices"] = devices_of(spec, privileged);
    out["DeviceCgroupRules"] = nullptr;
    out["DeviceRequests"] = nullptr;
    out["MemoryReservation"] = r.reservation.value_or(0);
    out["MemorySwap"] = r.memory_swap.value_or(r.memory ? *r.memory * 2 : 0);
    out["MemorySwappiness"] = r.swappiness ? Json(*r.swappiness) : Json();
    out["OomKillDisable"] = r.oom_kill_disable;
    out["PidsLimit"] = r.pids && *r.pids > 0 ? Json(*r.pids) : Json();
    out["Ulimits"] = ulimits_of(spec);
}

} // namespace

Json host_config(const Inspected& of) {
    const ContainerRecord& record = of.record;
    const runtime::Spec spec = of.spec.value_or(runtime::default_spec());
    const bool privileged = spec.resources.devices.empty();
    std::vector<std::string> hosts;
    for (const auto& [name, address] : record.extra_hosts) hosts.push_back(name + ":" + address);
    const bool private_cgroup = spec.ns.private_cgroup.value_or(spec.cgroup.empty());
    Json out = {{"Binds", binds_of(record)},
                {"ContainerIDFile", ""},
                {"LogConfig", {{"Type", record.log.driver}, {"Config", Json(record.log.options)}}},
                {"NetworkMode", network_mode(record)},
                {"PortBindings", port_bindings(record)},
                {"RestartPolicy", restart_policy(record.restart)},
                {"AutoRemove", record.auto_remove},
                {"VolumeDriver", ""},
                {"VolumesFrom", nullptr},
                {"ConsoleSize", {0, 0}},
                {"CapAdd", capabilities(spec, true)},
                {"CapDrop", capabilities(spec, false)},
                {"CgroupnsMode", private_cgroup ? "private" : "host"},
                {"Dns", list_or_null<Json>(record.dns)},
                {"DnsOptions", list_of(record.dns_options)},
                {"DnsSearch", list_of(record.dns_search)},
                {"ExtraHosts", list_of(hosts)},
                {"GroupAdd", list_or_null<Json>(spec.process.user.groups)},
                {"IpcMode", namespace_mode(record.ipc_mode, spec.ns.ipc, "private")},
                {"Cgroup", ""},
                {"Links", nullptr},
                {"OomScoreAdj", spec.process.oom_score_adj},
                {"PidMode", namespace_mode(record.pid_mode, spec.ns.pid, "")},
                {"Privileged", privileged},
                {"PublishAllPorts", false},
                {"ReadonlyRootfs", spec.root.readonly},
                {"SecurityOpt", security_options(spec, privileged)}};
    if (const Json tmpfs = tmpfs_of(record, spec); !tmpfs.empty()) out["Tmpfs"] = tmpfs;
    out["UTSMode"] = spec.ns.uts.mode == runtime::NsMode::host ? "host" : "";
    out["UsernsMode"] = "";
    out["ShmSize"] = shm_size(spec);
    if (!spec.sysctls.empty()) out["Sysctls"] = Json(spec.sysctls);
    out["Runtime"] = "davit";
    out["Isolation"] = "";
    add_resources(out, spec, record, privileged);
    for (const char* of_windows : {"CpuCount", "CpuPercent", "IOMaximumIOps", "IOMaximumBandwidth"})
        out[of_windows] = 0;
    out["MaskedPaths"] = list_or_null<Json>(spec.masked_paths);
    out["ReadonlyPaths"] = list_or_null<Json>(spec.readonly_paths);
    if (spec.init) out["Init"] = true;
    return out;
}

} // namespace davit::documents

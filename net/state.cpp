#include "net/state.hpp"

#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/hash.hpp"
#include "base/json_text.hpp"
#include "base/sys.hpp"
#include "net/state_files.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <unistd.h>

namespace davit::net {

namespace {

using Json = nlohmann::json;

constexpr int format_number = 1;
constexpr std::string_view suffix = ".json";
// Marks groups as davit's: the upper four bits; the lower 28 follow from the project's name.
constexpr std::uint32_t group_mark = 0x40000000;

Json to_json(const NetworkState& n) {
    Json subnets = Json::array();
    for (const Subnet& s : n.subnets) subnets.push_back(s.to_string());
    return {{"name", n.name}, {"bridge", n.bridge},         {"subnets", subnets}, {"internal", n.internal},
            {"icc", n.icc},   {"masquerade", n.masquerade}, {"shared", n.shared}};
}

NetworkState network_of(const Json& j) {
    NetworkState n;
    n.name = j.at("name");
    n.bridge = j.at("bridge");
    for (const auto& s : j.at("subnets")) n.subnets.push_back(Subnet::parse(s.get<std::string>()));
    n.internal = j.at("internal");
    n.icc = j.at("icc");
    n.masquerade = j.at("masquerade");
    n.shared = j.value("shared", false); // of a davit of before
    return n;
}

Json to_json(const PortForward& p) {
    Json j{{"owner", p.owner},
           {"owner_name", p.owner_name},
           {"proto", std::string(to_string(p.proto))},
           {"host_port", p.host_port},
           {"container_port", p.container_port},
           {"count", p.count},
           {"container_ip", p.container_ip.to_string()}};
    if (p.host_ip) j["host_ip"] = p.host_ip->to_string();
    return j;
}

PortForward port_of(const Json& j) {
    PortForward p;
    p.owner = j.at("owner");
    p.owner_name = j.at("owner_name");
    p.proto = parse_proto(j.at("proto").get<std::string>());
    if (j.contains("host_ip")) p.host_ip = IpAddress::parse(j.at("host_ip").get<std::string>());
    p.host_port = j.at("host_port");
    p.container_port = j.at("container_port");
    p.count = j.at("count");
    p.container_ip = IpAddress::parse(j.at("container_ip").get<std::string>());
    return p;
}

void put(Json& j, const std::optional<IpAddress>& v4, const std::optional<IpAddress>& v6) {
    if (v4) j["v4"] = v4->to_string();
    if (v6) j["v6"] = v6->to_string();
}

std::optional<IpAddress> address_of(const Json& j, const char* key) {
    if (!j.contains(key)) return std::nullopt;
    return IpAddress::parse(j.at(key).get<std::string>());
}

Json to_json(const ServiceState& s) {
    Json j{{"owner", s.owner},          {"name", s.name},         {"dnsrr", s.dnsrr},
           {"networks", Json::array()}, {"ports", Json::array()}, {"backends", Json::array()}};
    for (const auto& n : s.networks) {
        Json on{{"network", n.network}, {"aliases", n.aliases}};
        put(on, n.v4, n.v6);
        j["networks"].push_back(on);
    }
    for (const auto& p : s.ports)
        j["ports"].push_back({{"proto", std::string(to_string(p.proto))},
                              {"host_port", p.host_port},
                              {"container_port", p.container_port}});
    for (const auto& b : s.backends) {
        Json backend{{"container", b.container}, {"at", Json::array()}};
        put(backend, b.v4, b.v6);
        for (const auto& a : b.at) {
            Json at{{"network", a.network}};
            put(at, a.v4, a.v6);
            backend["at"].push_back(at);
        }
        j["backends"].push_back(backend);
    }
    return j;
}

ServiceState service_of(const Json& j) {
    ServiceState s;
    s.owner = j.at("owner");
    s.name = j.at("name");
    s.dnsrr = j.at("dnsrr");
    for (const auto& n : j.at("networks"))
        s.networks.push_back({n.at("network"), n.at("aliases").get<std::vector<std::string>>(), address_of(n, "v4"),
                              address_of(n, "v6")});
    for (const auto& p : j.at("ports"))
        s.ports.push_back({parse_proto(p.at("proto").get<std::string>()), p.at("host_port"), p.at("container_port")});
    for (const auto& b : j.at("backends")) {
        ServiceState::Backend backend{b.at("container"), {}, address_of(b, "v4"), address_of(b, "v6")};
        for (const auto& a : b.at("at"))
            backend.at.push_back({a.at("network"), address_of(a, "v4"), address_of(a, "v6")});
        s.backends.push_back(std::move(backend));
    }
    return s;
}

} // namespace

std::string_view to_string(Proto proto) {
    switch (proto) {
    case Proto::tcp: return "tcp";
    case Proto::udp: return "udp";
    case Proto::sctp: return "sctp";
    }
    return "?";
}

Proto parse_proto(std::string_view text) {
    for (const Proto p : {Proto::tcp, Proto::udp, Proto::sctp})
        if (text == to_string(p)) return p;
    throw error(Errc::usage, "'{}' is not a protocol: tcp, udp or sctp", text);
}

std::string net_dir(const std::string& run_dir) { return run_dir + "/net"; }
std::string projects_dir(const std::string& run_dir) { return net_dir(run_dir) + "/projects"; }
std::string project_file(const std::string& run_dir, const std::string& project) {
    return projects_dir(run_dir) + '/' + project + std::string(suffix);
}

namespace {
std::string lock_path(const std::string& run_dir) {
    sys::make_dirs(projects_dir(run_dir));
    return net_dir(run_dir) + "/lock";
}
} // namespace

namespace {
// remove_if_unused() of another process may take the directory away before the file is opened, or the
// file before it is locked; then there is nothing to wait for, only to make it again.
template <typename Take>
std::optional<FileLock> take_lock(const std::string& run_dir, Take&& take) {
    constexpr int attempts = 1000;
    for (int i = 1;; ++i) {
        const std::string path = lock_path(run_dir);
        try {
            std::optional<FileLock> lock = take(path);
            if (lock && !lock->still_at(path)) continue;
            if (lock) sys::make_dirs(projects_dir(run_dir)); // its last holder may have been on the way out
            return lock;
        } catch (const Error& e) {
            if (e.os().value() != ENOENT || i == attempts) throw;
        }
    }
}
} // namespace

MachineLock MachineLock::acquire(const std::string& run_dir) {
    auto lock =
        take_lock(run_dir, [](const std::string& path) { return std::optional<FileLock>(FileLock::acquire(path)); });
    return MachineLock(run_dir, std::move(*lock));
}

std::optional<MachineLock> MachineLock::try_acquire(const std::string& run_dir) {
    auto lock = take_lock(run_dir, [](const std::string& path) { return FileLock::try_acquire(path); });
    if (!lock) return std::nullopt;
    return MachineLock(run_dir, std::move(*lock));
}

void MachineLock::remove_if_unused() const {
    if (exists(forwarding_file(run_dir_)) || ::rmdir(projects_dir(run_dir_).c_str()) < 0) return;
    ::unlink((net_dir(run_dir_) + "/lock").c_str());
    ::rmdir(net_dir(run_dir_).c_str());
}

std::string encode_state(const ProjectNetState& state) {
    Json j{{"format", format_number},
           {"project", state.project},
           {"group", state.group},
           {"networks", Json::array()},
           {"ports", Json::array()}};
    for (const NetworkState& n : state.networks) j["networks"].push_back(to_json(n));
    for (const PortForward& p : state.ports) j["ports"].push_back(to_json(p));
    if (!state.services.empty()) j["services"] = Json::array();
    for (const ServiceState& s : state.services) j["services"].push_back(to_json(s));
    return json::text(j, 1) + '\n';
}

ProjectNetState decode_state(std::string_view json, const std::string& origin) {
    try {
        const Json j = davit::json::parse_text(json);
        if (j.at("format").get<int>() > format_number)
            throw error(Errc::unsupported, "{} was written by a newer davit", origin)
                .with_hint("use that davit, or bring its projects down with it");
        ProjectNetState state;
        state.project = j.at("project");
        state.group = j.at("group");
        for (const auto& n : j.at("networks")) state.networks.push_back(network_of(n));
        for (const auto& p : j.at("ports")) state.ports.push_back(port_of(p));
        if (j.contains("services"))
            for (const auto& s : j.at("services")) state.services.push_back(service_of(s));
        return state;
    } catch (const Json::exception& e) {
        throw error(Errc::failed, "network state {} cannot be read: {}", origin, e.what())
            .with_hint("bring its project down and up again after removing the file");
    }
}

HostNetworkState load_state(const std::string& run_dir) {
    HostNetworkState all;
    const std::string dir = projects_dir(run_dir);
    const Dir d(::opendir(dir.c_str()));
    if (!d && errno != ENOENT) throw sys_error(errno, "opening {}", dir);
    while (const dirent* entry = d ? ::readdir(d.get()) : nullptr) {
        const std::string name = entry->d_name;
        if (!name.ends_with(suffix)) continue; // one project's name begins with a dot
        const std::string path = dir + '/' + name;
        const auto text = read_file_if_exists(path);
        if (!text) continue;
        ProjectNetState state = decode_state(*text, path);
        all.projects.emplace(state.project, std::move(state));
    }
    all.close_foreign_forwarding = exists(forwarding_file(run_dir)) && load_forwarding(run_dir).close_foreign();
    return all;
}

std::string root_suffix(std::string_view run_dir) {
    return run_dir.empty() || run_dir == "/run/davit" ? std::string() : '\n' + std::string(run_dir);
}

std::uint32_t choose_group(const HostNetworkState& all, const std::string& project, const std::string& run_dir) {
    if (const auto it = all.projects.find(project); it != all.projects.end() && it->second.group != 0)
        return it->second.group;
    std::set<std::uint32_t> taken;
    for (const auto& [name, state] : all.projects) taken.insert(state.group);
    auto group =
        static_cast<std::uint32_t>(std::stoul(sha256_hex(project + root_suffix(run_dir)).substr(0, 7), nullptr, 16)) |
        group_mark;
    while (taken.contains(group)) group = group_mark | ((group + 1) & 0x0fffffff);
    return group;
}

// --- forwarding -----------------------------------------------------------------------------------------

std::string forwarding_file(const std::string& run_dir) { return net_dir(run_dir) + "/sysctls.json"; }

void save_forwarding(const std::string& run_dir, const ChangedSysctls& changed) {
    Json list = Json::array();
    for (const auto& [key, before] : changed.before) list.push_back({{"key", key}, {"before", before}});
    write_file_atomic(forwarding_file(run_dir),
                      json::text(Json{{"format", format_number}, {"changed", list}}, 1) + '\n', 0600, false);
}

ChangedSysctls load_forwarding(const std::string& run_dir) {
    ChangedSysctls changed;
    const auto text = read_file_if_exists(forwarding_file(run_dir));
    if (!text) return changed;
    try {
        const Json j = json::parse_text(*text);
        for (const auto& c : j.at("changed")) changed.before.emplace_back(c.at("key"), c.at("before"));
    } catch (const Json::exception& e) {
        throw error(Errc::failed, "{} cannot be read: {}", forwarding_file(run_dir), e.what());
    }
    return changed;
}

void forget_sysctl(const std::string& run_dir, const std::string& key) {
    ChangedSysctls changed = load_forwarding(run_dir);
    std::erase_if(changed.before, [&](const auto& c) { return c.first == key; });
    save_forwarding(run_dir, changed);
    if (changed.before.empty() && ::unlink(forwarding_file(run_dir).c_str()) < 0)
        throw sys_error(errno, "removing {}", forwarding_file(run_dir));
}

bool ChangedSysctls::close_foreign() const {
    return std::any_of(before.begin(), before.end(), [](const auto& c) { return c.first == "net/ipv4/ip_forward"; });
}

bool ChangedSysctls::has(const std::string& key) const {
    return std::any_of(before.begin(), before.end(), [&](const auto& c) { return c.first == key; });
}

} // namespace davit::net

#include "net/firewall.hpp"

#include "base/dir.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/log.hpp"
#include "net/host_table.hpp"
#include "net/netns.hpp"
#include "net/state_files.hpp"
#include "net/vips.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <memory>
#include <set>
#include <unistd.h>

namespace davit::net {

namespace {

using nft::Family;

// Stands while the kernel is being changed: whoever finds it replaces the table whole.
std::string dirty_file(const std::string& run_dir) { return net_dir(run_dir) + "/dirty"; }

void remove_file(const std::string& path) {
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) throw sys_error(errno, "removing {}", path);
}

bool any_ipv6(const HostNetworkState& state) {
    for (const auto& [name, project] : state.projects)
        for (const NetworkState& n : project.networks)
            for (const Subnet& s : n.subnets)
                if (s.is_v6()) return true;
    return false;
}

std::vector<std::string> interfaces() {
    std::vector<std::string> names;
    const Dir d(::opendir("/proc/sys/net/ipv6/conf"));
    while (const dirent* entry = d ? ::readdir(d.get()) : nullptr)
        if (const std::string name = entry->d_name; !name.starts_with('.')) names.push_back(name);
    return names;
}

// Remembers before it changes, so that a crash in between restores what was there.
void change_sysctl(const std::string& run_dir, ChangedSysctls& changed, const std::string& key,
                   const std::string& value) {
    const std::string before = get_sysctl(key);
    if (before == value || before.empty()) return;
    if (!changed.has(key)) {
        changed.before.emplace_back(key, before);
        save_forwarding(run_dir, changed);
    }
    set_sysctl(key, value);
}

void enable_forwarding(const std::string& run_dir, bool ipv6) {
    ChangedSysctls changed = load_forwarding(run_dir);
    change_sysctl(run_dir, changed, "net/ipv4/ip_forward", "1");
    if (!ipv6 || get_sysctl("net/ipv6/conf/all/forwarding") != "0") return;
    // A forwarding host ignores router advertisements unless told otherwise, and would lose its own route.
    for (const std::string& name : interfaces())
        if (const std::string key = "net/ipv6/conf/" + name + "/accept_ra"; name != "all" && get_sysctl(key) == "1")
            change_sysctl(run_dir, changed, key, "2");
    change_sysctl(run_dir, changed, "net/ipv6/conf/all/forwarding", "1");
}

void restore_sysctls(const std::string& run_dir) {
    ChangedSysctls changed = load_forwarding(run_dir);
    // In reverse: setting all/forwarding touches the interfaces' own values
    for (auto it = changed.before.rbegin(); it != changed.before.rend(); ++it)
        if (const std::string now = get_sysctl(it->first); !now.empty() && now != it->second)
            set_sysctl(it->first, it->second);
    remove_file(forwarding_file(run_dir));
}

void replace_table(NetlinkSocket& netfilter, const HostNetworkState& state) {
    in_context("writing the table inet davit",
               [&] { nft::create_or_replace(netfilter, [&](bool replace) { return render(state, replace); }); });
}

void delete_table(NetlinkSocket& netfilter) {
    nft::Transaction t;
    t.add_table(Family::inet, host_table_name).delete_table(Family::inet, host_table_name);
    t.commit(netfilter);
}

void apply(NetlinkSocket& netfilter, bool dirty, const HostNetworkState& before, const HostNetworkState& after) {
    const bool incremental =
        !dirty && before.close_foreign_forwarding == after.close_foreign_forwarding && table_present(netfilter);
    if (incremental) {
        try {
            return render_change(before, after).commit(netfilter);
        } catch (const Error& e) {
            log::warning("{}; the table inet davit is written anew", e.what());
        }
    }
    replace_table(netfilter, after);
}

// Ports of UDP whose translation is new, gone or different: conntrack would keep old flows on the old path.
std::vector<UdpPorts> changed_udp_ports(const ProjectNetState* before, const ProjectNetState& after) {
    const auto udp_of = [](const ProjectNetState& state) {
        std::vector<const PortForward*> ports;
        for (const PortForward& p : state.ports)
            if (p.proto == Proto::udp) ports.push_back(&p);
        std::sort(ports.begin(), ports.end(), [](const auto* a, const auto* b) { return *a < *b; });
        return ports;
    };
    const auto old = before ? udp_of(*before) : std::vector<const PortForward*>(), fresh = udp_of(after);
    std::vector<const PortForward*> different;
    std::set_symmetric_difference(old.begin(), old.end(), fresh.begin(), fresh.end(), std::back_inserter(different),
                                  [](const auto* a, const auto* b) { return *a < *b; });
    std::vector<UdpPorts> changed;
    for (const PortForward* p : different) changed.push_back({p->host_port, p->count});
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    return changed;
}

// Of services, flows to containers that still serve the port stay where they are; others may be there of before the
// port was the service's, not of when nobody served it.
void add_service_ports(std::vector<UdpPorts>& changed, const ProjectNetState* before, const ProjectNetState& after) {
    using Ports = std::map<std::uint16_t, std::vector<IpAddress>>; // who serves the port
    const auto udp_of = [](const ProjectNetState& state) {
        Ports ports;
        for (const ServiceState& s : state.services)
            for (const auto& p : s.ports) {
                if (p.proto != Proto::udp) continue;
                auto& served_by = ports[p.host_port];
                for (const auto& b : s.backends)
                    for (const auto& a : {b.v4, b.v6})
                        if (a) served_by.push_back(*a);
            }
        return ports;
    };
    const Ports old = before ? udp_of(*before) : Ports(), fresh = udp_of(after);
    for (const auto& [port, served_by] : fresh)
        if (const auto was = old.find(port); was == old.end() || lost_any(was->second, served_by))
            changed.push_back({port, 1, served_by});
    for (const auto& [port, served_by] : old)
        if (!fresh.contains(port)) changed.push_back({port, 1, {}});
}

// Those with fewer containers: only then may there be flows that nobody serves. To look for them is a walk through all
// of the machine's, 5 ms.
VipTable shrunk_services(const ProjectNetState* before, const ProjectNetState& after) {
    VipTable old, changed;
    if (before)
        for (const ServiceState& s : before->services) old.merge(vips_of(s));
    for (const ServiceState& s : after.services)
        for (auto& [address, targets] : vips_of(s))
            if (const auto was = old.find(address); was != old.end() && lost_any(was->second, targets))
                changed.emplace(address, targets);
    return changed;
}

std::set<std::string> bridges_of(const HostNetworkState& state) {
    std::set<std::string> names;
    for (const auto& [name, project] : state.projects)
        for (const NetworkState& n : project.networks)
            if (!n.bridge.empty()) names.insert(n.bridge);
    return names;
}

} // namespace

bool table_present(NetlinkSocket& netfilter) {
    return nft::table_comment(netfilter, Family::inet, host_table_name) ==
           std::optional<std::string>(host_table_version);
}

Committed commit(const MachineLock& lock, NetlinkSocket& netfilter, const ProjectNetState& project) {
    const std::string& run = lock.run_dir();
    const HostNetworkState before = load_state(run);
    HostNetworkState after = before;
    if (project.empty()) after.projects.erase(project.project);
    else after.projects[project.project] = project;
    const auto old = before.projects.find(project.project);
    const ProjectNetState* own = old == before.projects.end() ? nullptr : &old->second;
    Committed result{{}, changed_udp_ports(own, project), shrunk_services(own, project), {}};
    add_service_ports(result.udp, own, project);

    bool dirty = exists(dirty_file(run));
    try {
        if (!dirty) write_file_atomic(dirty_file(run), "", 0600, false);
    } catch (const Error& e) { // a full run directory: what is removed now makes room
        log::warning("{}; the table is written anew", e.what());
        dirty = true;
    }
    const std::string file = project_file(run, project.project);
    if (project.empty()) remove_file(file);
    else write_file_atomic(file, encode_state(project), 0600, false);

    if (after.projects.empty()) {
        close_foreign_forward(netfilter);
        delete_table(netfilter);
        restore_sysctls(run);
    } else {
        // The table first: forwarding is never open without it.
        const bool off = get_sysctl("net/ipv4/ip_forward") == "0";
        after.close_foreign_forwarding = before.close_foreign_forwarding || off;
        apply(netfilter, dirty, before, after);
        enable_forwarding(run, any_ipv6(after));
        if (before.projects.empty() || dirty) open_foreign_forward(netfilter, after);
    }
    remove_file(dirty_file(run));
    const std::set<std::string> used = bridges_of(after);
    for (const std::string& name : bridges_of(before))
        if (!used.contains(name)) result.unused_bridges.push_back(name);
    result.now = std::move(after);
    return result;
}

bool heal(const MachineLock& lock, NetlinkSocket& netfilter) {
    const std::string& run = lock.run_dir();
    HostNetworkState state = load_state(run);
    if (state.projects.empty()) return false;
    if (table_present(netfilter) && !exists(dirty_file(run)) && get_sysctl("net/ipv4/ip_forward") == "1") {
        open_foreign_forward(netfilter, state);
        return false;
    }
    state.close_foreign_forwarding = state.close_foreign_forwarding || get_sysctl("net/ipv4/ip_forward") == "0";
    replace_table(netfilter, state);
    enable_forwarding(run, any_ipv6(state));
    open_foreign_forward(netfilter, state);
    remove_file(dirty_file(run));
    return true;
}

} // namespace davit::net

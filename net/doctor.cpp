#include "net/doctor.hpp"

#include "base/error.hpp"
#include "net/bridge.hpp"
#include "net/firewall.hpp"
#include "net/host_table.hpp"
#include "net/netns.hpp"
#include "net/state_files.hpp"

#include <algorithm>
#include <linux/netlink.h>
#include <set>

namespace davit::net {

namespace {

using Kind = Finding::Kind;

std::string project_of(const LinkInfo& link, const HostNetworkState& state) {
    // "davit project/network" on bridges, unless it was too long; veths are known by their group
    const auto slash = link.alias.find('/');
    if (link.alias.starts_with("davit ") && slash != std::string::npos) return link.alias.substr(6, slash - 6);
    for (const auto& [name, project] : state.projects)
        if (project.group != 0 && project.group == link.group) return name;
    if (link.alias.starts_with("davit ")) return link.alias.substr(6);
    return {};
}

void add_links(NetlinkSocket& host, const HostNetworkState& state, std::vector<Finding>& out) {
    for (const LinkInfo& link : list_davit_links(host)) {
        const bool bridge = link.kind == "bridge";
        Finding f{
            bridge ? Kind::bridge : Kind::veth, link.name, project_of(link, state), {}, "ip link delete " + link.name};
        f.text = fmt::format("{} {} of {}", bridge ? "bridge" : "network interface", link.name,
                             f.project.empty() ? "an unknown project" : "project " + f.project);
        out.push_back(std::move(f));
    }
}

void add_table(NetlinkSocket& netfilter, std::vector<Finding>& out) {
    if (nft::table_comment(netfilter, nft::Family::inet, host_table_name))
        out.push_back({Kind::table,
                       std::string("inet ") + host_table_name,
                       {},
                       "the nftables table inet davit",
                       "nft delete table inet davit"});
    for (const ForeignDrop& d : foreign_forward_drops(netfilter)) {
        const std::string chain = fmt::format("{} {} {}", d.family, d.table, d.chain);
        if (d.opened)
            out.push_back({Kind::foreign_rule,
                           chain,
                           {},
                           fmt::format("rules of davit in the chain {}", chain),
                           "nft -a list chain " + chain});
        else
            out.push_back({Kind::foreign_drop,
                           chain,
                           {},
                           fmt::format("the chain {} drops forwarded packets: containers have no way out", chain),
                           d.remedy});
    }
}

void add_files(const std::string& run_dir, const HostNetworkState& state, std::vector<Finding>& out) {
    for (const auto& [name, project] : state.projects)
        out.push_back({Kind::state_file, project_file(run_dir, name), name,
                       fmt::format("network state of project {}", name), "davit -p " + name + " down"});
    for (const auto& [key, before] : load_forwarding(run_dir).before)
        out.push_back({Kind::sysctl,
                       key,
                       {},
                       fmt::format("sysctl {} was {} before davit changed it", key, before),
                       fmt::format("sysctl -w {}={}", key, before)});
}

bool living(const std::string& project, const std::vector<std::string>& live) {
    return !project.empty() && std::find(live.begin(), live.end(), project) != live.end();
}

bool is_leak(const Finding& f, const std::vector<std::string>& live) {
    switch (f.kind) {
    case Kind::foreign_drop: return false; // somebody else's; the inventory has it
    case Kind::table:
    case Kind::foreign_rule:
    case Kind::sysctl: return live.empty();
    case Kind::bridge:
    case Kind::veth:
    case Kind::state_file: return !living(f.project, live);
    }
    return true;
}

// What another root's living projects use: links of theirs, and the table, rules and sysctls that all roots share.
void spare(const OtherRoot& other, std::vector<Finding>& findings) {
    if (other.live_projects.empty()) return;
    NetlinkSocket host(NETLINK_ROUTE);
    std::set<std::string> theirs;
    const HostNetworkState state = load_state(other.run_dir);
    for (const auto& [name, project] : state.projects) {
        if (!living(name, other.live_projects)) continue;
        for (const auto& network : project.networks) theirs.insert(network.bridge);
        for (const LinkInfo& link : list_davit_links(host))
            if (project.group != 0 && link.group == project.group) theirs.insert(link.name);
    }
    std::erase_if(findings, [&](const Finding& f) {
        if (f.kind == Kind::table || f.kind == Kind::foreign_rule || f.kind == Kind::sysctl) return true;
        return (f.kind == Kind::bridge || f.kind == Kind::veth) && theirs.contains(f.name);
    });
}

} // namespace

std::vector<Finding> inventory(const std::string& run_dir) {
    std::vector<Finding> findings;
    NetlinkSocket host(NETLINK_ROUTE), netfilter(NETLINK_NETFILTER);
    const HostNetworkState state = load_state(run_dir);
    add_links(host, state, findings);
    add_table(netfilter, findings);
    add_files(run_dir, state, findings);
    return findings;
}

std::vector<Finding> find_leaks(const std::string& run_dir, const std::vector<std::string>& live_projects,
                                const std::vector<OtherRoot>& others) {
    std::vector<Finding> findings = inventory(run_dir);
    std::set<std::string> used; // bridges of networks that are no project's, too
    for (const auto& [name, project] : load_state(run_dir).projects)
        if (living(name, live_projects))
            for (const auto& network : project.networks) used.insert(network.bridge);
    std::erase_if(findings, [&](const Finding& f) {
        const bool link = f.kind == Kind::bridge || f.kind == Kind::veth; // a parent of shared links is no bridge
        return !is_leak(f, live_projects) || (link && used.contains(f.name));
    });
    for (const OtherRoot& other : others) spare(other, findings);
    for (Finding& f : findings)
        f.text += f.project.empty() ? ", which no running project uses" : ", which does not run";
    return findings;
}

void repair(const MachineLock& lock, const Finding& f) {
    NetlinkSocket host(NETLINK_ROUTE), netfilter(NETLINK_NETFILTER);
    switch (f.kind) {
    case Kind::bridge:
    case Kind::veth: return remove_bridge(host, f.name);
    case Kind::table: {
        nft::Transaction t;
        t.add_table(nft::Family::inet, host_table_name).delete_table(nft::Family::inet, host_table_name);
        return t.commit(netfilter);
    }
    case Kind::foreign_rule: return close_foreign_forward(netfilter);
    case Kind::sysctl:
        for (const auto& [key, before] : load_forwarding(lock.run_dir()).before)
            if (key == f.name) set_sysctl(key, before);
        forget_sysctl(lock.run_dir(), f.name);
        return;
    case Kind::state_file:
        // The file goes with its elements: an empty state is committed for the project.
        flush_udp_conntrack(netfilter, commit(lock, netfilter, {f.project, 0, {}, {}}).udp);
        return;
    case Kind::foreign_drop: throw error(Errc::unsupported, "{}", f.text).with_hint(f.remedy);
    }
}

} // namespace davit::net

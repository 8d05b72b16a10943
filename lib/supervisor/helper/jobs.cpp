#include "supervisor/helper/helper.hpp"

#include "archive/fill_volume.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "net/bridge.hpp"
#include "net/endpoint.hpp"
#include "net/firewall.hpp"
#include "net/netlink.hpp"
#include "net/netns.hpp"
#include "net/state.hpp"
#include "net/vips.hpp"
#include "project/store.hpp"
#include "runtime/cgroup.hpp"
#include "supervisor/client/wire.hpp"
#include "supervisor/network/stale_flows.hpp"

#include <algorithm>
#include <fcntl.h>
#include <linux/netlink.h>
#include <unistd.h>

namespace davit::supervisor {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(HelperJob, kind, paths, text, group, state_dir, run_dir)

std::string encode_job(const HelperJob& job) { return json::dump(job); }
HelperJob decode_job(const std::string& text) { return json::parse<HelperJob>(text, "a helper's job"); }

namespace {

net::StaleFlows commit_rules(net::NetlinkSocket& netfilter, const HelperJob& job) {
    net::ProjectNetState state = net::decode_state(job.text, "the supervisor");
    net::MachineLock lock = net::MachineLock::acquire(job.run_dir);
    auto [unused, udp, services, now] = net::commit(lock, netfilter, state);
    net::StaleFlows stale{std::move(udp), std::move(services), {}};
    if (!now.projects.empty()) net::open_foreign_forward(netfilter, now);
    std::erase_if(unused,
                  [&](const auto& bridge) { return std::count(job.paths.begin(), job.paths.end(), bridge) != 0; });
    if (unused.empty()) return stale;
    net::NetlinkSocket host(NETLINK_ROUTE);
    for (const auto& bridge : unused) net::remove_bridge(host, bridge);
    return stale;
}

// The rules first: what nftables frees after an RCU grace period, for which the socket's close waits, is
// gone when the links are, which takes longer.
void commit_network(const HelperJob& job) {
    net::NetlinkSocket netfilter(NETLINK_NETFILTER);
    ErrorList errors;
    errors.run([&] { net::flush_flows(netfilter, commit_rules(netfilter, job)); });
    if (job.group == 0 && job.paths.empty()) return errors.throw_if_any();
    net::NetlinkSocket host(NETLINK_ROUTE);
    if (job.group != 0) errors.run([&] { net::delete_group(host, job.group); });
    else
        for (const auto& bridge : job.paths) errors.run([&] { net::remove_bridge(host, bridge); });
    errors.throw_if_any();
}

void heal_network(const HelperJob& job) {
    net::MachineLock lock = net::MachineLock::acquire(job.run_dir);
    net::NetlinkSocket netfilter(NETLINK_NETFILTER);
    if (net::heal(lock, netfilter))
        log::warning("the host's network rules or forwarding were changed by somebody else and have been restored");
}

void flush_flows(const HelperJob& job) {
    const net::StaleFlows stale = decode_flows(job.text);
    for (const auto& path : job.paths) try {
            const UniqueFd netns = sys::open_if_exists(path, O_RDONLY);
            if (!netns) continue;
            // Most clients have none: looking is a walk through all of the machine's.
            const bool any =
                net::in_netns(netns.get(), [] { return net::get_sysctl("net/netfilter/nf_conntrack_count") != "0"; });
            net::NetlinkSocket netfilter(NETLINK_NETFILTER, netns.get());
            if (any) net::flush_flows(netfilter, stale);
        } catch (const Error&) {} // another descriptor has that number by now: the container is gone
}

void unplug(const HelperJob& job) {
    const UniqueFd netns = sys::open_if_exists(job.paths.at(0), O_RDONLY);
    if (netns) net::unplug(netns.get(), job.text);
}

void remove_cgroups(const HelperJob& job) {
    runtime::HostFacts host = runtime::HostFacts::probe();
    for (const auto& group : job.paths) {
        if (job.text == kill_first) runtime::cgroup_kill(host, group);
        if (!runtime::remove_cgroup(host, group))
            throw error(Errc::failed, "processes are left in the control group {}", group);
    }
}

void remove_trees(const HelperJob& job) {
    ErrorList errors;
    for (const auto& path : job.paths) errors.run([&] { sys::remove_tree(path); });
    errors.throw_if_any();
}

void sync_files(const HelperJob& job) {
    for (const auto& path : job.paths) {
        for (const auto& p : {path, path.substr(0, path.find_last_of('/'))}) {
            UniqueFd fd = sys::open_if_exists(p, O_RDONLY);
            if (fd && ::fsync(fd.get()) < 0) throw sys_error(errno, "writing {} to disk", p);
        }
    }
}

void fill_volume(const HelperJob& job) {
    archive::fill_volume({job.paths.begin() + 1, job.paths.end()}, job.text, job.paths.at(0));
}

} // namespace

void perform(const HelperJob& job) {
    RecordStore store({job.state_dir, job.run_dir});
    switch (job.kind) {
    case HelperJob::Kind::remove_trees: return remove_trees(job);
    case HelperJob::Kind::sync: return sync_files(job);
    case HelperJob::Kind::commit_network: return commit_network(job);
    case HelperJob::Kind::heal_network: return heal_network(job);
    case HelperJob::Kind::flush_flows: return flush_flows(job);
    case HelperJob::Kind::unplug: return unplug(job);
    case HelperJob::Kind::remove_cgroups: return remove_cgroups(job);
    case HelperJob::Kind::create_volume: return store.create(volume_record_from_json(job.text, "the volume's record"));
    case HelperJob::Kind::fill_volume: return fill_volume(job);
    case HelperJob::Kind::remove_volume: return store.remove_volume(job.text);
    }
}

int helper_main(int socket) {
    FrameReader reader;
    char buffer[16384];
    for (;;) {
        ssize_t n = ::read(socket, buffer, sizeof buffer);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        reader.feed({buffer, static_cast<std::size_t>(n)});
        while (auto text = reader.next()) {
            json::Value answer{{"error", nullptr}};
            try {
                perform(decode_job(*text));
            } catch (const Error& e) {
                answer["error"] = error_to_json(e);
            } catch (const std::exception& e) {
                answer["error"] = error_to_json(Error(Errc::failed, e.what()));
            }
            if (!sys::send_with_fds(socket, encode_frame(json::dump(answer)), {})) return 0;
        }
    }
}

} // namespace davit::supervisor

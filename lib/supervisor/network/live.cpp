// Networks: a container gets or loses a network while it runs.
#include "supervisor/network/networks.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {

bool is_on(const NetworkLease& lease, const std::string& network) {
    return std::any_of(lease.attachments.begin(), lease.attachments.end(),
                       [&](const Attachment& a) { return a.network->name() == network; });
}

// What ports are published to.
std::pair<std::optional<net::IpAddress>, std::optional<net::IpAddress>> way_out(const NetworkLease& lease) {
    const Attachment* to = publishing(lease);
    if (!to) return {};
    return {to->v4, to->v6};
}

const Attachment* attachment_on(const NetworkLease& lease, const std::string& network) {
    for (const auto& a : lease.attachments)
        if (a.network->name() == network) return &a;
    return nullptr;
}

// Those of the record that the lease has, and perhaps one more.
std::vector<EndpointRecord> wishes_of(const ContainerRecord& record, const NetworkLease& lease,
                                      const std::string& also) {
    std::vector<EndpointRecord> out = connect_order(record);
    std::erase_if(out, [&](const auto& wish) { return wish.network != also && !is_on(lease, wish.network); });
    return out;
}

} // namespace

void Networks::add_network(const ContainerRecord& record, const std::string& network, Connected done) {
    joining_.push_back({record, network, std::move(done)});
    post_process();
}

void Networks::add_network_now(const ContainerRecord& record, const std::string& network) {
    const auto it = holders_.find(record.id);
    if (it == holders_.end()) throw error(Errc::conflict, "container {} has ended meanwhile", record.name);
    Holder& holder = *it->second;
    if (is_on(holder.lease, network)) return;
    auto give_up = [&] {
        if (const auto found = networks_.find(network); found != networks_.end())
            for (bool v6 : {false, true})
                if (net::AddressPool* pool = found->second->pool(v6)) pool->release_owner(record.id);
    };
    NetworkLease fresh;
    fresh.wishes = wishes_of(record, holder.lease, network);
    try {
        for (const auto& wish : fresh.wishes) {
            const Attachment* has = attachment_on(holder.lease, wish.network);
            if (has) fresh.attachments.push_back({&wish, has->network, has->v4, has->v6});
            else lease_addresses_on(wish, record, fresh);
        }
    } catch (...) {
        give_up();
        throw;
    }
    try {
        exchange_lease(record, holder, std::move(fresh));
    } catch (...) { // a port is taken
        drop_network(record, network);
        give_up();
        throw;
    }
}

void Networks::exchange_lease(const ContainerRecord& record, Holder& holder, NetworkLease fresh) {
    const auto before = way_out(holder.lease);
    touch(holder.lease);
    touch(fresh);
    fresh.ports = std::move(holder.lease.ports);
    fresh.port_sockets = std::move(holder.lease.port_sockets);
    holder.lease = std::move(fresh); // attachments point at the elements of wishes, which stay where they are
    NetworkLease& lease = holder.lease;
    publish(record, holder.published);
    if (way_out(lease) == before) return;
    proxied_.remove(record.id);
    if (std::erase_if(state_.ports, [&](const auto& p) { return p.owner == record.id; }) != 0) schedule_commit();
    if (!publishing(lease)) {
        lease.ports.clear();
        lease.port_sockets.clear();
    } else if (lease.ports.empty()) {
        lease_ports(record, lease);
    } else {
        add_port_rules(record, lease);
        serve_proxied(record.id, lease);
    }
}

void Networks::drop_network(const ContainerRecord& record, const std::string& network) {
    const auto it = holders_.find(record.id);
    if (it == holders_.end() || !is_on(it->second->lease, network)) return;
    NetworkLease fresh;
    for (const auto& wish : it->second->lease.wishes)
        if (wish.network != network) fresh.wishes.push_back(wish);
    for (const auto& wish : fresh.wishes)
        if (const Attachment* has = attachment_on(it->second->lease, wish.network))
            fresh.attachments.push_back({&wish, has->network, has->v4, has->v6});
    exchange_lease(record, *it->second, std::move(fresh));
}

void Networks::free_network(const std::string& container_id, const std::string& network) {
    if (const NetworkLease* held = lease(container_id); held && is_on(*held, network)) return; // it is back
    const auto found = networks_.find(network);
    if (found == networks_.end()) return;
    std::set<net::IpAddress> gone;
    for (bool v6 : {false, true})
        if (net::AddressPool* pool = found->second->pool(v6)) {
            for (const auto& [address, owner] : pool->used())
                if (owner == container_id) gone.insert(address);
            pool->release_owner(container_id);
        }
    const auto holder = holders_.find(container_id);
    if (!gone.empty() && holder != holders_.end() && holder->second->served) quarantine({{network, gone}});
    leave_soon();
    if (!changed_.empty()) post_process();
}

void Networks::unplug(int netns, const std::string& ifname, Done done) {
    // Kept open until the helper has been there: its number must not be another namespace's by then.
    auto held = std::make_shared<UniqueFd>(::fcntl(netns, F_DUPFD_CLOEXEC, 0));
    HelperJob job;
    job.kind = HelperJob::Kind::unplug;
    job.paths = {fmt::format("/proc/{}/fd/{}", ::getpid(), held->get())};
    job.text = ifname;
    helper_.run(job, [held, done = std::move(done)](const Error* e) { done(e); });
}

} // namespace davit::supervisor

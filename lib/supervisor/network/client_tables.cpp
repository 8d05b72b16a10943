#include "supervisor/network/client_tables.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "net/state.hpp"
#include "supervisor/network/stale_flows.hpp"

#include <algorithm>
#include <chrono>
#include <linux/netlink.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {

constexpr std::chrono::milliseconds turn_limit{3}, flush_delay{5};

const std::shared_ptr<const net::VipTable> nothing = std::make_shared<const net::VipTable>();

} // namespace

ClientTables::ClientTables(EventLoop& loop) : loop_(loop), flows_(loop) {}
ClientTables::~ClientTables() = default;

ClientTables::Snapshot ClientTables::current(const std::string& network) const {
    const auto it = networks_.find(network);
    return it == networks_.end() ? nothing : it->second;
}

void ClientTables::set(const std::string& network, net::VipTable services) {
    const Snapshot before = current(network);
    if (*before == services) return;
    net::StaleFlows stale;
    for (const auto& [address, targets] : services) {
        const auto was = before->find(address);
        if (was != before->end() && net::lost_any(was->second, targets)) stale.services.emplace(address, targets);
    }
    if (services.empty()) networks_.erase(network);
    else networks_[network] = std::make_shared<const net::VipTable>(std::move(services));
    for (const auto& [id, client] : clients_)
        if (std::find(client.networks.begin(), client.networks.end(), network) != client.networks.end())
            behind_.insert(id);
    stale_networks_.insert(network);
    if (!stale.services.empty()) flush_soon(stale);
    apply_soon();
}

void ClientTables::add(const std::string& client_id, std::vector<std::string> networks, int netns, bool was_there) {
    remove(client_id);
    Client& client = clients_[client_id];
    client.networks = std::move(networks);
    client.netns = netns;
    const bool any = std::any_of(client.networks.begin(), client.networks.end(),
                                 [&](const auto& n) { return networks_.contains(n); });
    const bool left =
        !any && was_there && net::nft::table_comment(socket_of(client), net::nft::Family::inet, net::vip_table_name);
    if (any || left) write_whole(client_id, client);
}

net::NetlinkSocket& ClientTables::socket_of(Client& client) {
    if (!client.netfilter) client.netfilter.emplace(NETLINK_NETFILTER, client.netns);
    return *client.netfilter;
}

void ClientTables::remove(const std::string& client) {
    behind_.erase(client);
    clients_.erase(client);
}

void ClientTables::when_applied(std::function<void()> done) {
    if (behind_.empty()) return done();
    waiters_.push_back(std::move(done));
}

void ClientTables::apply_soon() {
    if (!behind_.empty() && !std::exchange(posted_, true))
        loop_.post([this, alive = std::weak_ptr(alive_)] {
            if (!alive.expired()) apply();
        });
}

void ClientTables::apply() {
    posted_ = false;
    const auto until = std::chrono::steady_clock::now() + turn_limit;
    while (!behind_.empty() && std::chrono::steady_clock::now() < until) {
        const std::string id = *behind_.begin();
        behind_.erase(behind_.begin());
        bring_along(id, clients_.at(id));
    }
    if (!behind_.empty()) return apply_soon();
    last_change_.reset();
    for (auto& done : std::exchange(waiters_, {})) done();
}

void ClientTables::bring_along(const std::string& id, Client& client) {
    if (!client.written) return write_whole(id, client);
    std::vector<std::string> changed;
    for (const auto& network : client.networks)
        if (client.applied[network] != current(network)) changed.push_back(network);
    if (changed.empty()) return;
    const bool any = std::any_of(client.networks.begin(), client.networks.end(),
                                 [&](const auto& network) { return networks_.contains(network); });
    try {
        if (changed.size() > 1 || !any) return write_whole(id, client); // one transaction, whatever it costs
        const Snapshot before = client.applied[changed[0]], after = current(changed[0]);
        if (!last_change_ || last_change_->before != before || last_change_->after != after)
            last_change_.emplace(Change{before, after, net::render_vip_change(*before, *after)});
        last_change_->transaction.commit(socket_of(client));
        client.applied[changed[0]] = after;
    } catch (const Error&) { // somebody inside has changed it
        write_whole(id, client);
    }
}

void ClientTables::write_whole(const std::string& id, Client& client) {
    net::VipTable all;
    for (const auto& network : client.networks) {
        const Snapshot now = current(network);
        all.insert(now->begin(), now->end());
        client.applied[network] = now;
    }
    try {
        if (all.empty()) net::remove_vips(socket_of(client));
        else net::write_vips(socket_of(client), all);
        client.written = !all.empty();
    } catch (const Error& e) {
        client.written = false;
        log::warning("container {} does not see services as they are: {}", id.substr(0, 12), e.describe());
    }
}

// ---- flows that stay with containers which serve them no more

void ClientTables::forget_flows(const std::set<net::IpAddress>& gone, std::function<void()> done) {
    for (const auto& [id, client] : clients_) stale_networks_.insert(client.networks.begin(), client.networks.end());
    forgotten_.push_back(std::move(done));
    flush_soon({{}, {}, gone});
}

void ClientTables::when_forgotten(std::function<void()> done) {
    if (flush_timer_) forgotten_.push_back(std::move(done));
    else if (flows_.busy()) flushing_.push_back(std::move(done));
    else when_applied(std::move(done));
}

void ClientTables::flush_soon(const net::StaleFlows& stale) {
    for (const auto& [address, targets] : stale.services) stale_.services[address] = targets;
    stale_.gone.insert(stale.gone.begin(), stale.gone.end());
    if (!flush_timer_) flush_timer_ = loop_.after(flush_delay, [this] { flush(); });
}

// After the tables, so that no new flow goes the old way.
void ClientTables::flush() {
    flush_timer_.reset();
    if (!behind_.empty() || flows_.busy()) {
        flush_timer_ = loop_.after(flush_delay, [this] { flush(); });
        return;
    }
    HelperJob job;
    job.kind = HelperJob::Kind::flush_flows;
    if (!stale_.gone.empty()) job.paths.push_back("/proc/self/ns/net"); // published ports lead there, too
    job.text = encode_flows(std::exchange(stale_, {}));
    for (const auto& [id, client] : clients_)
        if (std::any_of(client.networks.begin(), client.networks.end(),
                        [&](const auto& n) { return stale_networks_.contains(n); }))
            job.paths.push_back(fmt::format("/proc/{}/fd/{}", ::getpid(), client.netns));
    stale_networks_.clear();
    if (job.paths.empty()) return;
    flushing_ = std::exchange(forgotten_, {});
    flows_.run(job, [this, alive = std::weak_ptr(alive_)](const Error* e) {
        if (e) log::warning("ending flows of services: {}", e->what());
        if (alive.expired()) return;
        for (const auto& done : std::exchange(flushing_, {})) done();
    });
}

} // namespace davit::supervisor

// Networks: addresses, ports and names of containers.
#include "supervisor/network/networks.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "supervisor/network/foreign_addresses.hpp"
#include "supervisor/network/kept_addresses.hpp"

#include <algorithm>

namespace davit::supervisor {

namespace {
// Until then a new supervisor finds the addresses of what runs in its status.
constexpr std::chrono::milliseconds keep_delay{100};
}

void Networks::connect_now(const ContainerRecord& record) {
    auto holder = std::make_unique<Holder>();
    holder->lease.wishes = connect_order(record);
    try {
        lease_addresses(record, holder->lease);
        lease_ports(record, holder->lease);
    } catch (...) {
        give_back(record.id, holder->lease);
        throw;
    }
    std::vector<EndpointStatus> endpoints;
    for (const auto& a : holder->lease.attachments)
        endpoints.push_back(
            {a.network->name(), "", a.v4 ? a.v4->to_string() : "", a.v6 ? a.v6->to_string() : "", "", ""});
    holder->names = names_of(record, endpoints);
    holder->published = record.takes_over.empty();
    if (holder->published)
        for (const auto& name : holder->names) registry_.publish(name);
    touch(holder->lease);
    holders_[record.id] = std::move(holder);
}

ForeignAddresses::ForeignAddresses(net::AddressPool& pool, const Files& files) : pool_(pool) {
    for (const auto& [project, endpoints] : files)
        for (const auto& e : endpoints)
            for (const auto& a : e.addresses)
                if (pool_.contains(a) && !pool_.used().contains(a) && !pool_.quarantined().contains(a)) {
                    pool_.reserve(a, fmt::format("{} of project {}", shown(e), project));
                    reserved_.push_back(a);
                }
}

ForeignAddresses::~ForeignAddresses() {
    for (const auto& a : reserved_) pool_.release(a);
}

net::IpAddress Networks::lease_one(Network& network, bool v6, const std::string& wish, const ContainerRecord& record) {
    net::AddressPool& pool = *network.pool(v6);
    const std::string holder = holder_of(record);
    if (!wish.empty()) {
        auto address = net::IpAddress::parse(wish);
        pool.reserve(address, record.id);
        pool.keep(address, holder);
        return address;
    }
    if (auto own = pool.reuse(record.id, holder)) return *own;
    try {
        return pool.allocate(record.id, holder, kept_by_others(store_.roots(), network.name(), project_));
    } catch (Error& e) {
        e.with_context("looking for an address on network " + network.name());
        if (network.record().ipam.empty())
            e.with_hint(
                "networks that are made now have room for 1023 containers: `davit down` and `up` make this one anew");
        throw;
    }
}

void Networks::expect(const ContainerRecord& record) {
    const std::string holder = holder_of(record);
    for (const auto& wish : record.endpoints)
        for (const auto& text : {wish.ipv4_address, wish.ipv6_address}) {
            const auto address = net::IpAddress::try_parse(text);
            if (!address || holder.empty()) continue;
            const auto network = networks_.find(wish.network);
            if (network == networks_.end()) {
                expected_.push_back({wish.network, holder, *address});
            } else if (net::AddressPool* pool = network->second->pool(address->is_v6())) {
                pool->keep(*address, holder);
                keep_soon(*network->second);
            }
        }
}

void Networks::forget(const ContainerRecord& record) {
    const std::string holder = holder_of(record);
    if (holder != record.id) return;
    for (const auto& wish : record.endpoints) {
        if (const auto network = networks_.find(wish.network); network != networks_.end()) {
            for (const bool v6 : {false, true})
                if (net::AddressPool* pool = network->second->pool(v6)) pool->forget(holder);
            keep_soon(*network->second);
        } else if (auto kept = read_kept(store_.roots(), wish.network, project_); kept.erase(holder) != 0) try {
                write_kept(store_.roots(), wish.network, project_, kept);
            } catch (const Error& e) { // a full disk keeps nobody from removing; an address stays aside
                log::warning("the address of {} on network {} is not given up: {}", record.name, wish.network,
                             e.what());
            }
    }
}

void Networks::keep_soon(Network& network) {
    bool changed = false;
    for (bool v6 : {false, true})
        if (net::AddressPool* pool = network.pool(v6)) changed = pool->take_change() || changed;
    if (!changed) return;
    kept_to_write_.insert(network.name());
    if (!kept_timer_) kept_timer_ = loop_.after(keep_delay, [this] { save_kept(); });
}

void Networks::save_kept() {
    kept_timer_.reset();
    for (const auto& name : std::exchange(kept_to_write_, {})) {
        const auto network = networks_.find(name);
        if (network == networks_.end()) continue;
        KeptAddresses kept;
        for (bool v6 : {false, true})
            if (net::AddressPool* pool = network->second->pool(v6))
                for (const auto& [holder, address] : pool->kept()) kept[holder].push_back(address);
        try {
            write_kept(store_.roots(), name, project_, kept);
        } catch (const Error& e) { // a full disk keeps nobody from starting
            log::warning("which addresses of network {} belong to whom is not written down: {}", name, e.what());
        }
    }
}

void Networks::lease_addresses(const ContainerRecord& record, NetworkLease& lease) {
    for (const auto& wish : lease.wishes) lease_addresses_on(wish, record, lease);
}

void Networks::lease_addresses_on(const EndpointRecord& wish, const ContainerRecord& record, NetworkLease& lease) {
    Network& network = in_kernel(wish.network);
    Attachment a{&wish, &network, {}, {}};
    auto foreign = read_foreign_endpoints(store_.roots(), wish.network, project_);
    lease.attachments.push_back(a);
    for (bool v6 : {false, true}) {
        net::AddressPool* pool = network.pool(v6);
        const std::string& wanted = v6 ? wish.ipv6_address : wish.ipv4_address;
        if (!pool && !wanted.empty())
            throw error(Errc::invalid_project, "network {} has no {} subnet for the address {}", wish.network,
                        v6 ? "IPv6" : "IPv4", wanted);
        if (!pool) continue;
        ForeignAddresses others(*pool, foreign);
        auto address = lease_one(network, v6, wanted, record);
        (v6 ? lease.attachments.back().v6 : lease.attachments.back().v4) = address;
    }
    keep_soon(network);
}

void Networks::adopt(const ContainerRecord& record, const ContainerStatus& status) {
    auto holder = std::make_unique<Holder>();
    NetworkLease& lease = holder->lease;
    for (const auto& wish : connect_order(record))
        for (const auto& e : status.endpoints)
            if (e.network == wish.network) lease.wishes.push_back(wish);
    for (const auto& wish : lease.wishes) {
        Network& network = get(wish.network);
        network.in_kernel = true;
        Attachment a{&wish, &network, {}, {}};
        for (const auto& e : status.endpoints) {
            if (e.network != wish.network) continue;
            a.v4 = net::IpAddress::try_parse(e.ipv4);
            a.v6 = net::IpAddress::try_parse(e.ipv6);
        }
        for (bool v6 : {false, true})
            if (auto& address = v6 ? a.v6 : a.v4; address && network.pool(v6)) {
                network.pool(v6)->reserve(*address, record.id);
                network.pool(v6)->keep(*address, holder_of(record));
            }
        keep_soon(network);
        lease.attachments.push_back(a);
    }
    lease.ports = status.ports;
    add_port_rules(record, lease);
    holder->names = names_of(record, status.endpoints);
    holder->published = record.takes_over.empty();
    holder->served = services_.any(); // by an earlier supervisor's word
    if (holder->published)
        for (const auto& name : holder->names) registry_.publish(name);
    // Before its table is written: what it lacks would be taken away from the container.
    for (const auto& a : lease.attachments)
        if (!foreign_.contains(a.network->name())) read_foreign(a.network->name());
    touch(lease);
    holders_[record.id] = std::move(holder);
    post_process();
}

void Networks::publish(const ContainerRecord& record, bool published) {
    auto it = holders_.find(record.id);
    if (it == holders_.end()) return;
    Holder& h = *it->second;
    std::vector<EndpointStatus> endpoints;
    for (const auto& a : h.lease.attachments)
        endpoints.push_back(
            {a.network->name(), "", a.v4 ? a.v4->to_string() : "", a.v6 ? a.v6->to_string() : "", "", ""});
    auto names = names_of(record, endpoints); // a rename changes them
    if (!published) services_.container_gone(record.id);
    if (h.published == published && h.names == names) return; // connect() has published them
    h.names = std::move(names);
    h.published = published;
    registry_.withdraw(record.id);
    if (published)
        for (const auto& name : h.names) registry_.publish(name);
    touch(h.lease);
    write_changed();
}

void Networks::give_back(const std::string& id, const NetworkLease& lease) {
    proxied_.remove(id);
    for (const auto& a : lease.attachments)
        for (bool v6 : {false, true})
            if (auto it = networks_.find(a.network->name()); it != networks_.end() && it->second->pool(v6))
                it->second->pool(v6)->release_owner(id);
    std::erase_if(state_.ports, [&](const auto& p) { return p.owner == id; });
}

void Networks::release(const std::string& container_id) {
    std::erase_if(waiting_, [&](const auto& w) { return w.record.id == container_id; });
    auto it = holders_.find(container_id);
    if (it == holders_.end()) return;
    auto holder = std::move(it->second);
    services_.container_gone(container_id);
    holders_.erase(it);
    registry_.withdraw(container_id);
    ByNetwork leaving;
    if (holder->served)
        for (const auto& a : holder->lease.attachments)
            for (const auto& address : {a.v4, a.v6})
                if (address) leaving[a.network->name()].insert(*address);
    bool had_ports = !holder->lease.ports.empty();
    give_back(container_id, holder->lease);
    if (!leaving.empty()) quarantine(leaving);
    if (kept_timer_) save_kept(); // its status goes, and with it what a new supervisor would know it by
    touch(holder->lease);
    holder.reset();
    leave_soon();
    if (!changed_.empty()) post_process();
    if (had_ports) schedule_commit();
}

void Networks::join(const std::string& container_id, int netns, bool was_there) {
    const NetworkLease* held = lease(container_id);
    if (!held) return;
    std::vector<std::string> networks;
    for (const auto& a : held->attachments) networks.push_back(a.network->name());
    clients_.add(container_id, std::move(networks), netns, was_there);
}

const NetworkLease* Networks::lease(const std::string& container_id) const {
    auto it = holders_.find(container_id);
    return it == holders_.end() ? nullptr : &it->second->lease;
}

} // namespace davit::supervisor

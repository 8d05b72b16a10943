// Networks: addresses, ports and names of containers.
#include "supervisor/network/networks.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "supervisor/network/endpoints_file.hpp"
#include "supervisor/network/foreign_addresses.hpp"
#include "supervisor/network/kept_addresses.hpp"

#include <algorithm>
#include <poll.h>

namespace davit::supervisor {

namespace {
constexpr std::chrono::milliseconds lock_retry{1}, write_retry{1000}, freed_retry{20};
// Until then a new supervisor finds the addresses of what runs in its status.
constexpr std::chrono::milliseconds keep_delay{100};
constexpr int takeover_attempts = 50, takeover_pause_ms = 2; // for all ports of a container together
}

void Networks::connect(const ContainerRecord& record, Connected done) {
    waiting_.push_back({record, std::move(done)});
    post_process();
}

void Networks::post_process() {
    if (!std::exchange(process_posted_, true)) loop_.post([this] { process(); });
}

// Nobody is left waiting for a lock that cannot even be opened.
void Networks::refuse_all(const Error& why) {
    process_posted_ = false;
    log::warning("{}", why.describe());
    for (auto& [name, done] : std::exchange(creations_, {})) done(&why);
    services_.refuse_all(why);
    for (auto& w : std::exchange(waiting_, {})) w.done(&why, nullptr);
    for (auto& j : std::exchange(joining_, {})) j.done(&why, nullptr);
    if (!changed_.empty()) write_later();
}

void Networks::process() {
    std::optional<net::MachineLock> lock;
    try {
        lock = net::MachineLock::try_acquire(store_.roots().run);
    } catch (const Error& e) {
        return refuse_all(e);
    }
    if (!lock) {
        retry_ = loop_.after(lock_retry, [this] { process(); });
        return;
    }
    process_posted_ = false;
    auto attempt = [](auto&& fn) -> std::optional<Error> {
        try {
            fn();
            return std::nullopt;
        } catch (const Error& e) {
            return e;
        }
    };
    std::vector<std::function<void()>> answers; // given after the lock is free again
    for (auto& [name, done] : std::exchange(creations_, {})) {
        auto failure = attempt([&] { create_now(name); });
        if (failure) answers.emplace_back([done, failure] { done(&*failure); });
        else answers.emplace_back([this, done] { when_committed(done); });
    }
    services_.process(answers);
    auto waiting = std::exchange(waiting_, {});
    for (auto it = waiting.begin(); it != waiting.end();) // until their bridges are gone, to be made anew
        if (leaving(it->record)) waiting_.push_back(std::move(*it)), it = waiting.erase(it);
        else ++it;
    // Static addresses of all first, so that no dynamic one takes them.
    std::stable_partition(waiting.begin(), waiting.end(), [](const Waiting& w) {
        return std::any_of(w.record.endpoints.begin(), w.record.endpoints.end(),
                           [](const auto& e) { return !e.ipv4_address.empty() || !e.ipv6_address.empty(); });
    });
    for (auto& w : waiting) {
        auto failure = attempt([&] { connect_now(w.record); });
        const auto& on = w.record.endpoints;
        if (failure && std::any_of(on.begin(), on.end(), [&](const auto& e) { return frees_soon(e.network); }))
            waiting_.push_back(std::move(w)); // perhaps for want of an address that is free in a moment
        else if (failure) answers.emplace_back([done = w.done, failure] { done(&*failure, nullptr); });
        else
            answers.emplace_back([this, done = w.done, id = w.record.id] {
                auto it = holders_.find(id);
                if (it != holders_.end()) done(nullptr, &it->second->lease);
            });
    }
    for (auto& j : std::exchange(joining_, {})) {
        if (leaving_.contains(j.network)) {
            joining_.push_back(std::move(j));
            continue;
        }
        auto failure = attempt([&] { add_network_now(j.record, j.network); });
        answers.emplace_back([this, done = j.done, failure, id = j.record.id] {
            done(failure ? &*failure : nullptr, failure ? nullptr : lease(id));
        });
    }
    write_changed();
    lock.reset();
    if (!waiting_.empty() || services_.waiting()) freed_ = loop_.after(freed_retry, [this] { post_process(); });
    for (auto& answer : answers) answer();
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

const Attachment* publishing(const NetworkLease& lease) {
    std::vector<net::NetworkChoice> nets;
    for (const auto& a : lease.attachments) {
        const bool bridge = !a.network->is_shared(); // the host does not reach what shares its link
        nets.push_back({a.network->name(), a.wish->gw_priority, !bridge || a.network->internal(),
                        a.network->gateway(false), a.network->gateway(true)});
    }
    auto gw = net::choose_gateways(nets);
    if (gw.v4) return &lease.attachments[*gw.v4];
    if (gw.v6) return &lease.attachments[*gw.v6];
    return nullptr;
}

void Networks::lease_ports(const ContainerRecord& record, NetworkLease& lease) {
    if (record.ports.empty() || !publishing(lease)) return;
    std::vector<net::PortRequest> requests;
    std::vector<const PortRecord*> asked;
    for (const auto& p : record.ports) {
        if (held_by(record.takes_over, p)) continue; // it gets that one later
        asked.push_back(&p);
        net::PortRequest q;
        q.proto = net::parse_proto(p.protocol);
        if (!p.host_ip.empty()) q.host_ip = net::IpAddress::parse(p.host_ip);
        const PortRange host = p.host.value_or(PortRange());
        q.host_first = host.first;
        q.host_last = host.last;
        q.line = fmt::format("{}{}{}:{}{}", p.host_ip, p.host_ip.empty() ? "" : ":", p.host ? to_string(host) : "",
                             p.target, p.protocol == "tcp" ? "" : "/" + p.protocol);
        requests.push_back(q);
    }
    auto reservations = net::reserve_ports(requests, store_.roots().run, project_, state_.ports);
    for (std::size_t i = 0; i < reservations.size(); ++i)
        for (auto& bound : reservations[i].bound) {
            lease.ports.push_back(
                {bound.host_ip.to_string(), reservations[i].port, asked[i]->target, asked[i]->protocol});
            lease.port_sockets.push_back(std::move(bound.socket));
        }
    add_port_rules(record, lease);
    serve_proxied(record.id, lease);
}

void Networks::serve_proxied(const std::string& id, const NetworkLease& lease) {
    if (const Attachment* to = publishing(lease)) proxied_.add(id, lease.ports, lease.port_sockets, {to->v4, to->v6});
}

void Networks::add_port_rules(const ContainerRecord& record, const NetworkLease& lease) {
    const Attachment* to = publishing(lease);
    if (!to) return;
    for (const auto& p : lease.ports) {
        net::PortForward rule;
        rule.owner = record.id;
        rule.owner_name = record.name;
        rule.proto = net::parse_proto(p.protocol);
        rule.host_port = p.host_port;
        rule.container_port = p.target;
        auto host = net::IpAddress::parse(p.host_ip);
        if (!host.is_unspecified()) rule.host_ip = host;
        // [::] of a container without IPv6 is the port proxy's.
        if (host.is_v6() && host.is_unspecified() && !to->v6) continue;
        auto target = host.is_v6() && to->v6 ? to->v6 : to->v4;
        if (!target) continue;
        rule.container_ip = *target;
        state_.ports.push_back(rule);
    }
    schedule_commit();
}

namespace {

using Parked = std::map<net::ReservedPort, UniqueFd>;

// The parked reservation of that port; made anew where it was lost together with the shim.
UniqueFd take_reservation(Parked& parked, const PublishedPort& port, int& attempts) {
    const net::ReservedPort wanted{net::parse_proto(port.protocol), net::IpAddress::parse(port.host_ip),
                                   port.host_port};
    if (auto it = parked.find(wanted); it != parked.end()) return std::move(parked.extract(it).mapped());
    net::PortRequest again;
    again.proto = wanted.proto;
    again.host_ip = wanted.host_ip;
    again.host_first = wanted.port;
    // A supervisor that was just killed holds its own for as long as the kernel closes what it had.
    for (;;) {
        try {
            return std::move(net::reserve_port(again, {}).bound.at(0).socket);
        } catch (const Error&) {
            if (attempts-- <= 0) throw;
            ::poll(nullptr, 0, takeover_pause_ms);
        }
    }
}

} // namespace

void Networks::keep_sockets(const std::string& container_id, std::vector<UniqueFd> sockets) {
    auto it = holders_.find(container_id);
    if (it == holders_.end()) return;
    NetworkLease& lease = it->second->lease;
    proxied_.release(container_id);
    lease.port_sockets.clear();
    Parked parked;
    for (auto& socket : sockets)
        if (auto port = socket ? net::reserved_by(socket.get()) : std::nullopt)
            parked.emplace(*port, std::move(socket));
    int attempts = takeover_attempts;
    for (const auto& port : lease.ports) {
        try {
            lease.port_sockets.push_back(take_reservation(parked, port, attempts));
        } catch (const Error& e) {
            log::warning("container {} keeps port {}, but another process holds it too: {}", container_id.substr(0, 12),
                         port.host_port, e.what());
            lease.port_sockets.emplace_back();
        }
    }
    services_.adopt_sockets(parked);
    serve_proxied(container_id, lease);
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

void Networks::park_again(const std::string& container_id) {
    loop_.post([this, container_id] {
        if (park) park(container_id);
    });
}

std::vector<int> Networks::sockets_of(const std::string& container_id) const {
    std::vector<int> out;
    if (const NetworkLease* held = lease(container_id))
        for (const auto& s : held->port_sockets)
            if (s) out.push_back(s.get()); // one that another process holds is not there
    const auto more = services_.sockets_for(container_id);
    out.insert(out.end(), more.begin(), more.end());
    return out;
}

const NetworkLease* Networks::lease(const std::string& container_id) const {
    auto it = holders_.find(container_id);
    return it == holders_.end() ? nullptr : &it->second->lease;
}

void Networks::touch(const NetworkLease& lease) {
    for (const auto& a : lease.attachments) changed_.insert(a.network->name());
}

void Networks::write_changed() {
    for (const auto& name : std::exchange(changed_, {})) {
        OnNetwork own;
        for (const auto& [id, holder] : holders_)
            for (auto e : holder->names) {
                if (e.network != name) continue;
                if (!holder->published) e.names.clear();
                own.endpoints.push_back(std::move(e));
            }
        services_.add_to_network(name, own);
        if (const auto network = networks_.find(name); network != networks_.end())
            for (const bool v6 : {false, true})
                if (net::AddressPool* pool = network->second->pool(v6))
                    own.leaving.insert(pool->quarantined().begin(), pool->quarantined().end());
        if (!own.leaving.empty()) own.change = services_.last_change();
        try {
            write_endpoints(store_.roots(), name, project_, own);
            if (!own.endpoints.empty()) watch_foreign(name);
        } catch (const Error& e) { // it is for other projects; this one must not lose its containers over it
            log::warning("telling other projects who is on the network {}: {}", name, e.what());
            changed_.insert(name);
        }
    }
    if (!changed_.empty()) write_later();
}

void Networks::write_later() {
    rewrite_ = loop_.after(write_retry, [this] { post_process(); });
}

} // namespace davit::supervisor

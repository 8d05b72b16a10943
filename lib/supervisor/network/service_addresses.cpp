#include "supervisor/network/service_addresses.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "supervisor/network/endpoints_file.hpp"
#include "supervisor/network/foreign_addresses.hpp"
#include "supervisor/network/kept_addresses.hpp"
#include "supervisor/network/networks.hpp"
#include "supervisor/network/service_lease.hpp"

#include <algorithm>

namespace davit::supervisor {

namespace {

constexpr std::uint16_t first_port = 30000, last_port = 32767; // as Swarm gives them
constexpr std::chrono::milliseconds regain_interval{1000};

} // namespace

ServiceAddresses::ServiceAddresses(Networks& networks) : networks_(networks) {}
ServiceAddresses::~ServiceAddresses() = default;

// Who has the virtual addresses: in pools, in what is kept, and on networks that others know its records on.
std::string ServiceAddresses::key_of(const std::string& owner) const {
    return "service:" + networks_.project_ + "/" + owner;
}

// ---- asked for

void ServiceAddresses::set(const std::string& owner, ServiceEndpoint endpoint, SetDone done) {
    requests_.push_back({owner, std::move(endpoint), std::move(done)});
    networks_.post_process();
}

void ServiceAddresses::refuse_all(const Error& why) {
    for (auto& r : std::exchange(requests_, {})) r.done(&why, nullptr);
}

void ServiceAddresses::process(std::vector<std::function<void()>>& answers) {
    for (auto& r : std::exchange(requests_, {})) {
        try {
            set_now(r);
            answers.emplace_back([this, owner = r.owner, done = r.done] {
                networks_.when_committed([this, owner, done](const Error* e) {
                    const auto now = e ? std::nullopt : given(owner);
                    const Error gone = error(Errc::conflict, "the service was removed meanwhile");
                    if (now) done(nullptr, &*now);
                    else done(e ? e : &gone, nullptr);
                });
            });
        } catch (const Error& e) {
            const auto& on = r.endpoint.networks;
            if (std::any_of(on.begin(), on.end(), [&](const auto& n) { return networks_.frees_soon(n.network); }))
                requests_.push_back(std::move(r)); // perhaps for want of an address that is free in a moment
            else answers.emplace_back([done = r.done, e] { done(&e, nullptr); });
        }
    }
}

void ServiceAddresses::set_now(const Request& request) {
    const auto found = services_.find(request.owner);
    Service* before = found == services_.end() ? nullptr : found->second.get();
    const bool changes = before != nullptr;
    auto next = std::make_unique<Service>();
    const ServiceEndpoint& wish = request.endpoint;
    next->state = {request.owner, wish.name, wish.dnsrr, {}, {}, {}};
    for (const auto& n : wish.networks) next->state.networks.push_back({n.network, n.aliases, {}, {}});
    try {
        lease_virtual(*next, before);
        lease_ports(*next, wish, before);
    } catch (...) {
        give_back(*next, before); // what there was before has it still
        throw;
    }
    if (before) {
        next->state.backends = before->state.backends;
        next->turns = before->turns;
        withdraw(*before);
        networks_.proxied_.remove(before->proxy_id());
        for (std::size_t i = 0; i < before->ports.size(); ++i)
            for (std::size_t k = 0; k < next->ports.size(); ++k)
                if (!next->sockets[k] && next->ports[k].host_port == before->ports[i].host_port &&
                    next->ports[k].host_ip == before->ports[i].host_ip &&
                    next->ports[k].protocol == before->ports[i].protocol)
                    next->sockets[k] = std::move(before->sockets[i]);
        give_back(*before, next.get());
        changed(*before); // networks that it leaves
    }
    place_backends(*next);
    next->told = true;
    Service& service = *(services_[request.owner] = std::move(next));
    publish(service);
    serve_proxied(service);
    changed(service);
    for (const auto& b : service.state.backends) networks_.park_again(b.container);
    tell();
    if (changes) networks_.leave_unused(); // a network of others that it was alone on
}

net::IpAddress ServiceAddresses::lease_one(Network& network, bool v6, const std::string& owner) {
    net::AddressPool& pool = *network.pool(v6);
    const std::string key = key_of(owner);
    if (auto own = pool.reuse(key, key)) return *own;
    const ForeignAddresses others(pool,
                                  read_foreign_endpoints(networks_.store_.roots(), network.name(), networks_.project_));
    return pool.allocate(key, key, kept_by_others(networks_.store_.roots(), network.name(), networks_.project_));
}

void ServiceAddresses::lease_virtual(Service& service, const Service* before) {
    for (auto& on : service.state.networks) {
        Network& network = networks_.in_kernel(on.network);
        if (service.state.dnsrr) continue;
        const net::ServiceState::On* old = nullptr;
        if (before)
            for (const auto& n : before->state.networks)
                if (n.network == on.network) old = &n;
        for (const bool v6 : {false, true}) {
            auto& address = v6 ? on.v6 : on.v4;
            if (old) address = v6 ? old->v6 : old->v4;
            if (!address && network.pool(v6)) address = lease_one(network, v6, service.state.owner);
        }
        networks_.keep_soon(network);
    }
}

void ServiceAddresses::lease_ports(Service& service, const ServiceEndpoint& wish, Service* before) {
    std::vector<net::PortRequest> requests;
    std::vector<std::size_t> places;
    for (const auto& p : wish.ports) {
        if (p.mode == "host") {
            service.host_mode.push_back(p);
            continue;
        }
        const net::Proto proto = net::parse_proto(p.protocol);
        const auto has = [&](const net::ServiceState& state, auto&& fits) {
            return std::find_if(state.ports.begin(), state.ports.end(),
                                [&](const auto& q) { return q.proto == proto && fits(q); });
        };
        const auto same = [&](const auto& q) {
            if (p.published != 0) return q.host_port == p.published;
            return q.container_port == p.target && has(service.state, [&](const auto& r) {
                                                       return r.host_port == q.host_port;
                                                   }) == service.state.ports.end();
        };
        if (before) {
            if (const auto old = has(before->state, same); old != before->state.ports.end()) {
                service.state.ports.push_back({proto, old->host_port, p.target});
                for (const auto& held : before->ports)
                    if (held.host_port == old->host_port && held.protocol == p.protocol) {
                        service.ports.push_back({held.host_ip, held.host_port, held.host_port, held.protocol});
                        service.sockets.emplace_back();
                    }
                continue;
            }
        }
        net::PortRequest q;
        q.proto = proto;
        q.host_first = p.published ? p.published : first_port;
        q.host_last = p.published ? p.published : last_port;
        q.line = fmt::format("{}:{}{}", p.published, p.target, p.protocol == "tcp" ? "" : "/" + p.protocol);
        requests.push_back(q);
        places.push_back(service.state.ports.size());
        service.state.ports.push_back({proto, 0, p.target});
    }
    auto reservations =
        net::reserve_ports(requests, networks_.store_.roots().run, networks_.project_, networks_.state_.ports);
    for (std::size_t i = 0; i < reservations.size(); ++i) {
        auto& port = service.state.ports[places[i]];
        port.host_port = reservations[i].port;
        for (auto& bound : reservations[i].bound) {
            // The proxy goes by way of the machine's own address, and what its rules make of the port.
            service.ports.push_back(
                {bound.host_ip.to_string(), port.host_port, port.host_port, std::string(net::to_string(port.proto))});
            service.sockets.push_back(std::move(bound.socket));
        }
    }
}

// Addresses that `after` has not.
void ServiceAddresses::give_back(const Service& service, const Service* after) {
    std::set<net::IpAddress> stay;
    Networks::ByNetwork leaving;
    if (after)
        for (const auto& n : after->state.networks)
            for (const auto& a : {n.v4, n.v6})
                if (a) stay.insert(*a);
    for (const auto& n : service.state.networks)
        for (const auto& a : {n.v4, n.v6}) {
            if (!a || stay.contains(*a)) continue;
            const auto network = networks_.networks_.find(n.network);
            if (network == networks_.networks_.end() || !network->second->pool(a->is_v6())) continue;
            network->second->pool(a->is_v6())->release(*a);
            network->second->pool(a->is_v6())->forget(key_of(service.state.owner));
            networks_.keep_soon(*network->second);
            if (service.told) leaving[n.network].insert(*a);
        }
    if (!leaving.empty()) networks_.quarantine(leaving);
}

void ServiceAddresses::serve_proxied(const Service& service) {
    PortTarget to;
    for (const auto& on : service.state.networks)
        if (const auto n = networks_.networks_.find(on.network); n != networks_.networks_.end()) {
            if (n->second->pool(false)) to.v4 = net::IpAddress::v4(0x7f000001);
            else if (!to.v6) to.v6 = n->second->gateway(true);
        }
    if (to.v4) to.v6.reset();
    if (to.v4 || to.v6) networks_.proxied_.add(service.proxy_id(), service.ports, service.sockets, to);
}

void ServiceAddresses::remove(const std::string& owner, Done done) {
    std::erase_if(requests_, [&](Request& r) { // answered, not forgotten
        if (r.owner != owner) return false;
        const Error e = error(Errc::conflict, "the service was removed meanwhile");
        networks_.loop_.post([d = std::move(r.done), e] { d(&e, nullptr); });
        return true;
    });
    if (const auto it = services_.find(owner); it != services_.end()) {
        auto service = std::move(it->second);
        services_.erase(it);
        withdraw(*service);
        networks_.proxied_.remove(service->proxy_id());
        give_back(*service, nullptr);
        changed(*service);
        service->sockets.clear();
        for (const auto& b : service->state.backends) networks_.park_again(b.container);
        networks_.leave_unused();
    }
    networks_.loop_.post([this, done = std::move(done)] {
        tell();
        networks_.when_committed(done);
    });
}

std::optional<ServiceGiven> ServiceAddresses::given(const std::string& owner) const {
    const auto it = services_.find(owner);
    if (it == services_.end()) return std::nullopt;
    return given_of(*it->second);
}

ServiceGiven ServiceAddresses::given_of(const Service& service) const {
    ServiceGiven out;
    for (const auto& on : service.state.networks) {
        const auto network = networks_.networks_.find(on.network);
        if (network == networks_.networks_.end() || (!on.v4 && !on.v6)) continue;
        const auto shown = [&](const std::optional<net::IpAddress>& a) {
            return a ? fmt::format("{}/{}", a->to_string(), network->second->prefix_of(*a)) : std::string();
        };
        out.addresses.push_back({on.network, shown(on.v4), shown(on.v6)});
    }
    for (const auto& p : service.state.ports)
        out.ports.push_back({p.container_port, p.host_port, std::string(net::to_string(p.proto)), "ingress"});
    out.ports.insert(out.ports.end(), service.host_mode.begin(), service.host_mode.end());
    return out;
}

// ---- who takes connections

// From the addresses that the containers have; those that have none are left out.
void ServiceAddresses::place_backends(Service& service) {
    std::erase_if(service.state.backends, [&](auto& b) {
        const NetworkLease* lease = networks_.lease(b.container);
        if (!lease) return true;
        b.at.clear();
        for (const auto& a : lease->attachments)
            for (const auto& on : service.state.networks)
                if (on.network == a.network->name()) b.at.push_back({on.network, a.v4, a.v6});
        const Attachment* to = publishing(*lease);
        b.v4 = to ? to->v4 : std::nullopt;
        b.v6 = to ? to->v6 : std::nullopt;
        return false;
    });
}

void ServiceAddresses::ready(const std::string& owner, const std::string& container_id, bool is_ready) {
    const auto it = services_.find(owner);
    if (it == services_.end()) return;
    Service& service = *it->second;
    auto& backends = service.state.backends;
    const auto at = service.backend(container_id);
    if ((at != backends.end()) == is_ready) return;
    withdraw(service);
    if (is_ready) {
        backends.push_back({container_id, {}, {}, {}});
        place_backends(service);
        if (const auto holder = networks_.holders_.find(container_id); holder != networks_.holders_.end())
            holder->second->served = true;
    } else {
        backends.erase(at);
    }
    // A rule that is written anew begins with the first: another one each time.
    if (!backends.empty()) {
        const auto turn = static_cast<std::ptrdiff_t>(++service.turns % backends.size());
        std::rotate(backends.begin(), backends.begin() + turn, backends.end());
    }
    publish(service);
    changed(service);
    if (is_ready) networks_.park_again(container_id);
}

bool ServiceAddresses::is_ready(const std::string& container_id) const {
    return std::any_of(services_.begin(), services_.end(), [&](const auto& entry) {
        return entry.second->backend(container_id) != entry.second->state.backends.end();
    });
}

void ServiceAddresses::container_gone(const std::string& container_id) {
    for (const auto& [owner, service] : services_) ready(owner, container_id, false);
}

bool ServiceAddresses::uses(const std::string& network) const {
    return std::any_of(services_.begin(), services_.end(), [&](const auto& entry) {
        const auto& on = entry.second->state.networks;
        return std::any_of(on.begin(), on.end(), [&](const auto& n) { return n.network == network; });
    });
}

// ---- telling: names, the host's table, clients, other projects

std::vector<net::dns::NamedEndpoint> ServiceAddresses::records_of(const Service& service) const {
    std::vector<net::dns::NamedEndpoint> out;
    const std::string key = key_of(service.state.owner);
    const auto add = [&](const std::string& id, const std::string& network, const auto& at) -> auto& {
        out.push_back({id, {}, network, {}, {}}); // no name: there is no way back from a virtual address
        for (const auto& a : {at.v4, at.v6})
            if (a) out.back().addresses.push_back(*a);
        return out.back().names;
    };
    for (const auto& on : service.state.networks) {
        const auto names = service.names(on);
        if (on.v4 || on.v6) add(key, on.network, on) = names;
        for (const auto& b : service.state.backends)
            for (const auto& at : b.at) {
                if (at.network != on.network) continue;
                auto& own = add(key + "/" + b.container, on.network, at);
                for (const auto& name : names) own.push_back("tasks." + name);
                if (service.state.dnsrr) own.insert(own.end(), names.begin(), names.end());
            }
    }
    return out;
}

void ServiceAddresses::publish(const Service& service) {
    for (auto& record : records_of(service)) networks_.registry_.publish(std::move(record));
}

void ServiceAddresses::withdraw(const Service& service) {
    for (const auto& record : records_of(service)) networks_.registry_.withdraw(record.container_id, record.network);
}

void ServiceAddresses::add_to_network(const std::string& network, OnNetwork& own) const {
    for (const auto& [owner, service] : services_) {
        for (auto& record : records_of(*service))
            if (record.network == network) own.endpoints.push_back(std::move(record));
        for (const auto& on : service->state.networks) {
            if (on.network != network) continue;
            own.change = change_;
            auto all = net::vips_of(service->state);
            for (const auto& a : {on.v4, on.v6})
                if (a) own.services.insert(all.extract(*a));
        }
    }
}

void ServiceAddresses::changed(const Service& service) {
    for (const auto& on : service.state.networks) told_networks_.insert(on.network);
    if (!std::exchange(posted_, true)) networks_.loop_.post([this] { tell(); });
}

void ServiceAddresses::tell() {
    if (!std::exchange(posted_, false)) return;
    auto& state = networks_.state_.services;
    state.clear();
    for (const auto& [owner, service] : services_) state.push_back(service->state);
    networks_.schedule_commit(); // not before: one that is posted already would take the old state for the new
    change_ = std::max(change_ + 1, sys::realtime_ns());
    for (const auto& network : std::exchange(told_networks_, {})) {
        networks_.changed_.insert(network);
        networks_.set_clients(network);
    }
    networks_.write_changed();
    finish_drains();
}

// ---- an earlier supervisor's

void ServiceAddresses::load() {
    for (const auto& state : networks_.state_.services) {
        auto service = std::make_unique<Service>();
        service->state = state;
        service->told = true;
        for (const auto& on : state.networks) try {
                Network& network = networks_.get(on.network);
                for (const auto& a : {on.v4, on.v6})
                    if (a && network.pool(a->is_v6())) {
                        network.pool(a->is_v6())->reserve(*a, key_of(state.owner));
                        network.pool(a->is_v6())->keep(*a, key_of(state.owner));
                    }
            } catch (const Error& e) {
                log::warning("the address of service {} on network {}: {}", state.name, on.network, e.what());
            }
        for (const auto& p : state.ports)
            for (const char* host : {"0.0.0.0", "::"}) {
                service->ports.push_back({host, p.host_port, p.host_port, std::string(net::to_string(p.proto))});
                service->sockets.emplace_back();
            }
        publish(*service);
        services_[state.owner] = std::move(service);
    }
    change_ = sys::realtime_ns();
}

void ServiceAddresses::adopted() {
    for (const auto& [owner, service] : services_) {
        withdraw(*service);
        place_backends(*service);
        publish(*service);
        changed(*service);
    }
    if (!services_.empty()) regain_ = networks_.loop_.after(regain_interval, [this] { regain_sockets(); });
}

void ServiceAddresses::adopt_sockets(std::map<net::ReservedPort, UniqueFd>& parked) {
    for (const auto& [owner, service] : services_) {
        bool got = false;
        for (std::size_t i = 0; i < service->ports.size(); ++i) {
            const auto& p = service->ports[i];
            const net::ReservedPort wanted{net::parse_proto(p.protocol), net::IpAddress::parse(p.host_ip), p.host_port};
            const auto it = parked.find(wanted);
            if (service->sockets[i] || it == parked.end()) continue;
            service->sockets[i] = std::move(parked.extract(it).mapped());
            got = true;
        }
        if (got) serve_proxied(*service);
    }
}

// Ports whose sockets no shim had: nobody ran. While one still has it, it is not free, and will come from there.
void ServiceAddresses::regain_sockets() {
    regain_.reset();
    bool missing = false;
    for (const auto& [owner, service] : services_) {
        bool got = false;
        for (std::size_t i = 0; i < service->ports.size(); ++i) {
            if (service->sockets[i]) continue;
            const auto& p = service->ports[i];
            net::PortRequest again;
            again.proto = net::parse_proto(p.protocol);
            again.host_ip = net::IpAddress::parse(p.host_ip);
            again.host_first = p.host_port;
            try {
                service->sockets[i] = std::move(net::reserve_port(again, {}).bound.at(0).socket);
                got = true;
            } catch (const Error&) {
                missing = true;
            }
        }
        if (got) serve_proxied(*service);
    }
    if (missing) regain_ = networks_.loop_.after(regain_interval, [this] { regain_sockets(); });
}

std::vector<int> ServiceAddresses::sockets_for(const std::string& container_id) const {
    std::vector<int> out;
    for (const auto& [owner, service] : services_) {
        if (service->backend(container_id) == service->state.backends.end()) continue;
        for (const auto& s : service->sockets)
            if (s) out.push_back(s.get());
    }
    return out;
}

std::set<std::string> ServiceAddresses::proxy_ids() const {
    std::set<std::string> out;
    for (const auto& [owner, service] : services_) out.insert(service->proxy_id());
    return out;
}

} // namespace davit::supervisor

// What a service has on its networks as a whole: a virtual address on each, its names, its published ports, and
// which of its containers take new connections. The owner is a key of the caller's ("service/<id>" of Swarm, or
// any other lease that several containers share); it is the same after a restart of the supervisor.
// All in the loop; answers never come from inside the call that takes them.
#pragma once

#include "base/event_loop.hpp"
#include "base/fd.hpp"
#include "davit/error.hpp"
#include "net/address.hpp"
#include "net/dns/registry.hpp"
#include "net/ports.hpp"
#include "net/state.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace davit::supervisor {

class Networks;

struct ServicePort {
    std::uint16_t target = 0;
    std::uint16_t published = 0; // 0: the first free one from 30000 on
    std::string protocol = "tcp";
    std::string mode = "ingress"; // host: the containers' own affair (ContainerRecord::ports); nothing is done here
    bool operator==(const ServicePort&) const = default;
};

struct ServiceNetwork {
    std::string network;              // its real name
    std::vector<std::string> aliases; // on this network, besides the service's name
    bool operator==(const ServiceNetwork&) const = default;
};

struct ServiceEndpoint {
    std::string name; // "x_web": resolves on each network; for messages too
    bool dnsrr = false;
    std::vector<ServiceNetwork> networks;
    std::vector<ServicePort> ports;
    bool operator==(const ServiceEndpoint&) const = default;
};

struct ServiceGiven {
    struct Address {
        std::string network;
        std::string ipv4, ipv6; // with prefix: "10.0.1.2/24"; empty: none of that family
    };
    std::vector<Address> addresses; // none with dnsrr
    std::vector<ServicePort> ports; // as asked for, published filled in
};

class ServiceAddresses {
public:
    using Done = std::function<void(const Error* error)>;
    using SetDone = std::function<void(const Error* error, const ServiceGiven* given)>;

    explicit ServiceAddresses(Networks& networks);
    ~ServiceAddresses();

    // Makes it so, also for one that is there: addresses and ports stay where the wish is the same. The networks must
    // have been created. Names resolve and connections are refused or balanced when it is done. Fails as a whole, with
    // what was there before left as it was: conflict (a port is taken), not_found (a network), no address left.
    void set(const std::string& owner, ServiceEndpoint endpoint, SetDone done);
    // Addresses, ports and names are given up; its containers are just containers then. Missing is fine.
    void remove(const std::string& owner, Done done);
    bool has(const std::string& owner) const { return services_.contains(owner); }
    bool any() const { return !services_.empty(); } // the supervisor stays: somebody has to hold the ports
    std::optional<ServiceGiven> given(const std::string& owner) const;

    // The container, which has its addresses (Networks::connect), takes new connections of the owner from now on, or no
    // longer. Asking twice is fine. What it has stays. One that ends goes by itself.
    void ready(const std::string& owner, const std::string& container_id, bool is_ready);
    bool is_ready(const std::string& container_id) const;
    // As ready(false), and done when nobody on this machine sends it anything new: each client's namespace, the host's
    // table and the other projects' supervisors have it, or a second has passed. Now it may be told to stop.
    void drain(const std::string& container_id, Done done);
    // The addresses, which lead to nobody any more, by way of these networks: done when no client on this machine has a
    // flow that does, or five seconds have passed.
    void forget(const std::set<std::string>& networks, const std::set<net::IpAddress>& gone, Done done);
    std::int64_t last_change() const { return change_; }

private:
    friend class Networks;
    struct Service;
    struct Request {
        std::string owner;
        ServiceEndpoint endpoint;
        SetDone done;
    };
    struct Drain {
        std::string container;
        std::vector<std::string> networks; // that others are on as well: they have to apply this change
        std::int64_t change = 0;
        bool host = false, clients = false;
        EventLoop::Watch limit;
        Done done;
    };

    // service_addresses.cpp: from Networks
    void load();    // from its state: what an earlier supervisor had
    void adopted(); // containers that have ended meanwhile take no connections
    bool waiting() const { return !requests_.empty(); }
    void refuse_all(const Error& why);
    void process(std::vector<std::function<void()>>& answers); // with the machine's lock
    void container_gone(const std::string& container_id);
    bool uses(const std::string& network) const;
    void add_to_network(const std::string& network, struct OnNetwork& own) const;
    std::vector<int> sockets_for(const std::string& container_id) const;
    std::set<std::string> proxy_ids() const;

    void set_now(const Request& request);
    void lease_virtual(Service& service, const Service* before);
    net::IpAddress lease_one(class Network& network, bool v6, const std::string& owner);
    void lease_ports(Service& service, const ServiceEndpoint& wish, Service* before);
    void give_back(const Service& service, const Service* after);
    void serve_proxied(const Service& service);
    void place_backends(Service& service);
    std::string key_of(const std::string& owner) const;
    std::vector<net::dns::NamedEndpoint> records_of(const Service& service) const;
    void publish(const Service& service);
    void withdraw(const Service& service);
    void changed(const Service& service); // of its backends or all of it: everybody is told in this turn
    void tell();
    void adopt_sockets(std::map<net::ReservedPort, UniqueFd>& parked);
    void regain_sockets();
    ServiceGiven given_of(const Service& service) const;

    // service_drain.cpp
    void follow(const std::shared_ptr<Drain>& drain, std::chrono::milliseconds limit);
    bool behind(const Drain& drain) const;
    void finish_drains();

    Networks& networks_;
    std::map<std::string, std::unique_ptr<Service>> services_; // by owner
    std::vector<Request> requests_;
    std::set<std::string> told_networks_; // to be told
    bool posted_ = false;
    std::int64_t change_ = 0;
    std::vector<std::shared_ptr<Drain>> drains_;
    EventLoop::Watch regain_;
};

} // namespace davit::supervisor

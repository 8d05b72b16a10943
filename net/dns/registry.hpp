// Who is called what on which network. Pure; one thread.
#pragma once

#include "net/address.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace davit::net::dns {

// One container on one network.
struct NamedEndpoint {
    std::string container_id;
    std::string container_name; // PTR answers <container_name>.<network>; empty: none, as of a service
    std::string network;        // the network's real name
    std::vector<IpAddress> addresses;
    // Everything it answers to: container name, service, aliases, short id, hostname (docker_names()).
    std::vector<std::string> names;
    bool operator==(const NamedEndpoint&) const = default;
};

// Docker's list for an endpoint, without doubles: container name, aliases (service first), short id, hostname.
std::vector<std::string> docker_names(std::string_view container_name, const std::vector<std::string>& aliases,
                                      std::string_view container_id, std::string_view hostname);

// Who asks: a container, with its networks in gateway order.
struct Client {
    std::string container_id;
    std::vector<std::string> networks;
    // `links: [web:db]`: db is the container named here (and only for this client)
    std::vector<std::pair<std::string, std::string>> links; // alias, container name
};

struct Lookup {
    bool known = false;               // the name exists: an empty list is NODATA
    std::vector<IpAddress> addresses; // of both families
};

class Registry {
public:
    Registry();
    ~Registry();
    Registry(Registry&&) noexcept;

    // Replaces what the container had on that network.
    void publish(NamedEndpoint record);
    void withdraw(const std::string& container_id, const std::string& network);
    void withdraw(const std::string& container_id); // from all networks
    // All records of one network at once (a network shared by projects, read from its directory).
    void replace_network(const std::string& network, std::string_view source, std::vector<NamedEndpoint> records);
    std::vector<NamedEndpoint> records() const;
    std::uint64_t generation() const; // moves with each change: caches compare it

    // name without trailing dot; host parts in any case, network parts as they are (as Docker). Links first, then each
    // network in order; the first that knows the name wins. a.b.c is tried whole, then as a.b on network c, a on
    // network b.c.
    Lookup find(const Client& client, std::string_view name) const;
    // PTR: <container>.<network>, or empty when no network of the client has the address.
    std::string reverse(const Client& client, const IpAddress& address) const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit::net::dns

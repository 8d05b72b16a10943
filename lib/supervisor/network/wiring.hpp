// From a container's record and the addresses it got: interfaces, routes, names and files. Pure.
#pragma once

#include "net/dns/registry.hpp"
#include "net/endpoint.hpp"
#include "net/files.hpp"
#include "project/record.hpp"
#include "supervisor/network/network.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::supervisor {

struct Attachment {
    const EndpointRecord* wish = nullptr;
    const Network* network = nullptr;
    std::optional<net::IpAddress> v4, v6;
};

struct Wiring {
    net::NetnsPlan plan;
    std::vector<EndpointStatus> endpoints;      // in connect order
    bool dns = false;                           // a network with names: the embedded server is asked
    net::dns::Client client;                    // networks in gateway order
    std::vector<net::dns::NamedEndpoint> names; // to be published
    std::vector<net::Upstream> upstreams;
    bool external = false;                    // some network leads out
    std::string hosts, resolv_conf, hostname; // file texts
};

// The order in which networks are connected: priority falling, else as written.
std::vector<EndpointRecord> connect_order(const ContainerRecord& record);

// A container on bridge networks. Its attachments stand in connect_order(). asks_us: its resolv.conf names the embedded
// server already, which a network that has left it had brought.
Wiring wire(const ContainerRecord& record, const std::vector<Attachment>& attachments, std::uint32_t group,
            const net::ResolvConf& host_resolv, bool asks_us = false);
// The same when one of them has just been added to a namespace in which the others have their interfaces: these keep
// their names, and the new one gets one that is free. `there`: from the container's status.
struct Plugging {
    net::EndpointSpec endpoint;
    EndpointStatus status;
};
Plugging wire_one(const std::vector<Attachment>& attachments, const std::string& network,
                  const std::vector<EndpointStatus>& there, std::uint32_t group);
// Which of the interfaces lead out.
std::pair<std::optional<net::DefaultRoute>, std::optional<net::DefaultRoute>> routes_of(
    const std::vector<Attachment>& attachments, const std::vector<EndpointStatus>& there);
// A file that davit wrote as `before` and that should be as `after` now: what somebody has added meanwhile stays.
std::string changed_lines(const std::string& text, const std::string& before, const std::string& after);
// network_mode none or host: files only.
Wiring wire_without_network(const ContainerRecord& record, const net::ResolvConf& host_resolv,
                            const std::string& host_hosts, const std::string& host_name);

// The names and addresses of a running container, from its record and status (after a restart of the supervisor).
std::vector<net::dns::NamedEndpoint> names_of(const ContainerRecord& record,
                                              const std::vector<EndpointStatus>& endpoints);

} // namespace davit::supervisor

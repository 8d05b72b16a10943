// The texts of /etc/resolv.conf and /etc/hosts in a container, in Docker's exact form. Pure.
#pragma once

#include "net/address.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::net {

struct ResolvConf {
    std::vector<std::string> nameservers;
    std::vector<std::string> search;
    std::vector<std::string> options;
    bool operator==(const ResolvConf&) const = default;
};
ResolvConf parse_resolv_conf(std::string_view text);
// The host's own: /run/systemd/resolve/resolv.conf when /etc/resolv.conf has 127.0.0.53 alone.
ResolvConf host_resolv_conf();

struct ResolvRequest {
    ResolvConf host;
    std::vector<std::string> dns;     // `dns:` of the service; empty: the host's
    std::vector<std::string> search;  // `dns_search:`; {"."}: none at all
    std::vector<std::string> options; // `dns_opt:`
};
// A DNS server to forward to, and the namespace the question leaves from.
struct Upstream {
    IpAddress address;
    std::uint16_t port = 53;
    bool from_container = false; // `dns:` is asked from inside, the host's servers from outside
    bool operator==(const Upstream&) const = default;
};
struct ResolvResult {
    std::string text;
    std::vector<Upstream> upstreams; // at most 3
};
// With the embedded server (user networks): nameserver 127.0.0.11 and ndots:0.
ResolvResult resolv_conf_internal(const ResolvRequest& request);
// Without (network_mode none, bridge): the servers themselves, loopback ones stripped.
// network_mode host: the host's file as it stands, when nothing is overridden.
ResolvResult resolv_conf_plain(const ResolvRequest& request, bool keep_loopback);

struct HostsRequest {
    std::string hostname;
    std::string domainname;
    std::vector<IpAddress> addresses; // of the container, in connect order
    // name and address; the address may be "host-gateway" (host_gateway gives the values)
    std::vector<std::pair<std::string, std::string>> extra_hosts;
    std::vector<IpAddress> host_gateway;
    bool ipv6_loopback = true;
};
std::string hosts_text(const HostsRequest& request);
// network_mode host: the host's file and the extra hosts.
std::string hosts_text_host_mode(std::string_view host_file, const HostsRequest& request);

} // namespace davit::net

// What all projects together have in the host's network: one file per project under <run>/net/, one
// lock for the machine. The nftables table `inet davit` is a pure function of these files.
#pragma once

#include "base/file.hpp"
#include "net/address.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::net {

enum class Proto : std::uint8_t { tcp = 6, udp = 17, sctp = 132 };
std::string_view to_string(Proto proto);
Proto parse_proto(std::string_view text); // throws usage

struct NetworkState {
    std::string name;            // the real network name, e.g. shop_front
    std::string bridge;          // what goes with its last user; empty: nothing does
    std::vector<Subnet> subnets; // IPv4 and IPv6
    bool internal = false;
    bool icc = true;
    bool masquerade = true;
    bool shared = false; // macvlan, ipvlan: `bridge` is a parent that davit made, and the host has no rules for it
    bool operator==(const NetworkState&) const = default;
};

// count successive ports of the host to count successive ports of one container.
struct PortForward {
    std::string owner;      // container id
    std::string owner_name; // container name, for conflict messages
    Proto proto = Proto::tcp;
    std::optional<IpAddress> host_ip; // none: every address of the family of container_ip
    std::uint16_t host_port = 0;
    std::uint16_t container_port = 0;
    std::uint16_t count = 1;
    // IPv4 or IPv6 of the container. Of another family than host_ip: served by the port proxy, no rule.
    IpAddress container_ip;
    auto operator<=>(const PortForward&) const = default;
};

// What several containers answer as one: its virtual addresses, its published ports, and who takes new connections.
// All that a supervisor which takes over has to know of it.
struct ServiceState {
    struct On {
        std::string network;
        std::vector<std::string> aliases;
        std::optional<IpAddress> v4, v6; // virtual; none: its names lead to the containers themselves
        bool operator==(const On&) const = default;
    };
    struct Port {
        Proto proto = Proto::tcp;
        std::uint16_t host_port = 0, container_port = 0;
        bool operator==(const Port&) const = default;
    };
    struct Backend {
        struct At {
            std::string network;
            std::optional<IpAddress> v4, v6;
            bool operator==(const At&) const = default;
        };
        std::string container; // id
        std::vector<At> at;
        std::optional<IpAddress> v4, v6; // where published ports lead
        bool operator==(const Backend&) const = default;
    };
    std::string owner; // the key of who asked for it
    std::string name;
    bool dnsrr = false;
    std::vector<On> networks;
    std::vector<Port> ports;
    std::vector<Backend> backends; // those that take new connections, in their turn
    bool operator==(const ServiceState&) const = default;
};

struct ProjectNetState {
    std::string project;
    std::uint32_t group = 0; // link group of all its veths and bridges, unique on the machine
    std::vector<NetworkState> networks;
    std::vector<PortForward> ports;
    std::vector<ServiceState> services = {};
    bool empty() const { return networks.empty() && ports.empty() && services.empty(); }
    bool operator==(const ProjectNetState&) const = default;
};

struct HostNetworkState {
    std::map<std::string, ProjectNetState> projects;
    // ip_forward was off before davit: what is not ours is not forwarded either.
    bool close_foreign_forwarding = false;
    bool operator==(const HostNetworkState&) const = default;
};

// Guards {IPAM, ports, host table}; take it after the project's lock, never while waiting for others.
class MachineLock {
public:
    static MachineLock acquire(const std::string& run_dir);                    // waits
    static std::optional<MachineLock> try_acquire(const std::string& run_dir); // never waits
    // Takes away the lock's file and directories when no project has network state. The last thing to do with the lock.
    void remove_if_unused() const;
    const std::string& run_dir() const { return run_dir_; }

private:
    MachineLock(std::string run_dir, FileLock lock) : run_dir_(std::move(run_dir)), lock_(std::move(lock)) {}
    std::string run_dir_;
    FileLock lock_;
};

// A file that cannot be read is an error that names it.
HostNetworkState load_state(const std::string& run_dir);
std::string encode_state(const ProjectNetState& state);
ProjectNetState decode_state(std::string_view json, const std::string& origin);
// The group of the project's state, or a free one derived from its name and its state root.
std::uint32_t choose_group(const HostNetworkState& all, const std::string& project, const std::string& run_dir = {});

} // namespace davit::net

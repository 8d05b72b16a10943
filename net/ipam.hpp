// Subnets for networks and addresses for endpoints. Pure.
#pragma once

#include "net/address.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::net {

struct Pool {
    Subnet base;
    int size;     // prefix length of the subnets cut from it
    int rank = 0; // the pools of a rank are used up before those of the next
};
// A /20 holds more containers than a bridge has ports: 172.17.0.0-172.31.255.255 (240 networks), then
// 192.168.0.0/16 (16); only then what is left of both as /24.
std::vector<Pool> default_pools();

// What a new subnet must not overlap, and who says so ("route via tun0", "address of eth0",
// "network front of project shop").
struct Taken {
    Subnet subnet;
    std::string holder;
};

// The same key gets the same subnet again while nothing else took it: the search begins at hash(key) in each rank.
// prefer: tried first (the subnet of the network's record). Throws conflict when all pools are used up.
Subnet choose_subnet(const std::vector<Pool>& pools, std::string_view key, const std::vector<Taken>& taken,
                     const std::optional<Subnet>& prefer = std::nullopt);
// fdXX:XXXX:XXXX:YYYY::/64: 40 bits of hash(machine), 16 of hash(key), probed until free.
Subnet choose_ula(std::string_view machine_id, std::string_view key, const std::vector<Taken>& taken,
                  const std::optional<Subnet>& prefer = std::nullopt);
// A subnet that the user wrote. Throws conflict that names each overlapped block and its holder.
void require_free(const Subnet& wanted, const std::vector<Taken>& taken);

// ipam.config of one subnet, completed.
struct SubnetConfig {
    Subnet subnet;
    std::optional<Subnet> ip_range;   // restricts dynamic addresses only
    std::optional<IpAddress> gateway; // absent: first address of ip_range, else of the subnet
    std::map<std::string, IpAddress> aux_addresses;
    bool wants_gateway = true; // false: no gateway address is kept free (isolated networks)
    bool operator==(const SubnetConfig&) const = default;
};
// Throws invalid_project: range or gateway outside the subnet, double aux addresses …
void validate(const SubnetConfig& config);
std::optional<IpAddress> gateway_of(const SubnetConfig& config);

// The addresses of one subnet. An address is used by an owner (a container), and kept for a holder (the
// place in the project that the container fills): its next owner gets it again, others only when nothing
// else is free. Static addresses of the whole project are reserved before the first dynamic one is given out.
class AddressPool {
public:
    explicit AddressPool(SubnetConfig config);

    // A static address. Throws conflict "address 10.1.0.9 is already in use by X", or
    // invalid_project "no configured subnet contains IP address …". The same owner may ask twice.
    void reserve(const IpAddress& address, const std::string& owner);
    // What is kept for the holder, when it is free.
    std::optional<IpAddress> reuse(const std::string& owner, const std::string& holder);
    // The next free one after the last given out, so that an address is not reused at once; it is kept for
    // the holder from now on. avoid: what others keep elsewhere. Throws conflict when none is left.
    IpAddress allocate(const std::string& owner, const std::string& holder = {}, const std::set<IpAddress>& avoid = {});
    void release(const IpAddress& address);
    void release_owner(const std::string& owner);
    // Released, but not given to anybody yet: connections that led there are still under way. A reservation of it is
    // refused until then. Asking twice is fine, as is ending what did not begin.
    void quarantine(const IpAddress& address);
    void end_quarantine(const IpAddress& address) { quarantine_.erase(address); }
    const std::set<IpAddress>& quarantined() const { return quarantine_; }
    // One address is kept for a holder, and for one holder only: the last word counts. What cannot be given
    // out is not kept, and nothing is for nobody ("").
    void keep(const IpAddress& address, const std::string& holder);
    void forget(const std::string& holder);
    const std::map<std::string, IpAddress>& kept() const { return kept_; } // by holder
    bool take_change() { return std::exchange(changed_, false); }          // of what is kept, since the last call

    const SubnetConfig& config() const { return config_; }
    std::optional<IpAddress> gateway() const { return gateway_of(config_); }
    const std::map<IpAddress, std::string>& used() const { return used_; }
    bool contains(const IpAddress& a) const { return config_.subnet.contains(a); }

private:
    bool valid(const IpAddress& a) const;
    std::optional<IpAddress> next_free(const std::set<IpAddress>* avoid) const;
    SubnetConfig config_;
    std::map<IpAddress, std::string> used_;
    std::set<IpAddress> quarantine_; // used by nobody
    std::map<std::string, IpAddress> kept_;
    std::map<IpAddress, std::string> keepers_; // kept_, the other way round
    bool changed_ = false;
    std::optional<IpAddress> last_;
};

} // namespace davit::net

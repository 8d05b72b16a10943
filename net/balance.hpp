// Spreading connections over several targets in the kernel: how a key (an address, or a protocol and port) stands
// in an nftables table. A key with several targets has a chain with a counter of its own, so that its turns are its
// own; the targets stand in maps by key and number, so that exchanging one is a change of elements. Pure.
#pragma once

#include "net/address.hpp"
#include "net/nft.hpp"
#include "net/state.hpp"

#include <bitset>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace davit::net {

// What is looked at: the destination's address, or protocol and port (of a packet to this machine).
enum class BalanceKind : std::uint8_t { address4, address6, port4, port6 };

struct Balanced {
    BalanceKind kind{};
    std::string key;
    std::vector<std::string> targets; // an address; of ports with its port
    bool operator==(const Balanced&) const = default;
};
// By chain. What has no targets is in no Balance.
using Balance = std::map<std::string, Balanced>;

// The kernel walks all elements of a map for each rule that uses it, and all these rules for each element: few keys
// share one. Successive addresses and ports have each their own.
constexpr std::size_t target_maps = 64;
struct MapsInUse {
    std::bitset<target_maps> of[4]; // by BalanceKind
    void note_address(const IpAddress& address, std::size_t targets);
    void note_port(bool v6, std::uint16_t port, std::size_t targets);
};

void add_address(Balance& to, const IpAddress& address, const std::vector<IpAddress>& targets);
struct TargetPort {
    IpAddress address;
    std::uint16_t port = 0;
};
// Of one family.
void add_port(Balance& to, Proto proto, std::uint16_t port, const std::vector<TargetPort>& targets);

// The sets that a table has for a kind, whatever is in it: key → chain, and key → first target.
const nft::SetSpec& ways_of(BalanceKind kind);
const nft::SetSpec& firsts_of(BalanceKind kind);
// Every virtual address, with targets or without: what still goes to one after the nat chains is refused.
const nft::SetSpec& addresses_of(bool v6);

// Into tables (inet) that have these sets.
// The balances may leave out what is the same in both; the maps are those of all.
struct Balances {
    Balance balance;
    MapsInUse maps;
};
void change_balance(nft::Transaction& t, const std::string& table, const Balances& before, const Balances& after);
// Rules of a nat chain: on to the chain of the packet's key, else to its only target. A packet that has drawn a number
// just before the targets became fewer comes back from the chain; the first target takes it too.
void add_way(nft::Transaction& t, const std::string& table, const std::string& chain, BalanceKind kind);
// Both kinds of addresses, and in the output chain (local) what refusing takes there.
void add_address_ways(nft::Transaction& t, const std::string& table, const std::string& chain, bool local);

// A chain that refuses what comes to it: TCP with a reset, all else as a port that nobody has.
inline constexpr const char* refuse_chain = "refuse";
void add_refuse_chain(nft::Transaction& t, const std::string& table);
// Rules of filter chains.
void refuse_addresses(nft::Transaction& t, const std::string& table, const std::string& chain);
void refuse_redirected(nft::Transaction& t, const std::string& table, const std::string& input_chain);

} // namespace davit::net

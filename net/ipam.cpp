#include "net/ipam.hpp"

#include "base/error.hpp"
#include "base/hash.hpp"

#include <algorithm>
#include <set>

namespace davit::net {

namespace {

std::uint64_t hash64(std::string_view text) { return std::stoull(sha256_hex(text).substr(0, 16), nullptr, 16); }

const Taken* first_overlap(const Subnet& s, const std::vector<Taken>& taken) {
    for (const Taken& t : taken)
        if (t.subnet.overlaps(s)) return &t;
    return nullptr;
}

std::uint64_t blocks_in(const Pool& p) { return std::uint64_t{1} << std::min(p.size - p.base.prefix(), 62); }

Subnet block(const Pool& p, std::uint64_t n) {
    return Subnet(p.base.base().plus(n << (p.base.base().bits() - p.size)), p.size);
}

void check_pool(const Pool& p) {
    if (p.base.is_v6() || p.size < p.base.prefix() || p.size > 30)
        throw error(Errc::usage, "address pool {} cannot be cut into networks of size /{}", p.base.to_string(), p.size);
}

std::optional<Subnet> first_free_block(const std::vector<Pool>& pools, std::uint64_t start,
                                       const std::vector<Taken>& taken) {
    std::uint64_t total = 0;
    for (const Pool& p : pools) total += blocks_in(p);
    for (std::uint64_t i = 0; i < total; ++i) {
        std::uint64_t n = (start % total + i) % total;
        std::size_t p = 0;
        while (n >= blocks_in(pools[p])) n -= blocks_in(pools[p++]);
        if (const Subnet candidate = block(pools[p], n); !first_overlap(candidate, taken)) return candidate;
    }
    return std::nullopt;
}

} // namespace

std::vector<Pool> default_pools() {
    std::vector<Pool> pools;
    // 172.16 is left to those who configure the first block of RFC 1918 by hand
    std::vector<Subnet> blocks;
    for (int second = 17; second <= 31; ++second) blocks.push_back(Subnet::parse(fmt::format("172.{}.0.0/16", second)));
    for (const Subnet& b : blocks) pools.push_back({b, 20, 0});
    blocks.push_back(Subnet::parse("192.168.0.0/16")); // what most home and office networks use: not before the others
    pools.push_back({blocks.back(), 20, 1});
    for (const Subnet& b : blocks) pools.push_back({b, 24, 2});
    return pools;
}

Subnet choose_subnet(const std::vector<Pool>& pools, std::string_view key, const std::vector<Taken>& taken,
                     const std::optional<Subnet>& prefer) {
    if (prefer && !first_overlap(*prefer, taken)) return *prefer;
    std::map<int, std::vector<Pool>> ranks;
    for (const Pool& p : pools) {
        check_pool(p);
        ranks[p.rank].push_back(p);
    }
    if (ranks.empty()) throw error(Errc::usage, "no address pools are configured");
    for (const auto& [rank, members] : ranks)
        if (const auto found = first_free_block(members, hash64(key), taken)) return *found;
    std::uint64_t total = 0;
    for (const Pool& p : ranks.rbegin()->second) total += blocks_in(p);
    throw error(Errc::conflict, "all {} subnets of the address pools are taken (the last one by {})", total,
                taken.back().holder)
        .with_hint(
            "remove networks that are not used any more, or give the network a subnet of its own in ipam.config");
}

Subnet choose_ula(std::string_view machine_id, std::string_view key, const std::vector<Taken>& taken,
                  const std::optional<Subnet>& prefer) {
    if (prefer && !first_overlap(*prefer, taken)) return *prefer;
    const std::uint64_t machine = hash64(machine_id) >> 24;
    const std::uint64_t start = hash64(key) & 0xffff;
    for (std::uint64_t i = 0; i < 0x10000; ++i) {
        const std::uint64_t upper = (std::uint64_t{0xfd} << 56) | (machine << 16) | ((start + i) & 0xffff);
        std::uint8_t bytes[16]{};
        for (unsigned b = 0; b < 8; ++b) bytes[b] = static_cast<std::uint8_t>(upper >> (56 - 8 * b));
        const Subnet candidate(IpAddress::v6_bytes(bytes), 64);
        if (!first_overlap(candidate, taken)) return candidate;
    }
    throw error(Errc::conflict, "all IPv6 subnets of this machine's own prefix are taken")
        .with_hint("give the network an IPv6 subnet of its own in ipam.config");
}

void require_free(const Subnet& wanted, const std::vector<Taken>& taken) {
    std::set<std::string> holders;
    for (const Taken& t : taken)
        if (t.subnet.overlaps(wanted)) holders.insert(fmt::format("{} ({})", t.subnet.to_string(), t.holder));
    if (holders.empty()) return;
    std::string list;
    for (const std::string& h : holders) list += (list.empty() ? "" : ", ") + h;
    throw error(Errc::conflict, "subnet {} overlaps {}", wanted.to_string(), list)
        .with_hint("choose another subnet in ipam.config, or leave it out to get a free one");
}

// --- one subnet ---------------------------------------------------------------------------------------

void validate(const SubnetConfig& c) {
    const auto inside = [&](const IpAddress& a) { return c.subnet.contains(a); };
    if (c.ip_range && !c.subnet.contains(*c.ip_range))
        throw error(Errc::invalid_project, "ip_range {} is not inside subnet {}", c.ip_range->to_string(),
                    c.subnet.to_string());
    if (c.gateway && !inside(*c.gateway))
        throw error(Errc::invalid_project, "gateway {} is not inside subnet {}", c.gateway->to_string(),
                    c.subnet.to_string());
    std::map<IpAddress, std::string> seen;
    if (c.gateway) seen.emplace(*c.gateway, "the gateway");
    for (const auto& [name, address] : c.aux_addresses) {
        if (!inside(address))
            throw error(Errc::invalid_project, "auxiliary address {} ({}) is not inside subnet {}", address.to_string(),
                        name, c.subnet.to_string());
        if (const auto [it, fresh] = seen.emplace(address, name); !fresh)
            throw error(Errc::invalid_project, "address {} is given to both {} and {}", address.to_string(), it->second,
                        name);
    }
}

namespace {

// The network's own address and broadcast are never given out, but for /31, /32 and IPv6's last ones.
bool is_reserved(const Subnet& s, const IpAddress& a) {
    if (s.prefix() >= s.base().bits() - 1) return false;
    return a == s.base() || (!s.is_v6() && a == s.last());
}

} // namespace

std::optional<IpAddress> gateway_of(const SubnetConfig& c) {
    if (c.gateway) return c.gateway;
    if (!c.wants_gateway) return std::nullopt;
    IpAddress a = c.ip_range ? c.ip_range->base() : c.subnet.base();
    const auto is_aux = [&] {
        return std::any_of(c.aux_addresses.begin(), c.aux_addresses.end(),
                           [&](const auto& aux) { return aux.second == a; });
    };
    while (is_reserved(c.subnet, a) || is_aux()) a = a.plus(1);
    return c.subnet.contains(a) ? std::optional(a) : std::nullopt;
}

AddressPool::AddressPool(SubnetConfig config) : config_(std::move(config)) { validate(config_); }

bool AddressPool::valid(const IpAddress& a) const {
    if (!contains(a) || is_reserved(config_.subnet, a) || a == gateway()) return false;
    return std::none_of(config_.aux_addresses.begin(), config_.aux_addresses.end(),
                        [&](const auto& aux) { return aux.second == a; });
}

void AddressPool::reserve(const IpAddress& address, const std::string& owner) {
    if (!contains(address) || is_reserved(config_.subnet, address))
        throw error(Errc::invalid_project, "no configured subnet contains IP address {}", address.to_string())
            .with_hint(fmt::format("the network's subnet is {}", config_.subnet.to_string()));
    const auto holder = used_.find(address);
    if (holder != used_.end() && holder->second == owner) return;
    if (holder != used_.end())
        throw error(Errc::conflict, "Address already in use: {} belongs to {}", address.to_string(), holder->second);
    if (quarantine_.contains(address))
        throw error(Errc::conflict, "Address already in use: connections to the container that had {} are under way",
                    address.to_string());
    if (address == gateway())
        throw error(Errc::conflict, "Address already in use: {} is the gateway of the network", address.to_string());
    for (const auto& [name, aux] : config_.aux_addresses)
        if (aux == address)
            throw error(Errc::conflict, "Address already in use: {} is the network's auxiliary address '{}'",
                        address.to_string(), name);
    used_.emplace(address, owner);
}

// avoid: what others keep, together with keepers_; without it only what is used is passed over.
std::optional<IpAddress> AddressPool::next_free(const std::set<IpAddress>* avoid) const {
    const Subnet& range = config_.ip_range ? *config_.ip_range : config_.subnet;
    const IpAddress first = range.base(), final = range.last();
    IpAddress a = last_ && range.contains(*last_) ? *last_ : final;
    // Each step passes a used, kept or reserved address; there are at most this many of them.
    const std::size_t limit = used_.size() + quarantine_.size() + config_.aux_addresses.size() + 4 +
                              (avoid ? avoid->size() + keepers_.size() : 0);
    for (std::size_t i = 0; i < limit; ++i) {
        a = a == final ? first : a.plus(1);
        if (!valid(a) || used_.contains(a) || quarantine_.contains(a) ||
            (avoid && (keepers_.contains(a) || avoid->contains(a))))
            continue;
        return a;
    }
    return std::nullopt;
}

std::optional<IpAddress> AddressPool::reuse(const std::string& owner, const std::string& holder) {
    const Subnet& range = config_.ip_range ? *config_.ip_range : config_.subnet;
    const auto own = kept_.find(holder);
    if (own == kept_.end() || !range.contains(own->second) || used_.contains(own->second) ||
        quarantine_.contains(own->second))
        return std::nullopt;
    used_.emplace(own->second, owner);
    return own->second;
}

IpAddress AddressPool::allocate(const std::string& owner, const std::string& holder, const std::set<IpAddress>& avoid) {
    std::optional<IpAddress> a = next_free(&avoid);
    if (!a) a = next_free(nullptr);
    if (!a)
        throw error(Errc::conflict, "no free address is left in {} ({} are used)",
                    (config_.ip_range ? *config_.ip_range : config_.subnet).to_string(), used_.size())
            .with_hint("use a larger subnet or ip_range");
    last_ = a;
    used_.emplace(*a, owner);
    keep(*a, holder);
    return *a;
}

void AddressPool::release(const IpAddress& address) { used_.erase(address); }

void AddressPool::release_owner(const std::string& owner) {
    std::erase_if(used_, [&](const auto& entry) { return entry.second == owner; });
}

void AddressPool::quarantine(const IpAddress& address) {
    used_.erase(address);
    if (valid(address)) quarantine_.insert(address);
}

void AddressPool::keep(const IpAddress& address, const std::string& holder) {
    if (holder.empty() || !valid(address)) return;
    if (const auto own = kept_.find(holder); own != kept_.end() && own->second == address) return;
    if (const auto keeper = keepers_.find(address); keeper != keepers_.end()) forget(std::string(keeper->second));
    forget(holder);
    kept_[holder] = address;
    keepers_[address] = holder;
    changed_ = true;
}

void AddressPool::forget(const std::string& holder) {
    const auto it = kept_.find(holder);
    if (it == kept_.end()) return;
    keepers_.erase(it->second);
    kept_.erase(it);
    changed_ = true;
}

} // namespace davit::net

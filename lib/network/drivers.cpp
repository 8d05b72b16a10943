#include "network/drivers.hpp"

#include "base/error.hpp"
#include "base/network_drivers.hpp"

#include <algorithm>
#include <linux/if_link.h>
#include <optional>
#include <string_view>

namespace davit {

namespace {

struct Named {
    std::string_view name;
    std::uint16_t value;
};
constexpr Named macvlan_modes[] = {{"bridge", MACVLAN_MODE_BRIDGE},
                                   {"private", MACVLAN_MODE_PRIVATE},
                                   {"vepa", MACVLAN_MODE_VEPA},
                                   {"passthru", MACVLAN_MODE_PASSTHRU}};
constexpr Named ipvlan_modes[] = {{"l2", IPVLAN_MODE_L2}, {"l3", IPVLAN_MODE_L3}, {"l3s", IPVLAN_MODE_L3S}};
constexpr Named ipvlan_flags[] = {{"bridge", 0}, {"private", IPVLAN_F_PRIVATE}, {"vepa", IPVLAN_F_VEPA}};

// The value of a driver option; absent: the first of the table.
template <std::size_t N>
std::uint16_t option(const NetworkRecord& record, const std::string& key, const char* what, const Named (&table)[N]) {
    const auto given = record.driver_opts.find(key);
    if (given == record.driver_opts.end() || given->second.empty()) return table[0].value;
    const auto found = std::find_if(table, table + N, [&](const Named& n) { return n.name == given->second; });
    if (found == table + N)
        throw error(Errc::invalid_project, "requested {} '{}' is not valid, '{}' {}is the {} driver default", what,
                    given->second, table[0].name, key.ends_with("_mode") ? "mode " : "", record.driver);
    return found->value;
}

std::string parent_option(const NetworkRecord& record) {
    const auto found = record.driver_opts.find("parent");
    return found == record.driver_opts.end() ? std::string() : found->second;
}

} // namespace

bool is_shared_driver(const std::string& driver) { return driver == "macvlan" || driver == "ipvlan"; }

bool has_driver(const std::string& driver) {
    return driver.empty() || std::ranges::find(network_drivers, driver) != std::end(network_drivers);
}

SharedNetwork shared_network(const NetworkRecord& record) {
    SharedNetwork out;
    if (record.driver == "macvlan") {
        out.link.kind = net::LinkKind::macvlan;
        out.link.mode = option(record, "macvlan_mode", "macvlan mode", macvlan_modes);
        out.exclusive = out.link.mode == MACVLAN_MODE_PASSTHRU;
    } else if (record.driver == "ipvlan") {
        out.link.kind = net::LinkKind::ipvlan;
        out.link.mode = option(record, "ipvlan_mode", "ipvlan mode", ipvlan_modes);
        out.link.flags = option(record, "ipvlan_flag", "ipvlan flag", ipvlan_flags);
        out.routed = out.link.mode != IPVLAN_MODE_L2;
    } else return out;
    out.parent = parent_option(record);
    if (out.parent == "lo")
        throw error(Errc::invalid_project, "loopback interface is not a valid {} parent link", record.driver);
    return out;
}

std::string parent_of(const NetworkRecord& record) {
    const std::string named = parent_option(record);
    return named.empty() ? record.bridge : named;
}

bool is_own_of(const std::vector<NetworkRecord>& networks, const std::string& link) {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const NetworkRecord& n) { return is_shared_driver(n.driver) && n.bridge == link; });
}

std::string own_parent(const NetworkRecord& record, const std::vector<NetworkRecord>& others, bool is_there) {
    const std::string parent = parent_of(record);
    return !is_there || is_own_of(others, parent) ? parent : std::string();
}

void check_parent_use(const NetworkRecord& record, const std::vector<NetworkRecord>& others) {
    const SharedNetwork mine = shared_network(record);
    if (!mine.link.is_shared() || mine.parent.empty()) return;
    for (const auto& other : others) {
        if (other.driver != record.driver || other.name == record.name || parent_of(other) != mine.parent) continue;
        if (record.driver == "ipvlan")
            throw error(Errc::conflict, "network {} is already using parent interface {}", other.name, mine.parent);
        if (mine.exclusive)
            throw error(Errc::conflict,
                        "cannot use mode passthru, macvlan network {} is already using parent interface {}", other.name,
                        mine.parent);
        if (shared_network(other).exclusive)
            throw error(Errc::conflict, "macvlan network {} is already using parent interface {} in mode passthru",
                        other.name, mine.parent);
    }
}

} // namespace davit

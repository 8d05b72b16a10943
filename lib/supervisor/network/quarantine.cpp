// Networks: addresses that services led to and nobody has any more. Connections outlive what they were made to: in the
// connection tracking of each client, on this project's side and on others', an entry leads there until it is ended.
// Until then nobody is given such an address.
#include "base/log.hpp"
#include "supervisor/network/networks.hpp"

#include <algorithm>

namespace davit::supervisor {

void Networks::quarantine(const ByNetwork& addresses) {
    std::set<std::string> names;
    std::set<net::IpAddress> gone;
    for (const auto& [name, list] : addresses) {
        const auto network = networks_.find(name);
        if (network == networks_.end()) continue; // it went with all that was on it
        for (const auto& address : list)
            if (net::AddressPool* pool = network->second->pool(address.is_v6())) pool->quarantine(address);
        names.insert(name);
        changed_.insert(name);
        gone.insert(list.begin(), list.end());
    }
    if (names.empty()) return;
    services_.forget(names, gone, [this, addresses](const Error*) { end_quarantine(addresses); });
}

void Networks::end_quarantine(const ByNetwork& addresses) {
    for (const auto& [name, list] : addresses) {
        const auto network = networks_.find(name);
        if (network == networks_.end()) continue;
        for (const auto& address : list)
            if (net::AddressPool* pool = network->second->pool(address.is_v6())) pool->end_quarantine(address);
        changed_.insert(name);
    }
    leave_unused();
    post_process(); // writes it down, and whoever waits for an address may have one
}

// What an earlier supervisor was about to forget: the places of the project whose last address nobody uses.
void Networks::quarantine_unknown() {
    ByNetwork unused;
    for (const auto& [name, network] : networks_)
        for (const bool v6 : {false, true}) {
            net::AddressPool* pool = network->pool(v6);
            if (!pool) continue;
            for (const auto& [holder, address] : pool->kept())
                if (!pool->used().contains(address)) unused[name].insert(address);
        }
    if (!unused.empty()) quarantine(unused);
}

bool Networks::frees_soon(const std::string& network) const {
    if (any_quarantined(network)) return true;
    const auto others = supervisor::read_foreign(store_.roots(), network, project_);
    return std::any_of(others.begin(), others.end(), [](const auto& other) { return !other.second.leaving.empty(); });
}

bool Networks::any_quarantined(const std::string& network) const {
    const auto found = networks_.find(network);
    if (found == networks_.end()) return false;
    const auto any = [&](bool v6) {
        const net::AddressPool* pool = found->second->pool(v6);
        return pool && !pool->quarantined().empty();
    };
    return any(false) || any(true);
}

bool Networks::any_quarantined() const {
    return std::any_of(networks_.begin(), networks_.end(), [&](const auto& n) { return any_quarantined(n.first); });
}

} // namespace davit::supervisor

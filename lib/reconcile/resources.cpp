#include "reconcile/reconciler.hpp"

#include "base/error.hpp"
#include "net/ipam.hpp"
#include "reconcile/labels.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit {

bool attached(const ContainerRecord& record, const std::string& network) {
    for (const auto& endpoint : record.endpoints)
        if (endpoint.network == network) return true;
    return false;
}

namespace {

bool mounts(const ContainerRecord& record, const std::string& volume) {
    for (const auto& mount : record.mounts)
        if (mount.type == "volume" && mount.name == volume) return true;
    return false;
}

} // namespace

bool Reconciler::to_be_made(const Network& network) const {
    if (network.external) return false;
    auto found = observed_.networks.find(network.name);
    return found == observed_.networks.end() || (found->second.project == project_.name &&
                                                 found->second.config_hash != wanted_.network_hashes.at(network.key));
}

// Subnets that exclude each other are refused before anything is made. What else has an address in
// them (routes, interfaces) is known only when the network is made.
void Reconciler::check_subnets() const {
    std::set<std::string> remade;
    for (const auto& [unused, network] : project_.networks)
        if (to_be_made(network)) remade.insert(network.name);
    std::vector<net::Taken> taken;
    for (const auto& [name, record] : observed_.networks)
        for (const auto* text : {&record.subnet4, &record.subnet6})
            if (auto subnet = net::Subnet::try_parse(*text); subnet && !remade.count(name))
                taken.push_back({*subnet, "network " + name});
    for (const auto& [key, network] : project_.networks) {
        if (!remade.count(network.name)) continue;
        for (const auto& pool : network.ipam.config) {
            const auto subnet = net::Subnet::try_parse(pool.subnet);
            if (!subnet) continue; // none, or refused with its reason when the network is made
            try {
                in_context(fmt::format("network {}", network.name), [&] { net::require_free(*subnet, taken); });
            } catch (Error& e) {
                throw put_at(e, "networks." + key, network.origin.pos);
            }
            taken.push_back({*subnet, "network " + network.name});
        }
    }
}

void Reconciler::networks() {
    check_subnets();
    // Those with a subnet of their own come first, so that none of the others is given it.
    for (const bool own_subnet : {true, false})
        for (const auto& [key, network] : project_.networks) {
            const auto& pools = network.ipam.config;
            const bool own =
                std::any_of(pools.begin(), pools.end(), [](const auto& pool) { return !pool.subnet.empty(); });
            if (own == own_subnet) this->network(key, network);
        }
}

void Reconciler::network(const std::string& key, const Network& network) {
    auto found = observed_.networks.find(network.name);
    if (network.external) {
        const bool builtin = network.name == "host" || network.name == "none";
        if (found == observed_.networks.end() && !builtin)
            throw put_at(error(Errc::not_found, "network {} declared as external, but could not be found", network.name)
                             .with_hint(fmt::format(
                                 "bring up the project that makes it: one whose network has  name: {}", network.name)),
                         "networks." + key, network.origin.pos);
        return;
    }
    if (found != observed_.networks.end()) {
        existing_network(network, found->second);
        return;
    }
    Operation& op = plan_.add(OpKind::create_network, "network:" + key, "not found");
    op.network = network.name;
    network_ops_[key] = op.id;
    out_.networks.push_back(key);
}

void Reconciler::existing_network(const Network& network, const NetworkRecord& record) {
    if (record.project != project_.name) {
        out_.warnings.push_back(fmt::format("a network with name {} exists but was not created for project \"{}\". "
                                            "Set `external: true` to use an existing network",
                                            network.name, project_.name));
        return;
    }
    if (record.config_hash == wanted_.network_hashes.at(network.key)) return;
    if (observed_.networks_in_use.count(network.name)) {
        out_.warnings.push_back(
            fmt::format("network {} needs to be recreated - option has changed, but containers of another "
                        "project use it",
                        network.name));
        return;
    }
    for (const auto& c : observed_.containers) // nobody could start a `run` again
        if (c.record.oneoff && c.active() && attached(c.record, network.name)) {
            out_.warnings.push_back(fmt::format(
                "network {} needs to be recreated - option has changed, but the one-off container {} uses it",
                network.name, c.record.name));
            return;
        }
    replace_network(network, record);
}

// The containers stay what they are: they are stopped, and wired to the new network when they start.
void Reconciler::replace_network(const Network& network, const NetworkRecord& record) {
    const std::string cause = fmt::format("network '{}' changed", network.key);
    std::set<int> stopped;
    for (const auto& c : observed_.containers) {
        if (!attached(c.record, record.name) || !c.active()) continue;
        stopped.insert(plan_.stop(c, cause, {}, options_.timeout));
        restarting_.insert(c.record.id);
    }
    Operation& gone = plan_.add(OpKind::remove_network, "network:" + network.key, "configuration changed", stopped);
    gone.network = network.name;
    const int removed = gone.id;
    Operation& made = plan_.add(OpKind::create_network, "network:" + network.key, "configuration changed", {removed});
    made.network = network.name;
    network_ops_[network.key] = made.id;
    out_.networks.push_back(network.key);
}

void Reconciler::volumes() {
    for (const auto& [key, volume] : project_.volumes) {
        auto found = observed_.volumes.find(volume.name);
        if (volume.external) {
            const bool named = options_.oneoff && options_.oneoff->own_volumes.count(key) != 0;
            if (found == observed_.volumes.end() && !named)
                throw put_at(
                    error(Errc::not_found, "external volume \"{}\" not found", volume.name)
                        .with_hint(fmt::format("bring up the project that makes it: one whose volume has  name: {}",
                                               volume.name)),
                    "volumes." + key, volume.origin.pos);
            if (found != observed_.volumes.end()) continue;
        } else if (found != observed_.volumes.end()) {
            existing_volume(volume, found->second);
            continue;
        }
        Operation& op = plan_.add(OpKind::create_volume, "volume:" + key, "not found");
        op.volume = volume.name;
        volume_ops_[key] = op.id;
        out_.volumes.push_back(key);
    }
}

void Reconciler::existing_volume(const Volume& volume, const VolumeRecord& record) {
    if (record.project != project_.name) {
        out_.warnings.push_back(fmt::format(
            "volume \"{}\" already exists but was {}. Use `external: true` to use an existing volume", volume.name,
            record.project.empty()
                ? std::string("not created by a project")
                : fmt::format("created for project \"{}\" (expected \"{}\")", record.project, project_.name)));
        return;
    }
    if (record.config_hash == wanted_.volume_hashes.at(volume.key)) return;
    if (!options_.recreate_volumes) {
        out_.warnings.push_back(
            fmt::format("volume \"{}\" exists but doesn't match the configuration in the compose file; "
                        "it is kept, since its data would be lost",
                        volume.name));
        return;
    }
    const std::string cause = fmt::format("volume '{}' changed", volume.key);
    for (const auto& c : observed_.containers)
        if (mounts(c.record, volume.name) && (c.record.oneoff || !project_.services.count(c.record.service))) {
            out_.warnings.push_back(
                fmt::format("volume \"{}\" exists but doesn't match the configuration in the compose file; it is kept, "
                            "since container {} uses it, whose service is not among those brought up",
                            volume.name, c.record.name));
            return;
        }
    std::set<int> gone;
    for (const auto& c : observed_.containers) {
        if (!mounts(c.record, volume.name)) continue;
        if (c.active()) gone.insert(plan_.stop(c, cause, {}, options_.timeout));
        forced_[c.record.id] = cause;
    }
    Operation& removed = plan_.add(OpKind::remove_volume, "volume:" + volume.key, "configuration changed", gone);
    removed.volume = volume.name;
    const int after = removed.id;
    Operation& made = plan_.add(OpKind::create_volume, "volume:" + volume.key, "configuration changed", {after});
    made.volume = volume.name;
    volume_ops_[volume.key] = made.id;
    out_.volumes.push_back(volume.key);
}

int Reconciler::image(const std::string& service) {
    const std::string& reference = wanted_.images.at(service);
    if (observed_.images.count(reference)) return 0;
    auto [it, fresh] = image_ops_.emplace(reference, 0);
    if (!fresh) return it->second;
    const bool build = project_.find(service)->build.has_value() && project_.find(service)->image.empty();
    Operation& op = plan_.add(build ? OpKind::build_image : OpKind::pull_image, "image:" + reference, "not present");
    op.image = reference;
    return it->second = op.id;
}

} // namespace davit

#include "reconcile/machine.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "reconcile/plan_builder.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace davit {

namespace {

// Nobody's: whichever supervisor needs it first makes it.
Network default_bridge() {
    Network network;
    network.key = network.name = machine_bridge;
    network.external = true;
    return network;
}

void join(Project& project, Service& service, const std::string& named, std::optional<ServiceNetwork> wish,
          const ObservedState& observed) {
    if (named == machine_bridge) {
        project.networks.insert_or_assign(machine_bridge, default_bridge());
        service.networks[machine_bridge] = std::move(wish);
        return;
    }
    const NetworkRecord* found = find_network(observed.networks, named);
    if (!found || found->leaving) { // as in docker it may come until the container starts, which fails without it
        Network& missing = project.networks[named];
        missing.key = missing.name = named;
        missing.external = true;
        service.networks[named] = std::move(wish);
        return;
    }
    if (found->driver == "null")
        throw error(Errc::conflict, "failed to set up container networking: cannot create endpoint on "
                                    "configuration-only network");
    if (found->scope == "swarm" && !found->attachable)
        throw error(Errc::denied,
                    "Could not attach to network {0}: rpc error: code = PermissionDenied desc = network {0} not "
                    "manually attachable",
                    named);
    Network& network = project.networks[found->name];
    network.key = network.name = found->name;
    network.external = true;
    service.networks[found->name] = std::move(wish);
}

// host, none and container:NAME are modes; all else names networks.
void networks(Project& project, Service& service, const ObservedState& observed) {
    std::string mode = std::exchange(service.network_mode, {});
    auto wishes = std::exchange(service.networks, {});
    if (mode == "host" || mode == "none" || SharedWith::parse(mode).is_container()) {
        if (!wishes.empty())
            throw error(Errc::conflict,
                        "conflicting options: cannot attach both user-defined and non-user-defined network-modes");
        service.network_mode = std::move(mode);
        return;
    }
    if (mode == "default") mode = machine_bridge;
    if (mode.empty() && wishes.empty()) mode = machine_bridge;
    if (!mode.empty()) wishes.try_emplace(mode);
    for (auto& [named, wish] : wishes) join(project, service, named, std::move(wish), observed);
}

// With -P each port that image or command line exposes gets one of the machine's, unless it has one.
void publish_exposed(Service& service, const image::Config& image) {
    std::vector<std::string> exposed = image.exposed_ports;
    exposed.insert(exposed.end(), service.expose.begin(), service.expose.end());
    for (const std::string& text : exposed) {
        const auto slash = text.find('/');
        const std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
        const std::string numbers = text.substr(0, slash);
        const auto dash = numbers.find('-');
        const unsigned long first = std::strtoul(numbers.c_str(), nullptr, 10),
                            last = dash == std::string::npos ? first
                                                             : std::strtoul(numbers.c_str() + dash + 1, nullptr, 10);
        for (unsigned long port = first; port != 0 && port <= last && port <= 65535; ++port) {
            const auto is_it = [&](const Port& p) {
                return p.target == port && (p.protocol.empty() ? "tcp" : p.protocol) == protocol;
            };
            if (std::any_of(service.ports.begin(), service.ports.end(), is_it)) continue;
            Port& added = service.ports.emplace_back();
            added.target = static_cast<std::uint32_t>(port);
            added.protocol = protocol;
        }
    }
}

} // namespace

const NetworkRecord* find_network(const std::map<std::string, NetworkRecord>& networks, const std::string& name_or_id) {
    if (const auto named = networks.find(name_or_id); named != networks.end()) return &named->second;
    const NetworkRecord* found = nullptr;
    for (const auto& [name, network] : networks) {
        if (name_or_id.empty() || !network.id.starts_with(name_or_id)) continue;
        if (found) throw error(Errc::conflict, "several networks have ids that begin with {}", name_or_id);
        found = &network;
    }
    return found;
}

Project machine_project_of(const ContainerSpec& spec, const std::string& name, const ObservedState& observed,
                           const image::Config& image) {
    Project project;
    project.name = machine_project;
    Service service = spec.service;
    service.name = name;
    // Compose's links name services.
    service.external_links.insert(service.external_links.end(), service.links.begin(), service.links.end());
    service.links.clear();
    if (spec.no_healthcheck) service.healthcheck.emplace().disable = true;
    networks(project, service, observed);
    if (spec.publish_all) publish_exposed(service, image);
    for (std::string& from : service.volumes_from)
        if (!VolumesFrom::parse(from).of.is_container()) from.insert(0, SharedWith::container_prefix);
    for (const Mount& mount : service.volumes) {
        if (mount.type != MountType::volume || mount.source.empty()) continue;
        auto [volume, fresh] = project.volumes.try_emplace(mount.source);
        if (!fresh) continue;
        if (auto how = spec.volumes.find(mount.source); how != spec.volumes.end()) volume->second = how->second;
        volume->second.key = volume->second.name = mount.source;
        volume->second.external = observed.volumes.contains(mount.source);
    }
    project.services.emplace(name, std::move(service));
    return project;
}

Reconciled plan_container(const Project& project, const ContainerSpec& spec, const MachineContainer& container) {
    Reconciled out;
    PlanBuilder plan(project.name);
    std::set<int> before;
    const std::string cause = container.start ? "run" : "create", resource = "container:" + container.name;
    for (const auto& [key, volume] : project.volumes) {
        if (volume.external) continue;
        Operation& op = plan.add(OpKind::create_volume, "volume:" + key, "not found");
        op.volume = volume.name;
        before.insert(op.id);
        out.volumes.push_back(key);
    }
    auto add = [&](OpKind kind, std::set<int> after) -> Operation& {
        Operation& op = plan.add(kind, resource, cause, std::move(after));
        op.container_id = container.id;
        op.container_name = container.name;
        return op;
    };
    before.insert(add(OpKind::stage_container, {}).id);
    const int created = add(OpKind::create_container, before).id;
    if (container.start) add(OpKind::start_container, {created}).hold_for_attach = spec.hold_for_attach;
    NewContainer& made = out.containers.emplace_back();
    made.id = container.id;
    made.name = made.created_as = made.service = container.name;
    made.auto_remove = spec.auto_remove;
    made.stdin_once = spec.stdin_once;
    made.asked = spec.asked;
    made.cpuset_mems = spec.cpuset_mems;
    out.plan = plan.take();
    out.plan.beside = true;
    return out;
}

} // namespace davit

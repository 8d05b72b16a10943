// Swarm: the networks of stacks. On one machine they are bridges, made and removed by their project's supervisor.
#include "engine/swarm/swarm_impl.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "davit/networks.hpp"
#include "engine/swarm/template_steps.hpp"
#include "reconcile/default_bridge.hpp"
#include "reconcile/plan_builder.hpp"
#include "supervisor/client/protocol.hpp"

#include <algorithm>

namespace davit {

namespace {

NetworkRecord record_of(const SwarmNetwork& network, const std::string& project) {
    NetworkRecord r;
    r.name = network.name;
    r.project = project;
    r.driver = network.driver.empty() ? "overlay" : network.driver;
    r.scope = r.driver == "overlay" ? "swarm" : "";
    r.id = r.scope.empty() ? sys::random_hex(64) : swarm::new_id();
    r.driver_opts = network.driver_opts;
    r.labels = network.labels;
    r.internal = network.internal;
    r.attachable = network.attachable;
    r.enable_ipv6 = network.enable_ipv6;
    for (const auto& pool : network.pools)
        r.ipam.push_back({pool.subnet, pool.ip_range, pool.gateway, pool.aux_addresses});
    r.created = sys::realtime_ns();
    return r;
}

// On this machine alone: nothing of a swarm.
NetworkSpec plain_spec(const SwarmNetwork& network) {
    NetworkSpec spec;
    spec.name = network.name;
    spec.driver = network.driver;
    spec.driver_opts = network.driver_opts;
    spec.labels = network.labels;
    spec.internal = network.internal;
    spec.attachable = network.attachable;
    spec.enable_ipv6 = network.enable_ipv6;
    for (const auto& from : network.pools) {
        IpamPool& pool = spec.pools.emplace_back();
        pool.subnet = from.subnet;
        pool.ip_range = from.ip_range;
        pool.gateway = from.gateway;
        pool.aux_addresses = from.aux_addresses;
    }
    return spec;
}

// One that goes may stay in the place of one that is asked for.
bool same_network(const NetworkRecord& a, const NetworkRecord& b) {
    return a.project == b.project && a.driver == b.driver && a.driver_opts == b.driver_opts && a.labels == b.labels &&
           a.internal == b.internal && a.attachable == b.attachable && a.enable_ipv6 == b.enable_ipv6 &&
           a.ipam == b.ipam;
}

Error network_name_taken(const std::string& network) {
    return error(Errc::conflict, "network with name {} already exists", network).with_resource("network:" + network);
}

bool on_bridge(const swarm::ServiceSpec& spec) {
    return std::all_of(spec.task.networks.begin(), spec.task.networks.end(),
                       [](const auto& attachment) { return attachment.target == "bridge"; });
}

} // namespace

// Whether it had to be made, or kept from going.
bool Swarm::Impl::make_network(const NetworkRecord& record) {
    constexpr int attempts = 3; // one that is going may be gone by now
    for (int attempt = 1;; ++attempt) {
        const auto there = store.network(record.name);
        if (there && !there->leaving) return false;
        if (!there) break;
        try { // its last tasks are being stopped: it serves the next ones
            start_task_supervisor(store, there->project).keep_network(record.name);
            return true;
        } catch (const Error& e) {
            if (e.kind() != Errc::conflict || attempt == attempts) throw;
        }
    }
    sys::make_dirs(ProjectPaths(store.roots(), record.project).staging(), 0700);
    store.stage(record.project, record);
    PlanBuilder plan(record.project);
    plan.add(OpKind::create_network, "network:" + record.name, "asked for").network = record.name;
    silent.apply(plan.take());
    return true;
}

bool Swarm::Impl::make_network(const SwarmNetwork& network, const std::string& project) {
    return make_network(record_of(network, project));
}

void Swarm::Impl::provide_bridge(const swarm::ServiceSpec& spec, const std::string& project) {
    if (!on_bridge(spec)) return;
    Project wanted;
    wanted.name = project;
    wanted.services[spec.name].network_mode = "bridge";
    add_default_bridge(wanted);
    const Network& bridge = wanted.networks.begin()->second;
    SwarmNetwork network;
    network.name = bridge.name;
    network.driver = "bridge";
    network.driver_opts = bridge.driver_opts;
    make_network(record_of(network, project));
}

void Swarm::Impl::release_bridge(const std::string& project) {
    for (const auto& service : objects.services())
        if (service.project == project && on_bridge(service.spec)) return;
    for (const auto& network : store.networks())
        if (network.project == project && network.driver_opts.contains("com.docker.network.bridge.default_bridge"))
            start_task_supervisor(store, project).leave_network(network.name);
}

bool Swarm::ensure_network(const SwarmNetwork& network, const std::string& project) {
    impl_->ensure_swarm();
    return impl_->make_network(record_of(network, project));
}

std::string Swarm::create_network(const SwarmNetwork& network) {
    if (network.driver != "overlay") return davit::create_network(impl_->engine, plain_spec(network)).id;
    const NetworkRecord record = record_of(network, swarm::services_project);
    const auto there = impl_->store.network(network.name);
    if (there && !there->leaving) throw network_name_taken(network.name);
    if (there && !same_network(*there, record))
        throw error(Errc::conflict, "network {} is going still, and the new one is another", network.name)
            .with_hint("the last tasks on it are being stopped: try again when they have ended");
    impl_->ensure_swarm();
    const bool is_made = impl_->make_network(record);
    const auto made = impl_->store.network(network.name);
    const bool is_kept = there && made && made->id == there->id;
    if (!is_made || (made && made->id != record.id && !is_kept))
        throw network_name_taken(network.name); // by another client
    return made ? made->id : record.id;
}

void Swarm::remove_network(const std::string& name) {
    const auto found = impl_->store.network(name);
    if (!found || found->leaving) throw error(Errc::not_found, "network {} not found", name);
    for (const auto& service : impl_->objects.services())
        for (const auto& attachment : service.spec.task.networks)
            if (attachment.target == found->id || attachment.target == name)
                throw error(Errc::conflict,
                            "rpc error: code = FailedPrecondition desc = network {} is in use by service {}", found->id,
                            service.id);
    if (found->scope != "swarm") return davit::remove_network(impl_->engine, name);
    start_task_supervisor(impl_->store, found->project).leave_network(name);
}

} // namespace davit

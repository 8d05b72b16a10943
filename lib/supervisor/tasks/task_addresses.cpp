// TaskRunner: virtual addresses, names and published ports of services, and which containers take connections.
#include "supervisor/tasks/task_runner.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <utility>

namespace davit::supervisor {

namespace {
std::string owner_of(const std::string& service_id) { return "service/" + service_id; }
}

ServiceEndpoint TaskRunner::endpoint_of(const swarm::Service& service) const {
    ServiceEndpoint out;
    out.name = service.spec.name;
    out.dnsrr = service.spec.endpoint && service.spec.endpoint->mode == "dnsrr";
    const auto records = world_.store.networks();
    for (const auto& attachment : service.spec.task.networks) {
        const auto found = std::find_if(records.begin(), records.end(), [&](const NetworkRecord& r) {
            return r.id == attachment.target || r.name == attachment.target;
        });
        if (found != records.end()) out.networks.push_back({found->name, attachment.aliases});
    }
    // Services without a network share their project's bridge, where nobody has a name.
    if (const std::string bridge = project_ + ".bridge";
        service.spec.task.networks.empty() && world_.store.network(bridge))
        out.networks.push_back({bridge, {}});
    for (const auto& port : service.ports) out.ports.push_back({port.target, port.published, port.protocol, port.mode});
    return out;
}

void TaskRunner::set_addresses(const swarm::Service& service) {
    const std::string id = service.id;
    ServiceEndpoint wish = endpoint_of(service);
    const auto known = endpoints_.find(id);
    if (service.removed_at != 0 || (known != endpoints_.end() && known->second == wish)) return;
    endpoints_[id] = wish;
    if (wish.networks.empty()) return;
    world_.networks.services().set(owner_of(id), std::move(wish),
                                   [this, id](const Error* e, const ServiceGiven* given) {
                                       if (e) return addresses_failed(id, *e);
                                       take_addresses(id, *given);
                                       for (const auto& [task, life] : lives_)
                                           if (life.service_id == id && life.ready) set_ready(task, true);
                                   });
}

void TaskRunner::addresses_failed(const std::string& id, const Error& e) {
    const swarm::Service* service = orchestrator_.service(id);
    if (!service || service->removed_at != 0) return;
    endpoints_.erase(id); // the next change tries again
    log::warning("the addresses of service {}: {}", service->spec.name, e.what());
    emit(EventKind::warning, "service:" + id, service->spec.name, {}, e.what());
}

void TaskRunner::take_addresses(const std::string& id, const ServiceGiven& given) {
    const swarm::Service* known = orchestrator_.service(id);
    if (!known || known->removed_at != 0) return;
    swarm::Service next = *known;
    next.addresses.clear();
    for (const auto& address : given.addresses)
        if (const auto record = world_.store.network(address.network); record && record->scope == "swarm")
            next.addresses.push_back({record->id, address.ipv4.empty() ? address.ipv6 : address.ipv4});
    for (std::size_t i = 0; i < next.ports.size() && i < given.ports.size(); ++i)
        for (const auto& port : given.ports)
            if (next.ports[i].published == 0 && next.ports[i].mode != "host" && port.target == next.ports[i].target &&
                port.protocol == next.ports[i].protocol)
                next.ports[i].published = port.published;
    if (next == *known) return;
    orchestrator_.set(std::move(next), sys::realtime_ns());
    advance_soon();
}

void TaskRunner::remove_addresses(const std::string& id) {
    endpoints_.erase(id);
    world_.networks.services().remove(owner_of(id), [this](const Error* e) {
        if (e) log::warning("giving up the addresses of a service: {}", e->what());
        idle_();
    });
}

void TaskRunner::set_ready(const std::string& task_id, bool ready) {
    const auto life = lives_.find(task_id);
    if (life == lives_.end() || life->second.container_id.empty()) return;
    life->second.ready = ready;
    world_.networks.services().ready(owner_of(life->second.service_id), life->second.container_id, ready);
}

namespace {
// A connection that was begun towards it just before is accepted: then only does it hear that it has to go.
constexpr std::chrono::milliseconds settle{500};
}

// Nobody sends it anything new when the signal comes.
void TaskRunner::drain_and_stop(const std::string& task_id, Container::Done done) {
    Life& life = lives_.at(task_id);
    const bool served = std::exchange(life.ready, false);
    const std::string container_id = life.container_id;
    auto stop = [this, container_id, done] {
        Container* container = containers_.find(container_id);
        if (!container) return done(nullptr);
        container->stop({}, done);
    };
    world_.networks.services().drain(container_id, [this, container_id, served, stop](const Error* e) {
        if (e) log::warning("taking a container from its service's addresses: {}", e->what());
        if (!served) return stop();
        settling_[container_id] = world_.loop.after(settle, [this, container_id, stop] {
            const auto timer = settling_.extract(container_id);
            stop();
        });
    });
}

} // namespace davit::supervisor

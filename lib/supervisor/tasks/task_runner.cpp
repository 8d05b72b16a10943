#include "supervisor/tasks/task_runner.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "swarm/orchestrator/change.hpp"
#include "swarm/task_history.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {

constexpr std::chrono::seconds write_again_after{1};

std::string own_host_name() {
    char name[256] = {};
    ::gethostname(name, sizeof name - 1);
    return name;
}

} // namespace

TaskRunner::TaskRunner(World& world, Containers& containers, std::string project, std::function<void()> idle)
    : world_(world), containers_(containers), project_(std::move(project)), idle_(std::move(idle)),
      store_(world.store.roots()), maker_(world, containers, store_),
      orchestrator_({[this] { return node_facts(); }, [this] { return taken_elsewhere(); }, swarm::new_id,
                     [this] { return swarm::task_history_limit(world_.store.roots()); }}) {}

// ---- the machine as its node

swarm::Node TaskRunner::node() const {
    if (auto found = store_.node()) return std::move(*found);
    swarm::Node none; // it went with the last object; what is left of tasks ends
    none.name = own_host_name();
    return none;
}

swarm::NodeFacts TaskRunner::node_facts() const {
    constexpr std::int64_t nano = 1'000'000'000;
    swarm::NodeFacts facts;
    facts.node = node();
    facts.hostname = own_host_name();
    facts.address = "127.0.0.1";
    facts.boot = sys::boot_id();
    facts.nano_cpus = std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)) * nano;
    facts.memory = static_cast<std::int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
    return facts;
}

swarm::Taken TaskRunner::taken_elsewhere() const {
    swarm::Taken out;
    for (const auto& service : store_.services()) {
        if (service.project == project_) continue;
        for (const auto& task : store_.tasks(service.id)) {
            if (task.node_id.empty() || task.state < swarm::TaskState::assigned ||
                task.state > swarm::TaskState::running)
                continue;
            if (const auto& resources = service.spec.task.resources; resources && resources->reservations) {
                out.nano_cpus += resources->reservations->nano_cpus;
                out.memory += resources->reservations->memory;
            }
            if (!service.spec.endpoint) continue;
            for (const auto& port : service.spec.endpoint->ports)
                if (port.mode == "host" && port.published != 0) out.host_ports.push_back(port);
        }
    }
    return out;
}

// ---- clients

void TaskRunner::set_service(const ServiceChange& change) {
    const std::int64_t now = sys::realtime_ns();
    const swarm::Service* known = orchestrator_.service(change.service.id);
    if (!known) {
        swarm::Service fresh = change.service;
        if (fresh.project != project_) throw error(Errc::failed, "service {} is another project's", fresh.spec.name);
        orchestrator_.set(std::move(fresh), now);
        return advance_soon();
    }
    swarm::Service next = *known;
    if (next.removed_at != 0) throw error(Errc::not_found, "service {} not found", next.spec.name);
    // Asked again by a client whose first supervisor was killed before it answered.
    if (!change.rollback && change.service.template_version == next.template_version &&
        change.service.spec == next.spec && change.seen != next.spec_version)
        return;
    if (change.rollback && swarm::is_rolled_back(next, change.service)) return;
    if (change.seen != next.spec_version) throw error(Errc::conflict, "update out of sequence");
    if (change.rollback) {
        if (!swarm::roll_back(next, now))
            throw error(Errc::failed, "service {} does not have a previous spec", next.spec.name);
    } else {
        swarm::change_spec(next, change.service.spec, change.service.template_version, now);
        if (change.to_revision != 0)
            next.update_status = swarm::UpdateStatus{
                "rollback_started", now, 0, fmt::format("rollback to revision {} requested", change.to_revision)};
    }
    next.ports = change.service.ports;
    orchestrator_.set(std::move(next), now);
    advance(); // it is written when the client goes on: its next update reads it
}

void TaskRunner::remove_service(const std::string& id) {
    const swarm::Service* known = orchestrator_.service(id);
    if (!known || known->removed_at != 0) throw error(Errc::not_found, "service {} not found", id);
    orchestrator_.remove(id, sys::realtime_ns());
    remove_addresses(id); // name and ports are free
    advance();            // it is in no listing any more when the client goes on
}

void TaskRunner::node_changed() {
    orchestrator_.node_changed(sys::realtime_ns());
    advance_soon();
}

// ---- containers

Container* TaskRunner::container_of(const std::string& task_id) const {
    const auto life = lives_.find(task_id);
    return life == lives_.end() || life->second.container_id.empty() ? nullptr
                                                                     : containers_.find(life->second.container_id);
}

void TaskRunner::container_changed(const std::string& container_id) {
    const auto found = of_container_.find(container_id);
    if (found == of_container_.end()) return;
    const std::string id = found->second; // a copy: what follows may forget the task
    Life& life = lives_.at(id);
    if (life.stopping || life.removing || !orchestrator_.task(id)) return;
    const Container* container = containers_.find(container_id);
    if (!container) // removed by hand
        return report(id, {swarm::TaskState::failed, {}, "No such container: " + container_id, 0, {}});
    if (container->running()) {
        if (!container->checked() || life.starting) return;
        const Health health = container->status().health;
        if (health == Health::healthy) {
            set_ready(id, true);
            report(id, {swarm::TaskState::running, {}, {}, 0, {}});
        } else if (health == Health::unhealthy && !life.unhealthy) end_unhealthy(id);
        return;
    }
    // One that never ran says why by the answer to its start.
    if (container->status().state == ContainerState::exited && !container->active() && !life.starting &&
        !life.unhealthy)
        report_end(id, *container);
}

// A machine that goes down waits for what is under way only.
bool TaskRunner::needs_supervisor() const {
    const bool more = !orchestrator_.idle() && !world_.shutting_down;
    return advance_posted_ || more || !unwritten_.empty() ||
           std::any_of(lives_.begin(), lives_.end(), [](const auto& l) {
               return l.second.making || l.second.starting || l.second.stopping || l.second.removing;
           });
}

// ---- the orchestrator's turn

void TaskRunner::report(const std::string& task_id, swarm::Report report) {
    orchestrator_.report(task_id, report, sys::realtime_ns());
    advance_soon();
}

// Once a turn, for all that happened in it.
void TaskRunner::advance_soon() {
    if (std::exchange(advance_posted_, true)) return;
    world_.loop.post([this] {
        advance_posted_ = false;
        advance();
    });
}

void TaskRunner::advance() {
    for (const auto& action : orchestrator_.advance(sys::realtime_ns())) {
        try {
            perform(action);
        } catch (const Error& e) { // one task's failure is no other's
            log::warning("service {}, task {}: {}", action.service_id, action.task_id, e.describe());
        }
    }
    set_timer();
    idle_();
}

void TaskRunner::set_timer() {
    const std::int64_t next = orchestrator_.next_time();
    if (next == 0) return timer_.reset();
    const auto delay = std::chrono::nanoseconds(std::max<std::int64_t>(0, next - sys::realtime_ns()));
    timer_ = world_.loop.after(delay, [this] { advance_soon(); });
}

// A full disk keeps nothing from being done; what it did not take is written when it can be.
void TaskRunner::write_again() {
    if (write_timer_) return;
    write_timer_ = world_.loop.after(write_again_after, [this] {
        write_timer_.reset();
        for (const auto& [service, task] : std::exchange(unwritten_, {}))
            if (task.empty()) save_service(service);
            else save_task(service, task);
    });
}

void TaskRunner::emit(EventKind kind, const std::string& resource, const std::string& service,
                      const std::string& container, const std::string& text) const {
    Event e;
    e.kind = kind;
    e.time_ns = sys::realtime_ns();
    e.project = project_;
    e.resource = resource;
    e.service = service;
    e.container_id = container;
    e.text = text;
    world_.emit(std::move(e));
}

} // namespace davit::supervisor

#include "supervisor/plans/plan_runner.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "supervisor/policy/gate.hpp"

#include <algorithm>

namespace davit::supervisor {

namespace {

// What has been waited for, in the words of progress.
const char* met(WaitCondition condition) {
    switch (condition) {
    case WaitCondition::started: // as docker compose: what has no check is healthy when it runs
    case WaitCondition::healthy: return "Healthy";
    case WaitCondition::completed_successfully:
    case WaitCondition::exited: return "Exited";
    }
    return "";
}

// What is said of a dependency that nobody needs ("service:db").
std::string optional_unmet(const Operation& op, const std::string& why) {
    const std::string name = op.resource.substr(op.resource.find(':') + 1);
    if (op.condition == WaitCondition::healthy)
        return fmt::format("optional dependency \"{}\" failed to start: {}", name, why);
    constexpr std::string_view service = "service ";
    if (why.starts_with(service)) return "optional dependency " + why.substr(service.size());
    return fmt::format("optional dependency \"{}\" is not running or is unhealthy: {}", name, why);
}

// "service:db": dependents wait for it, and nobody else.
bool is_dependency(const Operation& op) {
    return op.kind == OpKind::wait_container && op.condition == WaitCondition::healthy &&
           op.resource.starts_with("service:") && op.resource.find(':') == op.resource.rfind(':');
}

bool starts_containers(const Plan& plan) {
    return std::any_of(plan.operations.begin(), plan.operations.end(),
                       [](const Operation& op) { return op.kind == OpKind::start_container; });
}

Error failed_dependency(const Error& why) {
    Error out = error(why.kind(), "dependency failed to start: {}", why.what());
    return out.with_at(why.at()).with_hint(why.hint());
}

} // namespace

PlanRunner::PlanRunner(World& world, Containers& containers, Journal& journal, std::string token, Plan plan,
                       std::set<int> done_before, Finished finished)
    : world_(world), containers_(containers), journal_(journal), token_(std::move(token)), executor_(std::move(plan)),
      done_before_(std::move(done_before)), finished_(std::move(finished)) {}

void PlanRunner::begin() {
    step();
    // While the helper writes the rules of a new network, which step() has just asked for.
    if (!over_ && starts_containers(executor_.plan())) world_.loop.post([&world = world_] { world.ready_shims(); });
}

Event PlanRunner::event_of(EventKind kind, const Operation& op) const {
    Event e;
    e.kind = kind;
    e.time_ns = sys::realtime_ns();
    e.operation = op.id;
    e.op = op.kind;
    e.resource = op.resource;
    // Whoever watches knows networks and volumes by their names on the machine.
    if (!op.network.empty()) e.resource = "network:" + op.network;
    if (!op.volume.empty()) e.resource = "volume:" + op.volume;
    e.project = executor_.plan().project;
    e.container_id = op.container_id;
    e.container_name = op.container_name;
    if (Container* c = containers_.find(op.container_id)) e.service = c->record().service;
    return e;
}

void PlanRunner::step() {
    if (std::exchange(stepping_, true)) return; // an operation ended inside run(): the loop below sees it
    auto keep = shared_from_this();
    for (auto ready = executor_.take_ready(); !ready.empty(); ready = executor_.take_ready())
        for (int id : ready) {
            const Operation& op = executor_.operation(id);
            if (done_before_.contains(id)) {
                executor_.done(id);
                continue;
            }
            world_.emit(event_of(EventKind::operation_started, op));
            try {
                run(op);
            } catch (const Error& e) {
                ended(id, &e);
            }
        }
    stepping_ = false;
    for (int id : executor_.take_skipped()) {
        world_.emit(event_of(EventKind::operation_skipped, executor_.operation(id)));
        drop_unstarted(executor_.operation(id));
        end_task_of(executor_.operation(id));
    }
    if (!executor_.finished() || std::exchange(over_, true)) return;
    journal_.end();
    finished_(executor_.failure());
}

void PlanRunner::ended(int id, const Error* error) {
    if (over_ || executor_.state(id) != PlanExecutor::State::running) return;
    gates_.erase(id);
    const Operation& op = executor_.operation(id);
    bool unmet = false; // and nobody minds
    if (error && op.kind == OpKind::wait_container && !op.required) {
        Event e = event_of(EventKind::warning, op);
        e.text = optional_unmet(op, error->what());
        world_.emit(std::move(e));
        error = nullptr;
        unmet = true;
    }
    if (error) {
        Event e = event_of(EventKind::operation_failed, op);
        e.text = error->what();
        world_.emit(std::move(e));
        executor_.fail(id, is_dependency(op) ? failed_dependency(*error) : *error);
    } else {
        journal_.done(id);
        Event e = event_of(EventKind::operation_done, op);
        if (op.kind == OpKind::wait_container) e.text = unmet ? "Skipped" : met(op.condition);
        world_.emit(std::move(e));
        executor_.done(id);
    }
    step();
}

std::function<void(const Error*)> PlanRunner::ender(int id) {
    return [weak = weak_from_this(), id](const Error* error) {
        if (auto self = weak.lock()) self->ended(id, error);
    };
}

void PlanRunner::cancel(const Error& why) {
    cancelled_ = true;
    executor_.cancel(why);
    // What waits for a condition has not begun anything that could be completed.
    for (int id : executor_.running())
        if (executor_.operation(id).kind == OpKind::wait_container) ended(id, &why);
    abandon_held_starts(why.what());
    step();
}

// A start that waits for its client to attach has not begun for anybody who uses it. Its end is the operation's.
void PlanRunner::abandon_held_starts(const std::string& why) {
    for (int id : executor_.running()) {
        const Operation& op = executor_.operation(id);
        if (op.kind != OpKind::start_container || !op.hold_for_attach) continue;
        if (Container* c = containers_.find(op.container_id)) c->abandon_start(why);
    }
}

void PlanRunner::tell_held_starts() {
    for (int id : executor_.running()) {
        const Operation& op = executor_.operation(id);
        if (op.kind != OpKind::start_container || !op.hold_for_attach) continue;
        if (Container* c = containers_.find(op.container_id)) c->tell_held();
    }
}

bool PlanRunner::works_on(const std::string& container_id) const {
    for (const Operation& op : executor_.plan().operations) {
        const auto state = executor_.state(op.id);
        if (op.container_id == container_id && op.kind != OpKind::wait_container &&
            (state == PlanExecutor::State::waiting || state == PlanExecutor::State::running))
            return true;
    }
    return false;
}

bool PlanRunner::holds_start() const {
    for (int id : executor_.running()) {
        const Operation& op = executor_.operation(id);
        if (op.kind != OpKind::start_container || !op.hold_for_attach) continue;
        if (Container* c = containers_.find(op.container_id); c && !c->running()) return true;
    }
    return false;
}

// `run --rm` whose start was dropped: what it has made goes, as if it had ended.
void PlanRunner::drop_unstarted(const Operation& op) {
    if (op.kind != OpKind::start_container) return;
    Container* c = containers_.find(op.container_id);
    if (c && c->record().auto_remove && !c->active() && !c->running()) world_.auto_remove(*c);
}

// An essential container of an ECS task whose dependencies are not met does not begin, and so the task ends.
void PlanRunner::end_task_of(const Operation& op) {
    if (cancelled_ || op.kind != OpKind::start_container) return;
    Container* c = containers_.find(op.container_id);
    if (!c || !c->record().ecs || !c->record().ecs->essential || ended_tasks_.contains(c->record().ecs->task)) return;
    world_.essential_ended(*c, "does not start");
}

void PlanRunner::end_task(const std::string& task) {
    if (!ended_tasks_.insert(task).second) return;
    const Error why = error(Errc::failed, "the task {} has ended", task);
    auto keep = shared_from_this();
    for (const Operation& op : executor_.plan().operations) {
        if (op.kind != OpKind::start_container) continue;
        const Container* c = containers_.find(op.container_id);
        if (c && c->record().ecs && c->record().ecs->task == task) executor_.skip(op.id, why);
    }
    step();
}

// ---- operations

void PlanRunner::run(const Operation& op) {
    switch (op.kind) {
    case OpKind::create_network:
    case OpKind::remove_network: return run_network(op);
    case OpKind::create_volume:
    case OpKind::remove_volume: return run_volume(op);
    case OpKind::wait_container: return open_gate(op);
    default: return run_container(op);
    }
}

void PlanRunner::run_network(const Operation& op) {
    bool create = op.kind == OpKind::create_network;
    std::map<std::string, std::string> attributes;
    if (const auto there = create ? std::nullopt : world_.store.network(op.network))
        attributes = {{"id", there->id}, {"type", there->driver}};
    auto done = [this, end = ender(op.id), create, name = op.network, attributes,
                 self = shared_from_this()](const Error* error) {
        if (!error) {
            Event e;
            e.attributes = attributes;
            e.kind = create ? EventKind::network_created : EventKind::network_removed;
            e.time_ns = sys::realtime_ns();
            e.project = executor_.plan().project;
            e.resource = name;
            world_.emit(std::move(e));
        }
        end(error);
    };
    if (create) world_.networks.create(op.network, done);
    else world_.networks.remove(op.network, done);
}

void PlanRunner::run_volume(const Operation& op) {
    bool create = op.kind == OpKind::create_volume;
    HelperJob job;
    job.state_dir = world_.store.roots().state;
    job.run_dir = world_.store.roots().run;
    if (create) {
        auto staged = world_.store.staged_volume(executor_.plan().project, op.volume);
        if (!staged) {
            if (!world_.store.volume(op.volume)) throw error(Errc::not_found, "volume {} was not staged", op.volume);
            return ended(op.id, nullptr);
        }
        job.kind = HelperJob::Kind::create_volume;
        job.text = to_json(*staged);
    } else {
        job.kind = HelperJob::Kind::remove_volume;
        job.text = op.volume;
    }
    world_.files.run(
        job, [this, end = ender(op.id), create, name = op.volume, self = shared_from_this()](const Error* error) {
            if (create) world_.store.drop_staged_volume(executor_.plan().project, name);
            if (!error) {
                Event e;
                e.kind = create ? EventKind::volume_created : EventKind::volume_removed;
                e.time_ns = sys::realtime_ns();
                e.project = executor_.plan().project;
                e.resource = name;
                world_.emit(std::move(e));
            }
            end(error);
        });
}

namespace {

StopRequest stop_request(const Operation& op, bool keep_desired) {
    StopRequest r;
    r.keep_desired = keep_desired;
    r.signal = op.signal;
    r.run_hooks = !op.skip_hooks;
    if (op.timeout_ns) r.grace = std::chrono::nanoseconds(*op.timeout_ns);
    return r;
}

} // namespace

namespace {

EndpointRecord endpoint_of(const Operation& op) {
    const ConnectOptions wish = op.endpoint.value_or(ConnectOptions{});
    EndpointRecord out;
    out.network = op.network;
    out.aliases = wish.aliases;
    for (const auto& link : wish.links) {
        const auto colon = link.find(':');
        out.links[link.substr(colon == std::string::npos ? 0 : colon + 1)].push_back(link.substr(0, colon));
    }
    out.ipv4_address = wish.ipv4;
    out.ipv6_address = wish.ipv6;
    out.link_local_ips = wish.link_local_ips;
    out.mac_address = wish.mac;
    out.gw_priority = wish.gw_priority;
    out.driver_opts = wish.driver_opts;
    return out;
}

} // namespace

void PlanRunner::run_container(const Operation& op) {
    auto done = ender(op.id);
    switch (op.kind) {
    case OpKind::create_container: containers_.create(op.container_id); return ended(op.id, nullptr);
    case OpKind::start_container: return containers_.get(op.container_id).start(op.hold_for_attach, done);
    case OpKind::stop_container:
        return containers_.get(op.container_id).stop(stop_request(op, executor_.plan().shutdown), done);
    case OpKind::restart_container: return containers_.get(op.container_id).restart(stop_request(op, true), done);
    case OpKind::kill_container: return containers_.get(op.container_id).kill(op.signal, done);
    case OpKind::pause_container: return containers_.get(op.container_id).pause(done);
    case OpKind::unpause_container: return containers_.get(op.container_id).unpause(done);
    case OpKind::remove_container: return containers_.remove(op.container_id, op.force, op.remove_volumes, done);
    case OpKind::rename_container: containers_.get(op.container_id).rename(op.new_name); return ended(op.id, nullptr);
    case OpKind::update_container: return containers_.get(op.container_id).update(op.staged, op.restart, done);
    case OpKind::connect_network: return containers_.get(op.container_id).connect(endpoint_of(op), done);
    case OpKind::disconnect_network: return containers_.get(op.container_id).disconnect(op.network, done);
    case OpKind::hand_over_container: return containers_.hand_over(op.replaces, op.container_id, done);
    default: throw error(Errc::unsupported, "the supervisor cannot do '{}'", to_string(op.kind));
    }
}

// ---- gates

namespace {

Error too_late(const Operation& op, std::int64_t seconds) {
    if (op.limited_by.empty()) return error(Errc::failed, "application not healthy after {}s", seconds);
    const char* goal = op.condition == WaitCondition::healthy                  ? "become healthy"
                       : op.condition == WaitCondition::completed_successfully ? "complete successfully"
                                                                               : "end";
    return error(Errc::failed, "container {} did not {} within {}s, its {}", op.container_name, goal, seconds,
                 op.limited_by);
}

} // namespace

void PlanRunner::open_gate(const Operation& op) {
    Gate& gate = gates_[op.id];
    if (op.timeout_ns) {
        auto limit = std::chrono::nanoseconds(*op.timeout_ns);
        gate.limit = world_.loop.after(limit, [end = ender(op.id), limit, &op] {
            Error e = too_late(op, std::chrono::duration_cast<std::chrono::seconds>(limit).count());
            end(&e);
        });
    }
    check_gate(op, gate);
}

bool PlanRunner::check_gate(const Operation& op, Gate& gate) {
    bool all = true;
    for (const auto& id : op.wait_for) {
        Container* c = containers_.find(id);
        if (!c) {
            Error e = error(Errc::not_found, "container {} was removed while it was waited for", id.substr(0, 12));
            ended(op.id, &e);
            return true;
        }
        const ContainerStatus& s = c->status();
        GateView view{c->record().name, c->record().service, s.state, s.health, c->checked(), s.exit_code, 0};
        const std::int64_t age = c->age().count();
        Verdict v = judge(op.condition, view, age, op.settle_ns.value_or(usual_settle));
        if (v.kind == Verdict::Kind::failed) {
            ended(op.id, &*v.error);
            return true;
        }
        all = all && v.kind == Verdict::Kind::met;
        if (v.look_again != 0)
            gate.look_again = world_.loop.after(std::chrono::nanoseconds(std::max<std::int64_t>(0, v.look_again - age)),
                                                [weak = weak_from_this()] {
                                                    if (auto self = weak.lock()) self->container_changed();
                                                });
    }
    if (all) ended(op.id, nullptr);
    return all;
}

void PlanRunner::container_changed() {
    auto keep = shared_from_this();
    std::vector<int> open;
    for (const auto& [id, gate] : gates_) open.push_back(id);
    for (int id : open)
        if (auto it = gates_.find(id); it != gates_.end()) check_gate(executor_.operation(id), it->second);
}

} // namespace davit::supervisor

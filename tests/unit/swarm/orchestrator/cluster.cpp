#include "cluster.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <regex>

namespace davit::swarm { // of davit_swarm, which this program has no need of
static const char* name_of(TaskState state) {
    switch (state) {
    case TaskState::pending: return "pending";
    case TaskState::assigned: return "assigned";
    case TaskState::preparing: return "preparing";
    case TaskState::ready: return "ready";
    case TaskState::starting: return "starting";
    case TaskState::running: return "running";
    case TaskState::complete: return "complete";
    case TaskState::shutdown: return "shutdown";
    case TaskState::failed: return "failed";
    case TaskState::rejected: return "rejected";
    case TaskState::remove: return "remove";
    default: return "?";
    }
}
} // namespace davit::swarm

namespace davit::test {
using namespace davit::swarm;
using Kind = Action::Kind;

ServiceSpec replicated(std::uint64_t replicas, const Program& program) {
    ServiceSpec spec;
    spec.mode.replicas = replicas;
    spec.task.container.image = "busybox:latest";
    spec.task.container.env = {"V=" + program.name};
    return spec;
}

ServiceSpec global(const Program& program) {
    ServiceSpec spec = replicated(1, program);
    spec.mode = {.kind = ModeKind::global, .replicas = {}, .max_concurrent = {}, .total_completions = {}};
    return spec;
}

UpdateConfig quick(std::int64_t monitor) {
    UpdateConfig config;
    config.monitor = monitor;
    return config;
}

Cluster::Cluster(bool reboots) : reboots_(reboots) {
    node_.node.id = "node1";
    node_.boot = "boot1";
    node_.hostname = "host";
    node_.nano_cpus = 4'000'000'000;
    node_.memory = 8LL << 30;
    begin();
}

void Cluster::begin() {
    orchestrator.emplace(Orchestrator::Host{[this] { return node_; }, [this] { return elsewhere; },
                                            [this] { return fmt::format("task{:04}", ++ids_); },
                                            [this] { return history; }});
}

void Cluster::reboot() {
    begin();
    for (const auto& [id, service] : services_) {
        std::vector<Task> tasks;
        for (const auto& [task_id, task] : tasks_)
            if (task.service_id == id) tasks.push_back(task);
        orchestrator->load(service, tasks);
    }
    advance();
}

void Cluster::deploy(const std::string& name, ServiceSpec spec, const Program& program) {
    spec.task.container.env = {"V=" + program.name};
    spec.name = name;
    programs_[++templates_] = program;
    std::string& id = id_of_[name];
    Service service;
    if (id.empty()) {
        id = service.id = "service-" + name;
        service.spec = spec;
        service.spec_version = ++service.version;
        service.template_version = templates_;
        service.created_at = service.updated_at = now;
        service.job_started_at = spec.mode.job() ? now : 0;
    } else {
        service = *orchestrator->service(id);
        change_spec(service, spec, same_task(service.spec, spec) ? 0 : templates_, now);
    }
    orchestrator->set(service, now);
    advance();
}

void Cluster::deploy(const std::string& name, ServiceSpec spec) { deploy(name, std::move(spec), v1); }

void Cluster::scale(const std::string& name, std::uint64_t replicas) {
    Service changed = service(name);
    ServiceSpec spec = changed.spec;
    spec.mode.replicas = replicas;
    change_spec(changed, spec, 0, now);
    orchestrator->set(changed, now);
    advance();
}

void Cluster::force(const std::string& name) {
    Service changed = service(name);
    ServiceSpec spec = changed.spec;
    ++spec.task.force_update;
    programs_[++templates_] = programs_.at(changed.template_version);
    change_spec(changed, spec, templates_, now);
    orchestrator->set(changed, now);
    advance();
}

bool Cluster::rollback(const std::string& name) {
    Service changed = service(name);
    if (!roll_back(changed, now)) return false;
    orchestrator->set(changed, now);
    advance();
    return true;
}

void Cluster::remove(const std::string& name) {
    orchestrator->remove(id_of_.at(name), now);
    advance();
}

void Cluster::node(const std::function<void(NodeFacts&)>& change) {
    change(node_);
    orchestrator->node_changed(now);
    advance();
}

void Cluster::report(const std::string& task, const Report& report) {
    orchestrator->report(task, report, now);
    advance();
}

void Cluster::kill(const std::string& task) {
    if (const auto at = containers_.find(task); at != containers_.end() && at->second.up)
        end(task, {.state = TaskState::failed, .message = {}, .error = {}, .exit_code = 137, .container_id = {}});
}

Program& Cluster::program(const std::string& name) {
    Program* found = nullptr;
    for (auto& [number, program] : programs_)
        if (program.name == name) found = &program;
    REQUIRE(found);
    return *found;
}

void Cluster::advance() {
    ++advances;
    const std::vector<Action> actions = orchestrator->advance(now);
    bool saving = true;
    for (const Action& action : actions) { // a supervisor may die after any of them: records come first
        const bool save = action.kind == Kind::save_service || action.kind == Kind::save_task;
        CHECK((saving || !save));
        saving = save;
    }
    for (const Action& action : actions) perform(action);
    CHECK(orchestrator->advance(now).empty()); // nothing is asked for twice
    CHECK((orchestrator->next_time() == 0 || orchestrator->next_time() > now));
    if (!reboots_) return;
    reboots_ = false; // not again in there
    reboot();
    reboots_ = true;
}

void Cluster::perform(const Action& action) {
    switch (action.kind) {
    case Kind::save_service:
        ++saves;
        services_[action.service_id] = *orchestrator->service(action.service_id);
        break;
    case Kind::save_task:
        ++saves;
        tasks_[action.task_id] = *orchestrator->task(action.task_id);
        break;
    case Kind::remove_task:
        CHECK_FALSE(orchestrator->task(action.task_id));
        tasks_.erase(action.task_id);
        stop(action.task_id);
        break;
    case Kind::prepare: {
        if (containers_.contains(action.task_id)) break; // asked by the supervisor before this one
        const Task& task = *orchestrator->task(action.task_id);
        const Program program = programs_.at(task.template_version);
        containers_[task.id] = {task.id, std::to_string(task.slot), program.name, program};
        const std::string id = task.id;
        later(1 * ms, [this, id, program] {
            if (program.rejected.empty())
                report(id, {.state = TaskState::ready, .message = {}, .error = {}, .container_id = "c-" + id});
            else
                report(id,
                       {.state = TaskState::rejected, .message = {}, .error = program.rejected, .container_id = {}});
        });
        break;
    }
    case Kind::start:
        later(1 * ms, [this, id = action.task_id] {
            if (const auto at = containers_.find(id); at != containers_.end()) start(at->second);
        });
        break;
    case Kind::stop: stop(action.task_id); break;
    case Kind::end_service:
        services_.erase(action.service_id);
        std::erase_if(id_of_, [&](const auto& at) { return at.second == action.service_id; });
        break;
    }
}

void Cluster::later(std::int64_t after, std::function<void()> happens) {
    events_.insert({now + after, ++orders_, std::move(happens)});
}

void Cluster::write(const std::string& slot, const std::string& version, const char* what) {
    log_.push_back({now, slot, version, what});
    up_ += log_.back().what == "start" ? 1 : -1;
    fewest_ = std::min(fewest_, up_);
    most_ = std::max(most_, up_);
}

void Cluster::start(Container& c) {
    if (c.up) return;
    const std::string id = c.task;
    const Program program = c.program;
    report(id, {.state = TaskState::starting, .message = {}, .error = {}, .container_id = {}});
    if (!program.start_error.empty()) {
        report(id, {.state = TaskState::failed, .message = {}, .error = program.start_error, .container_id = {}});
        return;
    }
    if (!orchestrator->task(id) || orchestrator->task(id)->desired > TaskState::complete) return;
    c.up = true;
    write(c.slot, c.version, "start");
    if (program.healthy_after == never)
        later(program.unhealthy_after, [this, id] {
            end(id, {.state = TaskState::failed,
                     .message = {},
                     .error = "task: unhealthy container",
                     .exit_code = 143,
                     .container_id = {}});
        });
    else if (program.healthy_after > 0)
        later(program.healthy_after, [this, id] {
            if (containers_.contains(id) && containers_[id].up)
                report(id, {.state = TaskState::running, .message = {}, .error = {}, .container_id = {}});
        });
    else report(id, {.state = TaskState::running, .message = {}, .error = {}, .container_id = {}});
    if (program.runs != never)
        later(program.runs, [this, id, program] {
            end(id, {.state = program.exit == 0 ? TaskState::complete : TaskState::failed,
                     .message = {},
                     .error = {},
                     .exit_code = program.exit,
                     .container_id = {}});
        });
}

void Cluster::stop(const std::string& task) {
    const auto at = containers_.find(task);
    if (at == containers_.end()) return;
    const std::int64_t takes = at->second.up ? at->second.program.stops_in : 0;
    if (takes == never) return;
    later(takes,
          [this, task] { end(task, {.state = TaskState::shutdown, .message = {}, .error = {}, .container_id = {}}); });
}

void Cluster::end(const std::string& task, const Report& what) {
    const auto at = containers_.find(task);
    if (at == containers_.end()) return;
    if (at->second.up) write(at->second.slot, at->second.version, "stop");
    containers_.erase(at);
    report(task, what);
}

bool Cluster::step(std::int64_t limit) {
    const std::int64_t own = orchestrator->next_time();
    const std::int64_t agents = events_.empty() ? 0 : events_.begin()->at;
    const std::int64_t next = own == 0 ? agents : agents == 0 ? own : std::min(own, agents);
    if (next == 0 || next > limit) {
        now = limit;
        return false;
    }
    now = std::max(now, next);
    if (agents != 0 && agents <= now) {
        const auto happens = events_.begin()->happens;
        events_.erase(events_.begin());
        happens();
    } else {
        advance();
    }
    return true;
}

void Cluster::run(std::int64_t time) {
    const std::int64_t limit = now + time;
    while (step(limit)) {}
}

bool Cluster::until(const std::function<bool()>& holds, std::int64_t limit) {
    const std::int64_t end = now + limit;
    while (!holds())
        if (!step(end)) return holds();
    return true;
}

bool Cluster::until_status(const std::string& name, const std::string& state) {
    return until([&] { return service(name).update_status && service(name).update_status->state == state; });
}

bool Cluster::until_running(const std::string& name, std::size_t n) {
    return until([&] { return count(name, TaskState::running) == n; });
}

const Service& Cluster::service(const std::string& name) const { return *orchestrator->service(id_of_.at(name)); }

std::vector<const Task*> Cluster::tasks(const std::string& name) const {
    const auto at = id_of_.find(name);
    return at == id_of_.end() ? std::vector<const Task*>{} : orchestrator->tasks(at->second);
}

std::size_t Cluster::count(const std::string& name, TaskState state) const {
    return static_cast<std::size_t>(std::ranges::count(tasks(name), state, &Task::state));
}

std::vector<std::string> Cluster::ps(const std::string& name) const {
    auto all = tasks(name);
    std::ranges::stable_sort(
        all, [](const Task* a, const Task* b) { return a->slot != b->slot ? a->slot < b->slot : a->id > b->id; });
    std::vector<std::string> lines;
    for (const Task* task : all)
        lines.push_back(fmt::format("{} {} {}{}", task->slot, name_of(task->desired), name_of(task->state),
                                    task->error.empty() ? "" : " \"" + task->error + "\""));
    return lines;
}

std::string Cluster::status(const std::string& name) const {
    const auto& status = service(name).update_status;
    return status ? status->state + ": " + message(name) : "-";
}

std::string Cluster::message(const std::string& name) const {
    return std::regex_replace(service(name).update_status->message, std::regex("of task task[0-9]{4}$"),
                              "of task <id>");
}

std::string Cluster::slots() const {
    std::map<std::string, std::string> lines;
    for (const Line& line : log_) {
        std::string& text = lines[line.slot];
        text += (text.empty() ? line.slot + ": " : ", ") + line.version + " " + line.what;
    }
    std::string all;
    for (const auto& [slot, text] : lines) all += text + "\n";
    return all;
}

std::vector<std::int64_t> Cluster::start_times(const std::string& version) const {
    std::vector<std::int64_t> times;
    for (const Line& line : log_)
        if (line.version == version && line.what == "start") times.push_back(line.at);
    return times;
}

std::size_t Cluster::starts(const std::string& version) const { return start_times(version).size(); }

std::pair<int, int> Cluster::alive() const { return {fewest_, most_}; }

void Cluster::watch_alive() { fewest_ = most_ = up_; }

} // namespace davit::test

#include "davit/swarm_look.hpp"

#include "davit/labels.hpp"
#include "engine/swarm/lookup.hpp"
#include "swarm/orchestrator/history.hpp"
#include "swarm/task_history.hpp"

#include <algorithm>
#include <map>

namespace davit::swarm {

Store store_of_swarm(const Engine& engine) {
    Store store(roots_of(engine));
    if (!store.node())
        throw error(Errc::unavailable,
                    "This node is not a swarm manager. Use \"davit swarm init\" or \"davit swarm join\" to "
                    "connect this node to swarm and try again.")
            .with_hint("the first 'davit stack deploy' or 'davit service create' does so too");
    return store;
}

std::vector<Service> services(Engine& engine) { return store_of_swarm(engine).services(); }

Service service(Engine& engine, const std::string& id_or_name) {
    return find_object(
        services(engine), id_or_name, [](const Service& s) { return s.spec.name; }, "service",
        "no such service: " + id_or_name, true);
}

std::vector<Task> tasks(Engine& engine, const Service& service) {
    return within_history(service, store_of_swarm(engine).tasks(service.id), task_history_limit(roots_of(engine)));
}

std::optional<FoundTask> find_task(Engine& engine, const std::string& id) {
    if (id.empty()) return std::nullopt;
    const Store store = store_of_swarm(engine);
    std::vector<FoundTask> found;
    for (const Service& s : store.services())
        for (const Task& t : store.tasks(s.id)) {
            if (t.id == id) return FoundTask{s, t};
            if (t.id.starts_with(id)) found.push_back({s, t});
        }
    if (found.empty()) return std::nullopt;
    if (found.size() > 1) throw error(Errc::conflict, "task {} is ambiguous ({} matches found)", id, found.size());
    return found.front();
}

std::string task_name(const Service& service, const Task& task) {
    return service.spec.name + "." + (task.slot ? std::to_string(task.slot) : task.node_id);
}

std::optional<ContainerInfo> container_of(Engine& engine, const Service& service, const Task& task) {
    if (task.container_id.empty()) return std::nullopt;
    return engine.container(service.project, task.container_id);
}

std::vector<PublishedPort> ports_of(Engine& engine, const Service& service, const Task& task) {
    const ServiceSpec& spec =
        task.spec_version != service.spec_version && service.previous ? *service.previous : service.spec;
    const bool host = spec.endpoint && std::any_of(spec.endpoint->ports.begin(), spec.endpoint->ports.end(),
                                                   [](const PortConfig& p) { return p.mode == "host"; });
    if (!host || task.state != TaskState::running) return {};
    const auto container = container_of(engine, service, task);
    return container ? container->ports : std::vector<PublishedPort>();
}

Counts count(const Service& service, const std::vector<Task>& tasks) {
    Counts out;
    const ServiceMode& mode = service.spec.mode;
    for (const Task& t : tasks) {
        // Of a job only the run that was asked for last counts.
        if (mode.job() && t.job_iteration != service.job_iteration) continue;
        if (t.state == TaskState::running) ++out.running;
        if (mode.job() && t.state == TaskState::complete) ++out.completed;
        // How many a global service should have is what its tasks should be.
        if (mode.kind == ModeKind::global && t.desired == TaskState::running) ++out.desired;
        if (mode.kind == ModeKind::global_job && t.desired == TaskState::complete && t.state != TaskState::complete)
            ++out.desired;
    }
    if (mode.kind == ModeKind::replicated) out.desired = mode.replicas.value_or(1);
    if (mode.kind == ModeKind::replicated_job) {
        out.desired = mode.max_concurrent.value_or(1);
        out.total = mode.total_completions.value_or(out.desired);
    }
    if (mode.kind == ModeKind::global_job) out.total = out.desired + out.completed;
    return out;
}

std::string stack_of(const Labels& labels) {
    const auto found = labels.find(label::stack);
    return found == labels.end() ? "" : found->second;
}

std::vector<StackInfo> stacks(Engine& engine) {
    std::map<std::string, std::size_t> counts;
    for (const Service& s : services(engine))
        if (const std::string stack = stack_of(s.spec.labels); !stack.empty()) ++counts[stack];
    std::vector<StackInfo> out;
    for (const auto& [name, number] : counts) out.push_back({name, number});
    return out;
}

} // namespace davit::swarm

// TaskRunner: after an earlier supervisor.
#include "supervisor/tasks/task_runner.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "davit/labels.hpp"

#include <algorithm>
#include <utility>

namespace davit::supervisor {

using swarm::TaskState;

void TaskRunner::load() {
    for (const auto& service : store_.services_of(project_)) {
        auto tasks = store_.tasks(service.id);
        for (const auto& task : tasks) lives_[task.id].service_id = service.id;
        orchestrator_.load(service, tasks);
    }
    if (!any_service()) return;
    for (const auto& [id, container] : containers_.all()) {
        const auto& labels = container->record().labels;
        const auto task = labels.find(label::swarm_task_id);
        if (task == labels.end()) continue;
        const auto life = lives_.find(task->second);
        if (life == lives_.end()) continue;
        life->second.container_id = id;
        of_container_[id] = task->second;
    }
    for (const auto* service : orchestrator_.services()) set_addresses(*service);
    for (const auto* service : orchestrator_.services())
        for (const auto* task : orchestrator_.tasks(service->id)) resume(*service, *task);
    remove_strays();
    advance_soon();
}

// What the orchestrator does not ask for again: what became of containers while nobody looked.
void TaskRunner::resume(const swarm::Service&, const swarm::Task& task) {
    if (task.state >= TaskState::complete) return;
    Container* container = container_of(task.id);
    if (!container) {
        if (task.state >= TaskState::ready)
            report(task.id, {TaskState::failed, {}, "task: its container is gone", 0, {}});
        return;
    }
    if (task.state >= TaskState::ready || container->status().state != ContainerState::created)
        adopt_container(task, *container);
}

void TaskRunner::adopt_container(const swarm::Task& task, Container& container) {
    if (task.desired > TaskState::complete) return; // it is stopped next
    if (container.running() || container.active()) {
        if (task.state >= TaskState::starting) {
            if (container.running() && !container.checked()) {
                set_ready(task.id, true);
                report(task.id, {TaskState::running, {}, {}, 0, container.record().id});
            } else container_changed(container.record().id);
        }
        return;
    }
    if (container.status().state == ContainerState::created) {
        if (task.state == TaskState::starting) start(task.service_id, task.id);
        return;
    }
    report_end(task.id, container);
}

void TaskRunner::go_on() {
    for (const auto& action : std::exchange(held_, {})) {
        const swarm::Task* task = orchestrator_.task(action.task_id);
        if (task && task->desired <= TaskState::complete) perform(action);
    }
    for (const auto* service : orchestrator_.services())
        for (const auto* task : orchestrator_.tasks(service->id)) resume(*service, *task);
    advance_soon();
}

// Containers of tasks that are not there any more.
void TaskRunner::remove_strays() {
    std::vector<std::string> strays;
    for (const auto& [id, container] : containers_.all())
        if (container->record().labels.contains(label::swarm_task_id) && !of_container_.contains(id))
            strays.push_back(id);
    for (const auto& id : strays)
        containers_.remove(id, true, true, [this](const Error* e) {
            if (e) log::warning("removing the container of a task that is gone: {}", e->what());
            idle_();
        });
}

} // namespace davit::supervisor

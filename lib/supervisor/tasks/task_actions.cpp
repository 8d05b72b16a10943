// TaskRunner: what the orchestrator asks for.
#include "supervisor/tasks/task_runner.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "swarm/orchestrator/texts.hpp"

#include <algorithm>
#include <charconv>

namespace davit::supervisor {

using swarm::TaskState;

// While the machine goes down what ends is written down, and nothing begins.
bool TaskRunner::held_back(const swarm::Action& action) {
    const bool begins = action.kind == swarm::Action::Kind::prepare || action.kind == swarm::Action::Kind::start;
    if (!begins || !world_.shutting_down) return false;
    held_.push_back(action);
    return true;
}

void TaskRunner::perform(const swarm::Action& action) {
    if (held_back(action)) return;
    switch (action.kind) {
    case swarm::Action::Kind::save_service: return save_service(action.service_id);
    case swarm::Action::Kind::save_task: return save_task(action.service_id, action.task_id);
    case swarm::Action::Kind::remove_task: return remove_task(action.service_id, action.task_id);
    case swarm::Action::Kind::prepare: return prepare(action.service_id, action.task_id);
    case swarm::Action::Kind::start: return start(action.service_id, action.task_id);
    case swarm::Action::Kind::stop: return stop(action.task_id);
    case swarm::Action::Kind::end_service: return end_service(action.service_id);
    }
}

// ---- records

void TaskRunner::save_service(const std::string& id) {
    const swarm::Service* service = orchestrator_.service(id);
    if (!service) return;
    set_addresses(*service);
    try {
        store_.write(*service, false);
        world_.sync_soon(store_.paths().service(id));
    } catch (const Error& e) {
        if (unwritten_.emplace(id, "").second) log::warning("writing service {}: {}", service->spec.name, e.what());
        write_again();
    }
    emit(service->removed_at != 0 ? EventKind::service_removed : EventKind::service_changed, "service:" + id,
         service->spec.name, {}, service->update_status ? service->update_status->state : std::string());
}

void TaskRunner::save_task(const std::string& service_id, const std::string& id) {
    const swarm::Task* task = orchestrator_.task(id);
    const swarm::Service* service = orchestrator_.service(service_id);
    if (!task || !service) return;
    try {
        store_.write(*task);
    } catch (const Error& e) {
        if (unwritten_.emplace(service_id, id).second) log::warning("writing task {}: {}", id, e.what());
        write_again();
    }
    emit(EventKind::task_changed, "task:" + id, service->spec.name, task->container_id, to_string(task->state));
}

// ---- from a task to its container

void TaskRunner::prepare(const std::string& service_id, const std::string& id) {
    const swarm::Task* task = orchestrator_.task(id);
    const swarm::Service* service = orchestrator_.service(service_id);
    if (!task || !service) return;
    Life& life = lives_[id];
    life.service_id = service_id;
    if (life.making) return;
    report(id, {TaskState::preparing, {}, {}, 0, {}});
    // Made by a supervisor that was killed before it could say so.
    if (const Container* made = container_of(id)) return report(id, {TaskState::ready, {}, {}, 0, made->record().id});
    life.making = true;
    maker_.make(*service, *task, node(), [this, id](const Error* e, const std::string& container_id) {
        const auto found = lives_.find(id);
        if (found == lives_.end()) return; // removed meanwhile: its container is a stray
        found->second.making = false;
        if (e) return report(id, {TaskState::rejected, {}, e->what(), 0, {}});
        found->second.container_id = container_id;
        of_container_[container_id] = id;
        if (found->second.removing) return remove_task(found->second.service_id, id);
        report(id, {TaskState::ready, {}, {}, 0, container_id});
    });
}

void TaskRunner::start(const std::string& service_id, const std::string& id) {
    const swarm::Task* task = orchestrator_.task(id);
    const swarm::Service* service = orchestrator_.service(service_id);
    Container* container = container_of(id);
    if (!task || !service) return;
    if (!container)
        return report(id, {TaskState::failed, {}, "starting container failed: its container is gone", 0, {}});
    Life& life = lives_.at(id);
    if (std::exchange(life.starting, true)) return;
    report(id, {TaskState::starting, {}, {}, 0, {}});
    try {
        maker_.write_files(*service, *task, node(), container->record().id);
    } catch (const Error& e) {
        life.starting = false;
        return report(id, {TaskState::rejected, {}, e.what(), 0, {}});
    }
    container->start(false, [this, id](const Error* e) { started(id, e); });
}

void TaskRunner::started(const std::string& id, const Error* error) {
    const auto life = lives_.find(id);
    if (life == lives_.end()) return;
    life->second.starting = false;
    Container* container = container_of(id);
    if (life->second.stopping || life->second.removing || !container) return idle_();
    if (world_.shutting_down && container->active()) { // it was on its way when the plan was made
        StopRequest request;
        request.keep_desired = true;
        container->stop(request, [](const Error* e) {
            if (e) log::warning("stopping the container of a task: {}", e->what());
        });
    }
    // It may have run and ended before the answer came.
    if (error && container->status().started_at == 0)
        return report(id, {TaskState::failed, {}, swarm::texts::not_started(error->what()), 0, {}});
    if (!container->running() || container->checked()) return container_changed(container->record().id);
    set_ready(id, true);
    report(id, {TaskState::running, {}, {}, 0, {}});
}

// ---- the end of a container

void TaskRunner::report_end(const std::string& id, const Container& container) {
    const ContainerStatus& status = container.status();
    swarm::Report report;
    report.exit_code = status.exit_code;
    report.state = status.exit_code == 0 && status.exit_known ? TaskState::complete : TaskState::failed;
    if (!status.error.empty()) report.error = swarm::texts::not_started(status.error);
    // Neither did its user stop it nor has it ended by itself.
    const bool outside = world_.shutting_down || container.from_earlier_boot();
    if (outside && (status.stopped_by_user || !status.exit_known)) {
        report.state = TaskState::failed;
        report.error = swarm::texts::machine_went_down;
    }
    this->report(id, report);
}

void TaskRunner::end_unhealthy(const std::string& id) {
    Container* container = container_of(id);
    lives_.at(id).unhealthy = true;
    set_ready(id, false);
    container->stop({}, [this, id](const Error* e) {
        if (e) log::warning("stopping a container that is unhealthy: {}", e->what());
        if (!lives_.contains(id) || lives_.at(id).stopping) return;
        const Container* ended = container_of(id);
        const int code = ended ? ended->status().exit_code : 0;
        report(id, {TaskState::failed, {}, swarm::texts::unhealthy(code), code, {}});
    });
}

void TaskRunner::stop(const std::string& id) {
    const auto life = lives_.find(id);
    Container* container = container_of(id);
    if (!container || life->second.stopping) {
        if (!container) report(id, {TaskState::shutdown, {}, {}, 0, {}});
        return;
    }
    life->second.stopping = true;
    drain_and_stop(id, [this, id](const Error* e) {
        if (e) log::warning("stopping the container of a task: {}", e->what());
        const auto found = lives_.find(id);
        if (found == lives_.end()) return;
        found->second.stopping = false;
        const Container* ended = container_of(id);
        report(id, {TaskState::shutdown, {}, {}, ended ? ended->status().exit_code : 0, {}});
    });
}

// ---- leaving

// The record goes last: a successor that finds it removes what is left of its container.
void TaskRunner::remove_task(const std::string& service_id, const std::string& id) {
    auto gone = [this, service_id, id] {
        store_.remove_task(service_id, id);
        if (const auto life = lives_.find(id); life != lives_.end()) {
            of_container_.erase(life->second.container_id);
            lives_.erase(life);
        }
        unwritten_.erase({service_id, id});
        emit(EventKind::task_removed, "task:" + id, {}, {}, {});
        remove_templates(service_id);
        idle_();
    };
    const auto life = lives_.find(id);
    if (life != lives_.end() && life->second.making) { // as soon as it is made
        life->second.removing = true;
        return;
    }
    Container* container = container_of(id);
    if (!container) return gone();
    life->second.removing = true;
    auto remove = [this, container_id = container->record().id, gone](const Error*) {
        containers_.remove(container_id, true, true, [gone](const Error* e) {
            if (e) log::warning("removing the container of a task: {}", e->what());
            gone();
        });
    };
    if (container->active()) return drain_and_stop(id, remove);
    remove(nullptr);
}

// The orchestrator has forgotten it: nobody is to find it who looks while its containers go.
void TaskRunner::mark_removed(const std::string& id) {
    try {
        auto service = store_.service(id);
        if (!service || service->removed_at != 0) return;
        service->removed_at = sys::realtime_ns();
        store_.write(*service, false);
    } catch (const Error& e) {
        log::warning("writing service {}: {}", id, e.what());
    }
}

void TaskRunner::end_service(const std::string& id) {
    // Tasks whose containers are on their way out have their records there.
    if (std::any_of(lives_.begin(), lives_.end(), [&](const auto& l) { return l.second.service_id == id; })) {
        if (ending_.insert(id).second) mark_removed(id);
        return;
    }
    ending_.erase(id);
    store_.remove_service(id);
    swarm::tidy(world_.store.roots());
    emit(EventKind::service_removed, "service:" + id, {}, {}, {});
    idle_();
}

// Prepared for versions that neither the service nor a task has any more.
void TaskRunner::remove_templates(const std::string& service_id) {
    if (ending_.contains(service_id)) return end_service(service_id);
    const std::set<std::uint64_t> used = orchestrator_.templates(service_id);
    if (used.empty()) return;
    HelperJob job;
    job.kind = HelperJob::Kind::remove_trees;
    for (const auto& name : list_directory(store_.paths().service_dir(service_id) + "/templates")) {
        std::uint64_t version = 0;
        std::from_chars(name.data(), name.data() + name.size(), version);
        // A newer one is being prepared by a client.
        if (version != 0 && !used.contains(version) && version < *used.rbegin())
            job.paths.push_back(store_.paths().prepared(service_id, version));
    }
    if (job.paths.empty()) return;
    world_.files.run(job, [](const Error* e) {
        if (e) log::warning("removing what was prepared for tasks: {}", e->what());
    });
}

} // namespace davit::supervisor

#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"
#include "davit/containers.hpp"
#include "engine/observe.hpp"
#include "model/image_reference.hpp"
#include "reconcile/plan_builder.hpp"
#include "runtime/defaults.hpp"
#include "supervisor/client/protocol.hpp"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <unistd.h>

namespace davit {

namespace {

bool is_sigkill(const std::string& signal) { return signal.empty() || runtime::signal_from_name(signal) == SIGKILL; }

} // namespace

template <typename Make>
bool Engine::Impl::act(const ProjectRef& project, Precedence precedence, Make&& make, std::stop_token stop) {
    if (config.approve && !approved(make(Scene{observe(store, project.name), project.model}))) return false;
    if (precedence == Precedence::cancels) cancel_others(project.name, {}, stop);
    if (precedence == Precedence::hurries)
        cancel_others(project.name, make(Scene{observe(store, project.name), project.model}), stop);
    if (!exists(
            ProjectPaths(store.roots(), project.name).state)) { // never up: nothing to lock, and nothing is left behind
        ObservedState nothing;
        nothing.project = project.name;
        make(Scene{nothing, project.model});
        return true;
    }
    const FileLock held = lock(project.name, stop);
    until_fresh([&] {
        const ObservedState observed = observe(store, project.name);
        Plan plan = make(Scene{observed, project.model});
        plan.known = observed.ids();
        prepare_starts(plan, project.model);
        send(std::move(plan), stop);
    });
    forget_if_empty(project.name);
    return true;
}

// down, stop, kill and rm do not wait for what an `up` has not begun yet.
void Engine::Impl::cancel_others(const std::string& project, const Plan& hurried, std::stop_token stop) {
    if (!exists(ProjectPaths(store.roots(), project).state)) return;
    std::map<std::string, std::chrono::nanoseconds> patience;
    for (const Operation& op : hurried.operations) {
        if (op.kind == OpKind::kill_container && is_sigkill(op.signal)) patience[op.container_id] = {};
        if (op.kind == OpKind::stop_container && op.timeout_ns && *op.timeout_ns >= 0)
            patience[op.container_id] = std::chrono::nanoseconds(*op.timeout_ns);
    }
    SupervisorClient::preempt(store.roots(), project, patience, std::move(stop));
}

void Engine::Impl::forget_if_empty(const std::string& project) {
    if (project == machine_project) return; // others stage there at this moment: it is the supervisor's
    if (!store.containers(project).empty()) return;
    for (const auto& network : store.networks())
        if (network.project == project) return;
    const ProjectPaths paths(store.roots(), project);
    // Whoever stages holds the lock, so what stands there is of a client that was killed.
    store.clear_staging(project);
    store.remove_project(project);
    // The lock is still held; who waits for it sees that the file is another one now.
    ::unlink(paths.lock().c_str());
    ::rmdir(paths.state.c_str());
    SupervisorClient::tidy(store.roots(), project);
}

void Engine::down(const ProjectRef& project, const DownOptions& options, std::stop_token stop) {
    if (impl_->config.approve && !impl_->approved(plan_down(project, options))) return;
    impl_->cancel_others(project.name, options.timeout ? plan_down(project, options) : Plan(), stop);
    // A project that is not up gets no directory, unless volumes or networks outlived the one it had.
    const bool known = exists(ProjectPaths(impl_->store.roots(), project.name).state);
    if (!known && plan_down(project, options).empty()) {
        SupervisorClient::tidy(impl_->store.roots(), project.name);
        if (options.volumes && options.services.empty()) RevisionStore(impl_->store.roots(), project.name).remove_all();
        ObservedState nothing;
        nothing.project = project.name;
        if (options.images != RemoveImages::none)
            impl_->remove_images(project, davit::plan_down({nothing, project.model}, options).images, options.images);
        else impl_->warn(project.name, fmt::format("No resource found to remove for project \"{}\".", project.name));
        return;
    }
    const FileLock held = impl_->lock(project.name, stop);
    ObserveWishes wishes;
    wishes.in_use = true;
    DownPlan down;
    impl_->until_fresh([&] {
        const ObservedState observed = observe(impl_->store, project.name, wishes);
        down = davit::plan_down({observed, project.model}, options);
        down.plan.known = observed.ids();
        impl_->send(down.plan, stop);
    });
    for (const auto& warning : down.warnings) impl_->warn(project.name, warning);
    if (known) impl_->withdraw(project, options.services, "down", stop);
    // What a revision needs its volumes for is gone with them.
    if (options.volumes && options.services.empty()) RevisionStore(impl_->store.roots(), project.name).remove_all();
    if (options.images != RemoveImages::none) impl_->remove_images(project, down.images, options.images);
    impl_->forget_if_empty(project.name);
}

void Engine::Impl::remove_images(const ProjectRef& project, const std::vector<std::string>& references,
                                 RemoveImages which) {
    image::Store images(store.roots().images());
    for (const auto& reference : references) {
        if (which == RemoveImages::local && is_custom(project, reference)) continue;
        Event event;
        event.kind = EventKind::operation_done;
        event.resource = "image:" + reference;
        event.project = project.name;
        event.text = "Removed";
        try {
            image::RemoveOptions remove;
            remove.users = [&](const image::Image& image) { return users_of(image.id); };
            images.remove(reference, remove);
            emit(event);
        } catch (const Error& e) {
            if (e.kind() != Errc::not_found) warn(project.name, fmt::format("Image {} {}", reference, e.what()));
        }
    }
}

// --rmi local takes only what has no name of its own in the file.
bool Engine::Impl::is_custom(const ProjectRef& project, const std::string& reference) const {
    if (!project.model) return !reference.starts_with(project.name + "-") && !reference.starts_with(project.name + "_");
    for (const auto& [unused, service] : project.model->services)
        if (service.image.empty() && image_reference(*project.model, service) == reference) return false;
    return true;
}

std::vector<std::string> Engine::Impl::users_of(const std::string& image_id) const {
    std::vector<std::string> out;
    for (const auto& project : list_directory(store.roots().projects()))
        for (const auto& record : store.containers(project))
            if (record.image_id == image_id) out.push_back(record.name);
    return out;
}

Plan Engine::plan_down(const ProjectRef& project, const DownOptions& options) {
    ObserveWishes wishes;
    wishes.in_use = true;
    const ObservedState observed = observe(impl_->store, project.name, wishes);
    return davit::plan_down({observed, project.model}, options).plan;
}

void Engine::start(const ProjectRef& project, const StartOptions& options, std::stop_token stop) {
    impl_->act(
        project, Impl::Precedence::none, [&](const Scene& scene) { return plan_start(scene, options); },
        std::move(stop));
}

void Engine::stop(const ProjectRef& project, const StopOptions& options, std::stop_token stop) {
    const auto precedence = options.timeout ? Impl::Precedence::hurries : Impl::Precedence::cancels;
    const auto& named = options.services;
    std::vector<ContainerRecord> ended; // they are told as well
    const auto plan = [&](const Scene& scene) {
        ended.clear();
        for (const auto& c : scene.observed.containers)
            if (!c.active() && !c.record.oneoff &&
                (named.empty() || std::find(named.begin(), named.end(), c.record.service) != named.end()))
                ended.push_back(c.record);
        return plan_stop(scene, options);
    };
    if (!impl_->act(project, precedence, plan, stop)) return;
    for (const ContainerRecord& record : ended) {
        Event stopped;
        stopped.op = OpKind::stop_container;
        stopped.project = project.name;
        stopped.service = record.service;
        stopped.container_id = record.id;
        stopped.container_name = record.name;
        stopped.resource = fmt::format("service:{}:{}", record.service, record.number);
        for (const EventKind kind : {EventKind::operation_started, EventKind::operation_done}) {
            stopped.kind = kind;
            impl_->emit(stopped);
        }
    }
    impl_->withdraw(project, options.services, "stop", std::move(stop));
}

void Engine::restart(const ProjectRef& project, const RestartOptions& options, std::stop_token stop) {
    impl_->act(
        project, Impl::Precedence::none, [&](const Scene& scene) { return plan_restart(scene, options); },
        std::move(stop));
}

void Engine::kill(const ProjectRef& project, const KillOptions& options, std::stop_token stop) {
    impl_->act(
        project, Impl::Precedence::hurries, [&](const Scene& scene) { return plan_kill(scene, options); },
        std::move(stop));
}

void Engine::pause(const ProjectRef& project, const std::vector<std::string>& services, std::stop_token stop) {
    impl_->act(
        project, Impl::Precedence::none, [&](const Scene& scene) { return plan_pause(scene, services); },
        std::move(stop));
}

void Engine::unpause(const ProjectRef& project, const std::vector<std::string>& services, std::stop_token stop) {
    impl_->act(
        project, Impl::Precedence::none, [&](const Scene& scene) { return plan_unpause(scene, services); },
        std::move(stop));
}

void Engine::rm(const ProjectRef& project, const RmOptions& options, std::stop_token stop) {
    impl_->act(
        project, Impl::Precedence::cancels, [&](const Scene& scene) { return plan_rm(scene, options); },
        std::move(stop));
}

std::vector<ContainerInfo> Engine::removable(const ProjectRef& project, const RmOptions& options) {
    const ObservedState observed = observe(impl_->store, project.name);
    std::vector<ContainerInfo> out;
    for (const auto* c : davit::removable({observed, project.model}, options))
        out.push_back(impl_->info(c->record, c->status));
    return out;
}

void Engine::remove_container(const std::string& project, const std::string& id, bool force, bool volumes,
                              std::stop_token stop) {
    ContainerInfo container;
    container.project = project;
    container.id = id;
    davit::remove_container(*this, container, {force, volumes}, std::move(stop));
}

} // namespace davit

// What is done to single containers, of whichever project. The supervisor orders what several commands want of one
// container; those on different ones go side by side.
#include "engine/machine/machine.hpp"

#include "base/error.hpp"
#include "engine/disk_survey.hpp"
#include "engine/events/record.hpp"
#include "reconcile/labels.hpp"
#include "reconcile/single.hpp"
#include "runtime/defaults.hpp"

#include <optional>
#include <utility>

namespace davit {

namespace machine {

namespace {

bool starts(const Plan& plan) {
    for (const Operation& op : plan.operations)
        if (op.kind == OpKind::start_container || op.kind == OpKind::restart_container) return true;
    return false;
}

// The last container of a compose project takes the project with it; the machine's own ends by itself.
void forget_project(Impl& impl, const std::string& project, std::stop_token stop) {
    if (project == machine_project || !impl.store.containers(project).empty()) return;
    const FileLock held = impl.lock(project, std::move(stop));
    impl.forget_if_empty(project);
}

} // namespace

void act_on(Impl& impl, const ContainerInfo& container, const std::function<Plan(const ObservedContainer&)>& make,
            std::stop_token stop) {
    const std::string &project = container.project, &id = container.id;
    if (impl.config.approve && !impl.approved(make(look_at(impl, project, id)))) return;
    const ObservedContainer now = look_at(impl, project, id);
    Plan plan = make(now);
    if (plan.empty()) return SupervisorClient::look_after(impl.store.roots(), project);
    plan.beside = true;
    plan.seen.clear(); // what it is when the plan's turn comes, the supervisor sees
    const bool removes = plan.operations.back().kind == OpKind::remove_container;
    std::optional<ContainerLock> restaging;
    if (starts(plan) && !impl.store.has_status(now.record))
        restaging.emplace(impl, id, "container " + now.record.name, stop);
    if (starts(plan)) impl.prepare_starts(plan, nullptr);
    impl.send(std::move(plan), stop);
    if (removes) forget_project(impl, project, std::move(stop));
}

} // namespace machine

namespace {

template <typename Make>
void act(Engine& engine, const ContainerInfo& container, Make&& make, std::stop_token stop) {
    machine::act_on(EngineAccess::of(engine), container, make, std::move(stop));
}

bool has_ended(ContainerState state) {
    return state == ContainerState::created || state == ContainerState::exited || state == ContainerState::dead;
}

} // namespace

void start_container(Engine& engine, const ContainerInfo& container, const StartContainerOptions& options,
                     std::stop_token stop) {
    act(
        engine, container, [&](const ObservedContainer& c) { return plan_start(c, options); }, std::move(stop));
}

void stop_container(Engine& engine, const ContainerInfo& container, const StopContainerOptions& options,
                    std::stop_token stop) {
    act(
        engine, container, [&](const ObservedContainer& c) { return plan_stop(c, options); }, std::move(stop));
}

void restart_container(Engine& engine, const ContainerInfo& container, const StopContainerOptions& options,
                       std::stop_token stop) {
    act(
        engine, container, [&](const ObservedContainer& c) { return plan_restart(c, options); }, std::move(stop));
}

void kill_container(Engine& engine, const ContainerInfo& container, const std::string& signal, std::stop_token stop) {
    if (!runtime::signal_from_name(signal)) {
        const bool number = !signal.empty() && signal.find_first_not_of("0123456789") == std::string::npos;
        if (number && signal != "0")
            throw error(Errc::invalid_project, "the linux daemon does not support signal {}", signal);
        throw error(Errc::invalid_project, "invalid signal: {}", signal);
    }
    act(
        engine, container, [&](const ObservedContainer& c) { return plan_kill(c, signal); }, std::move(stop));
}

void pause_container(Engine& engine, const ContainerInfo& container, std::stop_token stop) {
    act(
        engine, container, [](const ObservedContainer& c) { return plan_pause(c); }, std::move(stop));
}

void unpause_container(Engine& engine, const ContainerInfo& container, std::stop_token stop) {
    act(
        engine, container, [](const ObservedContainer& c) { return plan_unpause(c); }, std::move(stop));
}

void remove_container(Engine& engine, const ContainerInfo& container, const RemoveContainerOptions& options,
                      std::stop_token stop) {
    act(
        engine, container, [&](const ObservedContainer& c) { return plan_remove(c, options); }, std::move(stop));
}

void prune_containers(Engine& engine, const std::function<bool(const ContainerInfo&)>& wanted,
                      const std::function<void(const ContainerInfo&, std::uint64_t)>& removed, std::stop_token stop) {
    const auto& impl = EngineAccess::of(engine);
    std::uint64_t all = 0;
    for (const ContainerInfo& c : engine.all_containers()) {
        if (!has_ended(c.state) || (wanted && !wanted(c))) continue;
        DiskSurvey survey;
        const std::uint64_t bytes =
            survey.bytes(ProjectPaths(impl.store.roots(), c.project).container(c.id) + "/upper");
        try {
            remove_container(engine, c, {}, stop);
        } catch (const Error& e) {
            // Somebody else has removed or started it meanwhile.
            if (e.kind() != Errc::not_found && e.kind() != Errc::conflict) throw;
            continue;
        }
        all += bytes;
        if (removed) removed(c, bytes);
    }
    record_prune(impl.store.roots(), "container", all);
}

} // namespace davit

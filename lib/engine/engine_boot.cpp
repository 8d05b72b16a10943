// Engine: the machine's start and end. Each project has a thread, and its failure is its own.
#include "engine/engine_impl.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/thread.hpp"
#include "engine/observe.hpp"
#include "engine/restage.hpp"
#include "engine/swarm/template_steps.hpp"
#include "project/scope_record.hpp"
#include "reconcile/boot.hpp"

#include <condition_variable>
#include <functional>
#include <thread>

namespace davit {

const char* to_string(BootStep::Kind kind) {
    switch (kind) {
    case BootStep::Kind::runs: return "runs";
    case BootStep::Kind::start: return "start";
    case BootStep::Kind::remove: return "remove";
    case BootStep::Kind::leave: return "leave";
    case BootStep::Kind::stop: return "stop";
    }
    return "";
}

namespace {

std::vector<ProjectOutcome> for_each_project(const RecordStore& store,
                                             const std::function<void(ProjectOutcome&)>& work) {
    std::vector<ProjectOutcome> outcomes;
    for (auto& name : list_directory(store.roots().projects())) outcomes.push_back({std::move(name), {}, {}, {}});
    std::vector<std::jthread> threads;
    for (auto& outcome : outcomes) {
        const auto one = [&work, &outcome] {
            try {
                work(outcome);
            } catch (const Error& e) {
                outcome.failures.push_back(e);
            } catch (const std::exception& e) { // a record that cannot be read, no memory
                outcome.failures.emplace_back(Errc::failed, e.what());
            }
        };
        if (!try_start(threads, one)) one();
    }
    threads.clear(); // joins
    return outcomes;
}

// known: whether a container has been something in this boot, as it was when it was first looked at. A supervisor gives
// each one a status when it begins, so a plan that has to be made again would take all for stopped in this boot.
std::map<std::string, BootStep> decide(const RecordStore& store, const ObservedState& observed,
                                       std::map<std::string, bool>& known, std::vector<BootStep>& told) {
    std::map<std::string, BootStep> steps;
    told.clear();
    for (const auto& c : observed.containers) {
        const bool this_boot = known.try_emplace(c.record.id, store.has_status(c.record)).first->second;
        told.push_back(steps[c.record.id] = at_boot(c.record, c.status, this_boot));
    }
    return steps;
}

} // namespace

void Engine::Impl::boot(ProjectOutcome& outcome, const BootOptions& options, std::stop_token stop) {
    const std::string& name = outcome.project;
    if (resumes_itself(name)) {
        if (options.dry_run) return;
        Plan nothing; // one that is there yet, after a shutdown that was none, goes on as well
        nothing.project = name;
        return start_task_supervisor(store, name).apply(nothing, sink(), stop);
    }
    // Its owner is gone with the boot before, and so does the project: its supervisor sees to that.
    if (const auto scope = read_scope(ProjectPaths(store.roots(), name)); scope && !owner_lives(*scope)) {
        if (!options.dry_run) SupervisorClient::connect_or_start(store.roots(), name);
        return;
    }
    std::map<std::string, bool> known;
    if (options.dry_run) {
        decide(store, observe(store, name), known, outcome.steps);
        return;
    }
    if (store.containers(name).empty()) return;   // its networks are made with the first container on them
    const bool outside = name == machine_project; // others make containers there meanwhile
    const FileLock held = outside ? FileLock() : lock(name, stop);
    until_fresh([&] {
        const ObservedState observed = observe(store, name);
        const auto steps = decide(store, observed, known, outcome.steps);
        Restager restager(store, name, secret_text(nullptr));
        std::set<std::string> unable;
        outcome.failures.clear();
        for (const auto& c : observed.containers) try {
                if (steps.at(c.record.id).kind == BootStep::Kind::start) restager.prepare(c.record);
            } catch (const Error& e) {
                unable.insert(c.record.id);
                outcome.failures.push_back(e);
            }
        BootPlan made = plan_boot({observed, nullptr}, steps, unable);
        outcome.notes = std::move(made.notes);
        if (!outside) made.plan.known = observed.ids();
        send(std::move(made.plan), stop);
    });
    if (!outside) forget_if_empty(name);
}

namespace {

// Calls `late` when the time is over before this object is.
class Deadline {
public:
    Deadline(const std::optional<std::chrono::steady_clock::time_point>& at, std::function<void()> late) {
        if (!at) return;
        thread_ = started<std::jthread>([this, at = *at, late = std::move(late)](std::stop_token done) {
            std::mutex mutex;
            std::unique_lock guard(mutex);
            woken_.wait_until(guard, done, at, [] { return false; });
            if (done.stop_requested()) return;
            try {
                late();
            } catch (const Error& e) { // whoever waits for the plan is told
                log::debug("hurrying what stops: {}", e.what());
            }
        });
    }

private:
    std::condition_variable_any woken_;
    std::jthread thread_; // asked to stop and joined first
};

} // namespace

void Engine::Impl::shut_down(ProjectOutcome& outcome, const ShutdownOptions& options, std::stop_token stop) {
    const std::string& name = outcome.project;
    std::optional<std::chrono::steady_clock::time_point> end;
    if (options.limit) end = std::chrono::steady_clock::now() + *options.limit;
    const auto look = [&] {
        ObservedState observed = observe(store, name);
        outcome.steps.clear();
        for (const auto& c : observed.containers)
            if (c.active()) outcome.steps.push_back({BootStep::Kind::stop, c.record.name, "the machine goes down"});
        return observed;
    };
    std::map<std::string, std::chrono::nanoseconds> none; // no more patience, for each
    for (const auto& c : look().containers) none[c.record.id] = {};
    // It would begin what waits for its turn.
    const bool has_tasks = resumes_itself(name) && SupervisorClient::connect(store.roots(), name);
    if ((outcome.steps.empty() && !has_tasks) || options.dry_run) return;
    const auto steps = outcome.steps;
    const Deadline deadline(end, [&] { SupervisorClient::preempt(store.roots(), name, none); });
    cancel_others(name, {}, stop);
    const FileLock held = lock(name, stop);
    // What a failed pre_stop hook has kept running, or a stop after it was skipped for: without hooks, then at once.
    using Pass = std::function<Plan(const Scene&)>;
    for (const Pass& pass : {Pass([&](const Scene& s) { return plan_shutdown(s, options.limit, true); }),
                             Pass([&](const Scene& s) { return plan_shutdown(s, options.limit, false); }),
                             Pass([&](const Scene& s) { return plan_shutdown_now(s); })})
        try {
            until_fresh([&] {
                const ObservedState observed = look();
                Plan plan = pass({observed, nullptr});
                if (has_tasks) SupervisorClient::connect_or_start(store.roots(), name).apply(plan, sink(), stop);
                else if (!plan.empty()) send(std::move(plan), stop);
            });
        } catch (const Error& e) {
            if (!end || std::chrono::steady_clock::now() < *end) outcome.failures.push_back(e);
        }
    outcome.steps = steps;
}

std::vector<ProjectOutcome> Engine::boot(const BootOptions& options, std::stop_token stop) {
    return for_each_project(impl_->store, [&](ProjectOutcome& outcome) { impl_->boot(outcome, options, stop); });
}

std::vector<ProjectOutcome> Engine::shut_down(const ShutdownOptions& options, std::stop_token stop) {
    return for_each_project(impl_->store, [&](ProjectOutcome& outcome) { impl_->shut_down(outcome, options, stop); });
}

} // namespace davit

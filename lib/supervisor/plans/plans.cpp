#include "supervisor/plans/plans.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace davit::supervisor {

namespace {

using namespace std::chrono_literals;
constexpr auto return_limit = 5s; // for the client whose attaching a resumed plan waits for
constexpr std::size_t remembered_results = 128;

// Signals are for a process as it is now: they wait for nobody.
bool only_signals(const Plan& plan) {
    return plan.beside && std::all_of(plan.operations.begin(), plan.operations.end(),
                                      [](const Operation& op) { return op.kind == OpKind::kill_container; });
}

bool names_container(const Plan& plan, const std::string& id) {
    return std::any_of(plan.operations.begin(), plan.operations.end(),
                       [&](const Operation& op) { return op.container_id == id; });
}

bool conflict(const Plan& first, const Plan& second) {
    if (!first.beside && !second.beside) return true;
    if (only_signals(second)) return false;
    return std::any_of(second.operations.begin(), second.operations.end(), [&](const Operation& op) {
        return !op.container_id.empty() && names_container(first, op.container_id);
    });
}

bool concerns(const Plan& plan, const Event& event) {
    if (!plan.beside) return true;
    if (!event.container_id.empty()) return names_container(plan, event.container_id);
    return std::any_of(plan.operations.begin(), plan.operations.end(), [&](const Operation& op) {
        return (!op.network.empty() && event.resource.ends_with(op.network)) ||
               (!op.volume.empty() && event.resource.ends_with(op.volume));
    });
}

} // namespace

void Plans::apply(SessionId session, int id, const std::string& token, Plan plan) {
    for (const auto& [ended, failure] : ended_)
        if (ended == token) return control_.send_result(session, id, failure ? &*failure : nullptr);
    if (Running* same = find(token)) {
        same->listeners.emplace_back(session, id);
        return same->runner->tell_held_starts();
    }
    queue_.push_back({session, id, token, std::move(plan)});
    begin_what_can();
}

Plans::Running* Plans::find(const std::string& token) {
    for (const auto& r : running_)
        if (r->runner && r->runner->token() == token) return r.get();
    return nullptr;
}

bool Plans::names(const std::string& container_id) const {
    return std::any_of(running_.begin(), running_.end(),
                       [&](const auto& r) { return names_container(r->runner->plan(), container_id); }) ||
           std::any_of(queue_.begin(), queue_.end(),
                       [&](const Request& r) { return names_container(r.plan, container_id); });
}

// In the order in which they came, but for those that wait for nothing.
void Plans::begin_what_can() {
    if (std::exchange(beginning_, true)) return; // a plan ended in begin(): the loop below sees it
    for (bool again = true; again;) {
        again = false;
        std::vector<const Plan*> waiting;
        for (auto it = queue_.begin(); it != queue_.end(); ++it) {
            const bool waits =
                blocked(it->plan) || std::any_of(waiting.begin(), waiting.end(),
                                                 [&](const Plan* earlier) { return conflict(*earlier, it->plan); });
            if (waits) {
                waiting.push_back(&it->plan);
                continue;
            }
            Request request = std::move(*it);
            queue_.erase(it);
            begin(std::move(request));
            again = true;
            break;
        }
    }
    beginning_ = false;
    for (const Request& request : queue_) hasten(request.plan);
}

// By what a plan that runs has still to do.
bool Plans::blocked(const Plan& plan) const {
    const bool signals = only_signals(plan);
    return std::any_of(running_.begin(), running_.end(), [&](const auto& r) {
        if (!plan.beside && !r->runner->plan().beside) return true;
        return !signals && std::any_of(plan.operations.begin(), plan.operations.end(), [&](const Operation& op) {
            return !op.container_id.empty() && r->runner->works_on(op.container_id);
        });
    });
}

// Who stops or removes a container that is being stopped more patiently waits no longer than it would by itself; and
// nobody waits for the client of a start that is to end anyway.
void Plans::hasten(const Plan& plan) {
    if (!plan.beside) return;
    for (const Operation& op : plan.operations) {
        const bool removes = op.kind == OpKind::remove_container && op.force;
        if (!removes && op.kind != OpKind::stop_container && op.kind != OpKind::restart_container) continue;
        Container* c = containers_.find(op.container_id);
        if (!c) continue;
        const std::int64_t grace = removes ? 0 : op.timeout_ns.value_or(c->record().stop_grace);
        if (grace >= 0) c->hurry(std::chrono::nanoseconds(grace));
        c->abandon_start("another command took precedence");
    }
}

void Plans::begin(Request request) {
    const SessionId session = request.session;
    const int id = request.id;
    if (auto stale = staleness(request.plan)) return control_.send_result(session, id, &*stale, true);
    try {
        start(std::move(request), {});
    } catch (const Error& e) {
        control_.send_result(session, id, &e);
    }
}

std::optional<Error> Plans::staleness(const Plan& plan) const {
    for (const auto& [id, generation] : plan.seen) {
        Container* c = containers_.find(id);
        if (c && c->record().generation == generation) continue;
        return error(Errc::conflict, "container {} has been {} since the plan was made",
                     c ? c->record().name : id.substr(0, 12), c ? "changed" : "removed");
    }
    if (!plan.known) return std::nullopt;
    for (const auto& [id, container] : containers_.all())
        if (!plan.known->contains(id))
            return error(Errc::conflict, "container {} has been made since the plan was", container->record().name);
    return std::nullopt;
}

void Plans::start(Request request, std::set<int> done_before) {
    auto owned = std::make_unique<Running>(
        Running{Journal(world_.paths.run, request.plan.beside ? request.token : ""), {}, {}, {}});
    Running& running = *owned;
    running.journal.begin(request.token, request.plan);
    for (int id : done_before) running.journal.done(id);
    if (request.session != 0) running.listeners.emplace_back(request.session, request.id);
    observer_.begins(request.plan);
    try {
        running.runner = std::make_shared<PlanRunner>(
            world_, containers_, running.journal, request.token, std::move(request.plan), std::move(done_before),
            [this, &running](const std::optional<Error>& e) { finished(&running, e); });
    } catch (...) { // no plan
        running.journal.end();
        throw;
    }
    running_.push_back(std::move(owned));
    auto runner = running.runner;
    runner->begin();
}

void Plans::resume() {
    for (Journal::Found& found : Journal::read_all(world_.paths.run)) {
        Request request;
        request.token = found.token;
        request.plan = std::move(found.plan);
        try {
            start(std::move(request), std::move(found.done));
            if (Running* running = find(found.token)) expect_client(*running);
        } catch (const Error& e) {
            log::warning("an interrupted plan cannot be finished: {}", e.what());
        }
    }
}

// A client whose supervisor was killed comes back at once; what its successor holds for one that does not is let go.
void Plans::expect_client(Running& running) {
    if (!running.runner->holds_start()) return;
    running.return_limit = world_.loop.after(return_limit, [&running] {
        if (running.listeners.empty()) running.runner->abandon_held_starts("the command that started it is gone");
    });
}

void Plans::finished(const Running* which, const std::optional<Error>& failure) {
    auto it = std::find_if(running_.begin(), running_.end(), [&](const auto& r) { return r.get() == which; });
    std::shared_ptr<Running> ended = std::move(*it);
    running_.erase(it);
    ended_.emplace_back(ended->runner->token(), failure);
    if (ended_.size() > remembered_results) ended_.pop_front();
    for (const auto& [session, id] : ended->listeners) control_.send_result(session, id, failure ? &*failure : nullptr);
    for (Preempter& p : preempters_) p.waits_for.erase(which);
    std::erase_if(preempters_, [&](const Preempter& p) {
        if (p.waits_for.empty()) control_.send_result(p.session, p.id, nullptr);
        return p.waits_for.empty();
    });
    world_.loop.post([this, ended] { // it is still on the stack
        begin_what_can();
        observer_.ended();
    });
}

void Plans::cancel(SessionId session, int id) {
    const Error why = error(Errc::interrupted, "cancelled");
    std::erase_if(queue_, [&](const Request& r) {
        if (r.session != session || r.id != id) return false;
        control_.send_result(session, id, &why);
        return true;
    });
    for (const auto& r : running_)
        for (const auto& listener : r->listeners)
            if (listener == std::pair{session, id}) {
                auto runner = r->runner;
                return runner->cancel(why);
            }
}

void Plans::preempt(SessionId session, int id, const std::map<std::string, std::chrono::nanoseconds>& patience) {
    Preempter who{session, id, {}};
    for (const auto& r : running_) who.waits_for.insert(r.get());
    if (who.waits_for.empty()) return control_.send_result(session, id, nullptr);
    preempters_.push_back(std::move(who));
    for (const auto& [container, limit] : patience)
        if (Container* c = containers_.find(container)) c->hurry(limit);
    std::vector<std::shared_ptr<PlanRunner>> runners; // cancelling may end them
    for (const auto& r : running_) runners.push_back(r->runner);
    for (const auto& runner : runners) runner->cancel(error(Errc::interrupted, "another command took precedence"));
}

void Plans::drop_all(const Error& why) {
    for (const Request& r : std::exchange(queue_, {})) control_.send_result(r.session, r.id, &why);
    for (const auto& [id, container] : containers_.all()) container->hurry({});
    std::vector<std::shared_ptr<PlanRunner>> runners; // cancelling may end them
    for (const auto& r : running_) runners.push_back(r->runner);
    for (const auto& runner : runners) runner->cancel(why);
}

const std::optional<Error>* Plans::result_of(const std::string& token) const {
    for (const auto& [ended, failure] : ended_)
        if (ended == token) return &failure;
    return nullptr;
}

void Plans::closed(SessionId session) {
    std::erase_if(queue_, [&](const Request& r) { return r.session == session; });
    std::erase_if(preempters_, [&](const Preempter& p) { return p.session == session; });
    std::vector<std::shared_ptr<PlanRunner>> left;
    for (const auto& r : running_) {
        const bool listened = std::erase_if(r->listeners, [&](const auto& l) { return l.first == session; }) != 0;
        // It was here and is gone: what waits for it to attach waits for nobody.
        if (listened && r->listeners.empty()) left.push_back(r->runner);
    }
    for (const auto& runner : left) runner->abandon_held_starts("the command that started it is gone");
    begin_what_can(); // what it waited with may have been in the way
}

void Plans::emit(const Event& event) {
    for (const auto& r : running_)
        if (r->runner && !r->listeners.empty() && concerns(r->runner->plan(), event))
            for (const auto& [session, id] : r->listeners) control_.send_event(session, id, event);
}

void Plans::container_changed() {
    std::vector<std::shared_ptr<PlanRunner>> runners;
    for (const auto& r : running_) runners.push_back(r->runner);
    for (const auto& runner : runners) runner->container_changed();
}

void Plans::end_task(const std::string& task) {
    std::vector<std::shared_ptr<PlanRunner>> runners;
    for (const auto& r : running_) runners.push_back(r->runner);
    for (const auto& runner : runners) runner->end_task(task);
}

} // namespace davit::supervisor

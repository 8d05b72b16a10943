#include "supervisor/supervisor.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "supervisor/footprint.hpp"

#include <algorithm>
#include <csignal>
#include <linux/netlink.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {
using namespace std::chrono_literals;
constexpr auto linger = 1s;       // after the last client, while containers exist but none runs
constexpr auto return_limit = 5s; // for the client whose attaching a resumed plan waits for
constexpr auto sync_delay = 1s;
constexpr auto nursery_idle_limit = 3s;
constexpr auto shrink_delay = 3s; // after the last plan, or the start without one
constexpr std::size_t remembered_results = 16;
constexpr int failure_limit = 10'000;
} // namespace

Supervisor::Supervisor(Roots roots, std::string project, FileLock lock)
    : roots_(std::move(roots)), project_(std::move(project)), lock_(std::move(lock)), group_(project_), store_(roots_),
      paths_(roots_, project_), reaper_(loop_), files_helper_(loop_), net_helper_(loop_), dns_(loop_, registry_),
      host_(NETLINK_ROUTE), networks_(loop_, store_, project_, net_helper_, registry_), world_(make_world()),
      containers_(world_), journal_(paths_.run), control_(loop_, *this) {
    sys::make_dirs(paths_.state, 0700);
    sys::make_dirs(paths_.run_containers(), 0700);
    terminate_ = loop_.watch_signal(SIGTERM, [this](int) { loop_.stop(); }); // as a crash: the shims see to a successor
    networks_.load();
    containers_.load();
    networks_.adopted();
    listen();
    resume();
    loop_.post([this] { consider_exit(); });
}

Supervisor::~Supervisor() = default;

// In a full run directory there is no room for a socket; the one that started us is connected all the same, and
// what it asks for may make room.
void Supervisor::listen() {
    try {
        control_.listen(paths_.supervisor_socket());
    } catch (const Error& e) {
        log::warning("no other command is heard yet: {}", e.what());
        listen_again_ = loop_.after(1s, [this] { listen(); });
    }
}

World Supervisor::make_world() {
    std::string shim = find_program("davit-shim");
    World w{loop_, store_, paths_, reaper_, files_helper_, networks_, dns_, host_, shim, {}, {}, {}, {}, {}, {},
            {},    {},     {},     {}};
    w.shim_exe = [this, shim] {
        if (!shim_exe_) shim_exe_ = runtime::sealed_copy(shim);
        return shim_exe_.get();
    };
    w.supervisor_argv = {
        find_program("davit-supervisor"), "--project", project_, "--state-dir", roots_.state, "--run-dir", roots_.run};
    w.ready_shims = [this] {
        nursery_idle_ = loop_.after(nursery_idle_limit, [this] { nursery_.release(); });
        nursery_.prepare(world_.shim_exe());
    };
    w.start_shim = [this](const runtime::ShimStart& start) {
        nursery_idle_ = loop_.after(nursery_idle_limit, [this] { nursery_.release(); });
        return nursery_.start(start);
    };
    w.emit = [this](Event e) { emit(std::move(e)); };
    w.changed = [this](Container&) {
        // After what happens now is complete: a gate may end the plan.
        if (!std::exchange(changed_posted_, true))
            loop_.post([this] {
                changed_posted_ = false;
                if (current_) current_->runner->container_changed();
                consider_exit();
            });
    };
    w.auto_remove = [this](Container& c) {
        loop_.post([this, id = c.record().id] {
            containers_.remove(id, false, true, [this, id](const Error* e) {
                if (e) log::warning("removing the container {}: {}", id.substr(0, 12), e->what());
                consider_exit();
            });
        });
    };
    w.find = [this](const std::string& id) { return containers_.find(id); };
    w.take_turn = [this](std::function<void()> work) { take_turn(std::move(work)); };
    w.sync_soon = [this](const std::string& file) { sync_soon(file); };
    return w;
}

void Supervisor::add_client(UniqueFd connection) {
    control_.adopt(std::move(connection));
    loop_.post([this] { net_helper_.prepare(); });
}

void Supervisor::run() {
    shrink_timer_ = loop_.after(shrink_delay, shrink_footprint);
    // What one container's callback throws must not end the care for the others.
    for (int failures = 0; failures < failure_limit; ++failures) {
        try {
            loop_.run();
            return clean_up();
        } catch (const Error& e) {
            log::warning("unexpected: {}", e.describe());
        }
    }
    throw error(Errc::failed, "{} failures one after the other", failure_limit);
}

// One piece a turn, so that DNS and the control socket are served in between.
void Supervisor::take_turn(std::function<void()> work) {
    turns_.push_back(std::move(work));
    if (!std::exchange(turn_posted_, true)) loop_.post([this] { next_turn(); });
}

void Supervisor::next_turn() {
    turn_posted_ = false;
    if (turns_.empty()) return;
    auto work = std::move(turns_.front());
    turns_.pop_front();
    if (!turns_.empty()) {
        turn_posted_ = true;
        loop_.post([this] { next_turn(); });
    }
    work();
}

void Supervisor::sync_soon(const std::string& file) {
    to_sync_.insert(file);
    if (sync_timer_) return;
    sync_timer_ = loop_.after(sync_delay, [this] {
        sync_timer_.reset();
        HelperJob job;
        job.kind = HelperJob::Kind::sync;
        job.paths.assign(to_sync_.begin(), to_sync_.end());
        to_sync_.clear();
        files_helper_.run(job, [](const Error* e) {
            if (e) log::warning("writing records to disk: {}", e->what());
        });
    });
}

void Supervisor::emit(Event event) {
    control_.send_to_subscribers(event);
    if (!current_) return;
    for (const auto& [session, id] : current_->listeners) control_.send_event(session, id, event);
}

// ---- plans

void Supervisor::on_apply(SessionId session, int id, const std::string& token, Plan plan) {
    for (const auto& [ended, failure] : ended_)
        if (ended == token) return control_.send_result(session, id, failure ? &*failure : nullptr);
    if (current_ && current_->runner->token() == token) {
        return current_->listeners.emplace_back(session, id), void();
    }
    queue_.push_back({session, id, token, std::move(plan)});
    next_plan();
}

void Supervisor::next_plan() {
    while (!current_ && !queue_.empty()) {
        Request request = std::move(queue_.front());
        queue_.pop_front();
        if (auto stale = staleness(request.plan)) {
            control_.send_result(request.session, request.id, &*stale, true);
            continue;
        }
        SessionId session = request.session;
        int id = request.id;
        try {
            start_plan(std::move(request), {});
        } catch (const Error& e) {
            current_.reset();
            journal_.end();
            control_.send_result(session, id, &e);
        }
    }
}

std::optional<Error> Supervisor::staleness(const Plan& plan) const {
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

void Supervisor::start_plan(Request request, std::set<int> done_before) {
    linger_.reset();
    shrink_timer_.reset();
    journal_.begin(request.token, request.plan);
    for (int id : done_before) journal_.done(id);
    current_ = std::make_unique<Current>();
    if (request.session != 0) current_->listeners.emplace_back(request.session, request.id);
    prepare_helpers(request.plan);
    current_->runner =
        std::make_shared<PlanRunner>(world_, containers_, journal_, request.token, std::move(request.plan),
                                     std::move(done_before), [this](const std::optional<Error>& e) { finished(e); });
    auto runner = current_->runner;
    runner->begin();
}

// They start while the containers end.
void Supervisor::prepare_helpers(const Plan& plan) {
    auto has = [&](OpKind kind) {
        return std::any_of(plan.operations.begin(), plan.operations.end(),
                           [&](const Operation& op) { return op.kind == kind; });
    };
    if (has(OpKind::remove_container)) loop_.post([this] { files_helper_.prepare(); });
    if (has(OpKind::remove_network)) loop_.post([this] { net_helper_.prepare(); });
    // While the network is made.
    if (has(OpKind::start_container)) loop_.post([this] { world_.ready_shims(); });
}

void Supervisor::resume() {
    auto found = journal_.read();
    if (!found) return journal_.end();
    Request request;
    request.token = found->token;
    request.plan = std::move(found->plan);
    try {
        start_plan(std::move(request), std::move(found->done));
        expect_client();
    } catch (const Error& e) {
        log::warning("the interrupted plan cannot be finished: {}", e.what());
        current_.reset();
        journal_.end();
    }
}

void Supervisor::finished(const std::optional<Error>& failure) {
    auto ended = std::move(current_);
    ended_.emplace_back(ended->runner->token(), failure);
    if (ended_.size() > remembered_results) ended_.pop_front();
    for (const auto& [session, id] : ended->listeners) control_.send_result(session, id, failure ? &*failure : nullptr);
    for (const auto& [session, id] : std::exchange(preempters_, {})) control_.send_result(session, id, nullptr);
    loop_.post([this, runner = ended->runner] { // it is still on the stack
        next_plan();
        if (!current_ && !nothing_left()) release_helpers(); // clean_up() waits for them
        consider_exit();
    });
}

// Nothing but the supervisor and the shims stays when a plan is done.
void Supervisor::release_helpers() {
    files_helper_.release();
    net_helper_.release();
    nursery_.release();
    shrink_timer_ = loop_.after(shrink_delay, shrink_footprint);
}

void Supervisor::on_cancel(SessionId session, int id) {
    Error why = error(Errc::interrupted, "cancelled");
    std::erase_if(queue_, [&](const Request& r) {
        if (r.session != session || r.id != id) return false;
        control_.send_result(session, id, &why);
        return true;
    });
    if (!current_) return;
    for (const auto& listener : current_->listeners)
        if (listener == std::pair{session, id}) return current_->runner->cancel(why);
}

void Supervisor::on_preempt(SessionId session, int id,
                            const std::map<std::string, std::chrono::nanoseconds>& patience) {
    if (!current_) return control_.send_result(session, id, nullptr);
    preempters_.emplace_back(session, id);
    for (const auto& [container, limit] : patience)
        if (Container* c = containers_.find(container)) c->hurry(limit);
    if (!current_) return; // that was the last of it
    current_->runner->cancel(error(Errc::interrupted, "another command took precedence"));
}

std::vector<std::string> Supervisor::on_status() {
    std::vector<std::string> out;
    for (const auto& [id, container] : containers_.all()) out.push_back(to_json(container->status()));
    return out;
}

void Supervisor::on_closed(SessionId session) {
    std::erase_if(queue_, [&](const Request& r) { return r.session == session; });
    std::erase_if(preempters_, [&](const auto& p) { return p.first == session; });
    if (current_) {
        const bool listened =
            std::erase_if(current_->listeners, [&](const auto& l) { return l.first == session; }) != 0;
        // It was here and is gone: what waits for it to attach waits for nobody.
        if (listened && current_->listeners.empty())
            current_->runner->abandon_held_starts("the command that started it is gone");
    }
    loop_.post([this] { consider_exit(); });
}

// A client whose supervisor was killed comes back at once; what its successor holds for one that does not is let go.
void Supervisor::expect_client() {
    if (!current_ || !current_->runner->holds_start()) return;
    current_->return_limit = loop_.after(return_limit, [this] {
        if (current_ && current_->listeners.empty())
            current_->runner->abandon_held_starts("the command that started it is gone");
    });
}

// ---- the end

bool Supervisor::nothing_left() const { return containers_.empty() && !networks_.uses_any(); }

void Supervisor::consider_exit() {
    bool waits_for_helpers = files_helper_.busy() || net_helper_.busy() || networks_.busy();
    if (current_ || !queue_.empty() || !control_.idle() || containers_.any_active() || !turns_.empty())
        return linger_.reset();
    if (waits_for_helpers) {
        linger_ = loop_.after(2ms, [this] { consider_exit(); });
        return;
    }
    if (networks_.owes_commit()) {
        linger_ = loop_.after(100ms, [this] { consider_exit(); });
        return;
    }
    if (nothing_left()) return loop_.stop();
    linger_ = loop_.after(linger, [this] {
        if (!current_ && control_.idle() && !containers_.any_active()) loop_.stop();
    });
}

bool Supervisor::on_bye() {
    loop_.post([this] { consider_exit(); });
    return nothing_left() && !current_ && queue_.empty();
}

// Unless a command works on it: then it is that command's, which may have written the project's file a moment ago.
void Supervisor::forget_project() {
    std::optional<FileLock> lock;
    if (exists(paths_.lock()) && !(lock = FileLock::try_acquire(paths_.lock()))) return;
    if (lock && !lock->still_at(paths_.lock())) return;
    store_.remove_project(project_);
    if (!lock) return;
    ::unlink(paths_.lock().c_str()); // who waits for it sees that it is another file now
    ::rmdir(paths_.state.c_str());
}

void Supervisor::clean_up() {
    if (!nothing_left()) networks_.save_kept();
    if (containers_.any_active()) return; // killed by SIGTERM: as after a crash, the shims see to a successor
    containers_.pay_records();
    control_.close_listener();
    files_helper_.stop();
    net_helper_.stop();
    nursery_.stop();
    group_.leave();
    if (nothing_left()) {
        forget_project();
        remove_run_files(roots_, paths_);
    }
}

} // namespace davit::supervisor

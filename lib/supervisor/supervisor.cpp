#include "supervisor/supervisor.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/programs.hpp"
#include "base/sys.hpp"
#include "supervisor/abandoned.hpp"
#include "supervisor/footprint.hpp"

#include <algorithm>
#include <csignal>
#include <linux/netlink.h>
#include <unistd.h>

namespace davit::supervisor {

namespace {
using namespace std::chrono_literals;
constexpr auto linger = 1s; // after the last client, while containers exist but none runs
// Outside of compose files one short run follows another. Between them stay the bridge, whose removal waits for grace
// periods of the kernel (20-40 ms), and what serves it.
constexpr auto machine_linger = 300ms;
constexpr auto sync_delay = 1s;
constexpr auto nursery_idle_limit = 3s;
constexpr auto shrink_delay = 3s; // after the last plan, or the start without one
constexpr int failure_limit = 10'000;
} // namespace

Supervisor::Supervisor(Roots roots, std::string project, FileLock lock, Guard guard)
    : roots_(std::move(roots)), project_(std::move(project)), lock_(std::move(lock)), group_(project_), store_(roots_),
      paths_(roots_, project_), reaper_(loop_), files_helper_(loop_), net_helper_(loop_), dns_(loop_, registry_),
      host_(NETLINK_ROUTE), networks_(loop_, store_, project_, net_helper_, registry_),
      metadata_(loop_, [this](const std::string& holder, const std::string& path) { return ecs_answer(holder, path); }),
      world_(make_world()), containers_(world_),
      leaving_(loop_, store_, networks_, project_, [this] { consider_exit(); }),
      tasks_(world_, containers_, project_, [this] { tasks_idle(); }),
      event_log_(
          roots_, project_,
          [this](const std::string& id) {
              const Container* c = containers_.find(id);
              return c ? &c->record() : nullptr;
          },
          [this](const std::string& name) { return networks_.known(name); }),
      control_(loop_, *this), plans_(world_, containers_, control_,
                                     {[this](const Plan& plan) { plan_begins(plan); }, [this] { plan_ended(); }}),
      scope_(world_, containers_, plans_, project_, std::move(guard), [this] { consider_exit(); }) {
    sys::make_dirs(paths_.state, 0700);
    sys::make_dirs(paths_.run_containers(), 0700);
    terminate_ = loop_.watch_signal(SIGTERM, [this](int) { loop_.stop(); }); // as a crash: the shims see to a successor
    networks_.park = [this](const std::string& id) {
        if (Container* c = containers_.find(id)) c->park_ports();
    };
    networks_.load();
    containers_.load();
    networks_.adopted();
    leaving_.load();
    for (const Journal::Found& found : Journal::read_all(paths_.run))
        world_.shutting_down = world_.shutting_down || found.plan.shutdown;
    tasks_.load();
    listen();
    plans_.resume();
    scope_.load();
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
    World w{loop_, store_, paths_, reaper_, files_helper_, networks_, dns_, host_, shim};
    w.names.emplace(roots_);
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
    w.changed = [this](Container& c) {
        // After what happens now is complete: a gate may end the plan.
        if (changed_.empty())
            loop_.post([this] {
                for (const auto& id : std::exchange(changed_, {})) tasks_.container_changed(id);
                plans_.container_changed();
                consider_exit();
            });
        changed_.insert(c.record().id);
    };
    w.auto_remove = [this](Container& c) {
        loop_.post([this, id = c.record().id] {
            containers_.remove(id, false, true, [this, id](const Error* e) {
                if (e) log::warning("removing the container {}: {}", id.substr(0, 12), e->what());
                consider_exit();
            });
        });
    };
    w.essential_ended = [this](Container& c, const char* how) {
        Event e;
        e.kind = EventKind::warning;
        e.time_ns = sys::realtime_ns();
        e.project = project_;
        e.service = c.record().service;
        e.container_id = c.record().id;
        e.container_name = c.record().name;
        e.text = fmt::format("{} is essential and {}: the task {} ends", c.record().name, how, c.record().ecs->task);
        emit(std::move(e));
        loop_.post([this, record = c.record()] { containers_.end_task(record); });
    };
    w.task_ends = [this](const std::string& task) { plans_.end_task(task); };
    w.serve_metadata = [this](const std::string& id, int netns) { metadata_.serve(id, netns); };
    w.stop_metadata = [this](const std::string& id) { metadata_.stop(id); };
    w.journal = [this](const std::vector<JournalLine>& lines) { event_log_.write(lines); };
    w.leaving = [this](const ContainerRecord& record) { event_log_.keep(record); };
    w.find = [this](const std::string& id) { return containers_.find(id); };
    w.named = [this](const std::string& name) -> Container* {
        for (const auto& [id, container] : containers_.all())
            if (container->record().name == name) return container.get();
        return nullptr;
    };
    w.take_turn = [this](std::function<void()> work) { take_turn(std::move(work)); };
    w.sync_soon = [this](const std::string& file) { sync_soon(file); };
    return w;
}

metadata::Answer Supervisor::ecs_answer(const std::string& holder, const std::string& path) {
    const Container* asked = containers_.find(holder);
    if (!asked || !asked->record().ecs) return {404, "there is no such task"};
    const ContainerRecord& own = asked->record();
    std::vector<metadata::Member> members;
    const bool stats = metadata::uses_stats(path);
    if (stats) samples_.keep_only([this](const std::string& id) { return containers_.find(id) != nullptr; });
    for (const auto& [id, container] : containers_.all()) {
        const ContainerRecord& r = container->record();
        const bool in_task = r.ecs && r.ecs->task == own.ecs->task && !r.ecs->network;
        if (!in_task) continue;
        members.push_back({&r, &container->status()});
        if (const pid_t init = container->status().pid; stats && init != 0)
            members.back().stats = metadata::stats_json(id, r.name, samples_.take(id, init));
    }
    return metadata::answer(path, members, asked->status().endpoints);
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
    event_log_.write(event);
    control_.send_to_subscribers(event);
    plans_.emit(event);
}

// ---- plans

void Supervisor::on_apply(SessionId session, int id, const std::string& token, Plan plan) {
    plans_.apply(session, id, token, std::move(plan));
}

void Supervisor::on_cancel(SessionId session, int id) { plans_.cancel(session, id); }

void Supervisor::on_preempt(SessionId session, int id,
                            const std::map<std::string, std::chrono::nanoseconds>& patience) {
    plans_.preempt(session, id, patience);
}

void Supervisor::plan_begins(const Plan& plan) {
    is_used();
    shrink_timer_.reset();
    const bool starts = std::any_of(plan.operations.begin(), plan.operations.end(), [](const Operation& op) {
        return op.kind == OpKind::start_container || op.kind == OpKind::restart_container;
    });
    set_shutting_down(plan.shutdown || (world_.shutting_down && plan.beside && !starts));
    prepare_helpers(plan);
}

void Supervisor::plan_ended() {
    if (plans_.idle() && !nothing_left()) { // clean_up() waits for them
        // Outside of compose files one short run follows another: there they end when they have been idle.
        if (project_ != machine_project) release_helpers();
        else shrink_timer_ = loop_.after(shrink_delay, shrink_footprint);
    }
    scope_.plan_ended();
    consider_exit();
}

// A machine that was about to go down and is used again does not.
void Supervisor::set_shutting_down(bool now) {
    if (std::exchange(world_.shutting_down, now) && !now) tasks_.go_on();
}

// They start while the containers end.
void Supervisor::prepare_helpers(const Plan& plan) {
    auto has = [&](OpKind kind) {
        return std::any_of(plan.operations.begin(), plan.operations.end(),
                           [&](const Operation& op) { return op.kind == kind; });
    };
    if (has(OpKind::remove_container)) loop_.post([this] { files_helper_.prepare(); });
    if (has(OpKind::remove_network)) loop_.post([this] { net_helper_.prepare(); });
}

// Nothing but the supervisor and the shims stays when a plan is done.
void Supervisor::release_helpers() {
    files_helper_.release();
    net_helper_.release();
    nursery_.release();
    shrink_timer_ = loop_.after(shrink_delay, shrink_footprint);
}

void Supervisor::on_closed(SessionId session) {
    plans_.closed(session);
    loop_.post([this] { consider_exit(); });
}

// ---- services

void Supervisor::on_set_service(const ServiceChange& change) {
    is_used();
    set_shutting_down(false);
    tasks_.set_service(change);
}
void Supervisor::on_remove_service(const std::string& id) { tasks_.remove_service(id); }
void Supervisor::on_leave_network(const std::string& name) { leaving_.add(name); }
void Supervisor::on_keep_network(const std::string& name) { leaving_.keep(name); }
void Supervisor::on_node_changed() { tasks_.node_changed(); }

// ---- scopes

void Supervisor::on_scope(ScopeRecord record) {
    is_used();
    scope_.hold(std::move(record));
}

void Supervisor::on_end_scope(SessionId session, int id, bool take_down) {
    scope_.let_go(take_down, [this, session, id](const Error* e) { control_.send_result(session, id, e); });
}

void Supervisor::tasks_idle() {
    leaving_.try_all();
    consider_exit();
}

// ---- the end

// Of clients that were killed while they staged: nobody but this project's supervisor can tell.
void Supervisor::clear_abandoned() {
    if (project_ != machine_project || abandoned_stays_) return;
    HelperJob job;
    job.kind = HelperJob::Kind::remove_trees;
    for (const auto& entry : abandoned_staging(paths_, [this](const std::string& id) { return plans_.names(id); })) {
        containers_.remove_volumes(store_.volumes_of_staged(project_, entry));
        job.paths.push_back(paths_.staging(entry));
        if (exists(paths_.run_container(entry))) job.paths.push_back(paths_.run_container(entry));
    }
    if (job.paths.empty()) return;
    files_helper_.run(job, [this](const Error* e) {
        abandoned_stays_ = e != nullptr;
        if (e) log::warning("removing what clients have left: {}", e->what());
        consider_exit();
    });
}

bool Supervisor::nothing_left() const {
    if (world_.shutting_down && tasks_.any_service()) return false; // the next boot's supervisor goes on with them
    return containers_.empty() && !networks_.uses_any() && !tasks_.needs_supervisor() && !scope_.any();
}

// Somebody has to keep what services have, as long as there is a machine to come to them from.
bool Supervisor::holds_addresses() { return networks_.services().any() && !world_.shutting_down; }

bool Supervisor::lingers() {
    if (project_ != machine_project || lingered_ || world_.shutting_down) return false;
    if (!machine_linger_)
        machine_linger_ = loop_.after(machine_linger, [this] {
            lingered_ = true;
            consider_exit();
        });
    return true;
}

void Supervisor::is_used() {
    linger_.reset();
    machine_linger_.reset();
    lingered_ = false;
}

void Supervisor::consider_exit() {
    if (!scope_.any() && control_.idle()) scope_.stop_guard();
    const bool wanted = !control_.idle() && !(containers_.empty() && control_.only_watched());
    const bool quiet = plans_.idle() && !wanted && !containers_.any_active();
    if (quiet && lingers()) return;
    if (quiet) networks_.leave_unused();
    if (!plans_.idle() || wanted || containers_.any_active() || !turns_.empty() || tasks_.needs_supervisor() ||
        leaving_.any() || holds_addresses() || scope_.any())
        return linger_.reset();
    const auto waits_for_helpers = [this] { return files_helper_.busy() || net_helper_.busy() || networks_.busy(); };
    if (!waits_for_helpers()) clear_abandoned();
    if (waits_for_helpers()) {
        linger_ = loop_.after(2ms, [this] { consider_exit(); });
        return;
    }
    if (networks_.owes_commit()) {
        linger_ = loop_.after(100ms, [this] { consider_exit(); });
        return;
    }
    if (nothing_left()) {
        loop_.stop();
        return;
    }
    linger_ = loop_.after(linger, [this] {
        if (plans_.idle() && control_.idle() && !containers_.any_active() && !tasks_.needs_supervisor() &&
            !holds_addresses())
            loop_.stop();
    });
}

bool Supervisor::on_bye() {
    loop_.post([this] { consider_exit(); });
    return nothing_left() && plans_.idle() && project_ != machine_project; // that one lingers
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
    // Killed by SIGTERM: as after a crash, the shims or the guard of a scope see to a successor.
    if (containers_.any_active() || scope_.any()) return;
    scope_.stop_guard();
    containers_.pay_records();
    control_.close_listener();
    files_helper_.stop();
    net_helper_.stop();
    networks_.stop_helper();
    nursery_.stop();
    group_.leave();
    if (nothing_left()) {
        forget_project();
        remove_run_files(roots_, paths_);
    }
}

} // namespace davit::supervisor

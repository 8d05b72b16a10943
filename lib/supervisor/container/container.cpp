#include "supervisor/container/container.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <utility>

namespace davit::supervisor {

namespace {
constexpr std::chrono::seconds write_again{1};
}

Container::Container(World& world, ContainerRecord record, ContainerStatus status)
    : world_(world), record_(std::move(record)), status_(std::move(status)),
      policy_(record_.restart, status_.restart_count, std::chrono::nanoseconds(status_.restart_delay)) {
    status_.id = record_.id;
}

Container::~Container() {
    world_.dns.stop(record_.id);
    world_.networks.leave(record_.id);
}

LifeView Container::life() const {
    LifeView view;
    view.state = status_.state;
    view.has_run = run_ != nullptr;
    view.has_shim = run_ && run_->shim;
    view.restarts_later = static_cast<bool>(restart_timer_);
    view.post_start_left = static_cast<int>(record_.post_start.size()) - status_.post_start_begun;
    view.pre_stop_left = static_cast<int>(record_.pre_stop.size()) - status_.pre_stop_begun;
    view.stopped_by_user = status_.stopped_by_user;
    return view;
}

void Container::save() {
    ContainerStatus out = status_;
    // While it is being started again it stands as it was stopped: whoever follows it knows by that, and by its
    // being meant to run, that it comes back.
    const bool coming_back = run_ && !run_->by_policy && status_.state == ContainerState::exited;
    out.stopped_by_user = status_.stopped_by_user || coming_back;
    if (health_ && status_.state == ContainerState::running) {
        out.health = health_->state();
        out.failing_streak = health_->failing_streak();
    }
    status_.health = out.health;
    status_.failing_streak = out.failing_streak;
    try {
        world_.store.write(record_.project, out);
        status_owed_ = false;
    } catch (const Error& e) { // a full /run must not keep containers from being looked after
        if (!std::exchange(status_owed_, true))
            log::warning("writing the status of container {}: {}", record_.name, e.what());
        owe_later();
    }
}

void Container::set_state(ContainerState state) {
    status_.state = state;
    if (state != ContainerState::running) status_.health = Health::none;
    save();
    world_.changed(*this);
}

// Memory follows the disk: a plan names the generation that its client read there.
void Container::write_record(ContainerRecord next) {
    ++next.generation;
    // In the page cache it outlives every process; the disk gets it in the background.
    world_.store.write(next, false);
    record_ = std::move(next);
    record_owed_ = false;
    world_.sync_soon(world_.paths.record(record_.id));
}

void Container::set_desired(DesiredState desired) {
    if (record_.desired == desired && !record_owed_) return;
    ContainerRecord next = record_;
    next.desired = desired;
    try {
        write_record(std::move(next));
    } catch (const Error& e) {
        if (desired == DesiredState::running) throw;
        // What is to be down goes down without the disk: that is what frees it.
        log::warning("container {} is to be down, which its record does not say yet: {}", record_.name, e.what());
        record_.desired = desired;
        record_owed_ = true;
        owe_later();
    }
}

void Container::owe_later() {
    owed_timer_ = world_.loop.after(write_again, [this] { pay_owed(); });
}

void Container::pay_owed() {
    if (status_owed_) save();
    if (!record_owed_) return;
    try {
        write_record(record_);
    } catch (const Error&) { // it has been told
        owe_later();
    }
}

void Container::emit(EventKind kind, std::string text, int exit_code) {
    Event e;
    e.kind = kind;
    e.time_ns = sys::realtime_ns();
    e.project = record_.project;
    e.service = record_.service;
    e.container_id = record_.id;
    e.container_name = record_.name;
    e.text = std::move(text);
    e.exit_code = exit_code;
    world_.emit(std::move(e));
}

void Container::answer(std::vector<Done>& waiters, const Error* error) {
    auto all = std::exchange(waiters, {});
    std::optional<Error> copy;
    if (error) copy = *error;
    for (auto& done : all) world_.loop.post([done = std::move(done), copy] { done(copy ? &*copy : nullptr); });
}

void Container::handed_over() {
    status_.ports.clear();
    save();
}

void Container::took_over() {
    ContainerRecord next = record_;
    next.takes_over.clear();
    write_record(std::move(next));
    if (const NetworkLease* lease = world_.networks.lease(record_.id)) status_.ports = lease->ports;
    save();
    park_descriptors();
}

// ---- what the shim says

void Container::on_shim_readable() {
    auto keep = shared_from_this();
    while (run_ && run_->shim) {
        auto event = run_->shim->receive();
        if (!event) return;
        std::visit([this](auto& e) { handle(e); }, *event);
    }
}

void Container::handle(runtime::Started& e) {
    world_.reaper.clear(e.pid);
    bool adopted = running() && status_.pid == e.pid && status_.pid_start == e.start_time;
    status_.pid = e.pid;
    status_.pid_start = e.start_time;
    if (adopted) return; // its shim tells the new supervisor how things are
    status_.started_at = e.time_ns != 0 ? e.time_ns : sys::realtime_ns();
    started();
}

void Container::handle(runtime::Held& e) {
    status_.pid = e.pid;
    status_.pid_start = sys::start_time(e.pid);
    save();
    run_->hold = run_->held = true; // also of a start that an earlier supervisor began
    if (!run_->abandoned.empty()) return send_kill();
    emit(EventKind::container_attachable);
}

void Container::tell_held() {
    if (run_ && run_->held && !running() && run_->abandoned.empty()) emit(EventKind::container_attachable);
}

void Container::handle(runtime::StartFailed& e) {
    run_->failed = run_->abandoned.empty() ? std::move(e.error) : Error(Errc::interrupted, run_->abandoned);
}

void Container::handle(runtime::Warning& e) { emit(EventKind::warning, std::move(e.text)); }

void Container::handle(runtime::Exited& e) { run_->exited = e; }

void Container::handle(runtime::OomEvent&) {
    status_.oom_killed = true;
    emit(EventKind::container_oom);
}

void Container::handle(runtime::LogTruncated& e) {
    emit(EventKind::warning, fmt::format("{} bytes of output of {} could not be written to its log: {}", e.bytes,
                                         record_.name, std::generic_category().message(e.errnum)));
}

void Container::handle(runtime::StdioFds& e) { run_->stdio = std::move(e); }

void Container::handle(runtime::ExecFailed& e) {
    auto node = run_->execs.extract(e.exec);
    if (!node.empty()) node.mapped()->failed(e.error);
}

void Container::handle(runtime::ExecExited& e) {
    auto node = run_->execs.extract(e.exec);
    if (!node.empty()) node.mapped()->exited(e.code);
}

void Container::handle(runtime::Reply& e) {
    auto node = run_->replies.extract(e.request);
    if (!node.empty()) node.mapped()(e.errnum);
}

void Container::handle(runtime::ShimStatus& e) {
    if (e.running && e.paused && status_.state == ContainerState::running) set_state(ContainerState::paused);
}

void Container::handle(runtime::Disconnected&) {
    run_->shim_watch.reset();
    run_->shim.reset();
    if (run_->exited || run_->failed) return end_run();
    find_shim();
}

// ---- pause

namespace {
Error not_running(const ContainerRecord& r) { return error(Errc::conflict, "container {} is not running", r.name); }
}

Error Container::reply_error(int errnum, const char* what) const {
    const pid_t shim = errnum == ETIMEDOUT ? runtime::shim_pid(world_.paths.run_container(record_.id)) : 0;
    if (shim == 0) return sys_error(errnum, "{} container {}", what, record_.name);
    return error(Errc::unavailable, "{} container {}: its davit-shim (pid {}) is stopped and does nothing", what,
                 record_.name, shim)
        .with_hint(fmt::format("let it go on: kill -CONT {}", shim));
}

void Container::pause(Done done) {
    std::vector<Done> waiter{std::move(done)};
    std::optional<Error> refusal;
    if (status_.state == ContainerState::paused)
        refusal = error(Errc::conflict, "container {} is already paused", record_.id);
    else if (status_.state != ContainerState::running || !run_ || !run_->shim) refusal = not_running(record_);
    if (refusal) return answer(waiter, &*refusal);
    std::uint32_t request = run_->shim->pause();
    expect_answer();
    run_->replies[request] = [this, waiter](int errnum) mutable {
        if (errnum != 0) {
            Error e = reply_error(errnum, "pausing");
            return answer(waiter, &e);
        }
        stop_health();
        set_state(ContainerState::paused);
        emit(EventKind::container_paused);
        answer(waiter, nullptr);
    };
}

void Container::unpause(Done done) {
    std::vector<Done> waiter{std::move(done)};
    std::optional<Error> refusal;
    if (status_.state != ContainerState::paused || !run_ || !run_->shim)
        refusal = error(Errc::conflict, "container {} is not paused", record_.name);
    if (refusal) return answer(waiter, &*refusal);
    std::uint32_t request = run_->shim->unpause();
    expect_answer();
    run_->replies[request] = [this, waiter](int errnum) mutable {
        if (errnum != 0) {
            Error e = reply_error(errnum, "unpausing");
            return answer(waiter, &e);
        }
        set_state(ContainerState::running);
        start_health(true);
        emit(EventKind::container_unpaused);
        answer(waiter, nullptr);
    };
}

} // namespace davit::supervisor

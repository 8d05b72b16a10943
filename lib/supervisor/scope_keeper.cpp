#include "supervisor/scope_keeper.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sys.hpp"
#include "project/event_journal.hpp"
#include "project/revision_store.hpp"
#include "project/store.hpp"

#include <algorithm>
#include <sys/epoll.h>
#include <unistd.h>
#include <utility>

namespace davit::supervisor {

namespace {
using namespace std::chrono_literals;
constexpr auto lock_interval = 20ms;
// The owner's death frees the project's lock, unless a child that it forked has inherited the descriptor.
constexpr auto lock_patience = 1s;
constexpr auto first_pause = 100ms, longest_pause = 60'000ms; // after a take-down that failed
} // namespace

ScopeKeeper::ScopeKeeper(World& world, Containers& containers, Plans& plans, std::string project, Guard guard,
                         std::function<void()> changed)
    : world_(world), containers_(containers), plans_(plans), project_(std::move(project)), guard_(std::move(guard)),
      changed_(std::move(changed)) {}

void ScopeKeeper::load() {
    record_ = read_scope(world_.paths);
    if (!record_) return;
    keep_guard();
    watch_owner_again();
}

void ScopeKeeper::watch_owner_again() {
    if (owner_lives(*record_)) try {
            return watch_owner();
        } catch (const Error& e) { // gone between the two, or no descriptor is left
            log::warning("watching the owner of project {}: {}", project_, e.what());
        }
    world_.loop.post([this] { take_down("its owner is gone"); });
}

void ScopeKeeper::hold(ScopeRecord record) {
    if (ending_) throw error(Errc::conflict, "project {} is being taken down at this moment", project_);
    if (record_ && *record_ != record && owner_lives(*record_))
        throw error(Errc::conflict, "project {} ends with process {} already", project_, record_->owner)
            .with_hint("choose another name, or ScopeOptions::unique");
    const auto before = std::exchange(record_, std::move(record));
    try {
        watch_owner();
        keep_guard();
        write_scope(world_.paths, *record_);
    } catch (...) {
        record_ = before;
        owner_watch_.reset();
        if (record_) watch_owner_again();
        throw;
    }
    world_.sync_soon(world_.paths.scope());
}

void ScopeKeeper::watch_owner() {
    owner_watch_.reset();
    owner_ = sys::pidfd_open(record_->owner);
    if (!owner_lives(*record_)) throw error(Errc::not_found, "process {} is gone", record_->owner);
    owner_watch_ =
        world_.loop.watch_fd(owner_.get(), EPOLLIN, [this](std::uint32_t) { take_down("its owner is gone"); });
}

void ScopeKeeper::keep_guard() {
    guard_watch_.reset();
    if (!guard_) guard_.start(world_.store.roots(), project_);
    guard_watch_ = world_.loop.watch_fd(guard_.fd(), EPOLLIN, [this](std::uint32_t) {
        guard_watch_.reset();
        guard_.stop(); // it has ended: only its descriptors go
        if (record_) keep_guard();
    });
}

void ScopeKeeper::stop_guard() {
    guard_watch_.reset();
    guard_.stop();
}

void ScopeKeeper::let_go(bool whole, Done done) {
    if (!record_) return done(nullptr);
    if (whole || ending_) {
        waiting_.push_back(std::move(done));
        return take_down("its scope ends");
    }
    ::unlink(world_.paths.scope().c_str());
    record_.reset();
    owner_watch_.reset();
    stop_guard();
    done(nullptr);
    changed_();
}

// ---- the end of the project

void ScopeKeeper::take_down(const std::string& why) {
    owner_watch_.reset();
    if (std::exchange(ending_, true)) return;
    log::debug("project {} is taken down: {}", project_, why);
    began_ = std::chrono::steady_clock::now();
    pause_ = first_pause;
    plans_.drop_all(error(Errc::interrupted, "the project is taken down: {}", why));
    go_on();
}

// Called again and again: whenever something of it has ended.
void ScopeKeeper::go_on() {
    if (!ending_ || finishing_ || !plans_.idle() || retry_) return;
    if (!have_lock()) {
        retry_ = world_.loop.after(lock_interval, [this] {
            retry_.reset();
            go_on();
        });
        return;
    }
    Plan next = plan();
    if (next.empty()) return finish();
    token_ = sys::random_hex(32);
    plans_.apply(0, 0, token_, std::move(next));
    if (plans_.idle() && !plans_.result_of(token_)) { // it could not even begin
        token_.clear();
        try_later("no plan can be made");
    }
}

bool ScopeKeeper::have_lock() {
    if (lock_ && lock_->still_at(world_.paths.lock())) return true;
    lock_ = FileLock::try_acquire_making(world_.paths.lock());
    return lock_ || std::chrono::steady_clock::now() - began_ > lock_patience;
}

void ScopeKeeper::plan_ended() {
    if (!ending_) return;
    const auto* result = token_.empty() ? nullptr : plans_.result_of(token_);
    if (!token_.empty() && !result) return; // another plan's end
    token_.clear();
    if (result && *result) try_later((*result)->what());
    else go_on();
}

void ScopeKeeper::try_later(const std::string& why) {
    log::warning("taking down project {}: {}", project_, why);
    retry_ = world_.loop.after(pause_, [this] {
        retry_.reset();
        go_on();
    });
    pause_ = std::min<std::chrono::milliseconds>(pause_ * 2, longest_pause);
}

Plan ScopeKeeper::plan() const {
    Plan out;
    out.project = project_;
    std::vector<int> removed;
    const auto add = [&out](OpKind kind, std::string resource) -> Operation& {
        Operation& op = out.operations.emplace_back();
        op.id = static_cast<int>(out.operations.size());
        op.kind = kind;
        op.resource = std::move(resource);
        op.cause = "its scope has ended";
        return op;
    };
    for (const auto& [id, container] : containers_.all()) {
        const ContainerRecord& record = container->record();
        std::vector<int> after;
        if (record_->grace > 0 && container->active()) {
            Operation& stop = add(OpKind::stop_container, "container:" + record.name);
            stop.container_id = id;
            stop.container_name = record.name;
            stop.timeout_ns = record_->grace;
            after = {stop.id};
        }
        Operation& op = add(OpKind::remove_container, "container:" + record.name);
        op.container_id = id;
        op.container_name = record.name;
        op.force = op.remove_volumes = true;
        op.after = std::move(after);
        removed.push_back(op.id);
    }
    for (const auto& network : world_.store.networks()) {
        if (network.project != project_) continue;
        Operation& op = add(OpKind::remove_network, "network:" + network.name);
        op.network = network.name;
        op.after = removed;
    }
    for (const auto& name : record_->volumes) {
        const auto volume = world_.store.volume(name);
        if (!volume || volume->project != project_) continue;
        Operation& op = add(OpKind::remove_volume, "volume:" + name);
        op.volume = name;
        op.after = removed;
    }
    return out;
}

// What clients have staged goes before the record of the scope does: a successor of this supervisor finds it there.
std::vector<std::string> ScopeKeeper::files_left() const {
    const ProjectPaths& paths = world_.paths;
    std::vector<std::string> out;
    for (const auto& entry : list_directory(paths.staging())) {
        out.push_back(paths.staging(entry));
        if (entry.find('.') == std::string::npos) out.push_back(paths.run_container(entry));
    }
    for (const auto& path : {paths.staging(), paths.containers(), paths.project_file(), paths.lock(), paths.state})
        out.push_back(path);
    for (const auto& name : record_->volumes) // half-made by a client: without a record
        if (!world_.store.volume(name)) out.push_back(world_.store.roots().volumes() + "/" + name);
    if (!record_->unique) return out;
    const std::string journal = journal_file(world_.store.roots(), project_);
    out.push_back(journal);
    out.push_back(journal + ".1");
    out.push_back(RevisionPaths(world_.store.roots()).directory(project_));
    return out;
}

// Its files go with all others: what it has elsewhere.
void ScopeKeeper::drop_staged(const std::string& entry) {
    containers_.remove_volumes(world_.store.volumes_of_staged(project_, entry));
    const std::string file = world_.paths.staging(entry) + "/record.json";
    try {
        const auto text = read_file_if_exists(file);
        if (!text || text->empty()) return;
        const ContainerRecord record = container_record_from_json(*text, file);
        world_.names->release(record.name, {project_, record.id}); // claimed by a supervisor that was killed then
    } catch (const Error& e) {
        log::debug("looking at what was staged: {}", e.what());
    }
}

void ScopeKeeper::finish() {
    finishing_ = true;
    for (const auto& entry : list_directory(world_.paths.staging())) drop_staged(entry);
    HelperJob job;
    job.kind = HelperJob::Kind::remove_trees;
    job.paths = files_left();
    world_.files.run(job, [this](const Error* failure) { finished(failure); });
}

void ScopeKeeper::finished(const Error* failure) {
    finishing_ = false;
    if (failure) return try_later(failure->what()); // nothing runs any more; what is left is looked for again
    world_.store.remove_project(project_);          // the addresses that it kept
    record_.reset();
    ending_ = false;
    lock_.reset();
    for (const Done& done : std::exchange(waiting_, {})) done(nullptr);
    changed_();
}

} // namespace davit::supervisor

// The project of a scope ends with the process that made it: its pidfd is watched (not the end of its connection, which
// a forked child inherits). Then plans are cancelled and what the record says is taken down.
#pragma once

#include "base/event_loop.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "project/scope_record.hpp"
#include "supervisor/container/containers.hpp"
#include "supervisor/guard.hpp"
#include "supervisor/plans/plans.hpp"
#include "supervisor/world.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace davit::supervisor {

class ScopeKeeper {
public:
    using Done = std::function<void(const Error* error)>;

    // guard: of a supervisor that was started for a scope. changed: any() may be another now.
    ScopeKeeper(World& world, Containers& containers, Plans& plans, std::string project, Guard guard,
                std::function<void()> changed);

    // What the record says; when containers and plans of an earlier supervisor have been taken over.
    void load();
    // Throws conflict where a living process has one already, or it ends at this moment.
    void hold(ScopeRecord record);
    // The owner's own word. take_down: as when it dies, and done is called when nothing is left; else all stays.
    void let_go(bool take_down, Done done);

    void plan_ended();
    // It keeps the supervisor.
    bool any() const { return record_.has_value(); }
    // At the supervisor's end, and where no scope came about.
    void stop_guard();

private:
    void watch_owner();
    void watch_owner_again(); // or the end, where it is gone
    void keep_guard();
    void take_down(const std::string& why);
    void go_on();
    void try_later(const std::string& why);
    bool have_lock();
    Plan plan() const;
    void drop_staged(const std::string& entry);
    void finish();
    void finished(const Error* failure);
    std::vector<std::string> files_left() const;

    World& world_;
    Containers& containers_;
    Plans& plans_;
    std::string project_;
    Guard guard_;
    std::function<void()> changed_;

    std::optional<ScopeRecord> record_;
    UniqueFd owner_; // pidfd
    EventLoop::Watch owner_watch_, guard_watch_, retry_;
    bool ending_ = false, finishing_ = false;
    std::string token_; // of the plan that runs
    std::optional<FileLock> lock_;
    std::chrono::steady_clock::time_point began_; // to end
    std::chrono::milliseconds pause_{};
    std::vector<Done> waiting_;
};

} // namespace davit::supervisor

// Runs one plan: operations begin as soon as what they wait for has happened.
#pragma once

#include "davit/event.hpp"
#include "supervisor/container/containers.hpp"
#include "supervisor/plans/journal.hpp"
#include "supervisor/policy/executor.hpp"
#include "supervisor/world.hpp"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

namespace davit::supervisor {

class PlanRunner : public std::enable_shared_from_this<PlanRunner> {
public:
    using Finished = std::function<void(const std::optional<Error>& failure)>;

    // done_before: from the journal of a supervisor that was killed.
    PlanRunner(World& world, Containers& containers, Journal& journal, std::string token, Plan plan,
               std::set<int> done_before, Finished finished);

    void begin();
    const std::string& token() const { return token_; }
    const Plan& plan() const { return executor_.plan(); }
    void cancel(const Error& why);
    // Something is still to be done to the container; waiting for it is nothing.
    bool works_on(const std::string& container_id) const;
    // A start that waits for its client to attach: without it the plan cannot go on.
    bool holds_start() const;
    void tell_held_starts(); // to a client that has come back
    void abandon_held_starts(const std::string& why);
    void container_changed();
    void end_task(const std::string& task); // of ECS: what of it has not begun is dropped

private:
    struct Gate {
        EventLoop::Watch limit, look_again;
        bool announced = false;
    };

    void step();
    void drop_unstarted(const Operation& op);
    void end_task_of(const Operation& op);
    void run(const Operation& op);
    void run_volume(const Operation& op);
    void run_network(const Operation& op);
    void run_container(const Operation& op);
    void open_gate(const Operation& op);
    bool check_gate(const Operation& op, Gate& gate); // true: it has ended
    void ended(int id, const Error* error);
    Event event_of(EventKind kind, const Operation& op) const;
    std::function<void(const Error*)> ender(int id);

    World& world_;
    Containers& containers_;
    Journal& journal_;
    std::string token_;
    PlanExecutor executor_;
    std::set<int> done_before_;
    std::map<int, Gate> gates_;
    Finished finished_;
    std::set<std::string> ended_tasks_;
    bool stepping_ = false, over_ = false, cancelled_ = false;
};

} // namespace davit::supervisor

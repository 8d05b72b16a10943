// The order of a plan: which operations may begin, which never will. Pure: it runs nothing itself.
#pragma once

#include "davit/error.hpp"
#include "davit/plan.hpp"

#include <map>
#include <optional>
#include <vector>

namespace davit::supervisor {

class PlanExecutor {
public:
    enum class State { waiting, running, done, failed, skipped };

    // Throws (failed) when ids are not unique, name nothing, or go round in a circle.
    explicit PlanExecutor(Plan plan);

    const Plan& plan() const { return plan_; }
    const Operation& operation(int id) const;
    State state(int id) const;

    // Those whose predecessors have all succeeded, in the plan's order; they are running then.
    std::vector<int> take_ready();
    void done(int id);
    // Everything that waits for it, directly or not, is skipped. The first failure is kept.
    void fail(int id, const Error& error);
    // As if it had failed, where it has not begun.
    void skip(int id, const Error& why);
    // Nothing begins any more; what runs goes on. Without a failure so far, why is the plan's.
    void cancel(const Error& why);
    // Skipped since the last call, for the events.
    std::vector<int> take_skipped();

    bool finished() const { return open_ == 0; } // nothing waits and nothing runs
    std::vector<int> running() const;
    const std::optional<Error>& failure() const { return failure_; }

private:
    struct Node {
        std::size_t index = 0; // in plan_.operations
        std::size_t missing = 0;
        std::vector<int> dependents;
        State state = State::waiting;
    };
    Node& node(int id);
    void skip_dependents(const Node& of);
    void close(Node& node, State state);
    void require_acyclic() const;

    Plan plan_;
    std::map<int, Node> nodes_;
    std::vector<int> ready_;
    std::vector<int> skipped_;
    std::size_t open_ = 0;
    std::optional<Error> failure_;
};

} // namespace davit::supervisor

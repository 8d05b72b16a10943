// The plans of a project: which one runs, which ones run beside each other, which wait, and who hears of them.
#pragma once

#include "supervisor/container/containers.hpp"
#include "supervisor/control.hpp"
#include "supervisor/plans/journal.hpp"
#include "supervisor/plans/plan_runner.hpp"
#include "supervisor/world.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace davit::supervisor {

class Plans {
public:
    // begins: a plan is about to run. ended: one has, and the loop comes back to it when all is said.
    struct Observer {
        std::function<void(const Plan&)> begins;
        std::function<void()> ended;
    };

    Plans(World& world, Containers& containers, Control& control, Observer observer)
        : world_(world), containers_(containers), control_(control), observer_(std::move(observer)) {}

    // As ControlHandler.
    void apply(SessionId session, int id, const std::string& token, Plan plan);
    void cancel(SessionId session, int id);
    void preempt(SessionId session, int id, const std::map<std::string, std::chrono::nanoseconds>& patience);
    void closed(SessionId session);
    // Whatever runs and waits: what has not begun is dropped, what stops patiently does so no longer.
    void drop_all(const Error& why);
    // How a plan that has ended did; nullptr: it has not, or long ago.
    const std::optional<Error>* result_of(const std::string& token) const;

    // What the journals of an earlier supervisor say goes on.
    void resume();
    void emit(const Event& event); // to those whose plans it is about
    void container_changed();
    void end_task(const std::string& task); // of ECS: what of it has not begun is dropped
    bool idle() const { return running_.empty() && queue_.empty(); }
    // A plan that runs or waits names it.
    bool names(const std::string& container_id) const;

private:
    struct Request {
        SessionId session = 0;
        int id = 0;
        std::string token;
        Plan plan;
    };
    struct Running {
        Journal journal;
        std::shared_ptr<PlanRunner> runner;
        std::vector<std::pair<SessionId, int>> listeners; // sessions that wait for its result
        EventLoop::Watch return_limit;
    };
    struct Preempter {
        SessionId session = 0;
        int id = 0;
        std::set<const Running*> waits_for;
    };

    void begin_what_can();
    bool blocked(const Plan& plan) const;
    void hasten(const Plan& plan);
    void begin(Request request);
    void start(Request request, std::set<int> done_before);
    std::optional<Error> staleness(const Plan& plan) const;
    void finished(const Running* which, const std::optional<Error>& failure);
    void expect_client(Running& running);
    Running* find(const std::string& token);

    World& world_;
    Containers& containers_;
    Control& control_;
    Observer observer_;
    std::list<std::unique_ptr<Running>> running_;
    std::deque<Request> queue_;
    std::vector<Preempter> preempters_;
    std::deque<std::pair<std::string, std::optional<Error>>> ended_; // tokens and results of the last plans
    bool beginning_ = false;
};

} // namespace davit::supervisor

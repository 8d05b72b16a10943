#include "supervisor/policy/executor.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace davit::supervisor {

PlanExecutor::PlanExecutor(Plan plan) : plan_(std::move(plan)) {
    for (std::size_t i = 0; i < plan_.operations.size(); ++i) {
        const Operation& op = plan_.operations[i];
        if (!nodes_.emplace(op.id, Node{i, op.after.size(), {}, State::waiting}).second)
            throw error(Errc::failed, "the plan has two operations with the number {}", op.id);
    }
    for (const Operation& op : plan_.operations) {
        for (int before : op.after) {
            auto it = nodes_.find(before);
            if (it == nodes_.end())
                throw error(Errc::failed, "operation {} waits for {}, which the plan does not have", op.id, before);
            it->second.dependents.push_back(op.id);
        }
        if (op.after.empty()) ready_.push_back(op.id);
    }
    open_ = nodes_.size();
    require_acyclic();
}

void PlanExecutor::require_acyclic() const {
    std::map<int, std::size_t> missing;
    std::vector<int> free = ready_;
    std::size_t reached = 0;
    for (; !free.empty(); ++reached) {
        int id = free.back();
        free.pop_back();
        for (int next : nodes_.at(id).dependents)
            if (++missing[next] == nodes_.at(next).missing) free.push_back(next);
    }
    if (reached != nodes_.size()) throw error(Errc::failed, "the plan's operations wait for each other in a circle");
}

PlanExecutor::Node& PlanExecutor::node(int id) {
    auto it = nodes_.find(id);
    if (it == nodes_.end()) throw error(Errc::failed, "the plan has no operation {}", id);
    return it->second;
}

const Operation& PlanExecutor::operation(int id) const {
    auto it = nodes_.find(id);
    if (it == nodes_.end()) throw error(Errc::failed, "the plan has no operation {}", id);
    return plan_.operations[it->second.index];
}

PlanExecutor::State PlanExecutor::state(int id) const { return nodes_.at(id).state; }

std::vector<int> PlanExecutor::take_ready() {
    std::vector<int> out;
    out.swap(ready_);
    std::sort(out.begin(), out.end(), [&](int a, int b) { return nodes_.at(a).index < nodes_.at(b).index; });
    for (int id : out) nodes_.at(id).state = State::running;
    return out;
}

void PlanExecutor::close(Node& n, State state) {
    n.state = state;
    --open_;
}

void PlanExecutor::done(int id) {
    Node& n = node(id);
    if (n.state != State::running) return;
    close(n, State::done);
    for (int next : n.dependents) {
        Node& d = nodes_.at(next);
        if (--d.missing == 0 && d.state == State::waiting) ready_.push_back(next);
    }
}

void PlanExecutor::fail(int id, const Error& error) {
    Node& n = node(id);
    if (n.state != State::running) return;
    close(n, State::failed);
    if (!failure_) failure_ = error;
    skip_dependents(n);
}

void PlanExecutor::skip_dependents(const Node& of) {
    std::vector<int> todo = of.dependents;
    while (!todo.empty()) {
        int id = todo.back();
        todo.pop_back();
        Node& n = nodes_.at(id);
        if (n.state != State::waiting) continue;
        close(n, State::skipped);
        skipped_.push_back(id);
        todo.insert(todo.end(), n.dependents.begin(), n.dependents.end());
    }
}

void PlanExecutor::skip(int id, const Error& why) {
    Node& n = node(id);
    if (n.state != State::waiting) return;
    std::erase(ready_, id);
    close(n, State::skipped);
    skipped_.push_back(id);
    if (!failure_) failure_ = why;
    skip_dependents(n);
}

void PlanExecutor::cancel(const Error& why) {
    ready_.clear();
    for (auto& [id, n] : nodes_) {
        if (n.state != State::waiting) continue;
        close(n, State::skipped);
        skipped_.push_back(id);
        if (!failure_) failure_ = why; // a plan that loses nothing does not fail
    }
}

std::vector<int> PlanExecutor::take_skipped() {
    std::vector<int> out;
    out.swap(skipped_);
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<int> PlanExecutor::running() const {
    std::vector<int> out;
    for (const auto& [id, n] : nodes_)
        if (n.state == State::running) out.push_back(id);
    return out;
}

} // namespace davit::supervisor

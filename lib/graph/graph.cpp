#include "graph/graph.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace davit {

void Graph::add_edge(const std::string& from, const std::string& to) {
    edges_[to];
    edges_[from].insert(to);
}

std::vector<std::string> Graph::find_cycle() const {
    enum class Mark { open, done };
    std::map<std::string, Mark> marks;
    using Iterator = std::set<std::string>::const_iterator;
    for (const auto& [root, unused] : edges_) {
        if (marks.count(root)) continue;
        // An explicit stack: the depth is the user's.
        std::vector<std::pair<std::string, Iterator>> stack{{root, edges_.at(root).begin()}};
        marks[root] = Mark::open;
        while (!stack.empty()) {
            auto& [name, next] = stack.back();
            if (next == edges_.at(name).end()) {
                marks[name] = Mark::done;
                stack.pop_back();
                continue;
            }
            const std::string target = *next++;
            auto mark = marks.find(target);
            if (mark == marks.end()) {
                marks[target] = Mark::open;
                stack.emplace_back(target, edges_.at(target).begin());
            } else if (mark->second == Mark::open) {
                std::vector<std::string> cycle;
                auto from = std::find_if(stack.begin(), stack.end(), [&](const auto& s) { return s.first == target; });
                for (; from != stack.end(); ++from) cycle.push_back(from->first);
                cycle.push_back(target);
                return cycle;
            }
        }
    }
    return {};
}

std::vector<std::vector<std::string>> Graph::levels() const {
    std::map<std::string, std::size_t> missing;
    std::map<std::string, std::vector<std::string>> needed_by;
    std::vector<std::string> ready;
    for (const auto& [name, targets] : edges_) {
        missing[name] = targets.size();
        for (const auto& t : targets) needed_by[t].push_back(name);
        if (targets.empty()) ready.push_back(name);
    }
    std::vector<std::vector<std::string>> out;
    while (!ready.empty()) {
        std::vector<std::string> next;
        for (const auto& name : ready)
            for (const auto& dependent : needed_by[name])
                if (--missing[dependent] == 0) next.push_back(dependent);
        std::sort(next.begin(), next.end());
        out.push_back(std::move(ready));
        ready = std::move(next);
    }
    return out;
}

std::set<std::string> Graph::closure(const std::set<std::string>& from) const {
    std::set<std::string> seen;
    std::vector<std::string> todo(from.begin(), from.end());
    while (!todo.empty()) {
        std::string name = std::move(todo.back());
        todo.pop_back();
        auto node = edges_.find(name);
        if (node == edges_.end() || !seen.insert(name).second) continue;
        todo.insert(todo.end(), node->second.begin(), node->second.end());
    }
    return seen;
}

} // namespace davit

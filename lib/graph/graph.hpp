// A small directed graph over names: levels, cycles, reachability. Node order is by name, so that
// every result is deterministic.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit {

class Graph {
public:
    void add_node(const std::string& name) { edges_[name]; }
    // `from` needs `to`. Both become nodes.
    void add_edge(const std::string& from, const std::string& to);

    const std::map<std::string, std::set<std::string>>& edges() const { return edges_; }
    // One cycle as a path whose first and last name are equal; empty if there is none.
    std::vector<std::string> find_cycle() const;
    // What a node needs stands in an earlier level. Without the nodes of cycles.
    std::vector<std::vector<std::string>> levels() const;
    // The names and everything they need, directly or not.
    std::set<std::string> closure(const std::set<std::string>& from) const;

private:
    std::map<std::string, std::set<std::string>> edges_;
};

} // namespace davit

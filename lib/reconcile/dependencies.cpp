#include "reconcile/dependencies.hpp"

#include "graph/graph.hpp"
#include "reconcile/labels.hpp"

#include <algorithm>
#include <set>

namespace davit {

namespace {

Graph graph_of(const DependencyMap& needs, const std::vector<std::string>& services) {
    Graph graph;
    for (const auto& name : services) graph.add_node(name);
    for (const auto& [name, dependencies] : needs) {
        graph.add_node(name);
        for (const auto& [on, unused] : dependencies) graph.add_edge(name, on);
    }
    return graph;
}

std::vector<std::string> flat(const Graph& graph) {
    std::vector<std::string> out;
    for (const auto& level : graph.levels()) out.insert(out.end(), level.begin(), level.end());
    for (const auto& [name, unused] : graph.edges())
        if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
    return out;
}

} // namespace

DependencyMap dependencies_of(const Scene& scene) {
    DependencyMap needs;
    for (const auto& c : scene.observed.containers) {
        auto it = c.record.labels.find(label::depends_on);
        if (it != c.record.labels.end() && !needs.count(c.record.service))
            needs[c.record.service] = label::parse_depends_on(it->second);
    }
    if (scene.model) {
        for (const auto& [name, s] : scene.model->services) needs[name] = s.depends_on;
        for (const auto& [name, s] : scene.model->disabled_services) needs[name] = s.depends_on;
    }
    return needs;
}

std::vector<std::string> dependents_in(const DependencyMap& needs, const std::string& service) {
    std::vector<std::string> out;
    for (const auto& [name, dependencies] : needs)
        if (dependencies.count(service)) out.push_back(name);
    return out;
}

std::vector<std::string> with_dependencies(const DependencyMap& needs, const std::vector<std::string>& services) {
    const std::set<std::string> all = graph_of(needs, services).closure({services.begin(), services.end()});
    return {all.begin(), all.end()};
}

std::vector<std::string> forward_order(const DependencyMap& needs, const std::vector<std::string>& services) {
    std::vector<std::string> out;
    for (const auto& name : flat(graph_of(needs, services)))
        if (std::find(services.begin(), services.end(), name) != services.end()) out.push_back(name);
    return out;
}

std::vector<std::string> reverse_order(const DependencyMap& needs, const std::vector<std::string>& services) {
    std::vector<std::string> out = flat(graph_of(needs, services));
    std::reverse(out.begin(), out.end());
    return out;
}

} // namespace davit

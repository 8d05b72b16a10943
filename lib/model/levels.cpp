#include "davit/project.hpp"

#include "base/error.hpp"
#include "graph/graph.hpp"

#include <fmt/ranges.h>

namespace davit {

std::vector<std::vector<std::string>> dependency_levels(const Project& p) {
    Graph graph;
    for (const auto& [name, service] : p.services) {
        graph.add_node(name);
        for (const auto& [other, unused] : service.depends_on)
            if (p.services.count(other)) graph.add_edge(name, other);
    }
    if (auto cycle = graph.find_cycle(); !cycle.empty())
        throw error(Errc::invalid_project, "dependency cycle detected: {}", fmt::join(cycle, " -> "));
    return graph.levels();
}

std::vector<std::string> dependents_of(const Project& p, const std::string& service) {
    std::vector<std::string> out;
    for (const auto& [name, other] : p.services)
        if (other.depends_on.count(service)) out.push_back(name);
    return out;
}

} // namespace davit

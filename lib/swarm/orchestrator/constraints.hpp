// Placement constraints: "node.role == manager", "engine.labels.disk != ssd".
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::swarm {

struct NodeFacts;

struct Constraint {
    std::string key, value;
    bool equal = true;
};

// Throws usage with Docker's words.
Constraint parse_constraint(std::string_view text);
bool meets(const NodeFacts& node, const Constraint& constraint);
// What cannot be read constrains nothing: it was refused when the service was made.
bool meets(const NodeFacts& node, const std::vector<std::string>& constraints);

} // namespace davit::swarm

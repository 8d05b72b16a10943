// Whose history it is. Names of projects have no dot, so that the three kinds are told apart by the name alone:
// "shop" is a project, "stack.x" a stack, "service.x" a service that no stack has.
#pragma once

#include "project/paths.hpp"

#include <string>

namespace davit {

struct HistoryOwner {
    enum class Kind { project, stack, service };
    Kind kind = Kind::project;
    std::string name; // as its user calls it
    static HistoryOwner of(const std::string& owner);
    std::string title() const; // "project shop", "stack x"
};

// Something of it is there: containers, or services.
bool is_there(const Roots& roots, const std::string& owner);

} // namespace davit

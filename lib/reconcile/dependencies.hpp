// Which service needs which, from the model or from the labels of containers, and the orders in
// which they are started and stopped.
#pragma once

#include "davit/project.hpp"
#include "reconcile/lifecycle.hpp"

#include <map>
#include <string>
#include <vector>

namespace davit {

using DependencyMap = std::map<std::string, std::map<std::string, Dependency>>; // service → what it needs

DependencyMap dependencies_of(const Scene& scene);
// Who needs it, directly.
std::vector<std::string> dependents_in(const DependencyMap& needs, const std::string& service);
std::vector<std::string> with_dependencies(const DependencyMap& needs, const std::vector<std::string>& services);
// Of these services, dependencies first; those of a cycle (in labels of older versions) come last.
std::vector<std::string> forward_order(const DependencyMap& needs, const std::vector<std::string>& services);
// Of all services, dependents first.
std::vector<std::string> reverse_order(const DependencyMap& needs, const std::vector<std::string>& services);

} // namespace davit

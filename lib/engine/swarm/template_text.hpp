// {{.Service.Name}}, {{.Task.Slot}} and their like, as Swarm expands them in host names, environments, mounts and
// templated configs and secrets. What differs from task to task becomes a hole. Pure.
//
// Go's actions with variables, if, with and range (over .Service.Labels), its comparisons, and, or, not, index, len,
// print and printf; env, secret and config. What is known for each task only may be compared with eq and ne.
#pragma once

#include "swarm/task_template.hpp"

#include <functional>
#include <map>
#include <string>

namespace davit {

struct TemplateContext {
    const swarm::Service& service;
    const swarm::Holes& holes;
    std::string architecture = "x86_64";
    // For configs and secrets alone: what env, secret and config give. Absent: there are no such functions.
    std::function<std::string(const std::string& function, const std::string& name)> look_up;
};

// Throws invalid_project for what is no template, or asks for what there is not.
std::string expand_template(const std::string& text, const TemplateContext& context);

} // namespace davit

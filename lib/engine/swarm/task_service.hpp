// The specification of a service's tasks in the words of the compose model, from which a container is built: one
// project with that one service. Templates are expanded; what differs from task to task is a hole. Pure.
#pragma once

#include "davit/project.hpp"
#include "davit/swarm.hpp"
#include "engine/swarm/template_text.hpp"
#include "swarm/task_template.hpp"

#include <functional>
#include <string>

namespace davit {

struct TaskModelInput {
    const swarm::Service& service;
    const swarm::Holes& holes;
    // The name of a network that an attachment names by id or name. "host", "none" and "bridge" are themselves.
    std::function<std::string(const std::string& target)> network_name;
    std::function<bool(const std::string& name)> volume_exists;
};

struct TaskModel {
    Project project;
    const Service& service() const { return project.services.begin()->second; }
};

// Throws invalid_project (a template, a value that no container can have).
TaskModel task_model(const TaskModelInput& input);

} // namespace davit

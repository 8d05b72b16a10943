// ECS task definitions and services among compose files: what the AWS command line reads and prints becomes the compose
// file that runs the same here. Every node keeps its place in the JSON, so that whatever finds a mistake later shows
// it.
#pragma once

#include "compose/diagnostics.hpp"
#include "compose/template.hpp"

#include <string>

namespace davit::compose::ecs {

// As `register-task-definition --cli-input-json` takes it, or in {"taskDefinition": …}, as `describe` prints it.
bool is_task_definition(const Node& document);
// One as something else than `aws ecs register-task-definition` takes it: CloudFormation's, a list of containers alone.
const Node* as_others_write_it(const Node& document);
// As `create-service --cli-input-json` takes it, or in {"service": …} or {"services": […]}.
bool is_service(const Node& document);
// The family of a task definition; nullptr: none.
const Node* family_of(const Node& document);

struct Surroundings {
    const Environment& environment; // secrets have their values there
    std::string directory;          // where its files of variables are
    bool values = true;             // files and secrets have to be there
    bool elsewhere = false;         // as in LoadOptions
};

// service: nullptr where there is none.
Node* to_compose(Tree&, const Node& task_definition, const Node* service, const Surroundings&, Diagnostics&);

} // namespace davit::compose::ecs

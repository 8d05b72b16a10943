// ECS task definitions that are kept on this machine: immutable revisions FAMILY:N, numbered by davit as ECS does.
// `-f ecs:FAMILY[:N]` runs one. Blocks on the disk; several processes may call at once.
#pragma once

#include "davit/engine.hpp"
#include "davit/load.hpp"

#include <cstdint>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit::ecs {

struct TaskDefinition {
    std::string family;
    int revision = 0;
    bool active = true;
    std::string arn;  // arn:aws:ecs:local:000000000000:task-definition/FAMILY:N
    std::string json; // {"taskDefinition": {…}, "tags": []}, as `aws ecs describe-task-definition` prints it
};

// text: as `register-task-definition --cli-input-json` takes it. shown: its file's name, for messages. It is read as it
// would be to run; what that warns of is returned in `warnings`. Errors: LoadError.
TaskDefinition register_task_definition(Engine& engine, const std::string& text, const std::string& shown,
                                        std::vector<Diagnostic>& warnings);
// By family, then revision. prefix: of the family; empty: all.
std::vector<TaskDefinition> task_definitions(Engine& engine, const std::string& prefix = {});
// "FAMILY:N", or FAMILY: its last active one; an ARN's last part. Errors: not_found.
TaskDefinition task_definition(Engine& engine, const std::string& name);
// It stays, and is told as INACTIVE; no FAMILY alone means it any more. Errors: not_found, usage (no revision).
TaskDefinition deregister_task_definition(Engine& engine, const std::string& name);

// For LoadOptions::resources: "ecs:FAMILY[:N]" is the file of the one in this state directory (empty: as
// EngineOptions has it); else `otherwise` is asked.
ResourceLoader task_definition_resources(std::string state_dir, ResourceLoader otherwise = {});

} // namespace davit::ecs
#pragma GCC visibility pop

// What the loader of ECS task definitions says of a service: x-davit-task. Others write it as well as davit does, so
// what is of another type is as if it were not there.
#pragma once

#include "davit/service.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace davit {

inline constexpr const char* ecs_task_key = "x-davit-task";

struct EcsTask {
    std::string name; // those of one task have one: the family, "family-2" …
    std::string family;
    int revision = 0;
    std::string container;
    bool essential = false;
    bool network = false;  // it holds the task's network, and is no container of the definition
    bool metadata = false; // the task has the metadata endpoint
    double cpu = 0;        // of the task: CPUs and MiB
    std::int64_t memory = 0;
    std::int64_t start_timeout = 0; // seconds that who depends on it waits; 0: for ever
    std::int64_t restart_after = 0; // seconds it has to have run to be started again
    std::vector<int> ignored_exit_codes;
    int copy = 1; // of `desiredCount`
};

std::optional<EcsTask> ecs_task_of(const Service& service);

} // namespace davit

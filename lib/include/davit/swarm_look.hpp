// Services, their tasks and stacks as they stand: what listings and inspect show. Reads files alone: no lock, nothing
// blocks but on the disk, and it works while no supervisor runs. Several threads may call at once.
//
// Errors: unavailable (the machine is in no swarm: see davit/swarm_objects.hpp), not_found, conflict (several fit),
// failed (the disk).
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "davit/swarm.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit::swarm {

std::vector<Service> services(Engine& engine); // by name
// By id, name, or the first digits of an id that are nobody else's.
Service service(Engine& engine, const std::string& id_or_name);
std::vector<Task> tasks(Engine& engine, const Service& service); // by creation

struct FoundTask {
    Service service;
    Task task;
};
// By id or its first digits. Nothing when there is none.
std::optional<FoundTask> find_task(Engine& engine, const std::string& id);
// "x_web.1"; of a global service, and of the first slot of a job: "x_web.<node's id>".
std::string task_name(const Service& service, const Task& task);
// What a task has on the host by itself (ports of mode host); nothing when it does not run.
std::vector<PublishedPort> ports_of(Engine& engine, const Service& service, const Task& task);
// Of a task that came to one. Nothing when it is gone.
std::optional<ContainerInfo> container_of(Engine& engine, const Service& service, const Task& task);

// How many tasks a service has and should have.
struct Counts {
    std::uint64_t running = 0, desired = 0;
    std::uint64_t completed = 0, total = 0; // jobs
    bool operator==(const Counts&) const = default;
};
Counts count(const Service& service, const std::vector<Task>& tasks);

struct StackInfo { // `stack ls`
    std::string name;
    std::size_t services = 0;
    bool operator==(const StackInfo&) const = default;
};
std::vector<StackInfo> stacks(Engine& engine); // by name
// Which stack it belongs to; empty: none.
std::string stack_of(const Labels& labels);

// The documents that Docker's API gives, as JSON text on one line, every key in Docker's order; a service's with what
// the engine fills in. Secrets are shown without their data.
std::string inspect(const Service& service);
std::string inspect(Engine& engine, const Service& service, const Task& task);
std::string inspect(FileKind kind, const Config& file);
std::string inspect(const Node& node);

} // namespace davit::swarm
#pragma GCC visibility pop

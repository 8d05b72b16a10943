// A container of an ECS task.
#include "container/builder.hpp"

#include "base/hash.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace davit {

namespace {

constexpr std::size_t longest_group = 24;

// Of the task's name, as a directory's; long ones by their hash, as all of a group's path has to fit into a step.
std::string group_name(const std::string& task) {
    std::string out = "task-";
    for (const char c : task)
        out += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ? c : '_';
    return out.size() <= longest_group ? out : "task-" + sha256_hex(task).substr(0, 16);
}

} // namespace

// What `run` starts beside a task is none of its containers.
void ContainerBuilder::ecs_task() {
    const auto task = ecs_task_of(service_);
    if (!task || out_.record.oneoff) return;
    ContainerRecord& record = out_.record;
    EcsRecord& r = record.ecs.emplace();
    r.task = task->name;
    r.family = task->family;
    r.revision = task->revision;
    r.container = task->container;
    r.essential = task->essential;
    r.network = task->network;
    r.metadata = task->metadata;
    r.cpu = task->cpu;
    r.memory = task->memory;
    r.start_timeout = task->start_timeout;
    for (const auto& [name, dependency] : service_.depends_on)
        if (!dependency.inferred) r.after.push_back(name);
    ecs_group(*task);
}

// The limits of a task are those of a group that all of its containers are in.
void ContainerBuilder::ecs_group(const EcsTask& task) {
    if ((task.cpu <= 0 && task.memory <= 0) || !service_.cgroup_parent.empty()) return;
    out_.record.cgroup = fmt::format("davit/{}/{}/{}", out_.record.project, group_name(task.name), out_.record.id);
    out_.spec.cgroup = out_.record.cgroup;
    out_.spec.group_memory = task.memory << 20;
    constexpr double period = 100'000, least = 1'000; // µs; the kernel takes no less
    if (task.cpu > 0) out_.spec.group_cpu_quota = static_cast<std::int64_t>(std::max(least, task.cpu * period));
}

void ContainerBuilder::ecs_restart() {
    const auto task = ecs_task_of(service_);
    RestartRecord& restart = out_.record.restart;
    if (!task || !out_.record.ecs || restart.kind == RestartKind::no) return;
    constexpr std::int64_t second = 1'000'000'000;
    restart.least_run = task->restart_after * second;
    restart.final_codes = task->ignored_exit_codes;
}

} // namespace davit

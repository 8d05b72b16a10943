// What a task says where its services say different things: the one whose network the others share speaks for all of
// them. Where there is none, the most replicas count, and else who says something; the report names the others.
#include "export/ecs/plan.hpp"

#include "base/units.hpp"
#include "export/tasks.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

// Who speaks for the task, and first what those say who say something else.
template <typename Get>
const Service* speaker(const Layout& plan, const Task& task, const char* key, Get of) {
    const Service* by = nullptr;
    for (const Service* s : task.members) {
        const auto said = of(*s);
        if (!said) continue;
        if (!by) by = s;
        else if (*said != *of(*by))
            plan.scope.report.adjusted(key_path(*s, key), "as " + by->name + " has it",
                                       fmt::format("the task {} has one for all its containers", task.name),
                                       "say it at " + by->name + ", or give each a task of its own");
    }
    return by;
}

auto text_at(const char* key) {
    return [key](const Service& s) {
        const std::string text = text_of(s.extensions, key);
        return text.empty() ? std::nullopt : std::optional(text);
    };
}

// The owner of the network comes first, if it is one and in the task.
void put_leader_first(const Layout& plan, Task& task) {
    std::set<std::string> owners;
    for (const Service* s : task.members) owners.insert(network_owner(plan.scope.project, *s));
    const auto leader = std::find_if(task.members.begin(), task.members.end(),
                                     [&](const Service* s) { return s->name == *owners.begin(); });
    task.led = owners.size() == 1 && leader != task.members.end();
    if (task.led) std::rotate(task.members.begin(), leader, leader + 1);
}

void set_replicas(const Layout& plan, Task& task) {
    task.desired = replicas(*task.members.front());
    if (!task.led)
        for (const Service* s : task.members) task.desired = std::max(task.desired, replicas(*s));
    for (const Service* s : task.members) {
        if (replicas(*s) == task.desired) continue;
        const bool said = s->scale || (s->deploy && s->deploy->replicas);
        const std::string path = !said      ? "services." + s->name
                                 : s->scale ? key_path(*s, "scale")
                                            : key_path(*s, "deploy.replicas");
        plan.scope.report.adjusted(path, std::to_string(task.desired),
                                   fmt::format("the task {} runs as a whole, {} times", task.name, task.desired),
                                   "give it a task of its own");
    }
}

void set_mode(const Layout& plan, Task& task) {
    const Service* by = speaker(plan, task, "deploy.mode", [](const Service& s) {
        return s.deploy && !s.deploy->mode.empty() ? std::optional(s.deploy->mode) : std::nullopt;
    });
    if (!by || task.once || !by->deploy->mode.starts_with("global")) return;
    task.daemon = task.ec2;
    if (!task.ec2)
        plan.scope.report.adjusted(key_path(*by, "deploy.mode"), "one replica",
                                   "Fargate has no nodes to have one task on each", "x-aws-launch_type: EC2");
}

// On an instance a task can have its network, or none.
void set_network(const Layout& plan, Task& task) {
    if (!task.ec2) return;
    std::set<std::string> modes;
    for (const Service* s : task.members)
        if (network_owner(plan.scope.project, *s) == s->name) modes.insert(s->network_mode);
    if (modes.size() != 1 || (!modes.contains("host") && !modes.contains("none"))) return;
    task.network = *modes.begin();
    for (const Service* s : task.members)
        if (s->network_mode == task.network)
            plan.scope.report.adjusted(key_path(*s, "network_mode"), "networkMode " + task.network,
                                       "Service Connect has no names of such a task",
                                       task.network == "host" ? "clients use the instance's address" : "");
    for (const Listener& p : task.published)
        plan.scope.report.dropped(p.path, "no load balancer leads to a task without a network of its own",
                                  "leave network_mode out");
    task.published.clear();
}

void set_grace(Task& task) {
    task.grace = 60;
    for (const Service* s : task.members)
        if (s->healthcheck && s->healthcheck->start_period)
            task.grace = std::max(task.grace, whole_seconds(*s->healthcheck->start_period));
}

void set_scaling(const Layout& plan, Task& task) {
    const Service* by = speaker(plan, task, "x-aws-autoscaling", [](const Service& s) -> std::optional<Value> {
        const auto it = s.extensions.find("x-aws-autoscaling");
        return it == s.extensions.end() ? std::nullopt : std::optional(it->second);
    });
    if (!by) return;
    const Value& said = by->extensions.at("x-aws-autoscaling");
    auto number = [&](const char* key, double otherwise) {
        const Value* v = find_member(said, key);
        const auto n = v ? parse_int(text_of(*v)) : std::nullopt;
        return n ? static_cast<double>(*n) : otherwise;
    };
    task.scaling = Task::Scaling{static_cast<int>(number("min", task.desired)),
                                 static_cast<int>(number("max", std::max(task.desired, 2))), number("cpu", 0),
                                 number("memory", 0)};
    if (task.scaling->cpu <= 0 && task.scaling->memory <= 0) task.scaling->cpu = 75;
}

// The names are those of the task definition and of its service, and so is where it runs.
void settle_ready_made(const Layout& plan, Task& task) {
    if (!task.ready_made) return;
    const Document definition = given_definition(plan, task), service = given_service(plan, task);
    task.family = ecs_task_of(*task.members.front())->family;
    task.name = service.value("serviceName", task.family);
    const Document where = definition.value("requiresCompatibilities", Document::array());
    task.ec2 = std::find(where.begin(), where.end(), "FARGATE") == where.end();
    task.daemon = service.value("schedulingStrategy", "") == "DAEMON";
    task.desired = service.value("desiredCount", task.desired);
    task.network = task.ec2 ? "bridge" : "awsvpc";
}

// What the task's own words say twice.
void note_given(const Layout& plan, const Task& task) {
    for (const char* key : {"x-aws-service", "x-aws-task-definition"})
        for (std::size_t i = 1; i < task.members.size(); ++i) {
            const Document mine = given(task.members[i]->extensions, key);
            for (std::size_t before = 0; before < i; ++before) {
                const Document theirs = given(task.members[before]->extensions, key);
                for (const auto& [name, value] : mine.items())
                    if (theirs.contains(name) && theirs[name] != value)
                        plan.scope.report.adjusted(key_path(*task.members[i], key),
                                                   fmt::format("{} as {} has it", name, task.members[before]->name),
                                                   fmt::format("the task {} has one {}", task.name, name));
            }
        }
}

const Document* volume_called(const Document& definition, const std::string& name) {
    if (definition.contains("volumes"))
        for (const Document& volume : definition["volumes"])
            if (volume.value("name", "") == name) return &volume;
    return nullptr;
}

// A directory that outlives the task: two that write there at once destroy what databases keep.
std::string kept_and_written(const Document& definition) {
    for (const Document& container : definition["containerDefinitions"])
        for (const Document& mount : container.value("mountPoints", Document::array())) {
            const std::string name = mount.value("sourceVolume", "");
            const Document* volume = mount.value("readOnly", false) ? nullptr : volume_called(definition, name);
            if (!volume) continue;
            const bool on_instance = volume->contains("host") && (*volume)["host"].contains("sourcePath");
            if (volume->contains("efsVolumeConfiguration") || on_instance) return name;
        }
    return {};
}

void set_percentages_of(const UpdateConfig& u, Task& task) {
    const int count = task.desired;
    const std::uint64_t given = u.parallelism.value_or(1);
    const int p =
        given == 0 ? count : static_cast<int>(std::min<std::uint64_t>(given, static_cast<std::uint64_t>(count)));
    // Down and up, so that there is room for the next task: 133 % of three is three.
    const bool start_first = u.order == "start-first";
    task.minimum_percent = start_first ? 100 : (count - p) * 100 / count;
    task.maximum_percent = start_first ? ((count + p) * 100 + count - 1) / count : 100;
    task.circuit_breaker = u.failure_action != "continue";
    task.roll_back = u.failure_action == "rollback";
}

// One at a time: the old one ends before the new one begins.
void keep_alone(const Layout& plan, const Document& definition, const Service* updated, Task& task) {
    const std::string volume = kept_and_written(definition);
    const int most = std::max(task.desired, task.scaling ? task.scaling->most : 0);
    if (most > 1 || task.daemon || (volume.empty() && task.network != "host")) return;
    task.minimum_percent = 0;
    task.maximum_percent = 100;
    if (updated && updated->deploy->update_config->order == "start-first")
        plan.scope.report.adjusted(
            key_path(*updated, "deploy.update_config.order"), "stop-first",
            volume.empty()
                ? "the ports of an instance are one task's"
                : fmt::format("two tasks would write the volume {} at once, and destroy what a database has there",
                              volume),
            "x-aws-min_percent: 100 and x-aws-max_percent: 200, where two may write");
}

} // namespace

void settle(const Layout& plan, Task& task) {
    put_leader_first(plan, task);
    const Service& first = *task.members.front();
    task.name = task.members.size() == 1 ? plan.labels.at(first.name) : task.name;
    task.family = (task.name == plan.project ? plan.project : plan.project + "-" + task.name).substr(0, 255);
    const Service* placed = speaker(plan, task, "x-aws-launch_type", text_at("x-aws-launch_type"));
    task.ec2 = text_of(placed ? placed->extensions : plan.scope.project.extensions, "x-aws-launch_type") == "EC2";
    task.once = std::all_of(task.members.begin(), task.members.end(),
                            [&](const Service* s) { return runs_once(plan.scope.project, *s); });
    if (plan.public_ip && task.ec2)
        plan.scope.report.adjusted("services." + first.name, "without a public address", "tasks on instances have none",
                                   "subnets with a NAT gateway, or endpoints");
    set_replicas(plan, task);
    set_mode(plan, task);
    set_network(plan, task);
    set_grace(task);
    settle_ready_made(plan, task);
    set_scaling(plan, task);
    note_given(plan, task);
}

void set_percentages(const Layout& plan, const Document& definition, Task& task) {
    const Service* updated = speaker(plan, task, "deploy.update_config", [](const Service& s) {
        return s.deploy ? s.deploy->update_config : std::nullopt;
    });
    if (updated && task.desired > 0) set_percentages_of(*updated->deploy->update_config, task);
    if (!task.ready_made) keep_alone(plan, definition, updated, task);
    for (const auto& [key, percent] : {std::pair("x-aws-min_percent", &Task::minimum_percent),
                                       std::pair("x-aws-max_percent", &Task::maximum_percent)}) {
        const Service* by = speaker(plan, task, key, text_at(key));
        if (const auto v = by ? parse_int(text_of(by->extensions, key)) : std::nullopt)
            task.*percent = static_cast<int>(*v);
    }
    // Those of ECS, in writing: what is not said stays as it was said before.
    if (task.ready_made || task.daemon || given_service(plan, task).contains("deploymentController")) return;
    if (!task.minimum_percent) task.minimum_percent = 100;
    if (!task.maximum_percent) task.maximum_percent = 200;
}

} // namespace davit::exports::ecs

// The task around its containers.
#include "export/ecs/plan.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

Size task_size(const Layout& plan, const Task& task) {
    double cpus = 0;
    std::int64_t memory = 0;
    for (const Service* s : task.members) {
        const EffectiveLimits limits = effective_limits(*s);
        cpus += limits.cpus;
        memory += std::max(limits.memory, limits.memory_reservation);
    }
    const auto size = fargate_size(cpus, memory);
    if (!size)
        throw error(Errc::invalid_project, "the task {} wants {} CPUs and {} MiB, more than Fargate has", task.name,
                    cpus, memory / mebi)
            .with_at(task.members.front()->origin.pos)
            .with_hint("at most 16 CPUs and 120 GiB; --layout service splits a task");
    if (task.ec2) return *size;
    const std::string said = fmt::format("cpu {}, memory {} MiB", size->cpu, size->memory);
    for (const Service* s : task.members) {
        const bool asked = effective_limits(*s).cpus > 0 || effective_limits(*s).memory > 0;
        const bool rounded = std::llround(cpus * 1024) != size->cpu || memory / mebi != size->memory;
        if (rounded)
            plan.scope.report.adjusted("services." + s->name, said,
                                       asked ? "Fargate has sizes, and the next larger is taken"
                                             : "Fargate's smallest size: it has no limits");
    }
    return *size;
}

// Those that write the secrets count.
void check_count(const Task& task, const Document& definition) {
    constexpr std::size_t most = 10;
    const std::size_t count = definition["containerDefinitions"].size();
    if (count <= most) return;
    throw error(Errc::invalid_project,
                "the task {} would have {} containers, {} of them for secrets, and ECS allows {}", task.name, count,
                count - task.members.size(), most)
        .with_at(task.members.front()->origin.pos)
        .with_hint("--layout service, or fewer services in it");
}

void check_ports(const Task& task, const Document& definition) {
    std::map<std::string, std::string> taken;
    if (definition["networkMode"] != "awsvpc") return;
    for (const Document& container : definition["containerDefinitions"]) {
        for (const Document& port : container.value("portMappings", Document::array())) {
            const std::string which =
                port.contains("containerPort") ? port["containerPort"].dump() : port.value("containerPortRange", "");
            const std::string key = fmt::format("{}/{}", which, port.value("protocol", "tcp"));
            const auto [it, added] = taken.emplace(key, container["name"].get<std::string>());
            if (!added)
                throw error(Errc::invalid_project, "{} and {} both listen on port {} of the task {}", it->second,
                            container["name"].get<std::string>(), key, task.name)
                    .with_hint("containers of one task share their network: --layout service, or another port");
        }
    }
}

// A task runs on one architecture: the first service that names one.
void add_platform(const Layout& plan, const Task& task, Document& definition) {
    const Service* by = nullptr;
    for (const Service* s : task.members) {
        if (s->platform.empty()) continue;
        if (!by) by = s;
        else if (s->platform != by->platform)
            plan.scope.report.adjusted(key_path(*s, "platform"), by->platform,
                                       fmt::format("the task {} runs on one, as {} has it", task.name, by->name),
                                       "give it a task of its own");
    }
    const std::string platform = by ? by->platform : "";
    const std::string arch = platform.substr(std::min(platform.find('/'), platform.size()));
    const bool arm = arch.starts_with("/arm64") || arch.starts_with("/aarch64");
    if (!arch.empty() && !arm && !arch.starts_with("/amd64"))
        plan.scope.report.dropped(key_path(*by, "platform"), "ECS has X86_64 and ARM64");
    if (!task.ec2 || !arch.empty())
        definition["runtimePlatform"] = {{"cpuArchitecture", arm ? "ARM64" : "X86_64"},
                                         {"operatingSystemFamily", "LINUX"}};
}

// What a task has of a namespace that containers share; empty: each its own.
std::string shared_mode(const Layout& plan, const Task& task, const char* key, std::string Service::*member,
                        bool with_machine) {
    std::string out;
    for (const Service* s : task.members) {
        const std::string& said = s->*member;
        const SharedWith with = SharedWith::parse(said);
        const bool inside = with.is_service() && std::any_of(task.members.begin(), task.members.end(),
                                                             [&](const Service* o) { return o->name == with.name; });
        std::string mode = inside || said == "shareable" ? "task" : "";
        if (with_machine && said == "host") mode = "host";
        if (with_machine && (said == "none" || said == "private")) mode = "none";
        if (mode.empty()) continue; // the table says why
        if (out.empty() || mode == "host") out = mode;
        plan.scope.report.adjusted(key_path(*s, key), fmt::format("{}Mode {}", key, mode),
                                   "it is of the task: all its containers have it");
    }
    return out;
}

void add_namespaces(const Layout& plan, const Task& task, Document& definition) {
    if (const std::string pid = shared_mode(plan, task, "pid", &Service::pid, task.ec2); !pid.empty())
        definition["pidMode"] = pid;
    if (!task.ec2) return; // Fargate has no ipcMode
    if (const std::string ipc = shared_mode(plan, task, "ipc", &Service::ipc, true); !ipc.empty())
        definition["ipcMode"] = ipc;
}

void add_roles_of(const Layout& plan, Document& out) {
    out["executionRoleArn"] = plan.execution_role.empty() ? word("EXECUTION_ROLE") : plan.execution_role;
    if (!plan.task_role.empty()) out["taskRoleArn"] = plan.task_role;
    else if (!plan.task_policies.empty()) out["taskRoleArn"] = word("TASK_ROLE");
}

void add_sizes(const Layout& plan, const Task& task, Document& out) {
    if (!task.ec2 || std::any_of(task.members.begin(), task.members.end(),
                                 [](const Service* s) { return effective_limits(*s).memory > 0; })) {
        const Size size = task_size(plan, task);
        out["cpu"] = std::to_string(size.cpu);
        out["memory"] = std::to_string(size.memory);
        return;
    }
    for (Document& c : out["containerDefinitions"])
        if (!c.contains("memory") && !c.contains("memoryReservation")) c["memoryReservation"] = 512;
}

} // namespace

void add_definition(Layout& plan, Task& task) {
    const Document own = given_definition(plan, task);
    Document out{{"family", task.family}, {"networkMode", own.value("networkMode", task.network)}};
    if (!task.ready_made) {
        out["requiresCompatibilities"] = Document::array({task.ec2 ? "EC2" : "FARGATE"});
        add_roles_of(plan, out);
    }
    out["containerDefinitions"] = Document::array();
    out["volumes"] = Document::array();
    for (const Service* service : task.members) {
        Document container = main_definition(plan, task, *service);
        if (!ecs_task_of(*service)) add_mounts_of(plan, task, *service, container, out);
        add_secret_files(plan, *service, container, out);
        out["containerDefinitions"].push_back(std::move(container));
    }
    check_ports(task, out);
    check_count(task, out);
    if (!task.ready_made) {
        add_sizes(plan, task, out);
        add_platform(plan, task, out);
        add_namespaces(plan, task, out);
        out["tags"] = Document::array({{{"key", "davit:project"}, {"value", plan.project}}});
    }
    if (out["volumes"].empty()) out.erase("volumes");
    put(out, own);
    if (task.members.size() > 1 && !task.ready_made)
        for (const Service* s : task.members)
            plan.scope.report.adjusted("services." + s->name, "a container of the task " + task.name,
                                       "containers of one task reach each other as localhost, not by name");
    plan.definitions.push_back(std::move(out));
}

} // namespace davit::exports::ecs

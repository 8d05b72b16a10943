// Names: compose's `db:5432` is an alias of Service Connect, which tells a service the names that are there when it is
// deployed, and those of ports alone.
#include "export/ecs/plan.hpp"

#include "base/units.hpp"
#include "export/tasks.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

// By depends_on, or because its variables or its command name it.
bool asks_for(const Task& client, const Task& provider) {
    if (&client == &provider) return false;
    for (const Service* c : client.members)
        for (const Service* p : provider.members) {
            if (c->depends_on.contains(p->name)) return true;
            if (meet(*c, *p) && speaks_of(*c, p->name)) return true;
        }
    return false;
}

bool has_tcp_port(const Service& service) {
    if (std::any_of(service.ports.begin(), service.ports.end(),
                    [](const Port& p) { return p.protocol.empty() || p.protocol == "tcp"; }))
        return true;
    return std::any_of(service.expose.begin(), service.expose.end(),
                       [](const std::string& e) { return !e.ends_with("/udp") && !e.ends_with("/sctp"); });
}

std::set<std::uint32_t> named_ports(const Service& service) {
    std::set<std::uint32_t> out;
    for (const Port& p : service.ports)
        if (p.protocol.empty() || p.protocol == "tcp") out.insert(p.target);
    for (const std::string& text : service.expose)
        if (!text.ends_with("/udp") && !text.ends_with("/sctp"))
            out.insert(static_cast<std::uint32_t>(parse_int(text.substr(0, text.find_first_of("-/"))).value_or(0)));
    return out;
}

// Depth first, with what depends_on names before what is only spoken of: where both go round in a circle, the former
// holds.
void visit(const std::string& group, std::map<std::string, Task>& by_group, const std::vector<std::string>& order,
           std::set<std::string>& seen, std::vector<std::string>& out) {
    if (!seen.insert(group).second) return;
    for (const bool written : {true, false})
        for (const std::string& other : order) {
            const Task &client = by_group.at(group), &provider = by_group.at(other);
            bool needs = false;
            for (const Service* c : client.members)
                for (const Service* p : provider.members) needs = needs || c->depends_on.contains(p->name);
            if (other != group && (written ? needs : asks_for(client, provider)))
                visit(other, by_group, order, seen, out);
        }
    out.push_back(group);
}

void note_portless(const Layout& plan, const Task& task, const Service& service) {
    const auto& services = plan.scope.project.services;
    std::vector<std::string> clients;
    for (const auto& [name, other] : services)
        if (std::find(task.members.begin(), task.members.end(), &other) == task.members.end() && meet(other, service) &&
            (speaks_of(other, service.name) || other.depends_on.contains(service.name)))
            clients.push_back(name);
    if (clients.empty()) return;
    plan.scope.report.needs(
        "services." + service.name,
        fmt::format("Service Connect has names of ports alone, and it names none: {} cannot find it",
                    fmt::join(clients, ", ")),
        "expose: [PORT] at the service");
}

void note_container_name(const Layout& plan, const Service& service) {
    const std::string& name = service.container_name;
    const auto clients = name.empty() || name == service.name ? std::vector<std::string>()
                                                              : clients_of(plan.scope.project, service, name);
    if (!clients.empty())
        plan.scope.report.dropped(
            key_path(service, "container_name"),
            fmt::format("Service Connect has one name of a port, the service's: {} cannot find {}",
                        fmt::join(clients, ", "), name),
            fmt::format("{} as the name there", service.name));
}

// What run-task begins is a client of nobody.
void note_once(const Layout& plan, const Task& task) {
    std::vector<std::string> asked;
    for (const Task& other : plan.tasks)
        if (asks_for(task, other) && !other.once) asked.push_back(other.name);
    for (const Service* service : asked.empty() ? std::vector<const Service*>() : task.members)
        plan.scope.report.dropped(
            key_path(*service, "networks"),
            fmt::format("Service Connect is for services, and it is a task of its own: {} cannot be found by name",
                        fmt::join(asked, ", ")),
            "x-aws-task: NAME of the service that waits for it puts it into that one's task; or the address by a "
            "variable");
}

} // namespace

std::string port_name(const Layout& plan, const Service& service, std::uint32_t port, const std::string& protocol) {
    return dns_label(fmt::format("{}-{}-{}", plan.labels.at(service.name), port, protocol), 63);
}

void order_tasks(Layout& plan, std::map<std::string, Task>& by_group) {
    std::vector<std::string> order, settled;
    std::set<std::string> seen;
    for (const auto& level : dependency_levels(plan.scope.project))
        for (const std::string& service : level)
            for (const auto& [group, task] : by_group)
                if (std::find(order.begin(), order.end(), group) == order.end() &&
                    std::any_of(task.members.begin(), task.members.end(),
                                [&](const Service* s) { return s->name == service; }))
                    order.push_back(group);
    for (const std::string& group : order) visit(group, by_group, order, seen, settled);
    for (const std::string& group : settled) {
        Task& task = by_group.at(group);
        task.after.clear();
        // Two may need each other; the one that comes first does not wait.
        for (const Task& earlier : plan.tasks)
            if (asks_for(task, earlier)) task.after.insert(earlier.name);
        plan.tasks.push_back(task);
    }
}

std::vector<const Task*> asked_too_early(const Layout& plan) {
    std::vector<const Task*> out;
    for (std::size_t i = 0; i < plan.tasks.size(); ++i)
        for (std::size_t later = i + 1; later < plan.tasks.size(); ++later)
            if (!plan.tasks[i].once && !plan.tasks[later].once && asks_for(plan.tasks[i], plan.tasks[later])) {
                out.push_back(&plan.tasks[i]);
                break;
            }
    return out;
}

void note_names(const Layout& plan) {
    for (const Task& task : plan.tasks) {
        if (task.ready_made) continue;
        if (task.once) note_once(plan, task);
        for (const Service* service : task.members) {
            note_container_name(plan, *service);
            if (runs_once(plan.scope.project, *service)) continue;
            if (has_tcp_port(*service))
                note_asked_ports(plan.scope, *service, named_ports(*service), "Service Connect");
            else note_portless(plan, task, *service);
        }
    }
    for (const Task* task : asked_too_early(plan))
        plan.scope.report.adjusted(
            "services." + task->members.front()->name, "deployed twice at first",
            "Service Connect tells a service the names that are there when it is deployed, and it "
            "is made before one that it asks for",
            "deploy.sh does it; else aws ecs update-service --force-new-deployment");
}

} // namespace davit::exports::ecs

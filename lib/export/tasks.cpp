#include "export/tasks.hpp"

#include "base/shared_with.hpp"
#include "export/common.hpp"
#include "model/ecs_task.hpp"
#include "model/pause_image.hpp"

#include <algorithm>
#include <set>

namespace davit::exports {

namespace {

bool is_holder(const Service& service) {
    const auto task = ecs_task_of(service);
    return service.image == pause_image && task && task->network;
}

// desiredCount: the others are like the first.
int drop_copies(Project& project) {
    int copies = 1;
    std::set<std::string> own, of_copies;
    for (const auto& [name, service] : project.services) {
        const auto task = ecs_task_of(service);
        if (task) copies = std::max(copies, task->copy);
        for (const Mount& m : service.volumes)
            if (m.type == MountType::volume) (task && task->copy > 1 ? of_copies : own).insert(m.source);
    }
    std::erase_if(project.services, [](const auto& s) {
        const auto task = ecs_task_of(s.second);
        return task && task->copy > 1;
    });
    std::erase_if(project.volumes,
                  [&](const auto& v) { return of_copies.contains(v.first) && !own.contains(v.first); });
    return copies;
}

// Which container listens on it: as its own definition says.
bool listens_on(const Service& service, std::uint32_t port) {
    const auto raw = service.extensions.find("x-aws-container");
    const Value* mappings = raw == service.extensions.end() ? nullptr : find_member(raw->second, "portMappings");
    const auto* list = mappings ? std::get_if<Value::List>(&mappings->data) : nullptr;
    return list && std::any_of(list->begin(), list->end(), [&](const Value& mapping) {
               const Value* given = find_member(mapping, "containerPort");
               const auto* number = given ? std::get_if<std::int64_t>(&given->data) : nullptr;
               return number && *number == port;
           });
}

// One that runs on, and matters.
Service& leader_of(const Project& project, const std::vector<Service*>& members) {
    const auto found = std::find_if(members.begin(), members.end(), [&](const Service* s) {
        return ecs_task_of(*s)->essential && !runs_once(project, *s);
    });
    return found == members.end() ? *members.front() : **found;
}

void give_ports(Service& holder, const std::vector<Service*>& members, Service& leader) {
    for (Port& port : holder.ports) {
        const auto owner =
            std::find_if(members.begin(), members.end(), [&](const Service* s) { return listens_on(*s, port.target); });
        (owner == members.end() ? leader : **owner).ports.push_back(port);
    }
}

void dissolve(Project& project, const std::string& name) {
    Service holder = project.services.at(name);
    const std::string task = ecs_task_of(holder)->name, mode = mode_of_service(name);
    project.services.erase(name);
    std::vector<Service*> members;
    for (auto& [key, service] : project.services) {
        service.depends_on.erase(name);
        const auto of = ecs_task_of(service);
        if (of && of->name == task) members.push_back(&service);
    }
    if (members.empty()) return;
    Service& leader = leader_of(project, members);
    const std::string of_leader = mode_of_service(leader.name);
    for (Service* s : members) {
        for (std::string* used : {&s->network_mode, &s->pid, &s->ipc})
            if (*used == mode) *used = s == &leader ? std::string() : of_leader;
    }
    if (holder.network_mode == "none") return; // it held something else
    leader.networks = holder.networks;
    leader.dns.insert(leader.dns.end(), holder.dns.begin(), holder.dns.end());
    leader.dns_search.insert(leader.dns_search.end(), holder.dns_search.begin(), holder.dns_search.end());
    leader.extra_hosts.insert(holder.extra_hosts.begin(), holder.extra_hosts.end());
    leader.sysctls.insert(holder.sysctls.begin(), holder.sysctls.end());
    give_ports(holder, members, leader);
}

// What is in the shell of whoever exports is nobody's to see.
void take_secrets_out(Project& project) {
    for (auto& [name, service] : project.services)
        for (const SecretVariable& secret : secret_variables(service)) service.environment.erase(secret.variable);
}

} // namespace

std::vector<SecretVariable> secret_variables(const Service& service) {
    std::vector<SecretVariable> out;
    const auto raw = service.extensions.find("x-aws-container");
    const Value* secrets = raw == service.extensions.end() ? nullptr : find_member(raw->second, "secrets");
    const auto* list = secrets ? std::get_if<Value::List>(&secrets->data) : nullptr;
    if (!list) return out;
    for (const Value& v : *list) {
        const Value *variable = find_member(v, "name"), *from = find_member(v, "valueFrom");
        if (variable && from) out.push_back({text_of(*variable), text_of(*from)});
    }
    return out;
}

Project without_holders(Project project) {
    const int copies = drop_copies(project);
    std::vector<std::string> holders;
    for (auto& [name, service] : project.services) {
        if (is_holder(service)) holders.push_back(name);
        else if (copies > 1 && ecs_task_of(service) && !service.scale) service.scale = copies;
    }
    for (const std::string& name : holders) dissolve(project, name);
    take_secrets_out(project);
    return project;
}

namespace {

const Value* volume_called(const Extensions& extensions, const std::string& name) {
    const auto raw = extensions.find("x-aws-task-definition");
    const Value* volumes = raw == extensions.end() ? nullptr : find_member(raw->second, "volumes");
    const auto* list = volumes ? std::get_if<Value::List>(&volumes->data) : nullptr;
    if (!list) return nullptr;
    for (const Value& v : *list) {
        const Value* called = find_member(v, "name");
        if (called && text_of(*called) == name) return &v;
    }
    return nullptr;
}

} // namespace

bool ends_with_task(const Project& project, const std::string& volume) {
    const Value* found = volume_called(project.extensions, volume);
    for (const auto& [name, service] : project.services)
        if (!found && ecs_task_of(service)) found = volume_called(service.extensions, volume);
    if (!found) return false;
    const Value* docker = find_member(*found, "dockerVolumeConfiguration");
    const Value* scope = docker ? find_member(*docker, "scope") : nullptr;
    if (scope && text_of(*scope) == "shared") return false;
    const auto* members = std::get_if<Value::Map>(&found->data);
    return members && std::all_of(members->begin(), members->end(), [](const Value::Member& m) {
               return m.first == "name" || m.first == "host" || m.first == "dockerVolumeConfiguration";
           });
}

const std::string& network_owner(const Project& project, const Service& service) {
    const Service* at = &service;
    std::set<std::string> seen;
    for (SharedWith with = SharedWith::parse(at->network_mode); with.is_service() && seen.insert(at->name).second;
         with = SharedWith::parse(at->network_mode)) {
        const Service* other = project.find(std::string(with.name));
        if (!other) break;
        at = other;
    }
    return at->name;
}

std::map<std::string, std::vector<const Service*>> network_groups(const Project& project) {
    std::map<std::string, std::vector<const Service*>> out;
    for (const auto& [name, service] : project.services) {
        auto& group = out[network_owner(project, service)];
        if (network_owner(project, service) == name) group.insert(group.begin(), &service);
        else group.push_back(&service);
    }
    return out;
}

} // namespace davit::exports

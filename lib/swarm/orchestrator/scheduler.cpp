#include "swarm/orchestrator/scheduler.hpp"

#include "swarm/orchestrator/constraints.hpp"
#include "swarm/orchestrator/texts.hpp"

#include <algorithm>

namespace davit::swarm {
namespace {

bool has_resources(const TaskSpec& spec, const NodeFacts& node, const Ledger& ledger, const Taken& elsewhere) {
    if (!spec.resources || !spec.resources->reservations) return true;
    const ResourceReservations& wants = *spec.resources->reservations;
    return wants.nano_cpus <= std::max<std::int64_t>(node.nano_cpus - ledger.nano_cpus - elsewhere.nano_cpus, 0) &&
           wants.memory <= std::max<std::int64_t>(node.memory - ledger.memory - elsewhere.memory, 0) &&
           wants.generic.empty(); // this node offers none
}

bool has_plugins(const TaskSpec& spec) {
    static constexpr std::string_view built_in[] = {"",        "none", "json-file", "local",  "awslogs", "fluentd",
                                                    "gcplogs", "gelf", "journald",  "splunk", "syslog"};
    if (spec.log_driver && std::ranges::find(built_in, spec.log_driver->name) == std::ranges::end(built_in))
        return false;
    return std::ranges::all_of(spec.container.mounts,
                               [](const Mount& m) { return m.driver.empty() || m.driver == "local"; });
}

std::string_view plain_architecture(std::string_view name) {
    return name == "x86_64" ? "amd64" : name == "aarch64" ? "arm64" : name;
}

bool has_platform(const TaskSpec& spec, const NodeFacts& node) {
    if (!spec.placement || spec.placement->platforms.empty()) return true;
    return std::ranges::any_of(spec.placement->platforms, [&](const auto& wanted) {
        return (wanted.first.empty() || plain_architecture(wanted.first) == plain_architecture(node.architecture)) &&
               (wanted.second.empty() || wanted.second == node.os);
    });
}

bool has_ports(const TaskVersion& version, const Ledger& ledger, const Taken& elsewhere) {
    if (!version.endpoint) return true;
    return std::ranges::none_of(version.endpoint->ports, [&](const PortConfig& port) {
        const auto same = [&](const PortConfig& other) {
            return other.published == port.published && other.protocol == port.protocol;
        };
        return port.mode == "host" && port.published != 0 &&
               (ledger.host_ports.contains({port.protocol, port.published}) ||
                std::ranges::any_of(elsewhere.host_ports, same));
    });
}

} // namespace

std::string unfit(const ServiceState& service, const TaskVersion& version, const NodeFacts& node, const Ledger& ledger,
                  const Taken& elsewhere) {
    const TaskSpec& spec = version.task;
    if (node.node.availability != "active") return "1 node not available for new tasks";
    if (!has_resources(spec, node, ledger, elsewhere)) return "insufficient resources on 1 node";
    if (!has_plugins(spec)) return "missing plugin on 1 node";
    if (spec.placement && !meets(node, spec.placement->constraints))
        return "scheduling constraints not satisfied on 1 node";
    if (!has_platform(spec, node)) return "unsupported platform on 1 node";
    if (!has_ports(version, ledger, elsewhere)) return "host-mode port already in use on 1 node";
    if (spec.placement && spec.placement->max_replicas != 0 && service.on_node >= spec.placement->max_replicas)
        return "max replicas per node limit exceed";
    return {};
}

void place_waiting(ServiceState& service, const Round& round, const Ledger& ledger, const Taken& elsewhere) {
    std::vector<Entry*> entries;
    for (const auto& [id, entry] : service.waiting) entries.push_back(entry);
    std::ranges::sort(entries, [](const Entry* a, const Entry* b) {
        return a->task.created_at != b->task.created_at ? a->task.created_at < b->task.created_at
                                                        : a->task.slot < b->task.slot;
    });
    for (Entry* entry : entries) {
        const std::string reason = unfit(service, *entry->version, round.node, ledger, elsewhere);
        if (reason.empty()) {
            entry->task.node_id = round.node.node.id;
            service.move(*entry, TaskState::assigned, service.global() ? texts::confirmed : texts::assigned, "",
                         round.now);
            continue;
        }
        const std::string error = service.global() ? reason : "no suitable node (" + reason + ")";
        if (error == entry->task.error) continue;
        entry->task.error = error;
        entry->task.updated_at = round.now;
        entry->unsaved = true;
        service.acted.insert(entry->task.slot);
    }
}

} // namespace davit::swarm

// What a container may use, and what a node sets aside for it.
#include "export/kubernetes/cluster.hpp"

#include "base/units.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports {

namespace {

// Mi where it is whole: compose's m is 1024-based, Kubernetes' M is not.
std::string memory_quantity(std::int64_t bytes) {
    constexpr std::int64_t mi = 1024 * 1024;
    return bytes % mi == 0 ? fmt::format("{}Mi", bytes / mi) : std::to_string(bytes);
}

std::string cpu_quantity(double cpus) { return fmt::format("{}m", std::llround(std::ceil(cpus * 1000))); }

std::int64_t gpus_of(const Service& service) {
    auto count = [](const std::vector<DeviceRequest>& requests) {
        std::int64_t sum = 0;
        for (const DeviceRequest& r : requests)
            sum += r.device_ids.empty() ? std::max<std::int64_t>(1, r.count)
                                        : static_cast<std::int64_t>(r.device_ids.size());
        return sum;
    };
    std::int64_t out = count(service.gpus);
    if (service.deploy && service.deploy->resources.reservations)
        out += count(service.deploy->resources.reservations->devices);
    return out;
}

// Kubernetes refuses to promise more than the limit.
void clamp_request(const Cluster& cluster, const Service& service, Document& resources, const char* what, bool above,
                   const std::string& key) {
    if (!above) return;
    resources["requests"][what] = resources["limits"][what];
    cluster.report().adjusted(key_path(service, key), resources["limits"][what].get<std::string>(),
                              "a request cannot be above its limit", "a smaller reservation, or a higher limit");
}

void note_all_gpus(const Cluster& cluster, const Service& service, const std::vector<DeviceRequest>& requests,
                   const std::string& key) {
    for (std::size_t i = 0; i < requests.size(); ++i)
        if (requests[i].count < 0 && requests[i].device_ids.empty())
            cluster.report().adjusted_from(
                key_path(service, fmt::format("{}[{}].count", key, i)), "all", "1 of the limit nvidia.com/gpu",
                "a device plugin gives a number of them: nobody knows how many a node has", "count: N");
}

std::int64_t said_of_container(const Service& service, const char* key) {
    const auto own = service.extensions.find("x-aws-container");
    const Value* value = own == service.extensions.end() ? nullptr : find_member(own->second, key);
    return value ? parse_int(text_of(*value)).value_or(0) : 0;
}

// What each container asks for of a size that all have together: what is said of it, else a part of what is left.
std::int64_t share_of(const std::vector<const Service*>& members, const Service& service, const char* key,
                      std::int64_t whole) {
    if (const std::int64_t own = said_of_container(service, key); own > 0) return own;
    std::int64_t without = 0;
    for (const Service* s : members) {
        const std::int64_t own = said_of_container(*s, key);
        whole -= own;
        without += own > 0 ? 0 : 1;
    }
    return std::max<std::int64_t>(1, whole / std::max<std::int64_t>(1, without));
}

// The size of an ECS task is a limit of each of its containers here, and Kubernetes would ask for it as often.
void add_share_of_task(const Cluster& cluster, const Service& service, Document& out) {
    const auto task = ecs_task_of(service);
    if (!task || !out.contains("limits")) return;
    const auto pod = std::find_if(cluster.pods.begin(), cluster.pods.end(), [&](const auto& p) {
        return std::find(p.second.begin(), p.second.end(), &service) != p.second.end();
    });
    if (pod == cluster.pods.end() || pod->second.size() < 2) return;
    const auto asks_for = [&](const char* what) { return out.contains("requests") && out["requests"].contains(what); };
    if (task->cpu > 0 && out["limits"].contains("cpu") && !asks_for("cpu"))
        out["requests"]["cpu"] = cpu_quantity(
            static_cast<double>(share_of(pod->second, service, "cpu", std::llround(task->cpu * 1024))) / 1024);
    if (task->memory > 0 && out["limits"].contains("memory") && !asks_for("memory"))
        out["requests"]["memory"] = fmt::format("{}Mi", share_of(pod->second, service, "memory", task->memory));
    if (pod->second.front() == &service)
        cluster.report().adjusted(key_path(service, "x-davit-task"), "requests that are the task's size together",
                                  "its size is of all containers together, and here a limit of each");
}

} // namespace

Document resources_of(const Cluster& cluster, const Service& service) {
    Document out = Document::object();
    const EffectiveLimits limits = effective_limits(service);
    const auto* reserved =
        service.deploy && service.deploy->resources.reservations ? &*service.deploy->resources.reservations : nullptr;
    const double cpus = reserved ? reserved->cpus : 0;
    if (limits.cpus > 0) out["limits"]["cpu"] = cpu_quantity(limits.cpus);
    if (limits.memory > 0) out["limits"]["memory"] = memory_quantity(limits.memory);
    if (const std::int64_t gpus = gpus_of(service)) out["limits"]["nvidia.com/gpu"] = gpus;
    note_all_gpus(cluster, service, service.gpus, "gpus");
    if (reserved) note_all_gpus(cluster, service, reserved->devices, "deploy.resources.reservations.devices");
    if (cpus > 0) out["requests"]["cpu"] = cpu_quantity(cpus);
    if (limits.memory_reservation > 0) out["requests"]["memory"] = memory_quantity(limits.memory_reservation);
    clamp_request(cluster, service, out, "cpu", limits.cpus > 0 && cpus > limits.cpus,
                  "deploy.resources.reservations.cpus");
    clamp_request(cluster, service, out, "memory", limits.memory > 0 && limits.memory_reservation > limits.memory,
                  reserved && reserved->memory > 0 ? "deploy.resources.reservations.memory" : "mem_reservation");
    add_share_of_task(cluster, service, out);
    return out;
}

} // namespace davit::exports

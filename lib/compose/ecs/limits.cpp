// What a container of a task may use, and what it gets of the kernel.
#include "compose/ecs/task.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace davit::compose::ecs {

namespace {

constexpr std::int64_t mib = 1 << 20;

void add_devices(Context& c, Object& linux_part, Node& service) {
    for (Object& device : linux_part.objects("devices")) {
        const std::string host = device.required("hostPath"), inside = device.word("containerPath");
        std::string rights;
        for (const Node* n : device.texts("permissions")) {
            if (n->str() == "read") rights += 'r';
            else if (n->str() == "write") rights += 'w';
            else if (n->str() == "mknod") rights += 'm';
            else device.error("permissions", fmt::format("'{}' is none of read, write, mknod", n->str()));
        }
        device.finish();
        Node* out = c.tree.map(device.node().pos);
        c.set(*out, "source", c.text(host, device.at("hostPath")));
        c.set(*out, "target", c.text(inside.empty() ? host : inside, device.at("containerPath")));
        c.set(*out, "permissions", c.text(rights.empty() ? "rwm" : rights, device.at("permissions")));
        c.tree.push(c.list_in(service, "devices", device.node().pos), out);
    }
}

void add_tmpfs(Context& c, Object& linux_part, Node& service) {
    for (Object& tmpfs : linux_part.objects("tmpfs")) {
        std::string text = tmpfs.required("containerPath");
        const auto size = tmpfs.whole("size");
        if (!size) tmpfs.error("size", "needs 'size', in MiB");
        text += fmt::format(":size={}m", size.value_or(0));
        for (const Node* option : tmpfs.texts("mountOptions")) text += fmt::format(",{}", option->str());
        tmpfs.finish();
        c.tree.push(c.list_in(service, "tmpfs", tmpfs.node().pos), c.text(text, tmpfs.node().pos));
    }
}

void add_capabilities(Context& c, Object& linux_part, Node& service) {
    auto capabilities = linux_part.object("capabilities");
    if (!capabilities) return;
    for (const auto& [key, to] : {std::pair("add", "cap_add"), std::pair("drop", "cap_drop")})
        for (const Node* n : capabilities->texts(key)) c.tree.push(c.list_in(service, to, n->pos), c.tree.clone(*n));
    capabilities->finish();
}

} // namespace

void add_limits(Context& c, const Task& task, Object& definition, Node& service) {
    const Pos here = definition.node().pos;
    if (const auto units = definition.whole("cpu"); units && *units > 0) // a share of what is there, as on EC2
        c.set(service, "cpu_shares", c.tree.integer(std::max<std::int64_t>(2, *units), definition.at("cpu")));
    if (task.cpus > 0) c.set(service, "cpus", c.tree.real(task.cpus, here));
    const auto memory = definition.whole("memory"), reserved = definition.whole("memoryReservation");
    if (memory && task.memory > 0 && *memory > task.memory)
        definition.error("memory", fmt::format("{} MiB are more than the task has: {}", *memory, task.memory));
    if (memory && reserved && *reserved > *memory)
        definition.error("memoryReservation", "must not be more than 'memory'");
    const std::int64_t limit = memory.value_or(0) > 0 ? *memory : task.memory;
    if (limit > 0) c.set(service, "mem_limit", c.tree.integer(limit * mib, definition.at("memory")));
    if (reserved && *reserved > 0)
        c.set(service, "mem_reservation", c.tree.integer(*reserved * mib, definition.at("memoryReservation")));
    for (Object& limit_of : definition.objects("ulimits")) {
        const std::string name = limit_of.required("name");
        const auto soft = limit_of.number("softLimit"), hard = limit_of.number("hardLimit");
        if (!soft || !hard) limit_of.error("name", "needs 'softLimit' and 'hardLimit'");
        limit_of.finish();
        if (name.empty() || !soft || !hard) continue;
        Node& out = c.map_in(c.map_in(service, "ulimits", limit_of.node().pos), name, limit_of.node().pos);
        c.set(out, "soft", c.tree.clone(*soft));
        c.set(out, "hard", c.tree.clone(*hard));
    }
    for (Object& need : definition.objects("resourceRequirements")) {
        const std::string type = need.required("type"), value = need.required("value");
        need.finish();
        if (type != "GPU") {
            need.warning("type", fmt::format("there is no {} here, and it is left out", type));
            continue;
        }
        Node* gpu = c.tree.map(need.node().pos);
        c.set(*gpu, "count", c.text(value, need.at("value")));
        c.tree.push(c.list_in(service, "gpus", need.node().pos), gpu);
    }
}

void add_linux_parameters(Context& c, Object& definition, Node& service) {
    auto given = definition.object("linuxParameters");
    if (!given) return;
    Object& part = *given;
    add_capabilities(c, part, service);
    add_devices(c, part, service);
    add_tmpfs(c, part, service);
    if (const Node* init = part.flag("initProcessEnabled")) c.set(service, "init", c.tree.clone(*init));
    if (const auto size = part.whole("sharedMemorySize"))
        c.set(service, "shm_size", c.tree.integer(*size * mib, part.at("sharedMemorySize")));
    const Node* limit = service.find("mem_limit");
    if (const auto swap = part.whole("maxSwap")) {
        if (limit) c.set(service, "memswap_limit", c.tree.integer(limit->integer + *swap * mib, part.at("maxSwap")));
        else part.warning("maxSwap", "has no effect without 'memory'");
    }
    if (const Node* n = part.number("swappiness")) c.set(service, "mem_swappiness", c.tree.clone(*n));
    part.finish();
}

} // namespace davit::compose::ecs

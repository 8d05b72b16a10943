#include "runtime/oci/json_fields.hpp"
#include "runtime/oci/sections.hpp"

#include <charconv>
#include <utility>

namespace davit::runtime::oci {
namespace {

// By name in davit's own fields: which numbers they have is looked up when the steps are made.
void block_devices(Fields& f, const char* key, const char* value, std::vector<BlkioDevice>& all) {
    std::vector<std::pair<std::string, std::string>> named;
    std::vector<BlkioDevice> numbered;
    for (const BlkioDevice& d : all) {
        if (d.path.empty()) numbered.push_back(d);
        else named.emplace_back(d.path, std::to_string(d.value));
    }
    f.list(key, numbered, [&](Fields& g, BlkioDevice& d) {
        g.always("major", d.major);
        g.always("minor", d.minor);
        g.member(value, d.value);
        if (std::string_view(value) == "weight") g.idle("leafWeight", d.leaf_weight);
    });
    f.own(key, named);
    if (!f.reading()) return;
    all = std::move(numbered);
    for (auto& [path, number] : named) {
        BlkioDevice& d = all.emplace_back();
        d.path = std::move(path);
        if (std::from_chars(number.data(), number.data() + number.size(), d.value).ec != std::errc())
            f.refuse("'" + number + "' of " + d.path + " is no number");
    }
}

void block_io(Fields& f, Resources& r) {
    f.member("weight", r.blkio_weight);
    f.idle("leafWeight", r.blkio_leaf_weight);
    block_devices(f, "weightDevice", "weight", r.blkio_weight_device);
    block_devices(f, "throttleReadBpsDevice", "rate", r.read_bps);
    block_devices(f, "throttleWriteBpsDevice", "rate", r.write_bps);
    block_devices(f, "throttleReadIOPSDevice", "rate", r.read_iops);
    block_devices(f, "throttleWriteIOPSDevice", "rate", r.write_iops);
}

void number_or_any(Fields& f, const char* key, std::optional<unsigned>& value) {
    std::optional<std::int64_t> number;
    if (value) number = *value;
    f.member(key, number);
    if (!f.reading()) return;
    if (number && *number >= 0 && !std::in_range<unsigned>(*number)) f.refuse(std::string(key) + " is out of range");
    if (number && *number >= 0) value = static_cast<unsigned>(*number); // below: any, as for the kernel
}

void device_rule(Fields& f, DeviceRule& d) {
    f.always("allow", d.allow);
    std::string type(1, d.type);
    f.member("type", type, "a");
    if (f.reading() && !type.empty()) {
        if (type.size() != 1 || std::string_view("abc").find(type) == std::string_view::npos)
            f.refuse("'" + type + "' is no type of device: a, b or c");
        d.type = type[0];
    }
    number_or_any(f, "major", d.major);
    number_or_any(f, "minor", d.minor);
    f.always("access", d.access);
}

void cpu(Fields& f, Resources& r) {
    f.member("shares", r.cpu_shares);
    f.member("quota", r.cpu_quota);
    f.idle("burst", r.cpu_burst);
    f.member("period", r.cpu_period);
    f.member("realtimeRuntime", r.cpu_rt_runtime);
    f.member("realtimePeriod", r.cpu_rt_period);
    f.member("cpus", r.cpuset_cpus);
    f.member("mems", r.cpuset_mems);
    f.idle("idle", r.cpu_idle);
}

void memory(Fields& f, Resources& r) {
    f.member("limit", r.memory);
    f.member("reservation", r.reservation);
    f.member("swap", r.memory_swap);
    f.idle("kernel", r.memory_kernel);
    f.idle("kernelTCP", r.memory_kernel_tcp);
    f.member("swappiness", r.swappiness);
    f.member("disableOOMKiller", r.oom_kill_disable);
    f.idle("useHierarchy", r.memory_use_hierarchy);
    f.idle("checkBeforeUpdate", r.memory_check_before_update);
}

} // namespace

void resources(Fields& f, Resources& r) {
    f.list("devices", r.devices, device_rule);
    f.object("memory", [&] { memory(f, r); });
    f.object("cpu", [&] { cpu(f, r); });
    f.object("pids", [&] { f.member("limit", r.pids); });
    f.object("blockIO", [&] { block_io(f, r); });
    f.list("hugepageLimits", r.hugepages, [](Fields& g, HugepageLimit& h) {
        g.always("pageSize", h.page_size);
        g.always("limit", h.bytes);
    });
    f.object("network", [&] {
        f.idle("classID", r.network_class);
        f.idle_list("priorities", r.network_priorities, [](Fields& g, NetworkPriority& p) {
            g.always("name", p.name);
            g.always("priority", p.priority);
        });
    });
    f.idle_table("rdma", r.rdma, [](Fields& g, RdmaLimit& limit) {
        g.member("hcaHandles", limit.handles);
        g.member("hcaObjects", limit.objects);
    });
    f.member("unified", r.unified);
}

} // namespace davit::runtime::oci

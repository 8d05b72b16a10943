// Where the container's cgroups are and what limits them. The shim writes; nothing is computed there.
#include "runtime/steps/parts.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace davit::runtime {
namespace {

bool has(const CgroupHierarchy& h, std::string_view controller) {
    return std::find(h.controllers.begin(), h.controllers.end(), controller) != h.controllers.end();
}

// v2: what the levels above must hand down. A hybrid machine's unified tree has controllers too
// (hugetlb); they are enabled only where a limit needs them.
std::string handed_down(const CgroupHierarchy& h, const HostFacts& host, const Resources& r) {
    std::string out;
    for (const std::string& name : h.controllers) {
        bool usual = name == "cpu" || name == "memory" || name == "pids" || name == "io" || name == "cpuset";
        bool wanted = host.cgroup_v2_only ? usual || (name == "hugetlb" && !r.hugepages.empty())
                                          : name == "hugetlb" && !r.hugepages.empty();
        if (wanted) out += (out.empty() ? "+" : " +") + name;
    }
    return out;
}

class Limits {
public:
    explicit Limits(Compiler& c) : c_(c) {}

    // The index of the hierarchy with this controller, -1.
    int find(std::string_view controller) const {
        for (std::size_t i = 0; i < c_.host.cgroups.size(); ++i)
            if (has(c_.host.cgroups[i], controller)) return static_cast<int>(i);
        return -1;
    }
    bool v2(int i) const { return c_.host.cgroups[static_cast<std::size_t>(i)].v2; }
    void write(int cgroup, std::string_view file, std::string_view value, std::uint32_t flags = 0) {
        exec::WriteCgroup s{};
        s.file = c_.out.text(file);
        s.value = c_.out.text(value);
        s.cgroup = static_cast<std::uint32_t>(cgroup);
        s.flags = flags;
        c_.out.add(s);
    }
    // Calls fn(index, is_v2), or warns that the machine cannot limit this.
    template <typename F>
    void with(std::string_view controller, std::string_view what, F&& fn) {
        int i = find(controller);
        if (i < 0)
            c_.warn(fmt::format("this machine has no cgroup controller '{}': {} is not limited", controller, what));
        else fn(i, v2(i));
    }
    void memory(const Resources& r);
    void cpu(const Resources& r);
    void cpuset(const Resources& r);
    void io(const Resources& r);
    void devices(const Resources& r);
    void other(const Resources& r);

private:
    void throttle(int i, bool v2, const std::vector<BlkioDevice>& devices, const char* v1_file, const char* v2_key);
    Compiler& c_;
};

std::string limit_text(std::int64_t value, bool v2) {
    return value < 0 ? (v2 ? "max" : "-1") : fmt::format("{}", value);
}

void Limits::memory(const Resources& r) {
    if (!r.memory && !r.reservation && !r.memory_swap && !r.swappiness && !r.oom_kill_disable) return;
    with("memory", "memory", [&](int i, bool v2) {
        // With swap unset Docker allows as much again.
        std::optional<std::int64_t> both = r.memory_swap;
        if (!both && r.memory && *r.memory > 0) both = *r.memory * 2;
        if (v2) {
            if (r.memory) write(i, "memory.max", limit_text(*r.memory, true));
            if (r.reservation) write(i, "memory.low", limit_text(*r.reservation, true));
            if (both && *both < 0) write(i, "memory.swap.max", "max", exec::write_optional);
            else if (both && r.memory && *r.memory >= 0)
                write(i, "memory.swap.max", fmt::format("{}", std::max<std::int64_t>(0, *both - *r.memory)),
                      exec::write_optional);
            if (r.swappiness) c_.warn("cgroup v2 has no swappiness of its own: mem_swappiness is ignored");
            if (r.oom_kill_disable) c_.warn("cgroup v2 cannot turn off the OOM killer: oom_kill_disable is ignored");
            return;
        }
        // Memory may not exceed memory+swap at any moment: what is refused now is written after the other.
        if (r.memory) write(i, "memory.limit_in_bytes", limit_text(*r.memory, false), exec::write_retry);
        if (both)
            write(i, "memory.memsw.limit_in_bytes", limit_text(*both, false), exec::write_retry | exec::write_optional);
        if (r.reservation) write(i, "memory.soft_limit_in_bytes", limit_text(*r.reservation, false));
        if (r.swappiness) write(i, "memory.swappiness", fmt::format("{}", *r.swappiness), exec::write_warn);
        if (r.oom_kill_disable) write(i, "memory.oom_control", "1", exec::write_warn);
    });
}

// CPU shares to weight as runc 1.3.2 does: 1024 becomes 100, the ends meet.
std::uint64_t weight_of(std::uint64_t shares) {
    if (shares <= 2) return 1;
    if (shares >= 262144) return 10000;
    double l = std::log2(static_cast<double>(shares));
    return static_cast<std::uint64_t>(std::ceil(std::pow(10, (l * l + 125 * l) / 612.0 - 7.0 / 34.0) - 1e-9));
}

void Limits::cpu(const Resources& r) {
    if (!r.cpu_shares && !r.cpu_quota && !r.cpu_period && !r.cpu_rt_period && !r.cpu_rt_runtime) return;
    with("cpu", "CPU time", [&](int i, bool v2) {
        if (v2) {
            if (r.cpu_shares && *r.cpu_shares) write(i, "cpu.weight", fmt::format("{}", weight_of(*r.cpu_shares)));
            if (r.cpu_quota || r.cpu_period)
                write(i, "cpu.max",
                      fmt::format("{} {}", r.cpu_quota && *r.cpu_quota > 0 ? fmt::format("{}", *r.cpu_quota) : "max",
                                  r.cpu_period.value_or(100000)));
            if (r.cpu_rt_period || r.cpu_rt_runtime)
                c_.warn("cgroup v2 has no realtime CPU limits: cpu_rt_period and cpu_rt_runtime are ignored");
            return;
        }
        if (r.cpu_shares && *r.cpu_shares) write(i, "cpu.shares", fmt::format("{}", *r.cpu_shares));
        if (r.cpu_period) write(i, "cpu.cfs_period_us", fmt::format("{}", *r.cpu_period), exec::write_retry);
        if (r.cpu_quota) write(i, "cpu.cfs_quota_us", fmt::format("{}", *r.cpu_quota), exec::write_retry);
        if (r.cpu_rt_period) write(i, "cpu.rt_period_us", fmt::format("{}", *r.cpu_rt_period), exec::write_retry);
        if (r.cpu_rt_runtime) write(i, "cpu.rt_runtime_us", fmt::format("{}", *r.cpu_rt_runtime), exec::write_retry);
    });
}

void Limits::cpuset(const Resources& r) {
    if (r.cpuset_cpus.empty() && r.cpuset_mems.empty()) return;
    with("cpuset", "the set of CPUs", [&](int i, bool) {
        if (!r.cpuset_cpus.empty()) write(i, "cpuset.cpus", r.cpuset_cpus);
        if (!r.cpuset_mems.empty()) write(i, "cpuset.mems", r.cpuset_mems);
    });
}

std::string device_number(const BlkioDevice& device) {
    const std::string& path = device.path;
    if (path.empty()) return fmt::format("{}:{}", device.major, device.minor); // a bundle's
    struct stat st {};
    if (::stat(path.c_str(), &st) < 0) throw sys_error(errno, "blkio device '{}'", path);
    if (!S_ISBLK(st.st_mode)) throw error(Errc::invalid_project, "blkio device '{}' is not a block device", path);
    return fmt::format("{}:{}", major(st.st_rdev), minor(st.st_rdev));
}

void Limits::throttle(int i, bool v2, const std::vector<BlkioDevice>& devices, const char* v1_file,
                      const char* v2_key) {
    for (const BlkioDevice& d : devices) {
        std::string number = device_number(d);
        if (v2) write(i, "io.max", fmt::format("{} {}={}", number, v2_key, d.value));
        else write(i, v1_file, fmt::format("{} {}", number, d.value));
    }
}

void Limits::io(const Resources& r) {
    if (!r.blkio_weight && r.blkio_weight_device.empty() && r.read_bps.empty() && r.write_bps.empty() &&
        r.read_iops.empty() && r.write_iops.empty())
        return;
    int v2_index = find("io");
    with(v2_index >= 0 ? "io" : "blkio", "disk I/O", [&](int i, bool v2) {
        constexpr std::uint32_t lenient = exec::write_optional | exec::write_warn; // only some schedulers have weights
        if (r.blkio_weight && *r.blkio_weight) {
            if (v2) {
                write(i, "io.bfq.weight", fmt::format("{}", *r.blkio_weight), lenient);
                write(i, "io.weight", fmt::format("{}", 1 + (*r.blkio_weight - 10) * 9999 / 990), lenient);
            } else {
                write(i, "blkio.weight", fmt::format("{}", *r.blkio_weight), lenient);
                write(i, "blkio.bfq.weight", fmt::format("{}", *r.blkio_weight), lenient);
            }
        }
        for (const BlkioDevice& d : r.blkio_weight_device) {
            std::string value = fmt::format("{} {}", device_number(d), d.value);
            if (v2) write(i, "io.bfq.weight", value, lenient);
            else write(i, "blkio.weight_device", value, lenient), write(i, "blkio.bfq.weight_device", value, lenient);
        }
        throttle(i, v2, r.read_bps, "blkio.throttle.read_bps_device", "rbps");
        throttle(i, v2, r.write_bps, "blkio.throttle.write_bps_device", "wbps");
        throttle(i, v2, r.read_iops, "blkio.throttle.read_iops_device", "riops");
        throttle(i, v2, r.write_iops, "blkio.throttle.write_iops_device", "wiops");
    });
}

std::string v1_rule(const DeviceRule& rule) {
    if (rule.type == 'a' && !rule.major && !rule.minor && rule.access == "rwm") return "a";
    auto number = [](const std::optional<unsigned>& n) { return n ? fmt::format("{}", *n) : std::string("*"); };
    return fmt::format("{} {}:{} {}", rule.type, number(rule.major), number(rule.minor), rule.access);
}

void Limits::devices(const Resources& r) {
    if (r.devices.empty()) return;
    if (int v1 = find("devices"); v1 >= 0 && !v2(v1)) {
        for (const DeviceRule& rule : r.devices)
            write(v1, rule.allow ? "devices.allow" : "devices.deny", v1_rule(rule));
        return;
    }
    for (std::size_t i = 0; i < c_.host.cgroups.size(); ++i) {
        if (!c_.host.cgroups[i].v2) continue;
        exec::DeviceFilter s{};
        s.code = c_.out.bytes(device_filter(r.devices));
        s.cgroup = static_cast<std::uint32_t>(i);
        c_.out.add(s);
        return;
    }
    c_.warn("this machine cannot restrict devices: neither the v1 devices controller nor cgroup v2 is mounted");
}

void Limits::other(const Resources& r) {
    if (r.pids)
        with("pids", "the number of processes",
             [&](int i, bool) { write(i, "pids.max", *r.pids <= 0 ? "max" : fmt::format("{}", *r.pids)); });
    for (const HugepageLimit& h : r.hugepages)
        with("hugetlb", "huge pages", [&](int i, bool v2) {
            const char* suffix = v2 ? "max" : "limit_in_bytes";
            // Reservations first: mmap fails then, instead of a SIGBUS later.
            write(i, fmt::format("hugetlb.{}.rsvd.{}", h.page_size, suffix), fmt::format("{}", h.bytes),
                  exec::write_optional);
            write(i, fmt::format("hugetlb.{}.{}", h.page_size, suffix), fmt::format("{}", h.bytes));
        });
    for (const auto& [file, value] : r.unified) {
        if (!c_.host.cgroup_v2_only)
            throw error(Errc::unsupported, "'{}' needs cgroup v2, which this machine does not use", file);
        if (file.find('/') != std::string::npos)
            throw error(Errc::invalid_project, "'{}' is no cgroup file name", file);
        write(0, file, value);
    }
}

} // namespace

void add_cgroups(Compiler& c, const std::string& path, const Resources& resources, bool existing) {
    if (path.empty()) return;
    if (c.host.cgroups.size() > exec::max_cgroups)
        throw error(Errc::unsupported, "more than {} cgroup hierarchies are mounted", exec::max_cgroups);
    bool v1_freezer = std::any_of(c.host.cgroups.begin(), c.host.cgroups.end(),
                                  [](const auto& h) { return !h.v2 && has(h, "freezer"); });
    for (const CgroupHierarchy& h : c.host.cgroups) {
        exec::MakeCgroup s{};
        s.mount_point = c.out.text(h.mount_point);
        s.path = c.out.text(path);
        if (h.v2) s.controllers = c.out.text(handed_down(h, c.host, resources));
        if (h.v2) s.flags |= exec::cgroup_v2;
        if (!h.v2 && has(h, "cpuset")) s.flags |= exec::cgroup_cpuset;
        if (has(h, "memory")) s.flags |= exec::cgroup_memory;
        if (h.v2 ? !v1_freezer : has(h, "freezer")) s.flags |= exec::cgroup_freezer;
        if (existing) s.flags |= exec::cgroup_exists;
        c.out.add(s);
    }
}

void add_limits(Compiler& c, const Resources& resources) {
    Limits limits(c);
    limits.cpuset(resources);
    limits.memory(resources);
    limits.cpu(resources);
    limits.io(resources);
    limits.devices(resources);
    limits.other(resources);
}

// Before the container's own, which v1 refuses when they are wider. Others may run in the group already, and use more
// than is now meant: that is told, and no reason not to start.
void add_group_limits(Compiler& c, const Spec& spec) {
    constexpr int period = 100'000; // µs
    Limits limits(c);
    if (spec.group_memory > 0)
        limits.with("memory", "the memory of all together", [&](int i, bool v2) {
            limits.write(i, v2 ? "../memory.max" : "../memory.limit_in_bytes", fmt::format("{}", spec.group_memory),
                         exec::write_warn);
        });
    if (spec.group_cpu_quota > 0)
        limits.with("cpu", "the CPU time of all together", [&](int i, bool v2) {
            const std::string quota = std::to_string(spec.group_cpu_quota);
            if (v2) return limits.write(i, "../cpu.max", fmt::format("{} {}", quota, period), exec::write_warn);
            limits.write(i, "../cpu.cfs_quota_us", quota, exec::write_warn);
        });
}

} // namespace davit::runtime

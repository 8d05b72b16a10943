#include "container/update.hpp"

#include "base/error.hpp"
#include "container/builder.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace davit {

namespace {

constexpr std::int64_t smallest_mib = 1024 * 1024;
constexpr std::uint64_t usual_period = 100'000;
constexpr double smallest_share = 0.01;

bool from_cpus(const runtime::Resources& r) { return r.cpu_period == usual_period && r.cpu_quota.value_or(0) > 0; }

template <typename... Args>
Error refused(fmt::format_string<Args...> text, Args&&... args) {
    return error(Errc::invalid_project, "{}", fmt::format(text, std::forward<Args>(args)...));
}

// Whatever is 0 is not asked for, as in Docker.
template <typename T>
T asked(const std::optional<T>& value) {
    return value.value_or(T{});
}

void check_memory(const ContainerUpdate& u) {
    const std::int64_t memory = asked(u.memory), swap = asked(u.memory_swap), low = asked(u.memory_reservation);
    if (memory > 0 && memory < 6 * smallest_mib) throw refused("Minimum memory limit allowed is 6MB");
    if (memory > 0 && swap > 0 && swap < memory)
        throw refused("Minimum memoryswap limit should be larger than memory limit, see usage");
    if (low > 0 && low < 6 * smallest_mib) throw refused("Minimum memory reservation allowed is 6MB");
    if (memory > 0 && low > 0 && memory < low)
        throw refused("Minimum memory limit can not be less than memory reservation limit, see usage");
}

void check_cpu(const ContainerUpdate& u, int cpus) {
    const double share = asked(u.cpus);
    const std::int64_t period = asked(u.cpu_period), quota = asked(u.cpu_quota);
    for (const auto& [value, name] : {std::pair(period, "Period"), std::pair(quota, "Quota")})
        if (share > 0 && value > 0) throw refused("Conflicting options: Nano CPUs and CPU {} cannot both be set", name);
    if (share != 0 && (share < smallest_share || share > cpus))
        throw refused("range of CPUs is from 0.01 to {:.2f}, as there are only {} CPUs available",
                      static_cast<double>(cpus), cpus);
    if (asked(u.cpu_shares) < 0)
        throw refused("invalid CPU shares ({}): value must be a positive integer", *u.cpu_shares);
    if (period != 0 && (period < 1000 || period > 1'000'000))
        throw refused("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
    if (quota > 0 && quota < 1000) throw refused("CPU cfs quota can not be less than 1ms (i.e. 1000)");
    if (const std::string set = asked(u.cpuset_cpus); !set.empty() && highest_cpu(set) >= cpus)
        throw refused("Requested CPUs are not available - requested {}, available: 0-{}", set, cpus - 1);
    if (const std::int64_t weight = asked(u.blkio_weight); weight != 0 && (weight < 10 || weight > 1000))
        throw refused("Range of blkio weight is from 10 to 1000");
}

// `--cpus` is a quota in a period of its own: the two ways do not mix, in one update or over several.
void check_against(const runtime::Resources& now, const ContainerUpdate& u) {
    const bool by_cpus = from_cpus(now);
    auto conflicts = [](const char* wanted, const char* there) {
        return error(Errc::conflict, "Conflicting options: {} cannot be updated as {} has already been set", wanted,
                     there);
    };
    if (asked(u.cpus) > 0 && !by_cpus && now.cpu_period.value_or(0) > 0) throw conflicts("Nano CPUs", "CPU Period");
    if (asked(u.cpus) > 0 && !by_cpus && now.cpu_quota.value_or(0) > 0) throw conflicts("Nano CPUs", "CPU Quota");
    if (asked(u.cpu_period) > 0 && by_cpus) throw conflicts("CPU Period", "NanoCPUs");
    if (asked(u.cpu_quota) > 0 && by_cpus) throw conflicts("CPU Quota", "NanoCPUs");
    const std::int64_t swap = now.memory_swap.value_or(now.memory.value_or(0) > 0 ? *now.memory * 2 : 0);
    if (asked(u.memory) > swap && swap >= 0 && asked(u.memory_swap) == 0)
        throw error(Errc::conflict, "Memory limit should be smaller than already set memoryswap limit, update the "
                                    "memoryswap at the same time");
}

void merge_cpu(runtime::Resources& all, const ContainerUpdate& u) {
    if (asked(u.cpu_shares) > 0) all.cpu_shares = static_cast<std::uint64_t>(*u.cpu_shares);
    if (asked(u.cpus) > 0) {
        all.cpu_period = usual_period;
        all.cpu_quota = std::llround(*u.cpus * static_cast<double>(usual_period));
    }
    if (asked(u.cpu_period) > 0) all.cpu_period = static_cast<std::uint64_t>(*u.cpu_period);
    if (asked(u.cpu_quota) != 0) all.cpu_quota = *u.cpu_quota;
    if (!asked(u.cpuset_cpus).empty()) all.cpuset_cpus = *u.cpuset_cpus;
    if (!asked(u.cpuset_mems).empty()) all.cpuset_mems = *u.cpuset_mems;
}

void merge_memory(runtime::Resources& all, const ContainerUpdate& u) {
    // What swap is by default hangs on the limit that was there.
    if (!all.memory_swap && all.memory.value_or(0) > 0) all.memory_swap = *all.memory * 2;
    if (asked(u.memory) != 0) all.memory = *u.memory;
    if (asked(u.memory_swap) != 0) all.memory_swap = *u.memory_swap;
    if (asked(u.memory) < 0) all.memory_swap = -1; // without end, with all that there is
    if (asked(u.memory_reservation) != 0) all.reservation = *u.memory_reservation;
}

} // namespace

UpdatedLimits updated_limits(const runtime::Resources& now, const ContainerUpdate& u, int cpus) {
    check_memory(u);
    check_cpu(u, cpus);
    check_against(now, u);
    UpdatedLimits out;
    out.all = now;
    runtime::Resources& changed = out.changed;
    if (asked(u.memory) != 0 || asked(u.memory_swap) != 0 || asked(u.memory_reservation) != 0) {
        merge_memory(out.all, u);
        changed.memory = out.all.memory;
        changed.memory_swap = out.all.memory_swap;
        changed.reservation = out.all.reservation;
    }
    merge_cpu(out.all, u);
    if (asked(u.cpu_shares) > 0) changed.cpu_shares = out.all.cpu_shares;
    if (asked(u.cpus) > 0 || asked(u.cpu_period) > 0 || asked(u.cpu_quota) != 0) {
        changed.cpu_period = out.all.cpu_period;
        changed.cpu_quota = out.all.cpu_quota;
    }
    if (!asked(u.cpuset_cpus).empty()) changed.cpuset_cpus = *u.cpuset_cpus;
    if (!asked(u.cpuset_mems).empty()) changed.cpuset_mems = *u.cpuset_mems;
    if (asked(u.pids_limit) != 0) changed.pids = out.all.pids = std::max<std::int64_t>(*u.pids_limit, -1);
    if (asked(u.blkio_weight) > 0)
        changed.blkio_weight = out.all.blkio_weight = static_cast<std::uint16_t>(*u.blkio_weight);
    return out;
}

std::string updated_restart(const ContainerRecord& record, const std::string& policy) {
    Service service;
    service.restart = policy;
    const RestartRecord restart = restart_record(service);
    if (record.auto_remove && restart.kind != RestartKind::no)
        throw error(Errc::conflict, "Restart policy cannot be updated because AutoRemove is enabled for the container");
    switch (restart.kind) {
    case RestartKind::no: return "no";
    case RestartKind::always: return "always";
    case RestartKind::unless_stopped: return "unless-stopped";
    case RestartKind::on_failure: break;
    }
    return restart.max_retries ? fmt::format("on-failure:{}", restart.max_retries) : "on-failure";
}

} // namespace davit

#include "container/builder.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "runtime/defaults.hpp"

#include <charconv>
#include <cmath>
#include <fmt/format.h>

namespace davit {

namespace {

constexpr std::int64_t mib = 1024 * 1024;

} // namespace

int highest_cpu(const std::string& text, const char* what) {
    int highest = -1;
    auto bad = [&] {
        return error(Errc::invalid_project, "Invalid value {0} for cpuset {1}: invalid format: {0}", text, what)
            .with_hint("numbers and ranges, as in  0-2,5");
    };
    auto number = [&](const char*& at, const char* end) {
        int n = -1;
        auto [next, failed] = std::from_chars(at, end, n);
        if (failed != std::errc() || n < 0) throw bad();
        at = next;
        return n;
    };
    const char* end = text.data() + text.size();
    for (const char* at = text.data();; ++at) {
        const int first = number(at, end);
        const int last = at < end && *at == '-' ? number(++at, end) : first;
        if (last < first || (at < end && *at != ',')) throw bad();
        highest = std::max(highest, last);
        if (at == end) return highest;
    }
}

void ContainerBuilder::limits() {
    memory();
    cpu();
    blkio();
    const auto limits = effective_limits(service_);
    if (limits.pids && *limits.pids != 0) out_.spec.resources.pids = *limits.pids;
    rlimits_and_sysctls();
}

void ContainerBuilder::memory() {
    runtime::Resources& r = out_.spec.resources;
    const auto limits = effective_limits(service_);
    const bool deployed = service_.deploy.has_value();
    const bool limit_there =
        deployed && service_.deploy->resources.limits && service_.deploy->resources.limits->memory != 0;
    const bool reservation_there =
        deployed && service_.deploy->resources.reservations && service_.deploy->resources.reservations->memory != 0;
    about(limit_there ? "deploy.resources.limits.memory" : "mem_limit", [&] {
        if (limits.memory > 0 && limits.memory < 6 * mib)
            throw error(Errc::invalid_project, "Minimum memory limit allowed is 6MB");
        if (limits.memory > 0 && limits.memory_reservation > limits.memory)
            throw error(Errc::invalid_project,
                        "Minimum memory limit can not be less than memory reservation limit, see usage");
    });
    about("memswap_limit", [&] {
        if (service_.memswap_limit > 0 && limits.memory == 0)
            throw error(Errc::invalid_project,
                        "You should always set the Memory limit when using Memoryswap limit, see usage");
        if (service_.memswap_limit > 0 && service_.memswap_limit < limits.memory)
            throw error(Errc::invalid_project,
                        "Minimum memoryswap limit should be larger than memory limit, see usage");
    });
    about(reservation_there ? "deploy.resources.reservations.memory" : "mem_reservation", [&] {
        if (limits.memory_reservation > 0 && limits.memory_reservation < 6 * mib)
            throw error(Errc::invalid_project, "Minimum memory reservation allowed is 6MB");
    });
    about("mem_swappiness", [&] {
        if (service_.mem_swappiness < -1 || service_.mem_swappiness > 100)
            throw error(Errc::invalid_project, "Invalid value: {}, valid memory swappiness range is 0-100",
                        service_.mem_swappiness);
    });
    about("oom_score_adj", [&] {
        if (service_.oom_score_adj < -1000 || service_.oom_score_adj > 1000)
            throw error(Errc::invalid_project, "Invalid value {}, range for oom score adj is [-1000, 1000]",
                        service_.oom_score_adj);
    });
    if (limits.memory > 0) r.memory = limits.memory;
    if (limits.memory_reservation > 0) r.reservation = limits.memory_reservation;
    if (service_.memswap_limit != 0) r.memory_swap = service_.memswap_limit;
    if (service_.mem_swappiness > 0) r.swappiness = static_cast<std::uint64_t>(service_.mem_swappiness);
    r.oom_kill_disable = service_.oom_kill_disable;
}

void ContainerBuilder::cpu() {
    runtime::Resources& r = out_.spec.resources;
    about("cpu_shares", [&] {
        if (service_.cpu_shares < 0)
            throw error(Errc::invalid_project, "invalid CPU shares ({}): value must be a positive integer",
                        service_.cpu_shares);
    });
    cpus();
    about("cpu_period", [&] {
        if (service_.cpu_period == 0) return;
        if (service_.cpu_period < 1000 || service_.cpu_period > 1'000'000)
            throw error(Errc::invalid_project,
                        "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
        r.cpu_period = static_cast<std::uint64_t>(service_.cpu_period);
    });
    about("cpu_quota", [&] {
        if (service_.cpu_quota == 0) return;
        if (service_.cpu_quota > 0 && service_.cpu_quota < 1000)
            throw error(Errc::invalid_project, "CPU cfs quota can not be less than 1ms (i.e. 1000)");
        r.cpu_quota = service_.cpu_quota;
    });
    if (service_.cpu_shares > 0) r.cpu_shares = static_cast<std::uint64_t>(service_.cpu_shares);
    if (service_.cpu_rt_period > 0) r.cpu_rt_period = static_cast<std::uint64_t>(service_.cpu_rt_period);
    if (service_.cpu_rt_runtime > 0) r.cpu_rt_runtime = service_.cpu_rt_runtime;
    about("cpuset", [&] {
        if (!service_.cpuset.empty() && highest_cpu(service_.cpuset) >= in_.host.cpus)
            throw error(Errc::invalid_project, "Requested CPUs are not available - requested {}, available: 0-{}",
                        service_.cpuset, in_.host.cpus - 1);
    });
    r.cpuset_cpus = service_.cpuset;
    r.cpuset_mems = in_.container.cpuset_mems;
    if (!r.cpuset_mems.empty()) highest_cpu(r.cpuset_mems, "mems"); // the kernel knows which there are
}

void ContainerBuilder::cpus() {
    runtime::Resources& r = out_.spec.resources;
    const double cpus = effective_limits(service_).cpus;
    if (cpus == 0) return;
    const bool there =
        service_.deploy && service_.deploy->resources.limits && service_.deploy->resources.limits->cpus > 0;
    about(there ? "deploy.resources.limits.cpus" : "cpus", [&] {
        if (service_.cpu_period > 0 || service_.cpu_quota > 0)
            throw error(Errc::invalid_project, "Conflicting options: Nano CPUs and CPU {} cannot both be set",
                        service_.cpu_period > 0 ? "Period" : "Quota");
        if (cpus < 0.01 || cpus > in_.host.cpus)
            throw error(Errc::invalid_project,
                        "range of CPUs is from 0.01 to {:.2f}, as there are only {} CPUs available",
                        static_cast<double>(in_.host.cpus), in_.host.cpus);
    });
    r.cpu_period = 100'000;
    r.cpu_quota = std::llround(cpus * 100'000);
}

void ContainerBuilder::blkio() {
    if (!service_.blkio_config) return;
    const BlkioConfig& from = *service_.blkio_config;
    runtime::Resources& r = out_.spec.resources;
    auto weight_checked = [](auto weight) {
        if (weight != 0 && (weight < 10 || weight > 1000))
            throw error(Errc::invalid_project, "Range of blkio weight is from 10 to 1000");
    };
    about("blkio_config.weight", [&] { weight_checked(from.weight); });
    about_each("blkio_config.weight_device", from.weight_device, [&](const auto& w) { weight_checked(w.weight); });
    if (from.weight > 0) r.blkio_weight = from.weight;
    for (const auto& w : from.weight_device) r.blkio_weight_device.push_back({w.path, w.weight});
    auto rates = [](const auto& list, std::vector<runtime::BlkioDevice>& to) {
        for (const auto& rate : list) to.push_back({rate.path, static_cast<std::uint64_t>(rate.rate)});
    };
    rates(from.device_read_bps, r.read_bps);
    rates(from.device_write_bps, r.write_bps);
    rates(from.device_read_iops, r.read_iops);
    rates(from.device_write_iops, r.write_iops);
}

void ContainerBuilder::rlimits_and_sysctls() {
    runtime::Spec& spec = out_.spec;
    constexpr std::uint64_t unlimited = ~std::uint64_t{0};
    auto value = [&](std::int64_t n) { return n < 0 ? unlimited : static_cast<std::uint64_t>(n); };
    for (const auto& [name, limit] : service_.ulimits) {
        const auto resource = runtime::rlimit_from_name(name);
        about("ulimits." + name, [&, &key = name] {
            if (!resource) throw error(Errc::invalid_project, "invalid ulimit type: {}", key);
        });
        spec.process.rlimits.push_back({*resource, value(limit.soft), value(limit.hard)});
        if (value(limit.soft) > value(limit.hard))
            at_start("ulimits." + name, [&soft = limit.soft, &hard = limit.hard, &key = name] {
                throw error(Errc::invalid_project,
                            "ulimit soft limit must be less than or equal to hard limit: {} > {} ({})", soft, hard,
                            key);
            });
    }
    // All in one place: a default written by another hand would not see that the file gives a value.
    const std::string& network = out_.record.network_mode;
    for (const auto& [name, text] : service_.sysctls) {
        if (network == "host" && (name.starts_with("net.") || name.starts_with("net/")))
            at_start("sysctls." + name, [&key = name] {
                throw error(Errc::invalid_project, "sysctl \"{}\" not allowed in host network namespace", key);
            });
        spec.sysctls[name] = text;
    }
    // The network of another container is as that one wants it.
    if (SharedWith::parse(network).is_container()) spec.open_ports_and_ping = false;
}

} // namespace davit

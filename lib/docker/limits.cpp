#include "docker/parts.hpp"
#include "docker/values.hpp"

#include "base/error.hpp"
#include "stack/flag_values.hpp"

#include <algorithm>

namespace davit::docker {

namespace {

template <typename T, typename F>
void take(const ContainerFlags& flags, std::string_view name, T& to, F read) {
    if (flags.has(name)) to = static_cast<T>(read(flags.text(name)));
}

void take_block_io(const ContainerFlags& flags, Service& to) {
    BlkioConfig out;
    take(flags, "blkio-weight", out.weight, int_of);
    for (const std::string& text : flags.all("blkio-weight-device")) out.weight_device.push_back(weight_of(text));
    const struct {
        const char* flag;
        std::vector<BlkioConfig::Rate>& to;
        bool bytes;
    } lists[] = {{"device-read-bps", out.device_read_bps, true},
                 {"device-write-bps", out.device_write_bps, true},
                 {"device-read-iops", out.device_read_iops, false},
                 {"device-write-iops", out.device_write_iops, false}};
    for (const auto& list : lists)
        for (const std::string& text : flags.all(list.flag)) list.to.push_back(rate_of(text, list.bytes));
    if (out != BlkioConfig{}) to.blkio_config = std::move(out);
}

} // namespace

void take_limits(const ContainerFlags& flags, ContainerSpec& to) {
    Service& s = to.service;
    for (const char* name : {"cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"})
        if (flags.has(name))
            throw error(Errc::usage,
                        "\"--{}\" is only supported on a Docker daemon running on windows, but the Docker daemon is "
                        "running on linux",
                        name)
                .with_exit_code(1);
    if (flags.has("memory-swappiness")) {
        s.mem_swappiness = int_of(flags.text("memory-swappiness"));
        if (s.mem_swappiness < -1 || s.mem_swappiness > 100)
            throw error(Errc::usage, "invalid value: {}. Valid memory swappiness range is 0-100", s.mem_swappiness);
        if (s.mem_swappiness == -1) s.mem_swappiness = 0;
    }
    take(flags, "cpus", s.cpus, cpus_of);
    take(flags, "cpu-period", s.cpu_period, int_of);
    take(flags, "cpu-quota", s.cpu_quota, int_of);
    take(flags, "cpu-rt-period", s.cpu_rt_period, int_of);
    take(flags, "cpu-rt-runtime", s.cpu_rt_runtime, int_of);
    take(flags, "cpu-shares", s.cpu_shares, int_of);
    s.cpuset = flags.text("cpuset-cpus");
    to.cpuset_mems = flags.text("cpuset-mems");
    take(flags, "memory", s.mem_limit, size_of);
    take(flags, "memory-reservation", s.mem_reservation, size_of);
    take(flags, "memory-swap", s.memswap_limit, swap_of);
    take(flags, "pids-limit", s.pids_limit, int_of);
    take(flags, "shm-size", s.shm_size, size_of);
    take(flags, "oom-score-adj", s.oom_score_adj, int_of);
    s.oom_kill_disable = flags.is_true("oom-kill-disable");
    for (const std::string& text : flags.all("ulimit")) {
        const swarm::Ulimit limit = stack::ulimit_value(text);
        s.ulimits[limit.name] = Ulimit{limit.soft, limit.hard, limit.soft == limit.hard, {}};
    }
    s.sysctls = pairs(flags.all("sysctl"));
    take_block_io(flags, s);
}

void take_devices(const ContainerFlags& flags, Service& to) {
    for (const std::string& text : flags.all("device"))
        to.devices.push_back(is_cdi_device(text) ? Device{text, text, "rwm", {}} : device_of(text));
    to.device_cgroup_rules = flags.all("device-cgroup-rule");
    if (flags.has("gpus")) to.gpus.push_back(gpus_of(flags.text("gpus")));
}

} // namespace davit::docker

namespace davit {

ContainerUpdate container_update(const ContainerFlags& flags) {
    using namespace docker;
    ContainerUpdate out;
    if (flags.given.empty())
        throw error(Errc::usage, "you must provide one or more flags when using this command")
            .with_hint("for example --memory 512m, --restart always");
    take(flags, "cpus", out.cpus, cpus_of);
    take(flags, "cpu-period", out.cpu_period, int_of);
    take(flags, "cpu-quota", out.cpu_quota, int_of);
    take(flags, "cpu-shares", out.cpu_shares, int_of);
    take(flags, "memory", out.memory, size_of);
    take(flags, "memory-reservation", out.memory_reservation, size_of);
    take(flags, "memory-swap", out.memory_swap, swap_of);
    take(flags, "pids-limit", out.pids_limit, int_of);
    take(flags, "blkio-weight", out.blkio_weight, int_of);
    if (flags.has("cpuset-cpus")) out.cpuset_cpus = flags.text("cpuset-cpus");
    if (flags.has("cpuset-mems")) out.cpuset_mems = flags.text("cpuset-mems");
    if (flags.has("restart")) out.restart = restart_text(flags.text("restart"));
    if (flags.has("cpu-rt-period") || flags.has("cpu-rt-runtime"))
        throw error(Errc::unsupported, "the real-time limits of a container that is there cannot be changed")
            .with_hint("make it anew with --cpu-rt-period and --cpu-rt-runtime");
    return out;
}

} // namespace davit

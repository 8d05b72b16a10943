#include "supervisor/metadata/samples.hpp"

#include "base/date.hpp"
#include "base/file.hpp"
#include "base/json_text.hpp"
#include "base/sys.hpp"

#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/sysinfo.h>
#include <unistd.h>
#include <utility>

namespace davit::supervisor::metadata {

namespace {

using Json = nlohmann::ordered_json;

// All that the processors of the machine have spent, idle or not (proc_stat(5), without guests: they are in user).
std::uint64_t machine_cpu_ns() {
    std::istringstream line(read_file_if_exists("/proc/stat").value_or(""));
    std::string word;
    line >> word;
    std::uint64_t ticks = 0, value = 0;
    for (int i = 0; i < 8 && line >> value; ++i) ticks += value;
    return ticks * (1'000'000'000ULL / static_cast<unsigned long>(::sysconf(_SC_CLK_TCK)));
}

std::string time_text(const Sample& sample) {
    return sample.read_ns == 0 ? "0001-01-01T00:00:00Z" : rfc3339_nano(sample.read_ns);
}

Json cpu(const Sample& sample) {
    const auto& u = sample.usage;
    return {
        {"cpu_usage",
         {{"total_usage", u.cpu_ns}, {"usage_in_kernelmode", u.cpu_system_ns}, {"usage_in_usermode", u.cpu_user_ns}}},
        {"system_cpu_usage", sample.machine_cpu_ns},
        {"online_cpus", sample.processors},
        {"throttling_data", {{"periods", 0}, {"throttled_periods", 0}, {"throttled_time", 0}}}};
}

Json memory(const runtime::Usage& u) {
    return {{"usage", u.memory},
            {"stats", {{"inactive_file", u.inactive_file}, {"total_inactive_file", u.inactive_file}}},
            {"limit", u.memory_limit}};
}

Json networks(const runtime::Usage& u) {
    Json out = Json::object();
    for (const auto& i : u.interfaces)
        out[i.name] = {{"rx_bytes", i.received.bytes},   {"rx_packets", i.received.packets},
                       {"rx_errors", i.received.errors}, {"rx_dropped", i.received.dropped},
                       {"tx_bytes", i.sent.bytes},       {"tx_packets", i.sent.packets},
                       {"tx_errors", i.sent.errors},     {"tx_dropped", i.sent.dropped}};
    return out;
}

std::pair<std::uint64_t, std::uint64_t> bytes_of(const runtime::Usage& u) {
    std::pair<std::uint64_t, std::uint64_t> out;
    for (const auto& i : u.interfaces) out.first += i.received.bytes, out.second += i.sent.bytes;
    return out;
}

Json network_rates(const TwoSamples& s) {
    const auto [rx, tx] = bytes_of(s.now.usage);
    const auto [rx_before, tx_before] = bytes_of(s.before.usage);
    const double seconds = static_cast<double>(s.now.usage.taken_ns - s.before.usage.taken_ns) / 1e9;
    const auto rate = [&](std::uint64_t now, std::uint64_t then) {
        return s.before.read_ns == 0 || seconds <= 0 || now < then ? 0.0 : static_cast<double>(now - then) / seconds;
    };
    return {{"rx_bytes_per_sec", rate(rx, rx_before)}, {"tx_bytes_per_sec", rate(tx, tx_before)}};
}

} // namespace

TwoSamples Samples::take(const std::string& container_id, pid_t init) {
    Sample now;
    now.read_ns = sys::realtime_ns();
    now.machine_cpu_ns = machine_cpu_ns();
    now.processors = static_cast<unsigned>(::get_nprocs());
    now.usage = runtime::usage_of(init);
    Sample& last = last_[container_id];
    return {std::exchange(last, now), now};
}

void Samples::keep_only(const std::function<bool(const std::string&)>& wanted) {
    std::erase_if(last_, [&](const auto& entry) { return !wanted(entry.first); });
}

std::string stats_json(const std::string& id, const std::string& name, const TwoSamples& samples) {
    const runtime::Usage& u = samples.now.usage;
    const Json blocks = Json::array({{{"major", 0}, {"minor", 0}, {"op", "read"}, {"value", u.block_read}},
                                     {{"major", 0}, {"minor", 0}, {"op", "write"}, {"value", u.block_written}}});
    const Json out = {{"read", time_text(samples.now)},
                      {"preread", time_text(samples.before)},
                      {"pids_stats", {{"current", u.pids}}},
                      {"blkio_stats", {{"io_service_bytes_recursive", blocks}}},
                      {"num_procs", 0},
                      {"storage_stats", Json::object()},
                      {"cpu_stats", cpu(samples.now)},
                      {"precpu_stats", cpu(samples.before)},
                      {"memory_stats", memory(u)},
                      {"name", "/" + name},
                      {"id", id},
                      {"networks", networks(u)},
                      {"network_rate_stats", network_rates(samples)}};
    return json::text(out);
}

} // namespace davit::supervisor::metadata

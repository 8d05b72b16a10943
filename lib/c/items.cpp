#include "c/options.hpp"

#include <nlohmann/json.hpp>

namespace davit::c {

namespace {

using ItemJson = nlohmann::json;

// What containers write is any bytes; JSON is UTF-8.
std::string one_line(const ItemJson& item) { return item.dump(-1, ' ', false, ItemJson::error_handler_t::replace); }

} // namespace

std::string to_json(const ContainerInfo& container, const LogLine& line) {
    return one_line({{"container", container.name},
                     {"service", container.service},
                     {"time", line.time_ns},
                     {"stream", line.is_error ? 2 : 1},
                     {"text", line.text}});
}

std::string to_json(const MachineEvent& e) {
    return one_line({{"time", e.time_ns},
                     {"type", e.type},
                     {"action", e.action},
                     {"id", e.id},
                     {"project", e.project},
                     {"attributes", e.attributes}});
}

std::string to_json(const StatsSample& sample) {
    const ContainerStats& s = sample.stats;
    return one_line({{"container", sample.container.name},
                     {"service", sample.container.service},
                     {"cpu_percent", sample.cpu_percent},
                     {"cpu", s.cpu_ns},
                     {"memory", s.memory},
                     {"memory_limit", s.memory_limit},
                     {"block_read", s.block_read},
                     {"block_written", s.block_written},
                     {"network_received", s.network_received},
                     {"network_sent", s.network_sent},
                     {"pids", s.pids}});
}

} // namespace davit::c

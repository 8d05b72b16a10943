#include "engine/inspect/container.hpp"

#include "base/date.hpp"
#include "engine/inspect/json_parts.hpp"

namespace davit::documents {

nlohmann::ordered_json health(const ContainerInfo& c, const std::vector<HealthCheckResult>& log) {
    if (c.health == Health::none && log.empty()) return nullptr;
    Json results = Json::array();
    for (const HealthCheckResult& r : log)
        results.push_back({{"Start", rfc3339_nano(r.start)},
                           {"End", rfc3339_nano(r.end)},
                           {"ExitCode", r.exit_code},
                           {"Output", r.output}});
    // When nobody checks any more, docker shows a container that was checked as unhealthy.
    const Health shown = c.health == Health::none ? Health::unhealthy : c.health;
    return {{"Status", to_string(shown)}, {"FailingStreak", c.failing_streak}, {"Log", std::move(results)}};
}

} // namespace davit::documents

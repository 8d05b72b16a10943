#include "cli/format/swarm_objects.hpp"

#include "cli/format/container.hpp"
#include "cli/format/time.hpp"
#include "davit/version.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <tuple>

namespace davit::cli {

namespace {

constexpr std::size_t short_length = 12, longest_error = 30;

std::string capital(std::string text) {
    if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
    return text;
}

std::string time_ago(std::int64_t time_ns, std::int64_t now_ns) {
    return human_duration(std::chrono::nanoseconds(std::max<std::int64_t>(0, now_ns - time_ns))) + " ago";
}

std::string lower_first(std::string text) {
    if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
    return text;
}

std::string replicas_text(const swarm::Service& s, const swarm::Counts& c) {
    std::string out = fmt::format("{}/{}", c.running, c.desired);
    if (s.spec.mode.job()) return out + fmt::format(" ({}/{} completed)", c.completed, c.total);
    const auto& placement = s.spec.task.placement;
    if (s.spec.mode.kind == swarm::ModeKind::replicated && placement && placement->max_replicas)
        out += fmt::format(" (max {} per node)", placement->max_replicas);
    return out;
}

std::string labels_text_of(const Labels& labels) {
    std::string out;
    for (const auto& [key, value] : labels) out += (out.empty() ? "" : ",") + key + "=" + value;
    return out;
}

// Published ports that follow each other, and what is behind them.
struct PortRun {
    std::uint16_t first = 0, last = 0, target_first = 0, target_last = 0;
    std::string protocol;

    bool takes(const swarm::PortConfig& p) const {
        if (!first || p.protocol != protocol || p.published > last + 1) return false;
        const bool several = target_last != target_first;
        return p.target >= target_last && p.target <= target_last + 1 && !(several && p.target == target_last);
    }
    std::string text() const {
        auto span = [](std::uint16_t a, std::uint16_t b) {
            return b > a ? fmt::format("{}-{}", a, b) : fmt::format("{}", a);
        };
        return fmt::format("*:{}->{}/{}", span(first, last), span(target_first, target_last), protocol);
    }
};

} // namespace

std::string mode_text(const swarm::ServiceMode& mode) {
    switch (mode.kind) {
    case swarm::ModeKind::replicated: return "replicated";
    case swarm::ModeKind::global: return "global";
    case swarm::ModeKind::replicated_job: return "replicated job";
    case swarm::ModeKind::global_job: return "global job";
    }
    return "";
}

std::string mode_keyword(const swarm::ServiceMode& mode) {
    std::string text = mode_text(mode);
    std::replace(text.begin(), text.end(), ' ', '-');
    return text;
}

std::string endpoint_ports_text(std::vector<swarm::PortConfig> ports) {
    std::erase_if(ports, [](const swarm::PortConfig& p) { return p.mode != "ingress" || !p.published; });
    std::stable_sort(ports.begin(), ports.end(), [](const swarm::PortConfig& a, const swarm::PortConfig& b) {
        return std::tie(a.protocol, a.published) < std::tie(b.protocol, b.published);
    });
    std::vector<PortRun> runs;
    for (const swarm::PortConfig& p : ports) {
        if (runs.empty() || !runs.back().takes(p)) {
            runs.push_back({p.published, p.published, p.target, p.target, p.protocol});
            continue;
        }
        runs.back().last = p.published;
        runs.back().target_last = p.target;
    }
    std::string out;
    for (const PortRun& run : runs) out += (out.empty() ? "" : ", ") + run.text();
    return out;
}

std::string familiar_image(const std::string& image) {
    std::string out = image;
    const std::size_t at = out.find('@');
    const std::size_t slash = out.substr(0, at).rfind('/');
    const std::size_t colon = out.substr(0, at).rfind(':');
    const bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
    if (!tagged) return out; // docker changes the names of those with a tag only
    out.resize(std::min(at, out.size()));
    for (const char* prefix : {"docker.io/", "index.docker.io/"})
        if (out.starts_with(prefix)) {
            out.erase(0, std::char_traits<char>::length(prefix));
            if (out.starts_with("library/")) out.erase(0, 8);
        }
    return out;
}

nlohmann::json service_row(const swarm::Service& s, const swarm::Counts& counts) {
    const bool allocated = !s.ports.empty() || !s.spec.endpoint;
    return {{"ID", s.id.substr(0, short_length)},
            {"Image", familiar_image(s.spec.task.container.image)},
            {"Mode", mode_text(s.spec.mode)},
            {"Name", s.spec.name},
            {"Ports", endpoint_ports_text(allocated ? s.ports : s.spec.endpoint->ports)},
            {"Replicas", replicas_text(s, counts)}};
}

const nlohmann::json& service_headers() {
    static const nlohmann::json headers = {{"ID", "ID"},     {"Image", "IMAGE"}, {"Mode", "MODE"},
                                           {"Name", "NAME"}, {"Ports", "PORTS"}, {"Replicas", "REPLICAS"}};
    return headers;
}

nlohmann::json task_row(const TaskRow& row, bool below, bool truncate, std::int64_t now_ns) {
    const swarm::Task& t = row.task;
    std::string ports, problem = truncate ? ellipsis(t.error, longest_error) : t.error;
    for (const PublishedPort& p : row.ports)
        ports += fmt::format("{}*:{}->{}/{}", ports.empty() ? "" : ",", p.host_port, p.target, p.protocol);
    if (!problem.empty()) problem = "\"" + problem + "\"";
    return {{"CurrentState", capital(to_string(t.state)) + " " + lower_first(time_ago(t.state_since, now_ns))},
            {"DesiredState", capital(to_string(t.desired))},
            {"Error", problem},
            {"ID", truncate ? t.id.substr(0, short_length) : t.id},
            {"Image", truncate ? familiar_image(t.image) : t.image},
            {"Name", (below ? " \\_ " : "") + row.name},
            {"Node", row.node},
            {"Ports", ports}};
}

const nlohmann::json& task_headers() {
    static const nlohmann::json headers = {{"CurrentState", "CURRENT STATE"},
                                           {"DesiredState", "DESIRED STATE"},
                                           {"Error", "ERROR"},
                                           {"ID", "ID"},
                                           {"Image", "IMAGE"},
                                           {"Name", "NAME"},
                                           {"Node", "NODE"},
                                           {"Ports", "PORTS"}};
    return headers;
}

nlohmann::json file_row(swarm::FileKind kind, const swarm::Config& file, std::int64_t now_ns) {
    nlohmann::json row = {{"CreatedAt", time_ago(file.created_at, now_ns)},
                          {"ID", file.id},
                          {"Label", file.spec.labels},
                          {"Labels", labels_text_of(file.spec.labels)},
                          {"Name", file.spec.name},
                          {"UpdatedAt", time_ago(file.updated_at, now_ns)}};
    if (kind == swarm::FileKind::secret) row["Driver"] = file.spec.driver;
    return row;
}

const nlohmann::json& file_headers() {
    static const nlohmann::json headers = {{"CreatedAt", "CREATED"},
                                           {"Driver", "DRIVER"},
                                           {"ID", "ID"},
                                           {"Label", nlohmann::json::object()},
                                           {"Labels", "LABELS"},
                                           {"Name", "NAME"},
                                           {"UpdatedAt", "UPDATED"}};
    return headers;
}

nlohmann::json node_row(const swarm::Node& n) {
    return {{"Availability", capital(n.availability)},
            {"EngineVersion", docker_version},
            {"Hostname", n.name},
            {"ID", n.id},
            {"ManagerStatus", "Leader"},
            {"Self", true},
            {"Status", "Ready"},
            {"TLSStatus", "Ready"}};
}

const nlohmann::json& node_headers() {
    static const nlohmann::json headers = {{"Availability", "AVAILABILITY"},
                                           {"EngineVersion", "ENGINE VERSION"},
                                           {"Hostname", "HOSTNAME"},
                                           {"ID", "ID"},
                                           {"ManagerStatus", "MANAGER STATUS"},
                                           {"Self", ""},
                                           {"Status", "STATUS"},
                                           {"TLSStatus", "TLS STATUS"}};
    return headers;
}

} // namespace davit::cli

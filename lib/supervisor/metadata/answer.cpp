#include "supervisor/metadata/answer.hpp"

#include "base/date.hpp"
#include "base/json_text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::supervisor::metadata {

namespace {

using Json = nlohmann::ordered_json;

// AWS's words for where a container is in its life.
const char* known_status(const ContainerStatus& status) {
    switch (status.state) {
    case ContainerState::created: return "CREATED";
    case ContainerState::running:
    case ContainerState::paused: return "RUNNING";
    case ContainerState::restarting: return "RESTARTING";
    case ContainerState::removing:
    case ContainerState::exited:
    case ContainerState::dead: return "STOPPED";
    }
    return "NONE";
}

const char* desired_status(const ContainerRecord& record) {
    return record.desired == DesiredState::stopped ? "STOPPED" : "RUNNING";
}

// What stands for the account and the region: nobody may take these for real ones.
std::string arn(const std::string& kind, const std::string& rest) {
    return fmt::format("arn:aws:ecs:local:000000000000:{}/{}", kind, rest);
}

std::string task_id(const ContainerRecord& record) { return record.project + "-" + record.ecs->task; }

Json networks(const ContainerRecord& record, const std::vector<EndpointStatus>& addresses) {
    Json out = Json::array();
    for (const EndpointStatus& e : addresses) {
        Json network = {{"NetworkMode", record.network_mode == "bridge" ? "bridge" : "awsvpc"},
                        {"IPv4Addresses", Json::array({e.ipv4})}};
        if (!e.ipv6.empty()) network["IPv6Addresses"] = Json::array({e.ipv6});
        if (!e.mac.empty()) network["MACAddress"] = e.mac;
        out.push_back(std::move(network));
    }
    return out;
}

Json container(const Member& member, const std::vector<EndpointStatus>& addresses) {
    const ContainerRecord& r = *member.record;
    const ContainerStatus& s = *member.status;
    Json out = {{"DockerId", r.id},
                {"Name", r.ecs->container},
                {"DockerName", r.name},
                {"Image", r.image},
                {"ImageID", r.image_id},
                {"Labels", r.labels},
                {"DesiredStatus", desired_status(r)},
                {"KnownStatus", known_status(s)},
                {"CreatedAt", rfc3339_nano(r.created)},
                {"Type", "NORMAL"},
                {"LogDriver", r.log.driver},
                {"ContainerARN", arn("container", r.project + "/" + r.id)},
                {"Networks", networks(r, addresses)}};
    if (s.started_at != 0) out["StartedAt"] = rfc3339_nano(s.started_at);
    if (s.state == ContainerState::exited) {
        if (s.finished_at != 0) out["FinishedAt"] = rfc3339_nano(s.finished_at);
        if (s.exit_known) out["ExitCode"] = s.exit_code;
    }
    if (s.health != Health::none) {
        const char* word = s.health == Health::healthy     ? "HEALTHY"
                           : s.health == Health::unhealthy ? "UNHEALTHY"
                                                           : "UNKNOWN";
        out["Health"] = {{"status", word}};
    }
    if (s.restart_count > 0) out["RestartCount"] = s.restart_count;
    return out;
}

Json task(const ContainerRecord& asking, const std::vector<Member>& members,
          const std::vector<EndpointStatus>& addresses) {
    const EcsRecord& ecs = *asking.ecs;
    Json containers = Json::array();
    std::int64_t first = 0;
    bool all_run = true;
    for (const Member& m : members) {
        containers.push_back(container(m, addresses));
        if (first == 0 || m.record->created < first) first = m.record->created;
        all_run = all_run && (m.status->state == ContainerState::running || !m.record->ecs->essential);
    }
    Json out = {{"Cluster", "davit"},
                {"TaskARN", arn("task", "davit/" + task_id(asking))},
                {"Family", ecs.family},
                {"Revision", std::to_string(ecs.revision)},
                {"DesiredStatus", desired_status(asking)},
                {"KnownStatus", all_run ? "RUNNING" : "PENDING"},
                {"PullStartedAt", rfc3339_nano(first)},
                {"PullStoppedAt", rfc3339_nano(first)},
                {"AvailabilityZone", "local"},
                {"LaunchType", "EXTERNAL"},
                {"Containers", std::move(containers)}};
    if (ecs.cpu > 0) out["Limits"]["CPU"] = ecs.cpu;
    if (ecs.memory > 0) out["Limits"]["Memory"] = ecs.memory;
    return out;
}

// By container; null for one that does not run.
std::string stats_of_task(const std::vector<Member>& members) {
    std::string out;
    for (const Member& m : members)
        out += fmt::format("{}\"{}\":{}", out.empty() ? "{" : ",", m.record->id, m.stats.empty() ? "null" : m.stats);
    return out + "}";
}

std::string text_of(const Json& json) { return davit::json::text(json); }

} // namespace

bool uses_stats(const std::string& path) { return path.ends_with("/stats"); }

Answer answer(const std::string& path, const std::vector<Member>& members,
              const std::vector<EndpointStatus>& addresses) {
    constexpr std::string_view version = "/v4/";
    const Answer none{404, "there is /v4/ID, /v4/ID/task, /v4/ID/stats and /v4/ID/task/stats"};
    if (!path.starts_with(version)) return none;
    std::string id = path.substr(version.size());
    const auto slash = id.find('/');
    std::string what = slash == std::string::npos ? "" : id.substr(slash + 1);
    id.resize(std::min(slash, id.size()));
    const auto it = std::find_if(members.begin(), members.end(), [&](const Member& m) { return m.record->id == id; });
    if (it == members.end()) return {404, "the task has no container of this id"};
    if (what.empty()) return {200, text_of(container(*it, addresses))};
    if (what == "task") return {200, text_of(task(*it->record, members, addresses))};
    if (what == "stats") return {200, it->stats.empty() ? "null" : it->stats};
    if (what == "task/stats") return {200, stats_of_task(members)};
    return none;
}

} // namespace davit::supervisor::metadata

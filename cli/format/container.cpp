#include "cli/format/container.hpp"

#include "base/shared_with.hpp"
#include "cli/format/template_functions.hpp"
#include "cli/format/time.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

std::string ago(std::int64_t then, std::int64_t now) {
    return human_duration(std::chrono::nanoseconds(std::max<std::int64_t>(0, now - then))) + " ago";
}

struct Shown {
    unsigned target = 0;
    std::string ip; // empty: only exposed
    unsigned published = 0;
    std::string protocol;
    auto operator<=>(const Shown&) const = default;
};

std::string host_and_port(const std::string& ip, const std::string& port) {
    return ip.find(':') == std::string::npos ? ip + ":" + port : "[" + ip + "]:" + port;
}

std::vector<Shown> shown_ports(const ContainerInfo& container) {
    std::vector<Shown> all;
    for (const PublishedPort& p : container.ports) {
        if (!p.host_ip.empty()) all.push_back({p.target, p.host_ip, p.host_port, p.protocol});
        else // all addresses of both families
            for (const char* ip : {"0.0.0.0", "::"}) all.push_back({p.target, ip, p.host_port, p.protocol});
    }
    const bool up = container.state == ContainerState::running || container.state == ContainerState::paused;
    if (!up) return {};
    for (const std::string& text : container.expose) {
        const std::size_t slash = text.find('/');
        Shown port{0, {}, 0, slash == std::string::npos ? "tcp" : text.substr(slash + 1)};
        std::from_chars(text.data(), text.data() + std::min(slash, text.size()), port.target);
        const bool published = std::any_of(all.begin(), all.end(), [&](const Shown& s) {
            return s.target == port.target && s.protocol == port.protocol;
        });
        if (!published && port.target) all.push_back(std::move(port));
    }
    std::sort(all.begin(), all.end());
    return all;
}

nlohmann::json publishers(const ContainerInfo& container) {
    nlohmann::json out = nlohmann::json::array();
    for (const Shown& p : shown_ports(container))
        out.push_back(
            {{"URL", p.ip}, {"TargetPort", p.target}, {"PublishedPort", p.published}, {"Protocol", p.protocol}});
    return out;
}

template <typename Range, typename Text>
std::string joined(const Range& range, const char* by, Text text) {
    std::string out;
    for (const auto& item : range) {
        const std::string part = text(item);
        if (!part.empty()) out += (out.empty() ? "" : by) + part;
    }
    return out;
}

} // namespace

std::string ellipsis(const std::string& text, std::size_t columns) {
    std::vector<std::size_t> starts;
    for (std::size_t i = 0; i < text.size(); ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) starts.push_back(i);
    return starts.size() <= columns ? text : text.substr(0, starts[columns - 1]) + "…";
}

std::string short_id(const std::string& id) {
    auto colon = id.find(':');
    return id.substr(colon == std::string::npos ? 0 : colon + 1, 12);
}

std::string command_text(const ContainerInfo& container) {
    return joined(container.command, " ", [](const std::string& word) {
        return word.find(' ') == std::string::npos ? word : "'" + word + "'";
    });
}

std::string status_text(const ContainerInfo& c, std::int64_t now) {
    const auto up = [&] {
        return "Up " + human_duration(std::chrono::nanoseconds(std::max<std::int64_t>(0, now - c.started_at)));
    };
    switch (c.state) {
    case ContainerState::created: return "Created";
    case ContainerState::paused: return up() + " (Paused)";
    case ContainerState::restarting: return fmt::format("Restarting ({}) {}", c.exit_code, ago(c.finished_at, now));
    case ContainerState::removing: return "Removal In Progress";
    case ContainerState::dead: return "Dead";
    case ContainerState::exited:
        if (!c.exit_known && c.finished_at == 0) return "Exited (unknown)"; // it ran when the power failed
        return fmt::format("Exited ({}) {}", c.exit_known ? std::to_string(c.exit_code) : "unknown",
                           ago(c.finished_at, now));
    case ContainerState::running: break;
    }
    if (c.health == Health::starting) return up() + " (health: starting)";
    if (c.health != Health::none) return up() + " (" + to_string(c.health) + ")";
    return up();
}

std::string ports_text(const ContainerInfo& container) {
    struct Group {
        unsigned first, last;
    };
    std::vector<std::pair<std::string, Group>> groups; // "ip/proto" or "proto", in order of appearance
    std::vector<std::string> out, mapped;
    const auto form = [](const std::string& key, const Group& g) {
        const std::size_t slash = key.find('/');
        std::string range = std::to_string(g.first);
        if (g.first != g.last) range += "-" + std::to_string(g.last);
        if (slash == std::string::npos) return range + "/" + key;
        return host_and_port(key.substr(0, slash), range) + "->" + range + "/" + key.substr(slash + 1);
    };
    for (const Shown& p : shown_ports(container)) {
        if (!p.ip.empty() && p.published != p.target) {
            mapped.push_back(
                fmt::format("{}->{}/{}", host_and_port(p.ip, std::to_string(p.published)), p.target, p.protocol));
            continue;
        }
        const std::string key = p.ip.empty() ? p.protocol : p.ip + "/" + p.protocol;
        auto group = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == key; });
        if (group == groups.end()) {
            groups.push_back({key, {p.target, p.target}});
        } else if (p.target == group->second.last + 1) {
            group->second.last = p.target;
        } else {
            out.push_back(form(key, group->second));
            group->second = {p.target, p.target};
        }
    }
    for (const auto& [key, group] : groups) out.push_back(form(key, group));
    out.insert(out.end(), mapped.begin(), mapped.end());
    return joined(out, ", ", [](const std::string& s) { return s; });
}

nlohmann::json container_row(const ContainerInfo& c, std::int64_t now, bool truncate) {
    const std::string command = command_text(c);
    const bool paused = c.state == ContainerState::paused;
    std::string mounts = joined(c.mounts, ",", [&](const AttachedMount& m) {
        const std::string& name = m.name.empty() ? m.source : m.name;
        return truncate ? ellipsis(name, 15) : name;
    });
    const auto volumes =
        std::count_if(c.mounts.begin(), c.mounts.end(), [](const AttachedMount& m) { return m.type == "volume"; });
    return {
        {"Command", go_quoted(truncate ? ellipsis(command, 20) : command)},
        {"CreatedAt", go_time(c.created)},
        {"Engine", "davit"},
        {"ExitCode", c.state == ContainerState::running || c.state == ContainerState::created ? 0 : c.exit_code},
        {"Health", c.state == ContainerState::running && !paused ? to_string(c.health) : ""},
        {"ID", truncate ? short_id(c.id) : c.id},
        {"Image", c.image},
        {"Label", c.labels},
        {"Labels", joined(c.labels, ",", [](const auto& l) { return l.first + "=" + l.second; })},
        {"LocalVolumes", std::to_string(volumes)},
        {"Mounts", std::move(mounts)},
        {"Name", c.name},
        {"Names", c.name},
        {"Networks", joined(c.networks, ",", [](const AttachedNetwork& n) { return n.name; })},
        {"Ports", ports_text(c)},
        {"Project", c.project},
        {"Publishers", publishers(c)},
        {"RunningFor", ago(c.created, now)},
        {"Service", c.service},
        {"Size", "0B"},
        {"State", to_string(c.state)},
        {"Status", status_text(c, now)},
    };
}

const nlohmann::json& container_headers() {
    static const nlohmann::json headers = {{"Command", "COMMAND"},       {"CreatedAt", "CREATED AT"},
                                           {"Engine", "ENGINE"},         {"ExitCode", "EXIT CODE"},
                                           {"Health", "HEALTH"},         {"ID", "CONTAINER ID"},
                                           {"Image", "IMAGE"},           {"Label", nlohmann::json::object()},
                                           {"Labels", "LABELS"},         {"LocalVolumes", "LOCAL VOLUMES"},
                                           {"Mounts", "MOUNTS"},         {"Name", "NAME"},
                                           {"Names", "NAMES"},           {"Networks", "NETWORKS"},
                                           {"Ports", "PORTS"},           {"Project", "PROJECT"},
                                           {"Publishers", "PUBLISHERS"}, {"RunningFor", "CREATED"},
                                           {"Service", "SERVICE"},       {"Size", "SIZE"},
                                           {"State", "STATE"},           {"Status", "STATUS"}};
    return headers;
}

namespace {

constexpr const char* of_compose_alone[] = {"Engine", "ExitCode", "Health", "Name", "Project", "Publishers", "Service"};

} // namespace

nlohmann::json docker_container_row(const ContainerInfo& c, std::int64_t now, bool truncate) {
    nlohmann::json out = container_row(c, now, truncate);
    for (const char* field : of_compose_alone) out.erase(field);
    if (c.image.starts_with("sha256:") && truncate) out["Image"] = short_id(c.image);
    if (c.networks.empty()) out["Networks"] = SharedWith::parse(c.network_mode).is_container() ? "" : c.network_mode;
    out["HealthStatus"] = c.health == Health::none ? "none" : to_string(c.health);
    return out;
}

const nlohmann::json& docker_container_headers() {
    static const nlohmann::json headers = [] {
        nlohmann::json out = container_headers();
        for (const char* field : of_compose_alone) out.erase(field);
        out["HealthStatus"] = "HEALTH STATUS";
        out["Platform"] = "PLATFORM";
        return out;
    }();
    return headers;
}

} // namespace davit::cli

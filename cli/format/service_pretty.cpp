// `inspect --pretty` of services, configs, secrets and nodes: docker's layout, tabs and all.
#include "base/date.hpp"
#include "base/sys.hpp"
#include "base/units.hpp"
#include "cli/format/size.hpp"
#include "cli/format/swarm_objects.hpp"
#include "cli/format/time.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

namespace {

// "Title:" and a line for each, when there is one.
template <typename T, typename Line>
std::string section(const char* title, const T& entries, Line line) {
    if (entries.empty()) return {};
    std::string out = fmt::format("{}:\n", title);
    for (const auto& entry : entries) out += line(entry);
    return out;
}

std::string labels_section(const Labels& labels, const char* before) {
    return section("Labels", labels, [&](const auto& label) {
        return fmt::format("{}{}{}{}\n", before, label.first, label.second.empty() ? "" : "=", label.second);
    });
}

std::string mode_section(const swarm::ServiceMode& mode) {
    switch (mode.kind) {
    case swarm::ModeKind::replicated: return fmt::format("Service Mode:\tReplicated\n Replicas:\t{}\n", *mode.replicas);
    case swarm::ModeKind::global: return "Service Mode:\tGlobal\n";
    case swarm::ModeKind::replicated_job:
    case swarm::ModeKind::global_job: return "Service Mode:\n"; // docker's template knows no jobs
    }
    return {};
}

std::string status_section(const swarm::UpdateStatus& u) {
    const std::int64_t now = sys::realtime_ns();
    auto ago = [&](std::int64_t t) { return human_duration(std::chrono::nanoseconds(now - t)) + " ago"; };
    std::string out = fmt::format("UpdateStatus:\n State:\t\t{}\n", u.state);
    if (u.started_at) out += " Started:\t" + ago(u.started_at) + "\n";
    if (u.state == "completed" && u.completed_at) out += " Completed:\t" + ago(u.completed_at) + "\n";
    return out + " Message:\t" + u.message + "\n";
}

std::string placement_section(const swarm::Placement& p) {
    std::string out = "Placement:\n";
    if (!p.constraints.empty()) out += fmt::format(" Constraints:\t[{}]\n", fmt::join(p.constraints, " "));
    if (!p.preferences.empty())
        out += fmt::format(" Preferences:   [spread={}]\n", fmt::join(p.preferences, " spread="));
    if (p.max_replicas) out += fmt::format(" Max Replicas Per Node:   {}\n", p.max_replicas);
    return out;
}

std::string update_section(const char* title, const char* order, const swarm::UpdateConfig& u) {
    std::string out = fmt::format("{}:\n Parallelism:\t{}\n", title, u.parallelism);
    if (u.delay) out += " Delay:\t\t" + format_duration(u.delay) + "\n";
    out += " On failure:\t" + u.failure_action + "\n";
    out += " Monitoring Period: " + format_duration(*u.monitor) + "\n";
    out += " Max failure ratio: " + format_float(u.max_failure_ratio) + "\n";
    return out + fmt::format(" {:<19}{}\n", order, u.order);
}

std::string mount_text(const swarm::Mount& m) {
    return fmt::format(" Target:\t{}\n  Source:\t{}\n  ReadOnly:\t{}\n  Type:\t\t{}\n", m.target, m.source, m.read_only,
                       m.type);
}

std::string reference_text(const swarm::FileReference& r) {
    return fmt::format(" Target:\t{}\n  Source:\t{}\n", r.target, r.name);
}

std::string container_section(const swarm::ContainerSpec& c) {
    std::string out = "ContainerSpec:\n Image:\t\t" + c.image + "\n";
    auto words = [&](const char* title, const std::vector<std::string>& list) {
        if (!list.empty()) out += fmt::format(" {}:\t\t{} \n", title, fmt::join(list, " "));
    };
    words("Args", c.args);
    words("Env", c.env);
    if (!c.dir.empty()) out += " Dir:\t\t" + c.dir + "\n";
    if (c.init) out += fmt::format(" Init:\t\t{}\n", *c.init);
    if (!c.user.empty()) out += " User: " + c.user + "\n";
    if (!c.capability_add.empty() || !c.capability_drop.empty()) {
        out += "Capabilities:\n";
        if (!c.capability_add.empty()) out += fmt::format(" Add: {}\n", fmt::join(c.capability_add, ", "));
        if (!c.capability_drop.empty()) out += fmt::format(" Drop: {}\n", fmt::join(c.capability_drop, ", "));
    }
    out += section("SysCtls", c.sysctls, [](const auto& s) { return fmt::format(" {}: {}\n", s.first, s.second); });
    out += section("Ulimits", c.ulimits,
                   [](const swarm::Ulimit& u) { return fmt::format(" {}: {}:{}\n", u.name, u.soft, u.hard); });
    out += section("Mounts", c.mounts, mount_text);
    out += section("Configs", c.configs, reference_text);
    return out + section("Secrets", c.secrets, reference_text);
}

std::string cpu_and_memory(const char* title, std::int64_t nano_cpus, std::int64_t memory) {
    std::string out = fmt::format(" {}:\n", title);
    if (nano_cpus) out += "  CPU:\t\t" + format_float(static_cast<double>(nano_cpus) / 1e9) + "\n";
    if (memory) out += "  Memory:\t" + human_size_binary(static_cast<double>(memory)) + "\n";
    return out;
}

std::string resources_section(const swarm::Resources& r) {
    std::string out;
    if (r.reservations && (r.reservations->nano_cpus || r.reservations->memory))
        out += cpu_and_memory("Reservations", r.reservations->nano_cpus, r.reservations->memory);
    if (r.limits && (r.limits->nano_cpus || r.limits->memory || r.limits->pids)) {
        out += cpu_and_memory("Limits", r.limits->nano_cpus, r.limits->memory);
        if (r.limits->pids) out += fmt::format("  PIDs:\t\t{}\n", r.limits->pids);
    }
    return "Resources:\n" + out;
}

std::string log_section(const swarm::LogDriver& l) {
    std::string out = "Log Driver:\n";
    if (!l.name.empty()) out += " Name:\t\t" + l.name + "\n";
    if (!l.options.empty()) out += " LogOpts:\n";
    for (const auto& [key, value] : l.options)
        out += value.empty() ? fmt::format("  {}\n", key) : fmt::format("  {}:       {}\n", key, value);
    return out + "\n";
}

std::string health_section(const swarm::Healthcheck& h) {
    std::string out = fmt::format(
        " Healthcheck:\n  Interval = {}\n  Retries = {}\n  StartPeriod =\t{}\n  Timeout =\t{}\n",
        format_duration(h.interval), h.retries, format_duration(h.start_period), format_duration(h.timeout));
    if (!h.test.empty()) out += "  Tests:\n";
    for (const std::string& word : h.test) out += "\t Test = " + word + "\n";
    if (!h.test.empty()) out.insert(out.size() - 1, " "); // as docker's template ends its lists
    return out;
}

std::string port_text(const swarm::PortConfig& p) {
    return fmt::format(" PublishedPort = {}\n  Protocol = {}\n  TargetPort = {}\n  PublishMode = {}\n", p.published,
                       p.protocol, p.target, p.mode);
}

// docker prints them as Go does, and then in small letters.
std::string time_text(std::int64_t time) {
    std::string out = rfc3339_nano(time);
    out[out.find('T')] = ' ';
    out.back() = ' '; // for the Z
    return out + "+0000 utc";
}

std::string times_section(const swarm::Config& o, const char* gap) {
    return fmt::format("Created at:{0}{1}\nUpdated at:{0}{2}\n", gap, time_text(o.created_at), time_text(o.updated_at));
}

} // namespace

std::string pretty(const swarm::Service& service) {
    const swarm::ServiceSpec s = swarm::with_defaults(service.spec);
    std::string out = fmt::format("\nID:\t\t{}\nName:\t\t{}\n", service.id, s.name);
    out += labels_section(s.labels, " ");
    out += mode_section(s.mode);
    if (service.update_status) out += status_section(*service.update_status);
    out += placement_section(*s.task.placement);
    out += update_section("UpdateConfig", "Update order:", *s.update_config);
    out += update_section("RollbackConfig", "Rollback order:", *s.rollback_config);
    out += container_section(s.task.container);
    if (s.task.log_driver) out += log_section(*s.task.log_driver);
    out += resources_section(*s.task.resources);
    if (!s.task.networks.empty()) {
        out += "Networks:";
        for (const swarm::NetworkAttachment& n : s.task.networks) out += " " + n.target;
        out += " \n";
    }
    out += "Endpoint Mode:\t" + s.endpoint->mode + "\n";
    const std::vector<swarm::PortConfig>& ports = service.ports.empty() ? s.endpoint->ports : service.ports;
    out += section("Ports", ports, port_text);
    if (!ports.empty()) out.insert(out.size() - 1, " ");
    if (s.task.container.healthcheck) out += health_section(*s.task.container.healthcheck);
    return out + "\n";
}

std::string pretty(swarm::FileKind kind, const swarm::Config& file) {
    const bool secret = kind == swarm::FileKind::secret;
    const char* gap = secret ? "              " : "\t\t\t";
    std::string out = fmt::format("ID:{}{}\nName:{}{}\n", gap, file.id, gap, file.spec.name);
    out += labels_section(file.spec.labels, " - ");
    if (secret) out += "Driver:            " + file.spec.driver + "\n";
    out += times_section(file, secret ? "        " : "            \t");
    return secret ? out : out + "Data:\n" + file.spec.data + "\n";
}

std::string pretty_node(const nlohmann::ordered_json& d) {
    const auto text = [&](const char* at) { return d.at(nlohmann::ordered_json::json_pointer(at)).get<std::string>(); };
    const auto number = [&](const char* at) {
        return d.at(nlohmann::ordered_json::json_pointer(at)).get<std::int64_t>();
    };
    auto upper = [](std::string word) {
        if (!word.empty()) word[0] = static_cast<char>(word[0] - 'a' + 'A');
        return word;
    };
    std::string out = "ID:\t\t\t" + text("/ID") + "\n";
    out += labels_section(d.at("Spec").at("Labels").get<Labels>(), " - ");
    out += "Hostname:              \t" + text("/Description/Hostname") + "\n";
    out += "Joined at:             \t" + time_text(parse_rfc3339(text("/CreatedAt")).value_or(0)) + "\n";
    out += fmt::format("Status:\n State:\t\t\t{}\n Availability:         \t{}\n Address:\t\t{}\n",
                       upper(text("/Status/State")), upper(text("/Spec/Availability")), text("/Status/Addr"));
    out += fmt::format("Manager Status:\n Address:\t\t{}\n Raft Status:\t\tReachable\n Leader:\t\tYes\n",
                       text("/ManagerStatus/Addr"));
    out += fmt::format("Platform:\n Operating System:\t{}\n Architecture:\t\t{}\n", text("/Description/Platform/OS"),
                       text("/Description/Platform/Architecture"));
    out += fmt::format("Resources:\n CPUs:\t\t\t{}\n Memory:\t\t{}\n",
                       number("/Description/Resources/NanoCPUs") / 1'000'000'000,
                       human_size_binary(static_cast<double>(number("/Description/Resources/MemoryBytes"))));
    out += "Plugins:\n";
    for (const char* type : {"Log", "Network", "Volume"}) {
        std::vector<std::string> names;
        for (const auto& plugin : d.at("Description").at("Engine").at("Plugins"))
            if (plugin.at("Type") == type) names.push_back(plugin.at("Name"));
        out += fmt::format(" {}:\t\t{}\n", type, fmt::join(names, ", "));
    }
    return out + "Engine Version:\t\t" + text("/Description/Engine/EngineVersion") + "\n";
}

} // namespace davit::cli

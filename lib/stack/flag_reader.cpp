#include "stack/flag_reader.hpp"

#include "base/error.hpp"
#include "stack/text.hpp"

#include <algorithm>

namespace davit::stack {

namespace {

constexpr std::int64_t second = 1'000'000'000;

void apply_resources(const FlagReader& flags, swarm::TaskSpec& task) {
    if (!flags.any({"limit-cpu", "limit-memory", "limit-pids", "reserve-cpu", "reserve-memory", "memory-swap",
                    "memory-swappiness"}))
        return;
    if (!task.resources) task.resources.emplace();
    swarm::Resources& r = *task.resources;
    if (!r.limits) r.limits.emplace(); // what is asked for of one shows the other too
    if (!r.reservations) r.reservations.emplace();
    if (flags.any({"limit-cpu", "limit-memory", "limit-pids"})) {
        flags.apply("limit-cpu", r.limits->nano_cpus, cpus_value);
        flags.apply("limit-memory", r.limits->memory, bytes_value);
        flags.apply("limit-pids", r.limits->pids, integer_value);
    }
    if (flags.any({"reserve-cpu", "reserve-memory"})) {
        flags.apply("reserve-cpu", r.reservations->nano_cpus, cpus_value);
        flags.apply("reserve-memory", r.reservations->memory, bytes_value);
    }
    flags.apply("memory-swap", r.swap, bytes_value);
    flags.apply("memory-swappiness", r.swappiness, integer_value);
    if (r.swappiness == -1) r.swappiness.reset();
}

void apply_restart(const FlagReader& flags, swarm::TaskSpec& task) {
    if (!flags.any({"restart-condition", "restart-delay", "restart-max-attempts", "restart-window"})) return;
    if (!task.restart_policy) task.restart_policy = swarm::RestartPolicy{"any", 5 * second, 0, std::nullopt};
    swarm::RestartPolicy& p = *task.restart_policy;
    flags.apply("restart-condition", p.condition);
    flags.apply("restart-delay", p.delay, duration_value);
    flags.apply("restart-max-attempts", p.max_attempts, number_value);
    flags.apply("restart-window", p.window, duration_value);
}

// prefix: update or rollback.
void apply_update(const FlagReader& flags, const std::string& prefix, std::optional<swarm::UpdateConfig>& to) {
    const std::string parallelism = prefix + "-parallelism", delay = prefix + "-delay", monitor = prefix + "-monitor",
                      action = prefix + "-failure-action", ratio = prefix + "-max-failure-ratio",
                      order = prefix + "-order";
    if (!flags.any({parallelism, delay, monitor, action, ratio, order})) return;
    if (!to) to = swarm::UpdateConfig{1, 0, "pause", 5 * second, 0, "stop-first"};
    flags.apply(parallelism, to->parallelism, number_value);
    flags.apply(delay, to->delay, duration_value);
    flags.apply(monitor, to->monitor, duration_value);
    flags.apply(action, to->failure_action);
    flags.apply(ratio, to->max_failure_ratio, ratio_value);
    flags.apply(order, to->order);
}

void apply_container(const FlagReader& flags, swarm::ContainerSpec& c) {
    flags.apply("workdir", c.dir);
    flags.apply("user", c.user);
    flags.apply("hostname", c.hostname);
    flags.apply("stop-signal", c.stop_signal);
    flags.apply("isolation", c.isolation);
    flags.apply("tty", c.tty);
    flags.apply("read-only", c.read_only);
    flags.apply("entrypoint", c.command, words_value);
    flags.apply("stop-grace-period", c.stop_grace_period, duration_value);
    flags.apply("oom-score-adj", c.oom_score_adj, integer_value);
    if (flags.has("init")) c.init = flags.is_true("init");
    if (flags.has("credential-spec")) {
        if (!c.privileges) c.privileges.emplace();
        set_credential(flags.text("credential-spec"), *c.privileges);
    }
}

} // namespace

std::map<std::string, std::string> FlagReader::pairs(std::string_view name) const {
    std::map<std::string, std::string> out;
    for (const std::string& text : all(name)) {
        const KeyValue pair = split_pair(text);
        out[pair.key] = pair.value.value_or("");
    }
    return out;
}

void apply_common(const FlagReader& flags, swarm::ServiceSpec& spec) {
    apply_container(flags, spec.task.container);
    apply_resources(flags, spec.task);
    apply_restart(flags, spec.task);
    apply_update(flags, "update", spec.update_config);
    apply_update(flags, "rollback", spec.rollback_config);
    apply_health(flags, spec.task.container);
    if (flags.has("replicas-max-per-node")) {
        if (!spec.task.placement) spec.task.placement.emplace();
        spec.task.placement->max_replicas = number_value(flags.text("replicas-max-per-node"));
    }
    if (!flags.text("log-driver").empty())
        spec.task.log_driver = swarm::LogDriver{flags.text("log-driver"), flags.pairs("log-opt")};
    if (flags.has("endpoint-mode")) {
        if (!spec.endpoint) spec.endpoint.emplace();
        spec.endpoint->mode = flags.text("endpoint-mode");
        for (char& c : spec.endpoint->mode) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
}

void apply_health(const FlagReader& flags, swarm::ContainerSpec& c) {
    const bool settings = flags.any({"health-cmd", "health-interval", "health-timeout", "health-start-period",
                                     "health-start-interval", "health-retries"});
    if (flags.is_true("no-healthcheck")) {
        if (settings) throw error(Errc::usage, "--no-healthcheck conflicts with --health-* options");
        c.healthcheck = swarm::Healthcheck{{"NONE"}};
        return;
    }
    if (!settings) return;
    if (!c.healthcheck) c.healthcheck.emplace();
    swarm::Healthcheck& h = *c.healthcheck;
    if (!h.test.empty() && h.test[0] == "NONE") h.test.clear();
    flags.apply("health-interval", h.interval, duration_value);
    flags.apply("health-timeout", h.timeout, duration_value);
    flags.apply("health-start-period", h.start_period, duration_value);
    flags.apply("health-start-interval", h.start_interval, duration_value);
    flags.apply("health-retries", h.retries, integer_value);
    if (!flags.has("health-cmd")) return;
    h.test.clear();
    if (const std::string command = flags.text("health-cmd"); !command.empty()) h.test = {"CMD-SHELL", command};
}

void add_references(const FlagReader& flags, std::string_view name, bool config,
                    std::vector<swarm::FileReference>& to) {
    std::set<std::string> targets;
    for (const std::string& text : flags.all(name)) {
        swarm::FileReference reference = file_value(text, config);
        if (!targets.insert(reference.target).second)
            throw error(Errc::usage, "duplicate {} target for {} not allowed", config ? "config" : "secret",
                        reference.name);
        to.push_back(std::move(reference));
    }
}

std::string network_target(const std::string& name, const FlagSurroundings& around) {
    return around.network_id ? around.network_id(name) : name;
}

std::vector<swarm::NetworkAttachment> attachments(const FlagReader& flags, std::string_view name,
                                                  const FlagSurroundings& around) {
    std::vector<swarm::NetworkAttachment> out;
    for (const std::string& text : flags.all(name)) {
        out.push_back(network_value(text));
        out.back().target = network_target(out.back().target, around);
    }
    return out;
}

std::string environment_entry(const std::string& text, const FlagSurroundings& around) {
    const auto it = around.environment.find(text);
    return text.find('=') == std::string::npos && it != around.environment.end() ? text + "=" + it->second : text;
}

} // namespace davit::stack

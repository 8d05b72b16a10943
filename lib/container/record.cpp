#include "base/json_text.hpp"
#include "container/builder.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "reconcile/hashes.hpp"
#include "reconcile/labels.hpp"
#include "runtime/defaults.hpp"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

namespace davit {

namespace {

std::string key_of(const std::string& assignment) { return assignment.substr(0, assignment.find('=')); }

// The names of Config.Env, as a command line gave them.
std::vector<std::string> asked_variables(const std::string& asked) {
    std::vector<std::string> out;
    const auto json = asked.empty() ? nlohmann::json() : davit::json::parse_or_discarded(asked);
    if (json.is_object() && json.contains("Config"))
        for (const auto& entry : json["Config"].value("Env", nlohmann::json::array()))
            if (entry.is_string()) out.push_back(key_of(entry.get<std::string>()));
    return out;
}

// Sets, replaces or (without value) removes a variable; the place of the first one is kept.
void assign(std::vector<std::string>& env, const std::string& key, const std::optional<std::string>& value) {
    auto it = std::find_if(env.begin(), env.end(), [&](const auto& e) { return key_of(e) == key; });
    if (!value) {
        if (it != env.end()) env.erase(it);
        return;
    }
    std::string text = key + "=" + *value;
    if (it == env.end()) env.push_back(std::move(text));
    else *it = std::move(text);
}

} // namespace

RestartRecord restart_record(const Service& service) {
    static const std::set<std::string> known{"", "no", "always", "unless-stopped", "on-failure"};
    if (!known.count(service.restart.substr(0, service.restart.find(':'))))
        throw error(
            Errc::invalid_project,
            "invalid restart policy: unknown policy '{}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
            service.restart);
    // As docker compose: what is no number counts as 0, and the engine judges the rest.
    const auto colon = service.restart.find(':');
    const int retries = colon == std::string::npos ? 0 : std::atoi(service.restart.c_str() + colon + 1);
    if (retries != 0 && service.restart.compare(0, colon, "on-failure") != 0)
        throw error(Errc::invalid_project,
                    "invalid restart policy: maximum retry count can only be used with 'on-failure'");
    if (retries < 0)
        throw error(Errc::invalid_project, "invalid restart policy: maximum retry count cannot be negative");
    const RestartPolicy policy = effective_restart(service);
    switch (policy.kind) {
    case RestartPolicy::Kind::no: return {};
    case RestartPolicy::Kind::always: return {RestartKind::always, 0};
    case RestartPolicy::Kind::unless_stopped: return {RestartKind::unless_stopped, 0};
    case RestartPolicy::Kind::on_failure: return {RestartKind::on_failure, static_cast<int>(policy.max_attempts)};
    }
    return {};
}

void ContainerBuilder::identity() {
    ContainerRecord& r = out_.record;
    r.id = out_.spec.id = in_.container.id;
    r.name = in_.container.created_as;
    r.project = in_.project.name;
    if (!outside_) r.service = service_.name;
    r.number = in_.container.number;
    r.oneoff = in_.container.oneoff != nullptr || in_.container.pre_start >= 0;
    r.auto_remove = in_.container.oneoff ? in_.container.oneoff->auto_remove : in_.container.auto_remove;
    r.stdin_once = in_.container.stdin_once;
    r.image = in_.reference;
    r.image_id = in_.image.id;
    r.config_hash = in_.config_hash;
    r.content_hash = content_hash(in_.project, service_);
    r.created = in_.host.now;
    r.takes_over = in_.container.takes_over;
    r.generation = 1;
    std::string parent = service_.cgroup_parent;
    while (!parent.empty() && parent.front() == '/') parent.erase(0, 1);
    r.cgroup = parent.empty() ? fmt::format("davit/{}/{}", r.project, r.id) : parent + "/" + r.id;
    out_.spec.cgroup = r.cgroup;
    files_of_ = r.id;
    files_project_ = r.project;
}

void ContainerBuilder::labels() {
    Labels& labels = out_.record.labels;
    labels = service_.labels;
    for (const auto& [key, value] : in_.image.config.labels) labels.emplace(key, value);
    if (outside_) return;
    labels[label::project] = in_.project.name;
    labels[label::service] = service_.name;
    labels[label::oneoff] = out_.record.oneoff ? "True" : "False";
    labels[label::config_hash] = in_.config_hash;
    labels[label::image] = in_.image.id;
    std::map<std::string, std::string> volumes;
    for (const Mount& m : service_.volumes)
        if (m.type == MountType::image) volumes[m.target] = around_.image(m.source).id;
    if (!volumes.empty()) labels[label::image_volumes] = label::image_volumes_text(volumes);
    labels[label::depends_on] = label::depends_on_text(service_.depends_on);
    labels[label::working_dir] = in_.project.working_dir;
    labels[label::config_files] = fmt::format("{}", fmt::join(in_.project.compose_files, ","));
    labels[label::version] = in_.host.version;
    const auto& env_files = in_.project.env_files;
    if (!env_files.empty() && env_files != std::vector<std::string>{in_.project.working_dir + "/.env"})
        labels[label::environment_file] = fmt::format("{}", fmt::join(env_files, ","));
    if (in_.container.pre_start >= 0) labels[label::hook] = "pre_start";
    else if (in_.container.oneoff) labels[label::slug] = in_.container.oneoff->slug;
    else labels[label::number] = std::to_string(in_.container.number);
    if (in_.container.replaces) labels[label::replace] = in_.container.replaces->record.name;
}

void ContainerBuilder::process() {
    ContainerRecord& r = out_.record;
    runtime::Process& p = out_.spec.process;
    p.args = effective_args(service_, in_.image.config);
    about("command", [&] {
        if (p.args.empty())
            throw error(Errc::invalid_project, "no command specified")
                .with_hint(fmt::format("neither the service \"{}\" nor its image {} says what to run", service_.name,
                                       in_.reference));
    });
    p.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=" + r.hostname};
    if (service_.tty) p.env.push_back("TERM=xterm");
    for (const auto& variable : in_.image.config.env) {
        const auto equals = variable.find('=');
        if (equals != std::string::npos) assign(p.env, variable.substr(0, equals), variable.substr(equals + 1));
    }
    // What a command line asked for comes in its order.
    if (outside_)
        for (const std::string& key : asked_variables(in_.container.asked))
            if (const auto it = service_.environment.find(key); it != service_.environment.end())
                assign(p.env, key, it->second);
    if (r.ecs && r.ecs->metadata && !r.ecs->network)
        assign(p.env, "ECS_CONTAINER_METADATA_URI_V4", ecs_metadata_uri(r.id));
    for (const auto& [key, value] : service_.environment) assign(p.env, key, value);
    p.user.name = service_.user.empty() ? in_.image.config.user : service_.user;
    p.user.groups = service_.group_add;
    p.cwd = service_.working_dir.empty() ? in_.image.config.working_dir : service_.working_dir;
    if (p.cwd.empty()) p.cwd = "/";
    about("working_dir", [&] {
        if (p.cwd.front() != '/')
            throw error(Errc::invalid_project, "the working directory '{}' is invalid, it needs to be an absolute path",
                        p.cwd);
    });
    p.terminal = r.tty = service_.tty;
    p.stdin_open = r.open_stdin = service_.stdin_open;
    p.oom_score_adj = service_.oom_score_adj;
    // As docker: where the first process of the pid namespace is somebody else, that one reaps.
    out_.spec.init = service_.init.value_or(false) && service_.pid.empty();
    out_.spec.annotations = service_.annotations;
    r.command = p.args;
    r.environment = p.env;
    r.user = p.user.name;
    r.working_dir = p.cwd;
}

// Of every driver, when a container is made.
void ContainerBuilder::check_log_mode(const std::map<std::string, std::string>& options) {
    const auto mode = options.find("mode"), buffer = options.find("max-buffer-size");
    about("logging.options.mode", [&] {
        if (mode != options.end() && mode->second != "blocking" && mode->second != "non-blocking" &&
            !mode->second.empty())
            throw error(Errc::invalid_project, "logger: logging mode not supported: {}", mode->second);
    });
    if (buffer == options.end()) return;
    about("logging.options.max-buffer-size", [&] {
        if (mode == options.end() || mode->second != "non-blocking")
            throw error(Errc::invalid_project,
                        "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
        if (!parse_bytes(buffer->second))
            throw error(Errc::invalid_project, "error parsing option max-buffer-size: invalid size: '{}'",
                        buffer->second);
    });
}

void ContainerBuilder::logging() {
    if (!service_.logging) return;
    static const std::set<std::string> foreign{"syslog",  "journald", "gelf",    "fluentd",
                                               "awslogs", "splunk",   "etwlogs", "gcplogs"};
    LogConfig& log = out_.record.log;
    const std::string& driver = service_.logging->driver;
    if (foreign.count(driver)) {
        out_.warnings.push_back(
            fmt::format("service \"{}\": logging driver {} is not known to davit; logs are kept as with json-file",
                        service_.name, driver));
        log = {driver, service_.logging->options}; // as inspect shows what was asked for
        return;
    }
    if (!driver.empty()) log.driver = driver;
    if (log.driver != "none") check_log_mode(service_.logging->options);
    std::set<std::string> options{"max-size", "max-file", "compress", "mode", "max-buffer-size"};
    if (log.driver == "json-file") options.insert({"labels", "labels-regex", "env", "env-regex", "tag"});
    else if (log.driver == "none") options = {"mode", "max-buffer-size"};
    else if (log.driver != "local")
        about("logging.driver", [&] {
            throw error(Errc::invalid_project, "error looking up logging plugin {0}: plugin \"{0}\" not found", driver);
        });
    for (const auto& [key, unused] : service_.logging->options)
        if (!options.count(key))
            about("logging.options." + key, [&, &option = key] {
                throw error(Errc::invalid_project, "unknown log opt '{}' for {} log driver", option, log.driver);
            });
    log.options = service_.logging->options;
    check_log_values(log);
}

// What the drivers say of values when a container starts.
void ContainerBuilder::check_log_values(const LogConfig& log) {
    const auto value = [&](const char* key) {
        const auto found = log.options.find(key);
        return found == log.options.end() ? std::nullopt : std::optional(found->second);
    };
    const auto refuse = [&](const char* key, const std::string& why) {
        at_start(std::string("logging.options.") + key, [&] {
            throw error(Errc::invalid_project,
                        "failed to create task for container: failed to initialize logging driver: {}", why);
        });
    };
    const auto size = value("max-size"), number = value("max-file"), compress = value("compress");
    if (size && parse_bytes(*size).value_or(-1) < 0) refuse("max-size", fmt::format("invalid size: '{}'", *size));
    if (size && parse_bytes(*size) == 0) refuse("max-size", "max-size must be a positive number");
    if (number && parse_int(*number).value_or(0) < 1)
        refuse("max-file", fmt::format("max-file cannot be less than 1: {}", *number));
    if (!compress || log.driver == "none") return;
    static const std::set<std::string> yes{"1", "t", "T", "true", "TRUE", "True"},
        no{"0", "f", "F", "false", "FALSE", "False"};
    const bool local = log.driver == "local";
    if (!yes.contains(*compress) && !no.contains(*compress))
        refuse("compress", fmt::format("{}strconv.ParseBool: parsing \"{}\": invalid syntax",
                                       local ? "invalid boolean value for compress: " : "", *compress));
    if (!local && yes.contains(*compress) && (!size || parse_int(number.value_or("1")).value_or(0) < 2))
        refuse("compress", "compress cannot be true when max-file is less than 2 or max-size is not set");
}

void ContainerBuilder::behaviour() {
    ContainerRecord& r = out_.record;
    r.stop_signal = !service_.stop_signal.empty()           ? service_.stop_signal
                    : !in_.image.config.stop_signal.empty() ? in_.image.config.stop_signal
                                                            : "SIGTERM";
    about("stop_signal", [&] {
        if (!runtime::signal_from_name(r.stop_signal))
            throw error(Errc::invalid_project, "invalid signal: {}", r.stop_signal);
    });
    if (service_.stop_grace_period) r.stop_grace = service_.stop_grace_period->count();
    logging();
    about("restart", [&] {
        const RestartRecord restart = restart_record(service_);
        const auto colon = service_.restart.find(':');
        if (colon != std::string::npos && restart.max_retries == 0)
            out_.warnings.push_back(
                fmt::format("service \"{}\": restart: {} sets no number of retries, and so there is no end",
                            service_.name, service_.restart));
        if (!r.oneoff) r.restart = restart;
    });
    if (in_.container.pre_start < 0) r.healthcheck = effective_healthcheck(service_, in_.image.config);
    about("healthcheck.start_interval", [&] {
        const auto& own = service_.healthcheck;
        if (!outside_ && own && own->start_interval && !own->start_period) // docker would never use it
            throw error(Errc::invalid_project,
                        "healthcheck.start_interval requires healthcheck.start_period to be set");
    });
    about("healthcheck.test", [&] {
        if (r.healthcheck && r.healthcheck->test.front() != "CMD" && r.healthcheck->test.front() != "CMD-SHELL")
            throw error(Errc::invalid_project,
                        "healthcheck.test must start either by \"CMD\", \"CMD-SHELL\" or \"NONE\"");
    });
}

void ContainerBuilder::hooks() {
    if (in_.container.pre_start >= 0) return;
    auto convert = [](const std::vector<ServiceHook>& hooks) {
        std::vector<HookRecord> out;
        for (const auto& hook : hooks) {
            HookRecord& r = out.emplace_back();
            r.command = hook.command.value_or(std::vector<std::string>());
            r.user = hook.user;
            r.privileged = hook.privileged;
            r.working_dir = hook.working_dir;
            for (const auto& [key, value] : hook.environment)
                if (value) r.environment.push_back(key + "=" + *value);
        }
        return out;
    };
    out_.record.post_start = convert(service_.post_start);
    out_.record.pre_stop = convert(service_.pre_stop);
}

} // namespace davit

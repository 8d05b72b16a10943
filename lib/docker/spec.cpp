#include "davit/container_flags.hpp"

#include "base/error.hpp"
#include "base/json_depth.hpp"
#include "base/shared_with.hpp"
#include "compose/paths.hpp"
#include "docker/parts.hpp"
#include "docker/values.hpp"
#include "stack/flag_values.hpp"
#include "stack/text.hpp"

#include <cerrno>
#include <nlohmann/json.hpp>
#include <string_view>

namespace davit {

namespace {

using docker::restart_of;

std::string absolute(const std::string& file, const ContainerFlagSurroundings& around) {
    return compose::is_absolute(file) ? file : compose::join_path(around.current_dir, file);
}

// Its errors have the name as it was given.
std::string read_given(const std::string& file, const ContainerFlagSurroundings& around) {
    const std::string path = absolute(file, around);
    try {
        return stack::read_named_file(path);
    } catch (const Error& e) {
        std::string text = e.os().value() == EISDIR ? fmt::format("read {}: is a directory", path) : e.what();
        if (const std::size_t at = text.find(path); at != std::string::npos) text.replace(at, path.size(), file);
        throw Error(Errc::usage, text);
    }
}

// A directory opens, and what is wrong with it is told as of its lines.
std::string read_lines(const std::string& file, const ContainerFlagSurroundings& around) {
    try {
        return read_given(file, around);
    } catch (const Error& e) {
        if (!std::string_view(e.what()).ends_with(": is a directory")) throw;
        throw error(Errc::usage, "invalid env file ({}): {}", file, e.what());
    }
}

// Lines of files and then what the flags say. flag: before what is said of them. lookup: what a bare name stands for.
std::vector<std::string> lines_of(const char* flag, const std::vector<std::string>& files,
                                  const ContainerFlagSurroundings& around, const stack::LookupEnvironment& lookup) {
    std::vector<std::string> out;
    for (const std::string& file : files) try {
            for (std::string& line : stack::read_env_lines(read_lines(file, around), file, lookup))
                out.push_back(std::move(line));
        } catch (const Error& e) {
            throw error(Errc::usage, "{}{}", flag, e.what());
        }
    return out;
}

std::map<std::string, std::string> labels_of(const ContainerFlags& flags, const ContainerFlagSurroundings& around) {
    auto lines = lines_of("--label-file: ", flags.all("label-file"), around, [](std::string_view) { return nullptr; });
    for (const std::string& text : flags.all("label")) lines.push_back(text);
    return docker::pairs(lines);
}

void take_process(const ContainerFlags& flags, Service& to) {
    if (!flags.args.empty()) to.command = flags.args;
    if (flags.has("entrypoint")) {
        const std::string entrypoint = flags.text("entrypoint");
        to.entrypoint.emplace();
        if (!entrypoint.empty()) to.entrypoint->push_back(entrypoint);
        else if (flags.args.empty()) throw error(Errc::invalid_project, "no command specified");
    }
    to.user = flags.text("user");
    to.working_dir = flags.text("workdir");
    if (to.working_dir.starts_with('/')) to.working_dir = compose::clean_path(to.working_dir);
    to.group_add = flags.all("group-add");
    to.hostname = flags.text("hostname");
    to.domainname = flags.text("domainname");
    to.tty = flags.is_true("tty");
    to.stdin_open = flags.is_true("interactive");
    if (flags.has("init")) to.init = flags.is_true("init");
    to.annotations = docker::pairs(flags.all("annotation"));
}

void take_environment(const std::vector<std::string>& environment, Service& to) {
    for (const std::string& entry : environment) {
        stack::KeyValue pair = stack::split_pair(entry);
        to.environment[pair.key] = std::move(pair.value);
    }
}

void take_hosts(const ContainerFlags& flags, Service& to) {
    for (const std::string& text : flags.all("add-host")) {
        const std::string host = docker::extra_host(text);
        const std::size_t colon = host.find(':');
        to.extra_hosts[host.substr(0, colon)].push_back(host.substr(colon + 1));
    }
    to.dns = flags.all("dns");
    to.dns_opt = flags.all("dns-option");
    to.dns_search = flags.all("dns-search");
}

void take_namespaces(const ContainerFlags& flags, Service& to) {
    const auto refuse = [&](const char* flag, bool valid, const char* what) {
        if (!valid) throw error(Errc::usage, "--{}: invalid {} mode", flag, what);
    };
    to.pid = flags.text("pid");
    to.uts = flags.text("uts");
    to.userns_mode = flags.text("userns");
    to.cgroup = flags.text("cgroupns");
    to.ipc = flags.text("ipc");
    refuse("pid", to.pid.empty() || to.pid == "host" || !SharedWith::parse(to.pid).name.empty(), "PID");
    refuse("uts", to.uts.empty() || to.uts == "host", "UTS");
    refuse("userns", to.userns_mode.empty() || to.userns_mode == "host", "USER");
    refuse("cgroupns", to.cgroup.empty() || to.cgroup == "host" || to.cgroup == "private", "CGROUP");
}

void take_logging(const ContainerFlags& flags, Service& to) {
    if (!flags.has("log-driver") && !flags.has("log-opt")) return;
    to.logging.emplace();
    to.logging->driver = flags.text("log-driver");
    to.logging->options = docker::pairs(flags.all("log-opt"));
    if (to.logging->driver == "none" && !to.logging->options.empty())
        throw error(Errc::usage, "invalid logging opts for driver none");
}

// A seccomp profile that is a file: its content goes along.
std::string security_option(const std::string& text, const ContainerFlagSurroundings& around) {
    stack::KeyValue pair = stack::split_pair(text);
    if (!pair.value && pair.key != "no-new-privileges") {
        const std::size_t colon = text.find(':');
        if (colon == std::string::npos) throw error(Errc::usage, "invalid --security-opt: \"{}\"", text);
        pair = {text.substr(0, colon), text.substr(colon + 1)};
    }
    if (pair.key == "seccomp" && pair.value && pair.value->empty())
        throw error(Errc::usage, "invalid --security-opt: \"{}\"", text);
    if (pair.key != "seccomp" || !pair.value || *pair.value == "unconfined" || *pair.value == "builtin") return text;
    const std::string& file = *pair.value;
    std::string content;
    try {
        content = read_given(file, around);
    } catch (const Error& e) {
        throw error(Errc::usage, "opening seccomp profile ({}) failed: {}", file, e.what());
    }
    const auto profile = parse_untrusted_as<nlohmann::ordered_json>(content);
    if (profile.is_discarded())
        throw error(Errc::usage, "compacting json for seccomp profile ({}) failed: it is no JSON", file);
    return "seccomp=" + profile.dump();
}

void take_security(const ContainerFlags& flags, const ContainerFlagSurroundings& around, Service& to) {
    for (const std::string& text : flags.all("security-opt")) to.security_opt.push_back(security_option(text, around));
    to.storage_opt = docker::pairs(flags.all("storage-opt"));
    for (const std::string& text : flags.all("storage-opt"))
        if (text.find('=') == std::string::npos) throw error(Errc::usage, "invalid storage option");
    if (!to.storage_opt.empty())
        throw error(Errc::unsupported,
                    "--storage-opt is supported only for overlay over xfs with 'pquota' mount option")
            .with_hint("davit's containers share the space of its state directory");
    to.privileged = flags.is_true("privileged");
    to.read_only = flags.is_true("read-only");
    to.cap_add = flags.all("cap-add");
    to.cap_drop = flags.all("cap-drop");
    to.runtime = flags.text("runtime");
    to.isolation = flags.text("isolation");
    to.cgroup_parent = flags.text("cgroup-parent");
    if (flags.is_true("use-api-socket"))
        throw error(Errc::unsupported, "--use-api-socket: davit has no API socket, since no daemon listens")
            .with_hint("programs that need one do not run with davit");
}

void take_health(const ContainerFlags& flags, ContainerSpec& to) {
    // What is empty or 0 is not asked for.
    bool any = !flags.text("health-cmd").empty() ||
               (flags.has("health-retries") && docker::int_of(flags.text("health-retries")) != 0);
    for (const char* name : {"health-interval", "health-timeout", "health-start-period", "health-start-interval"})
        any = any || (flags.has(name) && stack::duration_value(flags.text(name)) != 0);
    to.no_healthcheck = flags.is_true("no-healthcheck");
    if (to.no_healthcheck && any) throw error(Errc::usage, "--no-healthcheck conflicts with --health-* options");
    if (to.no_healthcheck) to.service.healthcheck.emplace().disable = true;
    if (!any) return;
    HealthCheck& check = to.service.healthcheck.emplace();
    if (const std::string command = flags.text("health-cmd"); !command.empty()) check.test = {"CMD-SHELL", command};
    const auto duration = [&](const char* name, std::optional<std::chrono::nanoseconds>& to_member) {
        if (!flags.has(name)) return;
        to_member = std::chrono::nanoseconds(stack::duration_value(flags.text(name)));
        if (to_member->count() < 0) throw error(Errc::usage, "--{} cannot be negative", name);
    };
    duration("health-interval", check.interval);
    duration("health-timeout", check.timeout);
    duration("health-start-period", check.start_period);
    duration("health-start-interval", check.start_interval);
    for (const auto& [name, value] : {std::pair{"Interval", check.interval},
                                      {"Timeout", check.timeout},
                                      {"StartPeriod", check.start_period},
                                      {"StartInterval", check.start_interval}})
        if (value && value->count() > 0 && *value < std::chrono::milliseconds(1))
            throw error(Errc::invalid_project, "{} in Healthcheck cannot be less than 1ms", name);
    if (!flags.has("health-retries")) return;
    const std::int64_t retries = docker::int_of(flags.text("health-retries"));
    if (retries < 0) throw error(Errc::usage, "--health-retries cannot be negative");
    check.retries = static_cast<std::uint64_t>(retries);
}

void take_behaviour(const ContainerFlags& flags, ContainerSpec& to) {
    const docker::RestartText restart = restart_of(flags.text("restart"));
    to.service.restart = docker::restart_text(flags.text("restart"));
    to.auto_remove = flags.is_true("rm");
    to.service.stop_signal = flags.text("stop-signal");
    if (flags.has("stop-timeout"))
        to.service.stop_grace_period = std::chrono::seconds(docker::int_of(flags.text("stop-timeout")));
    if (to.auto_remove && !restart.name.empty() && restart.name != "no")
        throw error(Errc::usage, "conflicting options: cannot specify both --restart and --rm");
}

PullMode pull_of(const ContainerFlags& flags) {
    const std::string pull = flags.text("pull");
    if (pull.empty() || pull == "missing") return PullMode::missing;
    if (pull == "always") return PullMode::always;
    if (pull == "never") return PullMode::never;
    throw error(Errc::usage, "invalid pull option: '{}': must be one of \"always\", \"missing\" or \"never\"", pull);
}

// Older names of the same.
const char* name_of(const ContainerFlag& flag) {
    const std::string_view name = flag.name;
    if (name == "net") return "network";
    if (name == "net-alias") return "network-alias";
    if (name == "dns-opt") return "dns-option";
    return flag.name;
}

} // namespace

void ContainerFlags::add(const ContainerFlag& flag, const std::string& value) {
    if (flag.check) flag.check(value);
    const bool is_switch = flag.type[0] == '\0';
    given[name_of(flag)].push_back(!is_switch ? value : stack::boolean_value(value) ? "true" : "false");
}

std::string ContainerFlags::text(std::string_view name) const {
    const auto found = given.find(name);
    return found == given.end() ? std::string() : found->second.back();
}

const std::vector<std::string>& ContainerFlags::all(std::string_view name) const {
    static const std::vector<std::string> none;
    const auto found = given.find(name);
    return found == given.end() ? none : found->second;
}

AttachedStreams attached_streams(const ContainerFlags& flags) {
    AttachedStreams out;
    for (const std::string& text : flags.all("attach")) {
        out.input = out.input || text.ends_with('n') || text.ends_with('N');
        out.output = out.output || text.ends_with("ut") || text.ends_with("UT");
        out.errors = out.errors || text.ends_with('r') || text.ends_with('R');
    }
    out.input = out.input || flags.is_true("interactive");
    if (!flags.has("attach")) out.output = out.errors = true;
    return out;
}

std::vector<std::string> docker_environment(const std::vector<std::string>& files,
                                            const std::vector<std::string>& entries,
                                            const ContainerFlagSurroundings& around) {
    const auto lookup = [&](std::string_view name) -> const std::string* {
        const auto found = around.environment.find(std::string(name));
        return found == around.environment.end() ? nullptr : &found->second;
    };
    std::vector<std::string> out = lines_of("", files, around, lookup);
    for (const std::string& entry : entries) {
        const std::string* outside = entry.find('=') == std::string::npos ? lookup(entry) : nullptr;
        out.push_back(outside ? entry + "=" + *outside : entry);
    }
    return out;
}

namespace {

// What the engine does not take beside a network that is not the container's own.
void check_network_mode(const ContainerFlags& flags, const std::string& mode) {
    const bool of_container = SharedWith::parse(mode).is_container();
    if ((of_container || mode == "host") && flags.has("link"))
        throw error(Errc::invalid_project,
                    "conflicting options: {} can't be used with links. This would result in undefined behavior",
                    of_container ? "container type network" : "host type networking");
    for (const std::string& link : flags.all("link"))
        if (link.empty() || link.front() == ':')
            throw error(Errc::invalid_project, "could not get container for : invalid name or ID supplied: \"\"");
    if (of_container && flags.is_true("publish-all"))
        throw error(Errc::invalid_project, "conflicting options: port publishing and the container type network mode");
}

std::vector<std::string> run_environment(const ContainerFlags& flags, const ContainerFlagSurroundings& around) {
    try {
        return docker_environment(flags.all("env-file"), flags.all("env"), around);
    } catch (const Error& e) {
        throw error(Errc::usage, "--env-file: {}", e.what());
    }
}

} // namespace

ContainerSpec container_spec(const ContainerFlags& flags, const ContainerFlagSurroundings& around, bool detached) {
    using namespace docker;
    ContainerSpec out;
    out.name = flags.text("name");
    if (out.name.starts_with('/')) out.name.erase(0, 1); // as `inspect` tells names
    out.pull = pull_of(flags);
    out.quiet_pull = flags.is_true("quiet");
    out.stdin_once = flags.is_true("interactive") && !detached && attached_streams(flags).input;
    out.publish_all = flags.is_true("publish-all");
    Service& service = out.service;
    service.image = flags.image;
    service.platform = flags.text("platform");
    // docker's own refusals come before its engine's, in the order in which it looks at the flags.
    take_limits(flags, out);
    const Binds binds = binds_of(flags, around);
    take_ports(flags, service);
    take_devices(flags, service);
    const auto environment = run_environment(flags, around);
    service.labels = labels_of(flags, around);
    take_namespaces(flags, service);
    restart_of(flags.text("restart"));
    take_logging(flags, service);
    take_security(flags, around, service);
    take_health(flags, out);
    take_behaviour(flags, out);
    take_networks(flags, out);
    check_network_mode(flags, service.network_mode);
    take_process(flags, service);
    take_environment(environment, service);
    take_hosts(flags, service);
    take_mounts(flags, around, out);
    out.asked = asked_of(flags, around, out, environment, detached);
    return out;
}

} // namespace davit

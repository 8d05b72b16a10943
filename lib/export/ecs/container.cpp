// A service as a container definition, and the task around it.
#include "export/ecs/plan.hpp"

#include "base/error.hpp"
#include "base/units.hpp"
#include "export/tasks.hpp"
#include "model/ecs_task.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

using namespace std::chrono_literals;

std::int64_t clamped(const Layout& plan, const Service& service, const char* key, std::int64_t value,
                     std::int64_t least, std::int64_t most) {
    const std::int64_t out = std::clamp(value, least, most);
    if (out != value)
        plan.scope.report.adjusted(key_path(service, std::string("healthcheck.") + key), std::to_string(out),
                                   fmt::format("ECS takes {} to {}", least, most));
    return out;
}

void add_health(const Layout& plan, const Service& service, Document& out) {
    if (!service.healthcheck || service.healthcheck->disable) return;
    const HealthCheck& h = *service.healthcheck;
    if (h.test.empty()) {
        plan.scope.report.needs(key_path(service, "healthcheck"),
                                "the test stands in the image, and ECS does not read it",
                                "healthcheck.test in the compose file");
        return;
    }
    if (h.test[0] == "NONE") return;
    Document check{{"command", h.test}};
    check["interval"] = clamped(plan, service, "interval", whole_seconds(h.interval.value_or(30s)), 5, 300);
    check["timeout"] = clamped(plan, service, "timeout", whole_seconds(h.timeout.value_or(30s)), 2, 60);
    check["retries"] = clamped(plan, service, "retries", static_cast<std::int64_t>(h.retries.value_or(3)), 1, 10);
    if (h.start_period)
        check["startPeriod"] = clamped(plan, service, "start_period", whole_seconds(*h.start_period), 0, 300);
    out["healthCheck"] = check;
}

void add_port(const Layout& plan, Task& task, const Service& service, std::uint32_t port, const std::string& protocol,
              Document& out) {
    for (const Document& other : out)
        if (other["containerPort"] == port && other["protocol"] == protocol) return;
    const auto it = std::find_if(task.published.begin(), task.published.end(), [&](const Listener& p) {
        return p.container == port && p.of == plan.labels.at(service.name) && p.application();
    });
    Document mapping{{"containerPort", port},
                     {"hostPort", port},
                     {"protocol", protocol},
                     {"name", port_name(plan, service, port, protocol)}};
    // Behind TLS of its own Service Connect's proxy sees no HTTP.
    if (it != task.published.end() && it->target == "HTTP")
        mapping["appProtocol"] = it->version.empty() ? "http" : "grpc";
    out.push_back(std::move(mapping));
}

Document port_mappings(const Layout& plan, Task& task, const Service& service) {
    Document out = Document::array();
    for (const Port& p : service.ports)
        if (p.protocol != "sctp") add_port(plan, task, service, p.target, p.protocol.empty() ? "tcp" : p.protocol, out);
    for (const std::string& text : service.expose) {
        const std::size_t slash = text.find('/'), dash = text.find('-');
        const std::string protocol = slash == std::string::npos ? "tcp" : text.substr(slash + 1);
        const std::int64_t first = parse_int(text.substr(0, std::min(slash, dash))).value_or(0);
        if (dash != std::string::npos)
            plan.scope.report.adjusted(key_path(service, "expose"), std::to_string(first), "the first port of a range");
        if (first > 0) add_port(plan, task, service, static_cast<std::uint32_t>(first), protocol, out);
    }
    return out;
}

Document dependencies(const Layout& plan, const Task& task, const Service& service) {
    Document out = Document::array();
    for (const auto& [name, how] : service.depends_on) {
        const auto other =
            std::find_if(task.members.begin(), task.members.end(), [&](const Service* s) { return s->name == name; });
        const std::string path = fmt::format("services.{}.depends_on.{}", service.name, name);
        if (other == task.members.end()) {
            note_no_order(plan.scope, path, how, "ECS orders containers of one task, not services",
                          "let the program try again, or put both in one task: --layout task, x-aws-task");
            continue;
        }
        const bool checked =
            (*other)->healthcheck && !(*other)->healthcheck->test.empty() && !(*other)->healthcheck->disable;
        const char* condition = how.condition == DependencyCondition::completed_successfully ? "SUCCESS"
                                : how.condition == DependencyCondition::completed            ? "COMPLETE"
                                : how.condition == DependencyCondition::healthy && checked   ? "HEALTHY"
                                                                                             : "START";
        out.push_back({{"containerName", plan.labels.at(name)}, {"condition", condition}});
        if (how.condition == DependencyCondition::healthy && !checked)
            plan.scope.report.adjusted(path, "START", "ECS needs a healthCheck for HEALTHY");
        else plan.scope.report.adjusted(path, condition, "within one task ECS keeps the order");
        if (how.restart) plan.scope.report.dropped(path + ".restart", "containers are not restarted with others");
    }
    return out;
}

void add_limits_of(const Service& service, Document& out) {
    const EffectiveLimits limits = effective_limits(service);
    if (limits.cpus > 0) out["cpu"] = std::llround(limits.cpus * 1024);
    if (limits.memory > 0) out["memory"] = std::max<std::int64_t>(6, (limits.memory + mebi - 1) / mebi);
    if (limits.memory_reservation > 0) {
        const std::int64_t wanted = std::max<std::int64_t>(6, (limits.memory_reservation + mebi - 1) / mebi);
        out["memoryReservation"] =
            out.contains("memory") ? std::min(wanted, out["memory"].get<std::int64_t>()) : wanted;
    }
}

void add_restart(const Task& task, const Service& service, Document& out) {
    if (task.members.size() < 2 || task.once) return; // the service restarts the task
    const RestartPolicy policy = effective_restart(service);
    if (policy.kind == RestartPolicy::Kind::no) return;
    Document restart{{"enabled", true}};
    if (policy.kind == RestartPolicy::Kind::on_failure) restart["ignoredExitCodes"] = Document::array({0});
    restart["restartAttemptPeriod"] = 60;
    out["restartPolicy"] = restart;
}

// A build without a registry belongs into the account's own.
std::string ecs_image(const Layout& plan, const Service& service) {
    const Service* const builder = builder_of(plan.scope.project, service);
    if (!builder || builder->image.find('/') != std::string::npos || !plan.scope.options.registry.empty())
        return image_of(plan.scope, service);
    std::string name = builder->image.empty() ? image_name(plan.project, builder->name) + ":latest" : builder->image;
    const std::string image = word("ACCOUNT") + ".dkr.ecr." + word("REGION") + "." + word("DOMAIN") + "/" + name;
    if (builder != &service) {
        plan.scope.report.adjusted(key_path(service, "image"), "ECR, " + name,
                                   builder->name + " builds it, and it is pushed there");
        return image;
    }
    plan.scope.report.adjusted(
        key_path(service, "build"), "ECR, " + name, "ECS builds nothing",
        "davit build, tag it so and push it before it is deployed; --registry names another place");
    // Who pushes it knows these words by another spelling.
    plan.scope.facts.images.push_back({service.name, "@ACCOUNT@.dkr.ecr.@REGION@.@DOMAIN@/" + name});
    return image;
}

void add_process_of(const Layout& plan, const Service& service, Document& out) {
    const Executed run = executed(plan.scope, service);
    if (run.entrypoint) out["entryPoint"] = *run.entrypoint;
    if (run.command) out["command"] = *run.command;
    for (const auto& [key, value] : service.environment)
        if (value && !key.empty()) out["environment"].push_back({{"name", key}, {"value", *value}});
    if (!service.working_dir.empty()) out["workingDirectory"] = service.working_dir;
    if (!service.user.empty()) out["user"] = service.user;
    if (service.tty) out["pseudoTerminal"] = true;
    if (service.stdin_open) out["interactive"] = true;
    if (service.read_only) out["readonlyRootFilesystem"] = true;
    for (const auto& [key, value] : service.labels) out["dockerLabels"][key] = value;
}

void add_stop_timeout(const Layout& plan, Task& task, const Service& service, Document& out) {
    if (!service.stop_grace_period) return;
    const std::int64_t wanted = whole_seconds(*service.stop_grace_period);
    const std::int64_t stop = task.ec2 ? wanted : std::min<std::int64_t>(wanted, 120);
    if (stop != wanted)
        plan.scope.report.adjusted(key_path(service, "stop_grace_period"), "2m", "Fargate waits 120 seconds at most");
    out["stopTimeout"] = std::max<std::int64_t>(2, stop);
    task.stop_timeout = std::max(task.stop_timeout, stop);
}

void add_name_servers(const Layout& plan, const Task& task, const Service& service, Document& out) {
    for (const auto& [key, to, list] : {std::tuple("dns", "dnsServers", &service.dns),
                                        std::tuple("dns_search", "dnsSearchDomains", &service.dns_search)}) {
        if (list->empty()) continue;
        if (task.ec2) out[to] = *list;
        else
            plan.scope.report.dropped(key_path(service, key), "a task on Fargate asks the name servers of its VPC",
                                      "the DHCP options of the VPC, or a Route 53 resolver rule");
    }
}

// What a container definition that was loaded has itself, below x-aws-container.
void add_what_compose_says(Layout& plan, Task& task, const Service& service, Document& out) {
    if (const std::string arn = text_of(service.extensions, "x-aws-pull_credentials"); !arn.empty())
        out["repositoryCredentials"]["credentialsParameter"] = arn;
    if (Document ports = port_mappings(plan, task, service); !ports.empty() && task.network != "none")
        out["portMappings"] = ports;
    add_limits_of(service, out);
    add_name_servers(plan, task, service, out);
    for (const auto& [key, value] : service.sysctls)
        out["systemControls"].push_back({{"namespace", key}, {"value", value}});
    add_linux(plan, task, service, out);
    add_restart(task, service, out);
    add_logging(plan, task, service, out);
}

} // namespace

namespace {

// Of a definition that was loaded: what davit's keys come to here stands in it in ECS's own words.
void note_ready_made(const Layout& plan, const Service& service) {
    for (const char* key :
         {"cpu_shares", "cpus",         "mem_limit",    "mem_reservation", "memswap_limit", "mem_swappiness",
          "shm_size",   "tmpfs",        "devices",      "privileged",      "security_opt",  "dns",
          "dns_search", "hostname",     "extra_hosts",  "links",           "pid",           "ipc",
          "gpus",       "volumes",      "volumes_from", "ulimits",         "cap_add",       "cap_drop",
          "logging",    "network_mode", "networks",     "ports",           "sysctls",       "restart",
          "platform",   "init",         "scale"})
        plan.scope.report.exact(key_path(service, key), "x-aws-container and x-aws-task-definition have it");
}

} // namespace

namespace {

// Of what runs once: a task has to end with somebody, and not with one whose end another waits for.
bool ends_the_task(const Task& task, const Service& service) {
    return task.once && std::none_of(task.members.begin(), task.members.end(), [&](const Service* s) {
               const auto it = s->depends_on.find(service.name);
               return it != s->depends_on.end() && wants_end(it->second.condition);
           });
}

// Variables of environmentFiles are in S3, some of them because they are nobody's to read: not in the definition, too.
void leave_in_files(const Layout& plan, const Service& service, Document& container) {
    std::set<std::string> lines;
    for (const EnvFile& file : service.env_file) {
        const auto& read = plan.scope.options.read_file;
        std::string text = read ? read(file.path).value_or("") : "";
        for (std::size_t at = 0, end = 0; at < text.size(); at = end + 1) {
            end = std::min(text.find('\n', at), text.size());
            lines.insert(text.substr(at, end - at));
        }
    }
    Document rest = Document::array();
    for (const Document& v : container.value("environment", Document::array()))
        if (!lines.contains(v["name"].get<std::string>() + "=" + v["value"].get<std::string>())) rest.push_back(v);
    container.erase("environment");
    if (!rest.empty()) container["environment"] = rest;
}

} // namespace

Document main_definition(Layout& plan, Task& task, const Service& service) {
    const bool once = runs_once(plan.scope.project, service);
    const auto ready_made = ecs_task_of(service);
    Document out{{"name", plan.labels.at(service.name)},
                 {"image", ecs_image(plan, service)},
                 {"essential", ready_made ? ready_made->essential : !once || ends_the_task(task, service)}};
    add_process_of(plan, service, out);
    add_health(plan, service, out);
    if (Document depends = dependencies(plan, task, service); !depends.empty()) out["dependsOn"] = depends;
    add_stop_timeout(plan, task, service, out);
    if (ready_made) note_ready_made(plan, service);
    else add_what_compose_says(plan, task, service, out);
    const Document own = given_container(service);
    put(out, own);
    if (own.contains("environmentFiles")) leave_in_files(plan, service, out);
    return out;
}

} // namespace davit::exports::ecs

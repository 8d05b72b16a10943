// A service as a container definition, and the task around it.
#include "export/ecs/plan.hpp"

#include "base/error.hpp"
#include "base/units.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

using namespace std::chrono_literals;

constexpr const char* sidecar_image = "public.ecr.aws/docker/library/busybox:1.36";
constexpr std::int64_t mebi = 1024 * 1024;

std::int64_t clamped(const Plan& plan, const Service& service, const char* key, std::int64_t value, std::int64_t least,
                     std::int64_t most) {
    const std::int64_t out = std::clamp(value, least, most);
    if (out != value)
        plan.scope.report.adjusted(key_path(service, std::string("healthcheck.") + key), std::to_string(out),
                                   fmt::format("ECS takes {} to {}", least, most));
    return out;
}

void add_health(const Plan& plan, const Service& service, Document& out) {
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

std::string port_name(const Plan& plan, const Service& service, std::uint32_t port, const std::string& protocol) {
    return fmt::format("{}-{}-{}", plan.labels.at(service.name), port, protocol);
}

void add_port(const Plan& plan, Task& task, const Service& service, std::uint32_t port, const std::string& protocol,
              Document& out) {
    for (const Document& other : out)
        if (other["containerPort"] == port && other["protocol"] == protocol) return;
    const auto it = std::find_if(task.published.begin(), task.published.end(), [&](const PublishedPort& p) {
        return p.container == port && p.of == plan.labels.at(service.name) && p.application();
    });
    Document mapping{{"containerPort", port},
                     {"hostPort", port},
                     {"protocol", protocol},
                     {"name", port_name(plan, service, port, protocol)}};
    if (it != task.published.end()) mapping["appProtocol"] = "http";
    out.push_back(std::move(mapping));
}

Document port_mappings(const Plan& plan, Task& task, const Service& service) {
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

Document dependencies(const Plan& plan, const Task& task, const Service& service) {
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

// Secrets are variables of a container that ends before the program begins, and files of a directory in memory's place.
void add_secret_files(Plan& plan, const Service& service, Document& container, Document& definition) {
    constexpr std::string_view home = "/run/secrets/";
    Document secrets = Document::array();
    std::string command = "set -eu; cd /run/secrets;";
    for (std::size_t i = 0; i < service.secrets.size(); ++i) {
        const FileReference& use = service.secrets[i];
        const auto it = plan.scope.project.secrets.find(use.source);
        if (it == plan.scope.project.secrets.end()) continue;
        std::string target = use.target.empty() ? use.source : use.target;
        if (target.starts_with(home)) target = target.substr(home.size());
        if (target.starts_with('/')) {
            plan.scope.report.dropped(fmt::format("services.{}.secrets[{}]", service.name, i),
                                      "secrets are files below /run/secrets", "a target there");
            continue;
        }
        const std::string variable = fmt::format("SECRET_{}", i + 1);
        const FileObject& secret = it->second;
        const std::string arn = secret.external && secret.name.starts_with("arn:")
                                    ? secret.name
                                    : fmt::format("arn:aws:secretsmanager:@REGION@:@ACCOUNT@:secret:{}",
                                                  secret.external ? secret.name : plan.project + "/" + use.source);
        secrets.push_back({{"name", variable}, {"valueFrom", arn}});
        if (std::find(plan.secret_arns.begin(), plan.secret_arns.end(), arn) == plan.secret_arns.end())
            plan.secret_arns.push_back(arn);
        const std::string file = shell_quoted(target);
        command += fmt::format(
            " mkdir -p \"$(dirname {0})\"; printf %s \"${1}\" >{0}; chown {2}:{3} {0}; chmod {4:o} {0};", file,
            variable, use.uid.empty() ? "0" : use.uid, use.gid.empty() ? "0" : use.gid, use.mode.value_or(0444));
    }
    if (secrets.empty()) return;
    const std::string& label = plan.labels.at(service.name);
    const std::string volume = label + "-secrets", helper = label + "-files";
    Document mount{{"sourceVolume", volume}, {"containerPath", "/run/secrets"}};
    Document log{{"logDriver", "awslogs"}};
    log["options"] = {
        {"awslogs-group", plan.log_group}, {"awslogs-region", "@REGION@"}, {"awslogs-stream-prefix", helper}};
    Document sidecar{{"name", helper}, {"image", sidecar_image}, {"essential", false}};
    sidecar["entryPoint"] = {"/bin/sh", "-c"};
    sidecar["command"] = Document::array({command});
    sidecar["secrets"] = secrets;
    sidecar["mountPoints"] = Document::array({mount});
    sidecar["logConfiguration"] = log;
    definition["containerDefinitions"].push_back(std::move(sidecar));
    Document directory{{"name", volume}};
    definition["volumes"].push_back(std::move(directory));
    mount["readOnly"] = true;
    container["mountPoints"].push_back(std::move(mount));
    container["dependsOn"].push_back({{"containerName", helper}, {"condition", "SUCCESS"}});
}

std::string efs_volume(Plan& plan, const std::string& key, Document& definition) {
    const std::string name = dns_label(key);
    for (const Document& v : definition["volumes"])
        if (v["name"] == name) return name;
    const auto it = plan.scope.project.volumes.find(key);
    const std::string given =
        it == plan.scope.project.volumes.end() ? "" : text_of(it->second.extensions, "x-aws-filesystem");
    if (given.empty())
        plan.scope.report.needs("volumes." + key + ".x-aws-filesystem",
                                "a named volume is an EFS file system, which is there before",
                                "x-aws-filesystem: fs-… at the volume, or the format's parameter");
    const std::string id = given.empty() ? "@EFS:" + key + "@" : given;
    plan.file_systems[key] = id;
    Document efs{{"fileSystemId", id}, {"transitEncryption", "ENABLED"}};
    const std::string point =
        it == plan.scope.project.volumes.end() ? "" : text_of(it->second.extensions, "x-aws-access_point");
    if (!point.empty()) efs["authorizationConfig"]["accessPointId"] = point;
    Document volume{{"name", name}};
    volume["efsVolumeConfiguration"] = efs;
    definition["volumes"].push_back(std::move(volume));
    return name;
}

void add_mounts_of(Plan& plan, const Task& task, const Service& service, Document& container, Document& definition) {
    for (std::size_t i = 0; i < service.volumes.size(); ++i) {
        const Mount& m = service.volumes[i];
        const std::string path = fmt::format("services.{}.volumes[{}]", service.name, i);
        std::string volume;
        if (m.type == MountType::volume && !m.source.empty()) {
            volume = efs_volume(plan, m.source, definition);
        } else if (m.type == MountType::volume) {
            volume = fmt::format("{}-{}", plan.labels.at(service.name), i);
            Document empty{{"name", volume}};
            definition["volumes"].push_back(std::move(empty));
            plan.scope.report.adjusted(path, "an empty directory of the task", "it lives as long as the task");
        } else if (m.type == MountType::bind && task.ec2) {
            volume = fmt::format("{}-{}", plan.labels.at(service.name), i);
            Document host{{"name", volume}};
            host["host"]["sourcePath"] = m.source;
            definition["volumes"].push_back(std::move(host));
            plan.scope.report.adjusted(path, "a path of the container instance", "it must be on every instance");
        } else {
            if (m.type != MountType::tmpfs || !task.ec2)
                plan.scope.report.dropped(
                    path, m.type == MountType::bind ? m.source + " is of one machine" : "Fargate has no such mounts",
                    "copy it into the image, or use a named volume");
            continue;
        }
        Document mount{{"sourceVolume", volume}, {"containerPath", m.target}};
        if (m.read_only) mount["readOnly"] = true;
        container["mountPoints"].push_back(std::move(mount));
    }
}

void add_tmpfs_of(const Plan& plan, const Service& service, Document& linux) {
    auto add = [&](const std::string& path, std::int64_t size) {
        if (size == 0) plan.scope.report.adjusted(key_path(service, "tmpfs"), "64 MiB", "ECS wants a size");
        linux["tmpfs"].push_back({{"containerPath", path}, {"size", size ? (size + mebi - 1) / mebi : 64}});
    };
    for (const std::string& entry : service.tmpfs) {
        const std::size_t at = entry.find("size=");
        const auto size =
            at == std::string::npos ? std::nullopt : parse_bytes(entry.substr(at + 5, entry.find(',', at) - at - 5));
        add(entry.substr(0, entry.find(':')), size.value_or(0));
    }
    for (const Mount& m : service.volumes)
        if (m.type == MountType::tmpfs) add(m.target, m.tmpfs ? m.tmpfs->size : 0);
}

void add_linux(const Plan& plan, const Task& task, const Service& service, Document& out) {
    Document linux = Document::object();
    auto name_of = [](const std::string& cap) { return cap.starts_with("CAP_") ? cap.substr(4) : cap; };
    for (std::size_t i = 0; i < service.cap_add.size(); ++i) {
        const std::string& cap = service.cap_add[i];
        if (task.ec2 || name_of(cap) == "SYS_PTRACE") linux["capabilities"]["add"].push_back(name_of(cap));
        else
            plan.scope.report.dropped(key_path(service, fmt::format("cap_add[{}]", i)),
                                      fmt::format("{}: Fargate adds SYS_PTRACE alone", cap), "x-aws-launch_type: EC2");
    }
    for (const std::string& cap : service.cap_drop) linux["capabilities"]["drop"].push_back(name_of(cap));
    if (service.init) linux["initProcessEnabled"] = *service.init;
    if (task.ec2) {
        if (service.shm_size > 0) linux["sharedMemorySize"] = (service.shm_size + mebi - 1) / mebi;
        add_tmpfs_of(plan, service, linux);
        for (const Device& d : service.devices)
            linux["devices"].push_back({{"hostPath", d.source}, {"containerPath", d.target}});
        if (service.privileged) out["privileged"] = true;
        if (!service.security_opt.empty()) out["dockerSecurityOptions"] = service.security_opt;
    }
    if (!linux.empty()) out["linuxParameters"] = linux;
    for (const auto& [name, limit] : service.ulimits) {
        if (task.ec2 || name == "nofile") {
            out["ulimits"].push_back({{"name", name}, {"softLimit", limit.soft}, {"hardLimit", limit.hard}});
        } else {
            plan.scope.report.dropped(fmt::format("services.{}.ulimits.{}", service.name, name),
                                      "Fargate sets nofile alone", "x-aws-launch_type: EC2");
        }
    }
}

void add_logging(const Plan& plan, const Service& service, Document& out) {
    const std::string driver = service.logging ? service.logging->driver : "";
    Document log = Document::object();
    if (driver == "awslogs" || driver == "splunk" || driver == "awsfirelens") {
        log["logDriver"] = driver;
        Document options = Document::object();
        for (const auto& [key, value] : service.logging->options) options[key] = value;
        log["options"] = options;
    } else {
        log["logDriver"] = "awslogs";
        log["options"] = {{"awslogs-group", plan.log_group},
                          {"awslogs-region", "@REGION@"},
                          {"awslogs-stream-prefix", plan.labels.at(service.name)}};
        if (!driver.empty())
            plan.scope.report.adjusted(key_path(service, "logging"), "awslogs",
                                       driver + " is of one machine; its options go with it");
    }
    out["logConfiguration"] = log;
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
std::string ecs_image(const Plan& plan, const Service& service) {
    const bool named = service.image.find('/') != std::string::npos;
    if (!service.build || named || !plan.scope.options.registry.empty()) return image_of(plan.scope, service);
    std::string name = service.image.empty() ? plan.project + "-" + service.name + ":latest" : service.image;
    plan.scope.report.adjusted(
        key_path(service, "build"), "ECR, " + name, "ECS builds nothing",
        "davit build, tag it so and push it before it is deployed; --registry names another place");
    name = "@ACCOUNT@.dkr.ecr.@REGION@.amazonaws.com/" + name;
    plan.scope.facts.images.push_back({service.name, name});
    return name;
}

Document main_definition(Plan& plan, Task& task, const Service& service) {
    const bool once = runs_once(plan.scope.project, service);
    Document out{{"name", plan.labels.at(service.name)},
                 {"image", ecs_image(plan, service)},
                 {"essential", task.members.size() == 1 || !once}};
    if (const std::string arn = text_of(service.extensions, "x-aws-pull_credentials"); !arn.empty())
        out["repositoryCredentials"]["credentialsParameter"] = arn;
    if (service.entrypoint) out["entryPoint"] = *service.entrypoint;
    if (service.command) out["command"] = *service.command;
    for (const auto& [key, value] : service.environment)
        if (value && !key.empty()) out["environment"].push_back({{"name", key}, {"value", *value}});
    if (Document ports = port_mappings(plan, task, service); !ports.empty()) out["portMappings"] = ports;
    add_limits_of(service, out);
    add_health(plan, service, out);
    if (Document depends = dependencies(plan, task, service); !depends.empty()) out["dependsOn"] = depends;
    if (!service.working_dir.empty()) out["workingDirectory"] = service.working_dir;
    if (!service.user.empty()) out["user"] = service.user;
    if (service.tty) out["pseudoTerminal"] = true;
    if (service.stdin_open) out["interactive"] = true;
    if (service.read_only) out["readonlyRootFilesystem"] = true;
    if (!service.dns.empty()) out["dnsServers"] = service.dns;
    if (!service.dns_search.empty()) out["dnsSearchDomains"] = service.dns_search;
    for (const auto& [key, value] : service.labels) out["dockerLabels"][key] = value;
    for (const auto& [key, value] : service.sysctls)
        out["systemControls"].push_back({{"namespace", key}, {"value", value}});
    if (service.stop_grace_period) {
        const std::int64_t wanted = whole_seconds(*service.stop_grace_period);
        const std::int64_t stop = task.ec2 ? wanted : std::min<std::int64_t>(wanted, 120);
        if (stop != wanted)
            plan.scope.report.adjusted(key_path(service, "stop_grace_period"), "2m",
                                       "Fargate waits 120 seconds at most");
        out["stopTimeout"] = std::max<std::int64_t>(2, stop);
        task.stop_timeout = std::max(task.stop_timeout, stop);
    }
    add_linux(plan, task, service, out);
    add_restart(task, service, out);
    add_logging(plan, service, out);
    return out;
}

Size task_size(const Plan& plan, const Task& task, const Document& definition) {
    double cpus = 0;
    std::int64_t memory = 0;
    for (const Service* s : task.members) {
        const EffectiveLimits limits = effective_limits(*s);
        cpus += limits.cpus;
        memory += std::max(limits.memory, limits.memory_reservation);
    }
    const auto size = fargate_size(cpus, memory);
    if (!size)
        throw error(Errc::invalid_project, "the task {} wants {} CPUs and {} MiB, more than Fargate has", task.name,
                    cpus, memory / mebi)
            .with_at(task.members.front()->origin.pos)
            .with_hint("at most 16 CPUs and 120 GiB; --layout service splits a task");
    if (task.ec2) return *size;
    const std::string said = fmt::format("cpu {}, memory {} MiB", size->cpu, size->memory);
    for (const Service* s : task.members) {
        const bool asked = effective_limits(*s).cpus > 0 || effective_limits(*s).memory > 0;
        const bool rounded = std::llround(cpus * 1024) != size->cpu || memory / mebi != size->memory;
        if (rounded)
            plan.scope.report.adjusted("services." + s->name, said,
                                       asked ? "Fargate has sizes, and the next larger is taken"
                                             : "Fargate's smallest size: it has no limits");
    }
    (void)definition;
    return *size;
}

void check_ports(const Task& task, const Document& definition) {
    std::map<std::string, std::string> taken;
    for (const Document& container : definition["containerDefinitions"]) {
        if (!container.contains("portMappings")) continue;
        for (const Document& port : container["portMappings"]) {
            const std::string key =
                fmt::format("{}/{}", port["containerPort"].get<int>(), port["protocol"].get<std::string>());
            const auto [it, added] = taken.emplace(key, container["name"].get<std::string>());
            if (!added)
                throw error(Errc::invalid_project, "{} and {} both listen on port {} of the task {}", it->second,
                            container["name"].get<std::string>(), key, task.name)
                    .with_hint("containers of one task share their network: --layout service, or another port");
        }
    }
}

void add_platform(const Plan& plan, const Task& task, Document& definition) {
    const Service& first = *task.members.front();
    const std::string arch = first.platform.substr(std::min(first.platform.find('/'), first.platform.size()));
    const bool arm = arch.starts_with("/arm64") || arch.starts_with("/aarch64");
    if (!arch.empty() && !arm && !arch.starts_with("/amd64"))
        plan.scope.report.dropped(key_path(first, "platform"), "ECS has X86_64 and ARM64");
    if (!task.ec2 || !arch.empty())
        definition["runtimePlatform"] = {{"cpuArchitecture", arm ? "ARM64" : "X86_64"},
                                         {"operatingSystemFamily", "LINUX"}};
}

} // namespace

void add_definition(Plan& plan, Task& task) {
    Document out{{"family", task.family}, {"networkMode", "awsvpc"}};
    out["requiresCompatibilities"] = Document::array({task.ec2 ? "EC2" : "FARGATE"});
    out["executionRoleArn"] = plan.execution_role.empty() ? "@EXECUTION_ROLE@" : plan.execution_role;
    if (!plan.task_role.empty()) out["taskRoleArn"] = plan.task_role;
    else if (!plan.task_policies.empty()) out["taskRoleArn"] = "@TASK_ROLE@";
    out["containerDefinitions"] = Document::array();
    out["volumes"] = Document::array();
    for (const Service* service : task.members) {
        Document container = main_definition(plan, task, *service);
        add_mounts_of(plan, task, *service, container, out);
        add_secret_files(plan, *service, container, out);
        out["containerDefinitions"].push_back(std::move(container));
    }
    check_ports(task, out);
    if (!task.ec2 || std::any_of(task.members.begin(), task.members.end(),
                                 [](const Service* s) { return effective_limits(*s).memory > 0; })) {
        const Size size = task_size(plan, task, out);
        out["cpu"] = std::to_string(size.cpu);
        out["memory"] = std::to_string(size.memory);
    } else {
        for (Document& c : out["containerDefinitions"])
            if (!c.contains("memory") && !c.contains("memoryReservation")) c["memoryReservation"] = 512;
    }
    if (out["volumes"].empty()) out.erase("volumes");
    add_platform(plan, task, out);
    out["tags"] = Document::array({{{"key", "davit:project"}, {"value", plan.project}}});
    if (task.members.size() > 1)
        for (const Service* s : task.members)
            plan.scope.report.adjusted("services." + s->name, "a container of the task " + task.name,
                                       "containers of one task reach each other as localhost, not by name");
    plan.definitions.push_back(std::move(out));
}

} // namespace davit::exports::ecs

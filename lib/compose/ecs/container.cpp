// One container definition as a service.
#include "compose/ecs/task.hpp"

#include "base/shared_with.hpp"
#include "compose/paths.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

namespace davit::compose::ecs {

namespace {

constexpr std::int64_t usual_stop = 30;            // seconds, as the agent waits
constexpr std::int64_t usual_attempt_period = 300; // seconds that a container has to run to be started again

class Definition {
public:
    Definition(Context& c, const Task& task, const Copy& copy, Object definition, Node& service, Node& holder)
        : c_(c), task_(task), copy_(copy), d_(std::move(definition)), service_(service), holder_(holder) {}

    void read(const std::string& name) {
        membership(name);
        process();
        environment();
        files();
        secrets();
        credentials();
        add_network(c_, task_, copy_, d_, service_, holder_);
        dependencies(name);
        health();
        add_limits(c_, task_, d_, service_);
        add_linux_parameters(c_, d_, service_);
        add_mounts(c_, task_, copy_, d_, service_);
        life();
        logging();
        d_.no_effect("firelensConfiguration", "logs stay here, and 'davit logs' shows them");
        d_.no_effect("repositoryCredentials", "davit uses docker's credentials", "davit login REGISTRY");
        d_.no_effect("credentialSpecs", "there is no Active Directory here");
        d_.for_aws({"versionConsistency"}, c_.for_aws);
        d_.finish();
        keep(c_, d_.node(), kept_of_container, service_, "x-aws-container");
    }

private:
    void take(const char* to, const Node* value) {
        if (value && !(value->is_string() && value->str().empty())) c_.set(service_, to, c_.tree.clone(*value));
    }

    void membership(const std::string& name) {
        const Pos here = d_.node().pos;
        Node& task = c_.map_in(service_, "x-davit-task", here);
        c_.set(task, "name", c_.text(task_.family + copy_.suffix, here));
        c_.set(task, "family", c_.text(task_.family, here));
        if (task_.revision > 0) c_.set(task, "revision", c_.tree.integer(task_.revision, here));
        c_.set(task, "container", c_.text(name, d_.at("name")));
        c_.set(task, "essential", c_.tree.boolean(d_.truth("essential", true), d_.at("essential")));
        if (copy_.number > 1) c_.set(task, "copy", c_.tree.integer(copy_.number, here));
        if (task_.metadata()) c_.set(task, "metadata", c_.tree.boolean(true, here));
        if (task_.cpus > 0) c_.set(task, "cpu", c_.tree.real(task_.cpus, here));
        if (task_.memory > 0) c_.set(task, "memory", c_.tree.integer(task_.memory, here));
    }

    void process() {
        d_.required("image");
        take("image", d_.text("image"));
        if (!task_.platform.empty()) c_.set(service_, "platform", c_.text(task_.platform, d_.node().pos));
        for (const auto& [key, to] : {std::pair("entryPoint", "entrypoint"), std::pair("command", "command")})
            if (const auto words = d_.texts(key); !words.empty())
                for (const Node* word : words) c_.tree.push(c_.list_in(service_, to, d_.at(key)), c_.tree.clone(*word));
        take("working_dir", d_.text("workingDirectory"));
        take("user", d_.text("user"));
        take("stdin_open", d_.flag("interactive"));
        take("tty", d_.flag("pseudoTerminal"));
        take("privileged", d_.flag("privileged"));
        take("read_only", d_.flag("readonlyRootFilesystem"));
        for (const Node* n : d_.texts("dockerSecurityOptions"))
            c_.tree.push(c_.list_in(service_, "security_opt", n->pos), c_.tree.clone(*n));
        if (const Node* labels = d_.map("dockerLabels"); labels && !labels->empty()) take("labels", labels);
        if (task_.pid == "host") c_.set(service_, "pid", c_.text("host"));
        if (task_.pid == "task") c_.set(service_, "pid", c_.text(mode_of_service(task_.holder + copy_.suffix)));
        if (task_.ipc == "host" || task_.ipc == "none") c_.set(service_, "ipc", c_.text(task_.ipc));
        if (task_.ipc == "task") c_.set(service_, "ipc", c_.text(mode_of_service(task_.holder + copy_.suffix)));
    }

    void environment() {
        for (Object& variable : d_.objects("environment")) {
            const std::string name = variable.required("name"), value = variable.word("value");
            variable.finish();
            if (!name.empty()) variable_is(name + "=" + value, variable.node().pos);
        }
    }

    void variable_is(const std::string& text, Pos at) {
        c_.tree.push(c_.list_in(service_, "environment", at), c_.text(text, at));
    }

    // They lie in S3; the one of the same name beside the task definition stands for each.
    void files() {
        for (Object& file : d_.objects("environmentFiles")) {
            const std::string value = file.required("value");
            file.printed({"type"});
            file.finish();
            if (value.empty()) continue;
            const bool remote = value.starts_with("arn:");
            const std::string path = join_path(c_.directory, remote ? base_name(value) : value);
            struct stat st {};
            const bool missing = ::stat(path.c_str(), &st) != 0;
            if (missing && remote && c_.elsewhere) {
                file.warning("value", fmt::format("'{}' lies in S3: only an export to ECS has its variables", value),
                             fmt::format("put a copy of it at {}", path));
                continue;
            }
            if (c_.values && missing) {
                file.error("value",
                           remote ? fmt::format("'{}' lies in S3, which davit does not read", value)
                                  : fmt::format("there is no file {}", path),
                           remote ? fmt::format("put a copy of it at {}", path) : std::string());
                continue;
            }
            Node* made = c_.tree.map(file.node().pos);
            c_.set(*made, "path", c_.text(path, file.at("value")));
            c_.set(*made, "format", c_.text("raw", file.node().pos));
            c_.tree.push(c_.list_in(service_, "env_file", file.node().pos), made);
        }
    }

    // The values come from the shell or from .env, as a bare variable of a compose file has it.
    void secrets() {
        for (Object& secret : d_.objects("secrets")) {
            const std::string name = secret.required("name"), from = secret.required("valueFrom");
            secret.finish();
            if (name.empty()) continue;
            variable_is(name, secret.node().pos);
            if (c_.values && !c_.elsewhere && !c_.environment.contains(name))
                secret.error(
                    "name", fmt::format("the secret '{}' has no value here (in AWS it is {})", name, from),
                    fmt::format("set the variable {} in the shell, or {}=… in .env beside the file", name, name));
        }
    }

    // Those of whoever runs davit, and only when they say so.
    void credentials() {
        const auto asked = c_.environment.find("DAVIT_ECS_CREDENTIALS");
        if (asked == c_.environment.end() || (asked->second != "1" && asked->second != "true")) return;
        for (const char* name :
             {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"})
            if (c_.environment.contains(name)) variable_is(name, d_.node().pos);
    }

    void dependencies(const std::string& name) {
        for (Object& dependency : d_.objects("dependsOn")) {
            const std::string on = dependency.required("containerName"), condition = dependency.required("condition");
            dependency.finish();
            if (on.empty() || condition.empty()) continue;
            const char* word = condition == "START"      ? "service_started"
                               : condition == "HEALTHY"  ? "service_healthy"
                               : condition == "SUCCESS"  ? "service_completed_successfully"
                               : condition == "COMPLETE" ? "service_completed"
                                                         : nullptr;
            if (!word) {
                dependency.error("condition",
                                 fmt::format("'{}' is none of START, COMPLETE, SUCCESS, HEALTHY", condition));
                continue;
            }
            if (on == name || std::find(task_.names.begin(), task_.names.end(), on) == task_.names.end()) {
                dependency.error("containerName",
                                 on == name ? "a container cannot depend on itself"
                                            : fmt::format("the task has no container '{}'", on),
                                 fmt::format("its containers are: {}", fmt::join(task_.names, ", ")));
                continue;
            }
            // With its end the whole task would end.
            if ((condition == "SUCCESS" || condition == "COMPLETE") && task_.essential.contains(on)) {
                dependency.error("condition", fmt::format("ECS refuses {} of '{}', which is essential", condition, on),
                                 fmt::format("\"essential\": false at '{}'", on));
                continue;
            }
            Node& made = c_.map_in(c_.map_in(service_, "depends_on", dependency.node().pos), on + copy_.suffix,
                                   dependency.node().pos);
            c_.set(made, "condition", c_.text(word, dependency.at("condition")));
        }
    }

    // An image's own check is nothing to ECS.
    void health() {
        const auto check = d_.object("healthCheck");
        Node& out = c_.map_in(service_, "healthcheck", check ? check->node().pos : d_.node().pos);
        if (!check) return c_.set(out, "disable", c_.tree.boolean(true, d_.node().pos));
        Object h = *check;
        const auto words = h.texts("command");
        if (words.empty()) h.error("command", "needs 'command'");
        for (const Node* word : words) c_.tree.push(c_.list_in(out, "test", h.at("command")), c_.tree.clone(*word));
        const std::tuple<const char*, const char*, std::int64_t> times[] = {
            {"interval", "interval", 30}, {"timeout", "timeout", 5}, {"startPeriod", "start_period", 0}};
        for (const auto& [key, to, usual] : times)
            c_.set(out, to, c_.text(fmt::format("{}s", h.whole(key).value_or(usual)), h.at(key)));
        c_.set(out, "retries", c_.tree.integer(h.whole("retries").value_or(3), h.at("retries")));
        h.finish();
    }

    void life() {
        const auto stop = d_.whole("stopTimeout");
        c_.set(service_, "stop_grace_period",
               c_.text(fmt::format("{}s", stop.value_or(usual_stop)), d_.at("stopTimeout")));
        if (const auto start = d_.whole("startTimeout"); start && *start > 0)
            c_.set(c_.map_in(service_, "x-davit-task", d_.node().pos), "start_timeout",
                   c_.tree.integer(*start, d_.at("startTimeout")));
        auto policy = d_.object("restartPolicy");
        if (!policy) return;
        const bool enabled = policy->truth("enabled");
        bool zero = false;
        Node* ignored = c_.tree.list(policy->at("ignoredExitCodes"));
        if (const Node* codes = policy->list("ignoredExitCodes"))
            for (const Node* code : codes->list()) {
                zero = zero || (code->kind == Kind::integer && code->integer == 0);
                if (code->kind == Kind::integer) c_.tree.push(*ignored, c_.tree.clone(*code));
                else c_.diag.error(code->pos, policy->path("ignoredExitCodes"), "must be whole numbers");
            }
        const auto period = policy->whole("restartAttemptPeriod").value_or(usual_attempt_period);
        policy->finish();
        if (!enabled) return;
        c_.set(service_, "restart", c_.text(zero ? "on-failure" : "always", policy->node().pos));
        Node& task = c_.map_in(service_, "x-davit-task", d_.node().pos);
        c_.set(task, "restart_after", c_.tree.integer(period, policy->at("restartAttemptPeriod")));
        if (!ignored->empty()) c_.set(task, "ignored_exit_codes", ignored);
    }

    void logging() {
        auto log = d_.object("logConfiguration");
        if (!log) return;
        const std::string driver = log->required("logDriver");
        const Node* options = log->map("options");
        log->no_effect("secretOptions", "logs stay here");
        log->finish();
        if (driver != "json-file" && driver != "local" && driver != "none") {
            log->warning("logDriver", fmt::format("logs stay here instead of going to {}", driver),
                         "davit logs shows them");
            return;
        }
        Node& out = c_.map_in(service_, "logging", log->node().pos);
        c_.set(out, "driver", c_.text(driver, log->at("logDriver")));
        if (options && !options->empty()) c_.set(out, "options", c_.tree.clone(*options));
    }

    Context& c_;
    const Task& task_;
    const Copy& copy_;
    Object d_;
    Node& service_;
    Node& holder_;
};

} // namespace

void add_container(Context& c, const Task& task, const Copy& copy, Object definition, Node& services) {
    const std::string name = definition.word("name");
    if (name.empty()) return; // reported with the names
    Node* holder = task.holder.empty() ? nullptr : services.find(task.holder + copy.suffix);
    Node& service = c.map_in(services, name + copy.suffix, definition.node().pos);
    Definition(c, task, copy, std::move(definition), service, task.one_network() && holder ? *holder : service)
        .read(name);
}

} // namespace davit::compose::ecs

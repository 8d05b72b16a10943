// What runs a task definition: a service, or run-task; and the policies both go by.
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

Document awsvpc(const Layout& plan, const Task& task) {
    Document out{{"subnets", Document::array({word("SUBNETS")})}};
    if (!plan.subnets.empty()) out["subnets"] = plan.subnets;
    out["securityGroups"] = Document::array({word("GROUPS")});
    out["assignPublicIp"] = plan.public_ip && !task.ec2 ? "ENABLED" : "DISABLED"; // ECS refuses it on instances
    Document whole;
    whole["awsvpcConfiguration"] = out;
    return whole;
}

Document tags_of(const Layout& plan, const Task& task) {
    Document out = Document::array();
    out.push_back({{"key", "davit:project"}, {"value", plan.project}});
    for (const auto& [key, value] : task.tags) out.push_back({{"key", key}, {"value", value}});
    return out;
}

// By which prune.sh knows the project's services, whatever tags x-aws-service has.
void keep_project_tag(const Layout& plan, Document& tags) {
    const Document ours{{"key", "davit:project"}, {"value", plan.project}};
    if (tags.is_array() && std::none_of(tags.begin(), tags.end(), [&](const Document& t) { return t == ours; }))
        tags.push_back(ours);
}

// DNS knows no capitals.
std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

const Document& definition_of(const Layout& plan, const Task& task) {
    return plan.definitions[static_cast<std::size_t>(&task - plan.tasks.data())];
}

bool in_awsvpc(const Layout& plan, const Task& task) { return definition_of(plan, task)["networkMode"] == "awsvpc"; }

} // namespace

bool has_service_connect(const Layout& plan, const Task& task) {
    const Document& mode = definition_of(plan, task)["networkMode"];
    if (mode == "host" || mode == "none") return false; // ECS has it with awsvpc and bridge
    return !task.ready_made || service_connect(plan, task).contains("services");
}

Document service_connect(const Layout& plan, const Task& task) {
    Document out{{"enabled", true}, {"namespace", plan.namespace_name}};
    std::set<std::string> taken;
    for (const Document& container : definition_of(plan, task)["containerDefinitions"]) {
        if (!container.contains("portMappings")) continue;
        for (const Document& port : container["portMappings"]) {
            if (!port.contains("name") || port.value("protocol", "tcp") != "tcp")
                continue; // Service Connect knows no UDP
            Document aliases = Document::array();
            for (const Service* s : task.members) {
                if (container["name"] != plan.labels.at(s->name)) continue;
                // One alias of a port is all that Service Connect has.
                aliases.push_back({{"port", port["containerPort"]}, {"dnsName", lower(s->name)}});
            }
            const std::string name = port["name"].get<std::string>();
            if (!taken.insert(name).second) continue;
            Document entry{{"portName", name}, {"discoveryName", name}, {"clientAliases", aliases}};
            out["services"].push_back(std::move(entry));
        }
    }
    return out;
}

Document service_document(const Layout& plan, const Task& task, bool with_desired) {
    Document out{{"cluster", plan.cluster}, {"serviceName", task.name}, {"taskDefinition", task.family}};
    if (!task.daemon && with_desired) out["desiredCount"] = task.desired;
    out["launchType"] = task.ec2 ? "EC2" : "FARGATE";
    out["schedulingStrategy"] = task.daemon ? "DAEMON" : "REPLICA";
    Document deployment = Document::object();
    deployment["deploymentCircuitBreaker"] = {{"enable", task.circuit_breaker}, {"rollback", task.roll_back}};
    if (task.maximum_percent) deployment["maximumPercent"] = *task.maximum_percent;
    if (task.minimum_percent) deployment["minimumHealthyPercent"] = *task.minimum_percent;
    out["deploymentConfiguration"] = deployment;
    // With no more tasks than wanted there is none to move to another zone.
    if (task.maximum_percent.value_or(200) <= 100 || task.daemon) out["availabilityZoneRebalancing"] = "DISABLED";
    out["networkConfiguration"] = awsvpc(plan, task);
    if (!task.published.empty()) out["healthCheckGracePeriodSeconds"] = task.grace;
    out["serviceConnectConfiguration"] = service_connect(plan, task);
    out["enableECSManagedTags"] = true;
    out["propagateTags"] = "SERVICE";
    out["tags"] = tags_of(plan, task);
    const Document mine = given_service(plan, task);
    Document deploying = out["deploymentConfiguration"];
    put(out, mine);
    keep_project_tag(plan, out["tags"]);
    // Who sets an alarm has not said that two databases may run on one volume.
    if (!task.ready_made && out["deploymentConfiguration"].is_object()) {
        deploying.update(out["deploymentConfiguration"]);
        out["deploymentConfiguration"] = deploying;
    }
    out["taskDefinition"] = task.family;
    if (!with_desired) out.erase("desiredCount");
    if (!mine.contains("serviceConnectConfiguration") && !has_service_connect(plan, task))
        out.erase("serviceConnectConfiguration");
    if (!in_awsvpc(plan, task)) out.erase("networkConfiguration");
    if (mine.contains("capacityProviderStrategy")) out.erase("launchType");
    return out;
}

Document run_task_document(const Layout& plan, const Task& task) {
    Document out{{"cluster", plan.cluster},
                 {"taskDefinition", task.family},
                 {"count", std::min(task.desired, most_of_a_run)},
                 {"launchType", task.ec2 ? "EC2" : "FARGATE"},
                 {"networkConfiguration", awsvpc(plan, task)},
                 {"startedBy", "davit"},
                 {"tags", tags_of(plan, task)}};
    if (!in_awsvpc(plan, task)) out.erase("networkConfiguration");
    return out;
}

Document trust_policy() {
    Document principal{{"Service", "ecs-tasks.amazonaws.com"}};
    Document statement{{"Effect", "Allow"}, {"Principal", principal}, {"Action", "sts:AssumeRole"}};
    return {{"Version", "2012-10-17"}, {"Statement", Document::array({statement})}};
}

namespace {

// Without what names a part of its value: "…:secret:NAME-abc:KEY:STAGE:VERSION".
std::string whole_secret(const std::string& arn) {
    std::size_t end = 0;
    for (int fields = 0; fields < 7 && end != std::string::npos; ++fields) end = arn.find(':', end + (fields ? 1 : 0));
    return arn.substr(0, end);
}

std::string place_of(const char* service) { return fmt::format("{}:{}:{}:", service, word("REGION"), word("ACCOUNT")); }

// named: "ssm:…:parameter/" or "secretsmanager:…:secret:", what a name that is no ARN is one of.
void add_value(const Document& from, const char* key, const std::string& named, std::vector<std::string>& out) {
    const auto it = from.find(key);
    if (it == from.end() || !it->is_string()) return;
    std::string arn = it->get<std::string>();
    if (!arn.starts_with("arn:"))
        arn = fmt::format("arn:{}:{}{}", word("PARTITION"), named,
                          arn.substr(named.ends_with('/') && arn.starts_with('/') ? 1 : 0));
    if (std::find(out.begin(), out.end(), arn) == out.end()) out.push_back(std::move(arn));
}

void add_values(const Document& from, const char* key, std::vector<std::string>& out) {
    const auto it = from.find(key);
    if (it == from.end() || !it->is_array()) return;
    for (const Document& secret : *it)
        if (secret.is_object()) add_value(secret, "valueFrom", place_of("ssm") + "parameter/", out);
}

} // namespace

void add_secrets_of(const Document& container, std::vector<std::string>& out) {
    add_values(container, "secrets", out);
    if (const auto log = container.find("logConfiguration"); log != container.end() && log->is_object())
        add_values(*log, "secretOptions", out);
    if (const auto pull = container.find("repositoryCredentials"); pull != container.end() && pull->is_object())
        add_value(*pull, "credentialsParameter", place_of("secretsmanager") + "secret:", out);
}

std::vector<std::string> secrets_of(const Document& definition) {
    std::vector<std::string> out;
    for (const Document& container : definition["containerDefinitions"]) add_secrets_of(container, out);
    return out;
}

Document execution_policy(const std::vector<std::string>& secret_arns) {
    Document secrets = Document::array(), parameters = Document::array();
    for (const std::string& arn : secret_arns) {
        if (arn.find(":ssm:") != std::string::npos) parameters.push_back(arn);
        // Secrets Manager adds six characters to a name.
        else secrets.push_back(has_words(arn) ? arn + "-??????" : whole_secret(arn));
    }
    Document statements = Document::array();
    for (const auto& [action, arns] :
         {std::pair{"secretsmanager:GetSecretValue", &secrets}, {"ssm:GetParameters", &parameters}})
        if (!arns->empty())
            statements.push_back({{"Effect", "Allow"}, {"Action", Document::array({action})}, {"Resource", *arns}});
    return {{"Version", "2012-10-17"}, {"Statement", statements}};
}

std::string ecs_readme(const Layout& plan, const std::string& order) {
    std::string out = fmt::format("# {} on Amazon ECS\n\nWritten by `davit export --to ecs`. In this order:\n\n{}\n",
                                  plan.scope.project.name, order);
    out +=
        "Each export of a changed project is a new revision of its task definitions. The way back is an older one:\n\n";
    for (const Task& task : plan.tasks)
        if (!task.once)
            out += fmt::format("    aws ecs update-service --cluster {} --service {} --task-definition {}:REVISION\n",
                               plan.cluster, shell_quoted(service_name(plan, task)), task.family);
    if (!plan.file_systems.empty())
        out += "\nEach file system needs a mount target in each zone of the subnets, whose security group lets in TCP "
               "2049 "
               "(NFS) from the\nsecurity groups of the tasks.\n";
    out += "\nTwo replicas of a database on one file system are none that is safe: keep `replicas: 1` there.\n";
    return out;
}

std::string ecs_secrets_script(const Layout& plan) {
    if (plan.secrets.empty()) return {};
    std::string out =
        "#!/bin/sh\n"
        "# Makes the secrets in Secrets Manager, or gives them their values anew.\n"
        "set -eu\n"
        "umask 077\n"
        "value=$(mktemp)\n"
        "trap 'rm -f \"$value\"' EXIT\n\n"
        "# The value comes by standard input, and goes by a file: arguments are for all to see.\n"
        "make_secret() {\n"
        "    cat >\"$value\"\n"
        "    if aws secretsmanager describe-secret --secret-id \"$1\" >/dev/null 2>&1; then\n"
        "        aws secretsmanager put-secret-value --secret-id \"$1\" --secret-string \"file://$value\" >/dev/null\n"
        "    else\n"
        "        aws secretsmanager create-secret --name \"$1\" --secret-string \"file://$value\" >/dev/null\n"
        "    fi\n"
        "}\n\n";
    for (const Layout::SecretValue& s : plan.secrets) {
        if (s.environment.empty())
            out += fmt::format("make_secret {} <{}\n", shell_quoted(s.name), shell_quoted(s.file));
        else
            out +=
                fmt::format("printf %s \"${{{0}?the secret {1} is the value of this variable}}\" | make_secret {2}\n",
                            s.environment, s.key, shell_quoted(s.name));
    }
    return out;
}

} // namespace davit::exports::ecs

// The JSON that `aws ecs register-task-definition`, `create-service` and `run-task` take as --cli-input-json.
#include "export/ecs/plan.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

constexpr const char* no_account = "000000000000";
constexpr const char* no_region = "us-east-1";

std::string known_word(const Layout& plan, const std::string& word) {
    const std::string account = plan.account.empty() ? no_account : plan.account;
    const Partition& partition = partition_of(plan.region);
    if (word == "REGION") return plan.region.empty() ? no_region : plan.region;
    if (word == "ACCOUNT") return account;
    if (word == "PARTITION") return std::string(partition.name);
    if (word == "DOMAIN") return std::string(partition.domain);
    if (word == "EXECUTION_ROLE")
        return fmt::format("arn:{}:iam::{}:role/{}", partition.name, account, plan.execution_role_name());
    if (word == "TASK_ROLE")
        return fmt::format("arn:{}:iam::{}:role/{}", partition.name, account, plan.task_role_name());
    return "fs-00000000";
}

Document known(const Layout& plan, const Document& document) {
    return replaced_in(document, [&](const std::string& text) {
        return Document(replaced(text, [&](const std::string& word) { return known_word(plan, word); }));
    });
}

// Without groups of its own a task gets the VPC's default one; subnets there must be.
Document with_subnets(const Layout& plan, const Task& task, Document document) {
    if (!document.contains("networkConfiguration") || given_service(plan, task).contains("networkConfiguration"))
        return known(plan, document);
    Document& network = document["networkConfiguration"]["awsvpcConfiguration"];
    network.erase("securityGroups");
    if (plan.subnets.empty()) network["subnets"] = Document::array({"subnet-00000000"});
    return known(plan, document);
}

bool asks_for_account(const Document& document) {
    bool any = false;
    replaced_in(document, [&](const std::string& text) {
        return Document(replaced(text, [&](const std::string& word) {
            any = any || word == "ACCOUNT";
            return std::string();
        }));
    });
    return any;
}

void note_places(const Layout& plan) {
    Report& report = plan.scope.report;
    if (plan.region.empty()) report.needs("x-aws-region", fmt::format("{} is taken", no_region), "x-aws-region");
    bool account = plan.execution_role.empty();
    for (const Document& d : plan.definitions) account = account || asks_for_account(d);
    if (account && plan.account.empty())
        report.needs("x-aws-account", "ARNs and names of ECR have it", "x-aws-account");
    for (const Task& task : plan.tasks)
        for (const Listener& p : task.published)
            report.needs(p.path,
                         fmt::format("port {} is published by a load balancer, which --format taskdef does not make",
                                     p.listener),
                         "--format cli, cloudformation or terraform");
}

} // namespace

std::vector<ExportedFile> as_taskdefs(const Layout& plan) {
    note_places(plan);
    std::vector<ExportedFile> out;
    std::string order;
    int step = 1;
    if (!plan.repositories.empty()) {
        order += fmt::format("{}. Repositories, then images:\n", step++);
        for (const std::string& r : plan.repositories)
            order += fmt::format("    `aws ecr create-repository --repository-name {}`\n", r);
        order += "    `davit build`, `davit push`\n";
    }
    const std::string secrets = ecs_secrets_script(plan);
    if (!secrets.empty()) order += fmt::format("{}. Secrets: `sh secrets.sh`\n", step++);
    order +=
        fmt::format("{}. `aws ecs create-cluster --cluster-name {}`, `aws logs create-log-group --log-group-name {}`, "
                    "`aws servicediscovery create-http-namespace --name {}`, and the role {} with the "
                    "policy AmazonECSTaskExecutionRolePolicy{}\n",
                    step++, plan.cluster, plan.log_group, plan.namespace_name, plan.execution_role_name(),
                    plan.secret_arns.empty() ? "" : " and with execution-policy.json");
    for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
        const Task& task = plan.tasks[i];
        out.push_back({task.name + ".taskdef.json", json_of(known(plan, plan.definitions[i])), false});
        order += fmt::format("{}. `aws ecs register-task-definition --cli-input-json file://{}.taskdef.json`, ", step++,
                             task.name);
        if (task.once) {
            out.push_back({task.name + ".run-task.json",
                           json_of(with_subnets(plan, task, run_task_document(plan, task))), false});
            order += fmt::format(
                "`aws ecs run-task --cli-input-json file://{}.run-task.json`, and wait until it has ended\n",
                task.name);
        } else {
            out.push_back(
                {task.name + ".service.json", json_of(with_subnets(plan, task, service_document(plan, task))), false});
            order += fmt::format("`aws ecs create-service --cli-input-json file://{}.service.json`\n", task.name);
        }
    }
    if (!plan.secret_arns.empty())
        out.push_back({"execution-policy.json", json_of(known(plan, execution_policy(plan.secret_arns))), false});
    if (!secrets.empty()) out.push_back({"secrets.sh", secrets, true});
    out.push_back({"README.md", ecs_readme(plan, order), false});
    return out;
}

} // namespace davit::exports::ecs

// Terraform's JSON form: one main.tf.json of all.
#include "export/ecs/terraform_block.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

struct Builder {
    const Layout& plan;
    Document out = Document::object();
    Document& make(const char* type, const std::string& name) { return out["resource"][type][tf_id(name)]; }
};

void add_head(Builder& b) {
    Document provider{{"source", "hashicorp/aws"}, {"version", ">= 5.0"}};
    b.out["terraform"]["required_providers"]["aws"] = provider;
    b.out["provider"]["aws"]["region"] = "${var.region}";
    auto variable = [&](const std::string& name, const char* type, const std::string& description,
                        const Document& value) {
        Document v{{"type", type}, {"description", description}};
        if (!value.is_null()) v["default"] = value;
        b.out["variable"][name] = v;
    };
    const Layout& p = b.plan;
    variable("region", "string", "Where all of it is", p.region.empty() ? Document() : Document(p.region));
    variable("vpc_id", "string", "The VPC that tasks run in", p.vpc.empty() ? Document() : Document(p.vpc));
    variable("subnet_ids", "list(string)", "Its subnets, of two zones at least",
             p.subnets.empty() ? Document() : Document(p.subnets));
    for (const auto& [key, id] : p.file_systems)
        if (is_word(id))
            variable("file_system_" + tf_id(key), "string", "The EFS file system of the volume " + key, Document());
    b.out["data"]["aws_caller_identity"]["current"] = Document::object();
    b.out["data"]["aws_partition"]["current"] = Document::object();
}

void add_surroundings(Builder& b) {
    const Layout& p = b.plan;
    if (p.own_cluster) b.make("aws_ecs_cluster", "main")["name"] = p.cluster;
    Document logs{{"name", p.log_group}, {"retention_in_days", p.log_days}};
    b.make("aws_cloudwatch_log_group", "main") = logs;
    b.make("aws_service_discovery_http_namespace", "main")["name"] = p.namespace_name;
    for (const std::string& r : p.repositories) b.make("aws_ecr_repository", r)["name"] = r;
    if (p.execution_role.empty()) {
        Document role{{"name", p.execution_role_name()}, {"assume_role_policy", tf_json(trust_policy())}};
        b.make("aws_iam_role", "execution") = role;
        Document attach{{"role", "${aws_iam_role.execution.name}"},
                        {"policy_arn", "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/"
                                       "AmazonECSTaskExecutionRolePolicy"}};
        b.make("aws_iam_role_policy_attachment", "execution") = attach;
        if (!p.secret_arns.empty()) {
            Document policy{{"name", "secrets"},
                            {"role", "${aws_iam_role.execution.name}"},
                            {"policy", tf_json(execution_policy(p.secret_arns))}};
            b.make("aws_iam_role_policy", "secrets") = policy;
        }
    }
    if (p.task_role.empty() && !p.task_policies.empty()) {
        Document role{{"name", p.task_role_name()}, {"assume_role_policy", tf_json(trust_policy())}};
        b.make("aws_iam_role", "task") = role;
        for (std::size_t i = 0; i < p.task_policies.size(); ++i) {
            Document attach{{"role", "${aws_iam_role.task.name}"}, {"policy_arn", p.task_policies[i]}};
            b.make("aws_iam_role_policy_attachment", fmt::format("task_{}", i + 1)) = attach;
        }
    }
}

std::string group_id(const std::string& id) { return fmt::format("${{aws_security_group.{}.id}}", tf_id(id)); }

// Rules are resources of their own: as a list inside the group each would have to say all that it has not.
void add_group(Builder& b, const std::string& id, const std::string& name, const std::string& description,
               const Document& ingress) {
    Document group{{"name", name}, {"description", description}, {"vpc_id", "${var.vpc_id}"}};
    b.make("aws_security_group", id) = group;
    for (std::size_t i = 0; i < ingress.size(); ++i) {
        Document& rule = b.make("aws_vpc_security_group_ingress_rule", fmt::format("{}_{}", id, i + 1));
        rule = ingress[i];
        rule["security_group_id"] = group_id(id);
    }
    Document out{{"security_group_id", group_id(id)}, {"ip_protocol", "-1"}, {"cidr_ipv4", "0.0.0.0/0"}};
    b.make("aws_vpc_security_group_egress_rule", id) = out;
}

Document opened(const OpenPort& open) {
    return {{"ip_protocol", open.protocol}, {"from_port", open.port}, {"to_port", open.port}};
}

void add_groups_and_balancers(Builder& b) {
    const Layout& p = b.plan;
    for (const std::string& network : p.networks) {
        Document inside{{"ip_protocol", "-1"}, {"referenced_security_group_id", group_id("net_" + network)}};
        add_group(b, "net_" + network, fmt::format("{}-net-{}", p.project, dns_label(network)),
                  fmt::format("network {} of {}", network, p.project), Document::array({inside}));
    }
    Document rules = Document::array();
    std::set<bool> kinds;
    for (const Task& task : p.tasks)
        for (const Listener& port : task.published) {
            for (const OpenPort& one : open_ports(port)) {
                Document rule = opened(one);
                rule["cidr_ipv4"] = "0.0.0.0/0";
                rules.push_back(std::move(rule));
            }
            kinds.insert(port.application());
        }
    if (kinds.empty()) return;
    add_group(b, "balancer", p.project + "-lb", "load balancers of " + p.project, rules);
    for (const bool application : kinds) {
        Document lb{{"name", p.balancer_name(application)},
                    {"load_balancer_type", application ? "application" : "network"},
                    {"internal", p.scheme == "internal"},
                    {"subnets", "${var.subnet_ids}"}};
        lb["security_groups"] = Document::array({"${aws_security_group.balancer.id}"});
        b.make("aws_lb", application ? "alb" : "nlb") = lb;
        b.out["output"][application ? "alb" : "nlb"]["value"] =
            fmt::format("${{aws_lb.{}.dns_name}}", application ? "alb" : "nlb");
    }
}

void add_tf_health(const Listener& p, Document& group) {
    if (!p.version.empty()) group["protocol_version"] = p.version;
    Document check{{"protocol", p.health.protocol}, {"port", p.health.port_text()}};
    if (!p.health.path.empty()) check["path"] = p.health.path;
    if (!p.health.status.empty()) check["matcher"] = p.health.status;
    group["health_check"].push_back(std::move(check));
}

void add_ports(Builder& b, const Task& task, Document& service, Document& after) {
    Document rules = Document::array();
    for (const OpenPort& one : target_ports(task)) {
        Document rule = opened(one);
        rule["referenced_security_group_id"] = group_id("balancer");
        rules.push_back(std::move(rule));
    }
    for (const Listener& p : task.published) {
        const std::string id = tf_id(fmt::format("{}_{}_{}", task.name, p.listener, p.protocol));
        Document group{{"name", p.group},     {"port", p.container},       {"protocol", p.target},
                       {"target_type", "ip"}, {"vpc_id", "${var.vpc_id}"}, {"deregistration_delay", task.stop_timeout}};
        add_tf_health(p, group);
        b.make("aws_lb_target_group", id) = group;
        const std::string arn = fmt::format("${{aws_lb_target_group.{}.arn}}", id);
        Document action{{"type", "forward"}, {"target_group_arn", arn}};
        Document listener{{"load_balancer_arn", fmt::format("${{aws_lb.{}.arn}}", p.application() ? "alb" : "nlb")},
                          {"port", p.listener},
                          {"protocol", p.protocol},
                          {"default_action", Document::array({action})}};
        if (p.protocol == "HTTPS") listener["certificate_arn"] = b.plan.certificate;
        b.make("aws_lb_listener", id) = listener;
        service["load_balancer"].push_back(
            {{"target_group_arn", arn}, {"container_name", p.of}, {"container_port", p.container}});
        after.push_back("aws_lb_listener." + id);
    }
    if (!rules.empty())
        add_group(b, "published_" + task.name, fmt::format("{}-{}-published", b.plan.project, task.name),
                  "published ports of " + task.name, rules);
}

// A volume's part of the task definition is a block of its own in Terraform.
Document tf_volumes(const Document& definition) {
    Document out = Document::array();
    for (const Document& v : definition.value("volumes", Document::array())) {
        Document volume = tf_block(v);
        volume.erase("host");
        if (v.contains("host") && v["host"].contains("sourcePath")) volume["host_path"] = v["host"]["sourcePath"];
        out.push_back(std::move(volume));
    }
    return out;
}

Document tf_proxy(const Document& proxy) {
    Document out{{"type", proxy.value("type", "APPMESH")}, {"container_name", proxy.value("containerName", "")}};
    for (const Document& p : proxy.value("properties", Document::array()))
        out["properties"][p.value("name", "")] = p.value("value", "");
    return Document::array({out});
}

void add_definition_of(Builder& b, const Task& task, const Document& d) {
    Document out = Document::object();
    for (const auto& [key, value] : d.items()) {
        if (key == "containerDefinitions") out["container_definitions"] = tf_json(value);
        else if (key == "volumes") out["volume"] = tf_volumes(d);
        else if (key == "proxyConfiguration") out["proxy_configuration"] = tf_proxy(value);
        else if (key == "tags") {
            for (const Document& tag : value)
                if (tag.is_object()) out["tags"][tag.value("key", "")] = tag.value("value", "");
        } else if (key == "inferenceAccelerators") {
            b.plan.scope.report.dropped("x-aws-task-definition", "Terraform has no inferenceAccelerators any more");
        } else if (value.is_object()) out[tf_key(key)] = Document::array({tf_block(value)});
        else out[tf_key(key)] = tf_block(value);
    }
    b.make("aws_ecs_task_definition", task.name) = out;
}

Document tf_service_connect(const Document& connect) {
    Document out{{"enabled", true}, {"namespace", "${aws_service_discovery_http_namespace.main.arn}"}};
    if (connect.contains("services"))
        for (const Document& s : connect["services"]) {
            Document service{{"port_name", s["portName"]}, {"discovery_name", s["discoveryName"]}};
            for (const Document& alias : s["clientAliases"])
                service["client_alias"].push_back({{"port", alias["port"]}, {"dns_name", alias["dnsName"]}});
            out["service"].push_back(std::move(service));
        }
    Document list = Document::array();
    list.push_back(out);
    return list;
}

Document tf_network(Builder& b, const Task& task) {
    Document groups = Document::array();
    for (const std::string& n : task.networks) groups.push_back(group_id("net_" + n));
    if (!task.published.empty()) groups.push_back(group_id("published_" + task.name));
    if (groups.empty()) {
        add_group(b, "task_" + task.name, fmt::format("{}-{}", b.plan.project, task.name),
                  task.name + " of " + b.plan.project, Document::array());
        groups.push_back(group_id("task_" + task.name));
    }
    std::size_t n = 0;
    for (const std::string& group : mount_groups_of(b.plan, task)) {
        Document& rule = b.make("aws_vpc_security_group_ingress_rule", fmt::format("mounts_{}_{}", task.name, ++n));
        rule = opened({"tcp", nfs_port});
        rule["security_group_id"] = group;
        rule["referenced_security_group_id"] = groups[0];
    }
    Document out{{"subnets", "${var.subnet_ids}"},
                 {"security_groups", groups},
                 {"assign_public_ip", b.plan.public_ip && !task.ec2}};
    Document list = Document::array();
    list.push_back(out);
    return list;
}

void add_tf_scaling(Builder& b, const Task& task) {
    if (!task.scaling) return;
    Document target{
        {"service_namespace", "ecs"},
        {"scalable_dimension", "ecs:service:DesiredCount"},
        {"resource_id", fmt::format("service/{}/${{aws_ecs_service.{}.name}}", b.plan.cluster, tf_id(task.name))},
        {"min_capacity", task.scaling->least},
        {"max_capacity", task.scaling->most}};
    b.make("aws_appautoscaling_target", task.name) = target;
    const std::string of = "aws_appautoscaling_target." + tf_id(task.name);
    for (const auto& [metric, value] : {std::pair{"CPU", task.scaling->cpu}, {"Memory", task.scaling->memory}}) {
        if (value <= 0) continue;
        Document kind{{"predefined_metric_type", fmt::format("ECSServiceAverage{}Utilization", metric)}};
        Document tracking{{"target_value", value}, {"predefined_metric_specification", Document::array()}};
        tracking["predefined_metric_specification"].push_back(kind);
        Document policy{{"name", fmt::format("{}-{}", task.name, metric)}, {"policy_type", "TargetTrackingScaling"}};
        for (const char* key : {"resource_id", "scalable_dimension", "service_namespace"})
            policy[key] = fmt::format("${{{}.{}}}", of, key);
        policy["target_tracking_scaling_policy_configuration"].push_back(tracking);
        b.make("aws_appautoscaling_policy", fmt::format("{}_{}", task.name, metric)) = policy;
    }
}

void add_service(Builder& b, const Task& task, const Document& definition) {
    const Layout& p = b.plan;
    Document out{{"name", task.name},
                 {"cluster", p.own_cluster ? Document("${aws_ecs_cluster.main.id}") : Document(p.cluster)},
                 {"task_definition", fmt::format("${{aws_ecs_task_definition.{}.arn}}", tf_id(task.name))},
                 {"launch_type", task.ec2 ? "EC2" : "FARGATE"},
                 {"scheduling_strategy", task.daemon ? "DAEMON" : "REPLICA"}};
    if (!task.daemon) out["desired_count"] = task.desired;
    if (task.maximum_percent) out["deployment_maximum_percent"] = *task.maximum_percent;
    if (task.minimum_percent) out["deployment_minimum_healthy_percent"] = *task.minimum_percent;
    if (task.maximum_percent.value_or(200) <= 100) out["availability_zone_rebalancing"] = "DISABLED";
    out["deployment_circuit_breaker"].push_back({{"enable", task.circuit_breaker}, {"rollback", task.roll_back}});
    if (!task.published.empty()) out["health_check_grace_period_seconds"] = task.grace;
    if (has_service_connect(p, task))
        out["service_connect_configuration"] = tf_service_connect(service_connect(p, task));
    Document after = Document::array();
    add_ports(b, task, out, after);
    if (definition["networkMode"] == "awsvpc") out["network_configuration"] = tf_network(b, task);
    for (const std::string& other : task.after) {
        const bool once =
            std::any_of(p.tasks.begin(), p.tasks.end(), [&](const Task& t) { return t.name == other && t.once; });
        if (!once) after.push_back("aws_ecs_service." + tf_id(other));
    }
    if (!after.empty()) out["depends_on"] = after;
    out["enable_ecs_managed_tags"] = true;
    out["propagate_tags"] = "SERVICE";
    for (const auto& [key, value] : task.tags) out["tags"][key] = tf_text(value);
    put_given_service(given_service(p, task), p.scope.report, out);
    if (definition["networkMode"] != "awsvpc") out.erase("network_configuration"); // ECS refuses it
    // A redeploy leaves the number that autoscaling has chosen.
    if (task.scaling) out["lifecycle"]["ignore_changes"] = Document::array({"desired_count"});
    b.make("aws_ecs_service", task.name) = out;
    add_tf_scaling(b, task);
}

} // namespace

std::vector<ExportedFile> as_terraform(const Layout& plan) {
    Builder b{plan};
    add_head(b);
    add_surroundings(b);
    add_groups_and_balancers(b);
    for (std::size_t i = 0; i < plan.tasks.size(); ++i) {
        add_definition_of(b, plan.tasks[i], plan.definitions[i]);
        if (!plan.tasks[i].once) add_service(b, plan.tasks[i], plan.definitions[i]);
    }
    std::vector<ExportedFile> out{{"main.tf.json", json_of(b.out), false}};
    std::string order;
    int step = 1;
    order += fmt::format("{}. `terraform init`\n", step++);
    if (!plan.repositories.empty()) {
        order += fmt::format("{}. `terraform apply", step++);
        for (const std::string& r : plan.repositories) order += " -target=aws_ecr_repository." + tf_id(r);
        order += "`, then `davit build` and `davit push`\n";
    }
    const std::string secrets = ecs_secrets_script(plan);
    if (!secrets.empty()) {
        out.push_back({"secrets.sh", secrets, true});
        order += fmt::format("{}. `sh secrets.sh`\n", step++);
    }
    order += fmt::format(
        "{}. `terraform apply -var region=… -var vpc_id=vpc-… -var 'subnet_ids=[\"subnet-…\",\"subnet-…\"]'`\n",
        step++);
    for (const Task& task : plan.tasks)
        if (task.once)
            order += fmt::format(
                "{}. {} runs once: `aws ecs run-task --cluster {} --launch-type FARGATE --task-definition {} "
                "--network-configuration …`\n",
                step++, task.name, plan.cluster, task.family);
    out.push_back({"README.md", ecs_readme(plan, order), false});
    return out;
}

} // namespace davit::exports::ecs

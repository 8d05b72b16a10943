// One CloudFormation template of all, and on request one of a VPC.
#include "export/ecs/plan.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

// Names of resources are letters and digits.
std::string logical(std::string_view text) {
    std::string out;
    bool start = true;
    for (char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (!std::isalnum(u)) {
            start = true;
            continue;
        }
        out += start ? static_cast<char>(std::toupper(u)) : c;
        start = false;
    }
    return out;
}

Document cfn_ref(const std::string& name) {
    Document out{{"Ref", name}};
    return out;
}
Document cfn_get(const std::string& name, const char* attribute) {
    Document out;
    out["Fn::GetAtt"] = {name, attribute};
    return out;
}

// "${" of the file's own is none of CloudFormation's.
Document cfn_text(const std::string& text) {
    if (text == word("EXECUTION_ROLE")) return cfn_get("ExecutionRole", "Arn");
    if (text == word("TASK_ROLE")) return cfn_get("TaskRole", "Arn");
    if (is_word(text) && text.substr(1).starts_with("EFS:"))
        return cfn_ref("FileSystem" + logical(text.substr(5, text.size() - 6)));
    if (text == word("REGION")) return cfn_ref("AWS::Region");
    if (!has_words(text)) return text;
    std::string escaped = text;
    for (std::size_t at = 0; (at = escaped.find("${", at)) != std::string::npos; at += 3) escaped.insert(at + 2, "!");
    Document out;
    out["Fn::Sub"] = replaced(escaped, [](const std::string& word) -> std::string {
        if (word == "ACCOUNT") return "${AWS::AccountId}";
        if (word == "PARTITION") return "${AWS::Partition}";
        if (word == "DOMAIN") return "${AWS::URLSuffix}";
        return "${AWS::Region}";
    });
    return out;
}

std::string property(const std::string& key) {
    if (key == "efsVolumeConfiguration") return "EFSVolumeConfiguration";
    if (key == "fileSystemId") return "FilesystemId";
    if (key == "fsxWindowsFileServerVolumeConfiguration") return "FSxWindowsFileServerVolumeConfiguration";
    if (key == "iam") return "IAM";
    std::string out = key;
    out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
    return out;
}

// The API's document as a resource's properties: other capitals, but not in what people name.
Document properties(const Document& d) {
    if (d.is_string()) return cfn_text(d.get<std::string>());
    if (d.is_array()) {
        Document out = Document::array();
        for (const Document& item : d) out.push_back(properties(item));
        return out;
    }
    if (!d.is_object()) return d;
    Document out = Document::object();
    for (const auto& [key, value] : d.items()) {
        const bool own_keys = key == "dockerLabels" || key == "options" || key == "labels" || key == "driverOpts";
        if (!own_keys) {
            out[property(key)] = properties(value);
            continue;
        }
        Document& map = out[property(key)] = Document::object();
        for (const auto& [name, text] : value.items()) map[name] = properties(text);
    }
    return out;
}

Document resource(const char* type, Document props) {
    Document out{{"Type", type}};
    if (!props.empty()) out["Properties"] = std::move(props);
    return out;
}

Document parameter(const char* type, const std::string& description, const std::string& value = {}) {
    Document out{{"Type", type}, {"Description", description}};
    if (!value.empty()) out["Default"] = value;
    return out;
}

Document parameters(const Layout& plan) {
    Document out;
    out["VpcId"] = parameter("AWS::EC2::VPC::Id", "The VPC that tasks run in");
    out["SubnetIds"] = parameter("List<AWS::EC2::Subnet::Id>", "Its subnets, of two zones at least");
    std::string subnets;
    for (const std::string& s : plan.subnets) subnets += (subnets.empty() ? "" : ",") + s;
    if (!plan.vpc.empty()) out["VpcId"]["Default"] = plan.vpc;
    if (!subnets.empty()) out["SubnetIds"]["Default"] = subnets;
    for (const auto& [key, id] : plan.file_systems)
        if (is_word(id))
            out["FileSystem" + logical(key)] = parameter("String", "The EFS file system of the volume " + key);
    return out;
}

void add_roles(const Layout& plan, Document& resources) {
    if (plan.execution_role.empty()) {
        Document props{{"AssumeRolePolicyDocument", trust_policy()}};
        Document base;
        base["Fn::Sub"] = "arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy";
        props["ManagedPolicyArns"] = Document::array({base});
        if (!plan.secret_arns.empty()) {
            Document policy{{"PolicyName", "secrets"}};
            policy["PolicyDocument"] = replaced_in(execution_policy(plan.secret_arns), cfn_text);
            props["Policies"] = Document::array({policy});
        }
        resources["ExecutionRole"] = resource("AWS::IAM::Role", props);
    }
    if (plan.task_role.empty() && !plan.task_policies.empty()) {
        Document props{{"AssumeRolePolicyDocument", trust_policy()}, {"ManagedPolicyArns", plan.task_policies}};
        resources["TaskRole"] = resource("AWS::IAM::Role", props);
    }
}

void add_groups(const Layout& plan, Document& resources) {
    for (const std::string& network : plan.networks) {
        const std::string id = "Network" + logical(network);
        Document props{{"GroupDescription", fmt::format("network {} of {}", network, plan.project)},
                       {"VpcId", cfn_ref("VpcId")}};
        resources[id] = resource("AWS::EC2::SecurityGroup", props);
        Document rule{{"GroupId", cfn_get(id, "GroupId")},
                      {"SourceSecurityGroupId", cfn_get(id, "GroupId")},
                      {"IpProtocol", "-1"}};
        resources[id + "Inside"] = resource("AWS::EC2::SecurityGroupIngress", rule);
    }
}

Document open_port(const OpenPort& open) {
    return {{"IpProtocol", open.protocol}, {"FromPort", open.port}, {"ToPort", open.port}};
}

void add_balancers(const Layout& plan, Document& resources) {
    Document open = Document::array();
    bool application = false, network = false;
    for (const Task& task : plan.tasks)
        for (const Listener& p : task.published) {
            for (const OpenPort& one : open_ports(p)) {
                Document rule = open_port(one);
                rule["CidrIp"] = "0.0.0.0/0";
                open.push_back(std::move(rule));
            }
            (p.application() ? application : network) = true;
        }
    if (open.empty()) return;
    Document group{{"GroupDescription", "load balancers of " + plan.project},
                   {"VpcId", cfn_ref("VpcId")},
                   {"SecurityGroupIngress", open}};
    resources["BalancerGroup"] = resource("AWS::EC2::SecurityGroup", group);
    for (const auto& [used, id, type] : {std::tuple{application, "ApplicationBalancer", "application"},
                                         std::tuple{network, "NetworkBalancer", "network"}}) {
        if (!used) continue;
        Document props{{"Type", type}, {"Scheme", plan.scheme}, {"Subnets", cfn_ref("SubnetIds")}};
        props["SecurityGroups"] = Document::array({cfn_get("BalancerGroup", "GroupId")});
        resources[id] = resource("AWS::ElasticLoadBalancingV2::LoadBalancer", props);
    }
}

Document delay_attribute(std::int64_t seconds) {
    Document out{{"Key", "deregistration_delay.timeout_seconds"}, {"Value", std::to_string(seconds)}};
    return Document::array({out});
}

void add_target_health(const Listener& p, Document& group) {
    if (!p.version.empty()) group["ProtocolVersion"] = p.version;
    group["HealthCheckProtocol"] = p.health.protocol;
    group["HealthCheckPort"] = p.health.port_text();
    if (!p.health.path.empty()) group["HealthCheckPath"] = p.health.path;
    if (!p.health.status.empty()) group["Matcher"][p.version == "GRPC" ? "GrpcCode" : "HttpCode"] = p.health.status;
}

// Target groups, listeners and the group of a task's published ports; fills in the service's part.
void add_published_ports(const Layout& plan, const Task& task, Document& resources, Document& props, Document& after) {
    if (task.published.empty()) return;
    const std::string id = logical(task.name);
    Document rules = Document::array();
    for (const OpenPort& one : target_ports(task)) {
        Document rule = open_port(one);
        rule["SourceSecurityGroupId"] = cfn_get("BalancerGroup", "GroupId");
        rules.push_back(std::move(rule));
    }
    for (const Listener& p : task.published) {
        const std::string target = fmt::format("{}Target{}{}", id, p.listener, logical(p.protocol)),
                          listener = fmt::format("{}Listener{}{}", id, p.listener, logical(p.protocol));
        Document group{
            {"Port", p.container}, {"Protocol", p.target}, {"TargetType", "ip"}, {"VpcId", cfn_ref("VpcId")}};
        add_target_health(p, group);
        group["TargetGroupAttributes"] = delay_attribute(task.stop_timeout);
        resources[target] = resource("AWS::ElasticLoadBalancingV2::TargetGroup", group);
        Document action{{"Type", "forward"}, {"TargetGroupArn", cfn_ref(target)}};
        Document listens{{"LoadBalancerArn", cfn_ref(p.application() ? "ApplicationBalancer" : "NetworkBalancer")},
                         {"Port", p.listener},
                         {"Protocol", p.protocol}};
        listens["DefaultActions"] = Document::array({action});
        if (p.protocol == "HTTPS") {
            Document certificate{{"CertificateArn", plan.certificate}};
            listens["Certificates"] = Document::array({certificate});
        }
        resources[listener] = resource("AWS::ElasticLoadBalancingV2::Listener", listens);
        props["LoadBalancers"].push_back(
            {{"ContainerName", p.of}, {"ContainerPort", p.container}, {"TargetGroupArn", cfn_ref(target)}});
        after.push_back(listener); // ECS refuses a target group that no balancer has
    }
    Document group{{"GroupDescription", "published ports of " + task.name},
                   {"VpcId", cfn_ref("VpcId")},
                   {"SecurityGroupIngress", rules}};
    resources[id + "Published"] = resource("AWS::EC2::SecurityGroup", group);
}

Document group_list(const Layout& plan, const Task& task, Document& resources) {
    Document out = Document::array();
    for (const std::string& network : task.networks) out.push_back(cfn_get("Network" + logical(network), "GroupId"));
    if (!task.published.empty()) out.push_back(cfn_get(logical(task.name) + "Published", "GroupId"));
    if (out.empty()) {
        Document props{{"GroupDescription", fmt::format("{} of {}", task.name, plan.project)},
                       {"VpcId", cfn_ref("VpcId")}};
        resources[logical(task.name) + "Group"] = resource("AWS::EC2::SecurityGroup", props);
        out.push_back(cfn_get(logical(task.name) + "Group", "GroupId"));
    }
    return out;
}

void add_scaling(const Layout& plan, const Task& task, Document& resources) {
    if (!task.scaling) return;
    const std::string id = logical(task.name);
    Document of;
    of["Fn::Sub"] = fmt::format("service/{}/${{{}Service.Name}}", plan.own_cluster ? "${Cluster}" : plan.cluster, id);
    Document target{{"ServiceNamespace", "ecs"},
                    {"ScalableDimension", "ecs:service:DesiredCount"},
                    {"ResourceId", of},
                    {"MinCapacity", task.scaling->least},
                    {"MaxCapacity", task.scaling->most}};
    resources[id + "Scaling"] = resource("AWS::ApplicationAutoScaling::ScalableTarget", target);
    for (const auto& [metric, value] : {std::pair{"CPU", task.scaling->cpu}, {"Memory", task.scaling->memory}}) {
        if (value <= 0) continue;
        Document tracking{{"TargetValue", value}};
        tracking["PredefinedMetricSpecification"]["PredefinedMetricType"] =
            fmt::format("ECSServiceAverage{}Utilization", metric);
        Document props{{"PolicyName", fmt::format("{}-{}", task.name, metric)},
                       {"PolicyType", "TargetTrackingScaling"},
                       {"ScalingTargetId", cfn_ref(id + "Scaling")}};
        props["TargetTrackingScalingPolicyConfiguration"] = tracking;
        resources[id + "By" + metric] = resource("AWS::ApplicationAutoScaling::ScalingPolicy", props);
    }
}

void add_task(const Layout& plan, std::size_t i, Document& resources) {
    const Task& task = plan.tasks[i];
    const std::string id = logical(task.name);
    Document definition = resource("AWS::ECS::TaskDefinition", properties(plan.definitions[i]));
    resources[id + "Task"] = std::move(definition);
    if (task.once) return;
    // A redeploy leaves the number that autoscaling has chosen.
    Document props = properties(service_document(plan, task, !task.scaling));
    const Document mine = given_service(plan, task);
    if (!mine.contains("cluster")) props["Cluster"] = plan.own_cluster ? cfn_ref("Cluster") : Document(plan.cluster);
    props["TaskDefinition"] = cfn_ref(id + "Task");
    if (props.contains("ServiceConnectConfiguration") && !mine.contains("serviceConnectConfiguration"))
        props["ServiceConnectConfiguration"]["Namespace"] = cfn_get("Namespace", "Arn");
    Document after = Document::array();
    add_published_ports(plan, task, resources, props, after);
    if (props.contains("NetworkConfiguration") && !mine.contains("networkConfiguration")) {
        Document& network = props["NetworkConfiguration"]["AwsvpcConfiguration"];
        network["Subnets"] = cfn_ref("SubnetIds");
        network["SecurityGroups"] = group_list(plan, task, resources);
        std::size_t n = 0;
        for (const std::string& group : mount_groups_of(plan, task)) {
            Document rule = open_port({"tcp", nfs_port});
            rule["GroupId"] = group;
            rule["SourceSecurityGroupId"] = network["SecurityGroups"][0];
            resources[fmt::format("{}Mounts{}", id, ++n)] = resource("AWS::EC2::SecurityGroupIngress", rule);
        }
    }
    for (const std::string& other : task.after) {
        const bool once =
            std::any_of(plan.tasks.begin(), plan.tasks.end(), [&](const Task& t) { return t.name == other && t.once; });
        if (!once) after.push_back(logical(other) + "Service");
    }
    Document service = resource("AWS::ECS::Service", props);
    if (!after.empty()) service["DependsOn"] = after;
    resources[id + "Service"] = std::move(service);
    add_scaling(plan, task, resources);
}

Document template_of(const Layout& plan) {
    Document resources = Document::object();
    if (plan.own_cluster) {
        Document props{{"ClusterName", plan.cluster}};
        resources["Cluster"] = resource("AWS::ECS::Cluster", props);
    }
    Document logs{{"LogGroupName", plan.log_group}, {"RetentionInDays", plan.log_days}};
    resources["Logs"] = resource("AWS::Logs::LogGroup", logs);
    Document name{{"Name", plan.namespace_name}};
    resources["Namespace"] = resource("AWS::ServiceDiscovery::HttpNamespace", name);
    add_roles(plan, resources);
    add_groups(plan, resources);
    add_balancers(plan, resources);
    for (std::size_t i = 0; i < plan.tasks.size(); ++i) add_task(plan, i, resources);
    Document out{{"AWSTemplateFormatVersion", "2010-09-09"},
                 {"Description", plan.project + ", written by davit export"},
                 {"Parameters", parameters(plan)},
                 {"Resources", resources}};
    for (const char* id : {"ApplicationBalancer", "NetworkBalancer"})
        if (resources.contains(id)) out["Outputs"][std::string(id) + "Name"]["Value"] = cfn_get(id, "DNSName");
    for (const Task& task : plan.tasks)
        if (task.once)
            out["Outputs"][logical(task.name) + "Definition"]["Value"] = cfn_ref(logical(task.name) + "Task");
    return out;
}

Document repositories_template(const Layout& plan) {
    Document resources = Document::object();
    for (const std::string& r : plan.repositories) {
        Document props{{"RepositoryName", r}};
        resources["Repository" + logical(r)] = resource("AWS::ECR::Repository", props);
    }
    return {{"AWSTemplateFormatVersion", "2010-09-09"}, {"Resources", resources}};
}

// Two public subnets in two zones: tasks have public addresses there, and no NAT gateway has to be paid for.
Document vpc_template() {
    Document r = Document::object();
    Document vpc{{"CidrBlock", "10.0.0.0/16"}, {"EnableDnsHostnames", true}, {"EnableDnsSupport", true}};
    r["Vpc"] = resource("AWS::EC2::VPC", vpc);
    r["Gateway"] = resource("AWS::EC2::InternetGateway", Document::object());
    Document attach{{"VpcId", cfn_ref("Vpc")}, {"InternetGatewayId", cfn_ref("Gateway")}};
    r["Attachment"] = resource("AWS::EC2::VPCGatewayAttachment", attach);
    Document table{{"VpcId", cfn_ref("Vpc")}};
    r["Routes"] = resource("AWS::EC2::RouteTable", table);
    Document route{
        {"RouteTableId", cfn_ref("Routes")}, {"DestinationCidrBlock", "0.0.0.0/0"}, {"GatewayId", cfn_ref("Gateway")}};
    r["Route"] = resource("AWS::EC2::Route", route);
    r["Route"]["DependsOn"] = "Attachment";
    for (int i = 0; i < 2; ++i) {
        const std::string id = fmt::format("Subnet{}", i + 1);
        Document zone;
        Document zones;
        zones["Fn::GetAZs"] = "";
        zone["Fn::Select"] = Document::array({i, zones});
        Document subnet{{"VpcId", cfn_ref("Vpc")},
                        {"CidrBlock", fmt::format("10.0.{}.0/24", i)},
                        {"AvailabilityZone", zone},
                        {"MapPublicIpOnLaunch", true}};
        r[id] = resource("AWS::EC2::Subnet", subnet);
        Document join{{"RouteTableId", cfn_ref("Routes")}, {"SubnetId", cfn_ref(id)}};
        r[id + "Routes"] = resource("AWS::EC2::SubnetRouteTableAssociation", join);
    }
    Document out{{"AWSTemplateFormatVersion", "2010-09-09"}, {"Resources", r}};
    out["Outputs"]["VpcId"]["Value"] = cfn_ref("Vpc");
    Document both;
    both["Fn::Join"] = Document::array({",", Document::array({cfn_ref("Subnet1"), cfn_ref("Subnet2")})});
    out["Outputs"]["SubnetIds"]["Value"] = both;
    return out;
}

} // namespace

std::vector<ExportedFile> as_cloudformation(const Layout& plan) {
    std::vector<ExportedFile> out{{"template.json", json_of(template_of(plan)), false}};
    std::string order;
    int step = 1;
    if (!plan.repositories.empty()) {
        out.push_back({"repositories.json", json_of(repositories_template(plan)), false});
        order += fmt::format(
            "{}. `aws cloudformation deploy --stack-name {}-repositories --template-file repositories.json`, then "
            "`davit build` and `davit push`\n",
            step++, plan.project);
    }
    const std::string secrets = ecs_secrets_script(plan);
    if (!secrets.empty()) {
        out.push_back({"secrets.sh", secrets, true});
        order += fmt::format("{}. `sh secrets.sh`\n", step++);
    }
    if (plan.scope.options.with_vpc) {
        out.push_back({"vpc.json", json_of(vpc_template()), false});
        order += fmt::format(
            "{}. `aws cloudformation deploy --stack-name {}-vpc --template-file vpc.json`; its outputs are the "
            "parameters below\n",
            step++, plan.project);
    }
    order += fmt::format("{}. `aws cloudformation deploy --stack-name {} --template-file template.json --capabilities "
                         "CAPABILITY_IAM --parameter-overrides VpcId=vpc-… SubnetIds=subnet-…,subnet-…`\n",
                         step++, plan.project);
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

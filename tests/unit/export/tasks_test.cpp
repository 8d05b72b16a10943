// ECS task definitions that are exported: to ECS they come back as they were, to others as what is nearest.
#include "tests/support/temp_dir.hpp"
#include "tests/unit/export/exports.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::test;
using nlohmann::json;

namespace {

const char* const definition = R"({
 "family": "Shop_web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024",
 "executionRoleArn": "arn:aws:iam::1:role/e", "taskRoleArn": "arn:aws:iam::1:role/t",
 "ephemeralStorage": {"sizeInGiB": 40}, "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
 "tags": [{"key": "team", "value": "a"}],
 "volumes": [{"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "rootDirectory": "/x"}}],
 "containerDefinitions": [
  {"name": "migrate", "image": "app", "essential": false, "command": ["migrate"],
   "dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]},
  {"name": "db", "image": "postgres", "startTimeout": 60, "stopTimeout": 90,
   "mountPoints": [{"sourceVolume": "data", "containerPath": "/var/lib/data"}],
   "healthCheck": {"command": ["CMD", "ready"], "interval": 5, "timeout": 5, "retries": 3, "startPeriod": 0}},
  {"name": "Web", "image": "app", "memory": 256, "cpu": 128,
   "portMappings": [{"containerPort": 80, "name": "web", "appProtocol": "http"}],
   "secrets": [{"name": "GIVEN", "valueFrom": "arn:aws:secretsmanager:us-east-1:1:secret:db"}],
   "restartPolicy": {"enabled": true, "ignoredExitCodes": [3], "restartAttemptPeriod": 60},
   "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r"}},
   "linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"]}, "initProcessEnabled": true},
   "dependsOn": [{"containerName": "migrate", "condition": "SUCCESS"}, {"containerName": "db", "condition": "HEALTHY"}]}
 ]})";

// As the verb loads it. In the shell GIVEN is "given by the shell".
Project task_to_export(const std::string& text = definition) {
    LoadOptions options;
    options.files = {"-"};
    options.stdin_text = text;
    options.current_dir = options.project_directory = "/project";
    options.environment = {{"GIVEN", "given by the shell"}};
    options.elsewhere = true;
    return load(options).project;
}

std::string file_of(const ExportResult& result, const std::string& path) {
    for (const ExportedFile& f : result.files)
        if (f.path == path) return f.text;
    return {};
}

} // namespace

TEST_CASE("a task definition exported to ECS is what it was") {
    const ExportResult result = export_project(task_to_export(), options_for(ExportTarget::ecs));
    const json made = json::parse(file_of(result, "Shop_web.taskdef.json")), was = json::parse(definition);
    for (const auto& [key, value] : was.items()) {
        CAPTURE(key);
        if (key != "containerDefinitions") CHECK(made.at(key) == value);
    }
    REQUIRE(made["containerDefinitions"].size() == was["containerDefinitions"].size());
    for (const json& container : was["containerDefinitions"])
        for (const json& other : made["containerDefinitions"])
            for (const auto& [key, value] : container.items()) {
                if (other["name"] != container["name"]) continue;
                CAPTURE(key);
                REQUIRE(other.contains(key));
                if (key == "dependsOn") CHECK(other[key].size() == value.size());
                else CHECK(other[key] == value);
            }
    CHECK(file_of(result, "Shop_web.service.json").find("desiredCount") != std::string::npos);
    CHECK(count_findings(result, ExportFinding::Kind::dropped) == 0);
    // And once more.
    const Project again = task_to_export(made.dump());
    const ExportResult second = export_project(again, options_for(ExportTarget::ecs));
    CHECK(json::parse(file_of(second, "Shop_web.taskdef.json")) == made);
}

TEST_CASE("the service of a task definition goes along") {
    const TempDir dir;
    std::ofstream(dir / "task.json") << definition;
    std::ofstream(dir / "service.json") << R"({"serviceName": "front", "taskDefinition": "Shop_web", "desiredCount": 3,
        "cluster": "c", "loadBalancers": [{"targetGroupArn": "arn:x", "containerName": "Web", "containerPort": 80}],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}})";
    LoadOptions options;
    options.files = {dir / "task.json", dir / "service.json"};
    options.current_dir = dir.path();
    options.elsewhere = true;
    const Project project = load(options).project;
    const ExportResult result = export_project(project, options_for(ExportTarget::ecs));
    const json made = json::parse(file_of(result, "front.service.json"));
    CHECK(made["cluster"] == "c");
    CHECK(made["desiredCount"] == 3);
    CHECK(made["loadBalancers"][0]["targetGroupArn"] == "arn:x");
    CHECK(made["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == json::parse(R"(["subnet-1"])"));
    CHECK(json::parse(file_of(result, "front.taskdef.json"))["containerDefinitions"].size() == 3); // not nine
    const ExportResult pods = export_project(project, options_for(ExportTarget::kubernetes));
    CHECK(file_of(pods, "service-shop-web.yaml").find("replicas: 3") != std::string::npos);
}

TEST_CASE("of a task definition Kubernetes gets a pod, in its order, and Swarm services") {
    const Project project = task_to_export();
    const ExportResult pods = export_project(project, options_for(ExportTarget::kubernetes));
    const std::string text = file_of(pods, "service-shop-web.yaml");
    const auto at = [&](const char* what) { return text.find(what); };
    CHECK(at("initContainers:") < at("- name: db"));
    CHECK(at("- name: db") < at("restartPolicy: Always")); // it runs on
    CHECK(at("- name: db") < at("- name: migrate"));
    CHECK(at("- name: migrate") < at("\n      containers:"));
    CHECK(at("\n      containers:") < at("- name: web"));
    CHECK(at("secretKeyRef:") != std::string::npos);
    CHECK(file_of(pods, "secrets.sh").find("make_secret given GIVEN") != std::string::npos);
    const ExportResult stack = export_project(project, options_for(ExportTarget::swarm));
    CHECK(stack.files[0].text.find("\n  Web:") != std::string::npos);
    Project here = project;
    here.compose_files = {"/project/task.json"};
    CHECK(report_text(export_project(here, options_for(ExportTarget::systemd))).find("left out") == std::string::npos);
    for (const auto* result : {&pods, &stack}) {
        CHECK(all_text(*result).find("davit.internal") == std::string::npos);
        CHECK(all_text(*result).find("given by the shell") == std::string::npos);
        CHECK(report_text(*result).find("davit has no rule") == std::string::npos);
    }
}

TEST_CASE("a volume that ends with its task is a directory of the pod, and no claim") {
    const Project project = task_to_export(R"({
 "family": "shop", "networkMode": "awsvpc", "volumes": [{"name": "scratch"}, {"name": "empty", "host": {}},
  {"name": "kept", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": true}}],
 "containerDefinitions": [
  {"name": "a", "image": "i", "memory": 64, "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/s"},
   {"sourceVolume": "empty", "containerPath": "/e", "readOnly": true}]},
  {"name": "b", "image": "i", "memory": 64, "mountPoints": [{"sourceVolume": "scratch", "containerPath": "/t"},
   {"sourceVolume": "kept", "containerPath": "/k"}]}]})");
    const std::string all = all_text(export_project(project, options_for(ExportTarget::kubernetes)));
    const auto times = [&](const std::string& text) {
        int count = 0;
        for (std::size_t at = 0; (at = all.find(text, at)) != std::string::npos; ++at) ++count;
        return count;
    };
    CHECK(times("emptyDir: {}") == 2); // one for both containers
    CHECK(times("mountPath: /s") == 1);
    CHECK(times("mountPath: /t") == 1);
    CHECK(times("x-k8s") == 0);
    CHECK(times("storage: 1Gi") == 1); // that of `kept`
    CHECK(all.find("kind: StatefulSet") != std::string::npos);
}

TEST_CASE("services that share a network are one pod: order, names and volumes") {
    const Project project = load_text(R"(services:
  web: {image: app, ports: ["80:80"], volumes: [data:/a]}
  prepare: {image: app, network_mode: "service:web", volumes: [data:/b]}
  side: {image: side, network_mode: "service:web", pid: "service:web", stop_grace_period: 40s, depends_on: {prepare: {condition: service_completed_successfully}}}
  other: {image: other, depends_on: [side]}
volumes: {data: {}}
)");
    const ExportResult result = export_project(project, options_for(ExportTarget::kubernetes));
    const std::string text = file_of(result, "service-web.yaml");
    CHECK(text.find("kind: StatefulSet") != std::string::npos);
    CHECK(text.find("shareProcessNamespace: true") != std::string::npos);
    CHECK(text.find("terminationGracePeriodSeconds: 40") != std::string::npos);
    const auto claim = text.find("name: data\n        labels:");
    CHECK(claim != std::string::npos);
    CHECK(text.find("name: data-2") == std::string::npos); // one claim for both
    CHECK(file_of(result, "service-side.yaml").empty());
    const auto first = text.find("initContainers:"), rest = text.find("\n      containers:");
    CHECK(first < text.find("- name: prepare"));
    CHECK(text.find("- name: prepare") < rest);
    CHECK(rest < text.find("- name: web"));
    CHECK(rest < text.find("- name: side"));
    CHECK(text.find("kind: Service\nmetadata:\n  name: side") != std::string::npos); // its name leads to the pod
}

TEST_CASE("nothing of a pod's order is lost in silence") {
    const Project project = load_text(R"(services:
  vpn: {image: vpn}
  client: {image: client, network_mode: "service:vpn", depends_on: {vpn: {condition: service_healthy}}}
)");
    const ExportResult result = export_project(project, options_for(ExportTarget::kubernetes));
    CHECK(report_text(result).find("dropped: services.client.depends_on.vpn: vpn has no healthcheck in the file") !=
          std::string::npos);
}

TEST_CASE("what is one machine's own is nobody's elsewhere") {
    const Project project = load_text(R"(services:
  db: {image: db, ports: ["127.0.0.1:5432:5432", "8080:8080"]}
  My_App: {build: ., command: [run, --db-password, hunter2secret], environment: {URL: "postgres://u:hunter2@db/x"}}
)");
    const ExportResult stack = export_project(project, options_for(ExportTarget::swarm));
    CHECK(stack.files[0].text.find("5432") == std::string::npos);
    CHECK(stack.files[0].text.find("published: 8080") != std::string::npos);
    ExportOptions ecs = options_for(ExportTarget::ecs);
    ecs.format = EcsFormat::cli;
    const ExportResult script = export_project(project, ecs);
    CHECK(script.files[0].text.find("--port 5432 --cidr") == std::string::npos);
    CHECK(script.files[0].text.find("--port 8080 --cidr") != std::string::npos);
    const ExportResult pods = export_project(project, options_for(ExportTarget::kubernetes));
    CHECK(file_of(pods, "service-db.yaml")
              .find("tcp-5432\n      port: 5432\n      targetPort: 5432\n      protocol: TCP\n"
                    "---") == std::string::npos);
    for (const auto* result : {&stack, &script, &pods}) {
        const std::string report = report_text(*result, true);
        CHECK(report.find("services.db.ports[0]") != std::string::npos);
        CHECK(report.find("needs input: services.My_App.command: a word of it looks like a secret") !=
              std::string::npos);
        CHECK(report.find("needs input: services.My_App.environment.URL: URL looks like a secret") !=
              std::string::npos);
        CHECK(all_text(*result).find("-My_App\"") == std::string::npos); // no image has capitals
    }
}

TEST_CASE("ecs: names that lead nowhere are told, and who provides one is made first") {
    const Project project = load_text(R"(services:
  api: {image: api, expose: ["80"], environment: {CACHE: "redis://zcache:6379", STORE: store}}
  zcache: {image: redis, expose: ["6379"]}
  store: {image: store}
  a: {image: a, expose: ["1"], environment: {PEER: "http://b:2"}}
  b: {image: b, expose: ["2"], environment: {PEER: "http://a:1"}}
  job: {image: job, restart: "no", environment: {API: "http://api"}}
)");
    ExportOptions options = options_for(ExportTarget::ecs);
    options.format = EcsFormat::cli;
    const ExportResult result = export_project(project, options);
    const std::string script = result.files[0].text, report = report_text(result);
    CHECK(script.find("service zcache") < script.find("service api"));
    CHECK(script.find("    again b\n") != std::string::npos);
    CHECK(script.find("    again a\n") == std::string::npos);
    CHECK(report.find("it names none: api cannot find it") != std::string::npos);
    CHECK(report.find("dropped: services.job.networks: Service Connect is for services") != std::string::npos);
}

TEST_CASE("what compose has no word for is said in ECS's own") {
    const Project project = load_text(R"(services:
  web:
    image: app
    environment: {TOKEN: x, OPEN: "1"}
    x-aws-container:
      secrets: [{name: TOKEN, valueFrom: "arn:aws:ssm:us-east-1:1:parameter/t"}]
      firelensConfiguration: {type: fluentbit}
x-aws-task-definition: {ephemeralStorage: {sizeInGiB: 30}}
x-aws-service: {enableExecuteCommand: true}
)");
    const ExportResult result = export_project(project, options_for(ExportTarget::ecs));
    const json made = json::parse(file_of(result, "web.taskdef.json"));
    CHECK(made["ephemeralStorage"]["sizeInGiB"] == 30);
    CHECK(made["containerDefinitions"][0]["firelensConfiguration"]["type"] == "fluentbit");
    CHECK(made["containerDefinitions"][0]["environment"] == json::parse(R"([{"name": "OPEN", "value": "1"}])"));
    CHECK(made["containerDefinitions"][0]["secrets"][0]["name"] == "TOKEN");
    CHECK(json::parse(file_of(result, "web.service.json"))["enableExecuteCommand"] == true);
    const json policy = json::parse(file_of(result, "execution-policy.json"));
    CHECK(policy["Statement"][0]["Action"] == json::parse(R"(["ssm:GetParameters"])"));
    CHECK(policy["Statement"][0]["Resource"] == json::parse(R"(["arn:aws:ssm:us-east-1:1:parameter/t"])"));
}

TEST_CASE("what is said of a service in ECS's own words is in Terraform's, too") {
    const Project project = load_text(R"(services:
  web: {image: app}
x-aws-service:
  enableExecuteCommand: true
  capacityProviderStrategy: [{capacityProvider: FARGATE_SPOT, weight: 1}]
  deploymentConfiguration: {maximumPercent: 150, alarms: {alarmNames: [a], enable: true, rollback: true}, bakeTimeInMinutes: 5, lifecycleHooks: [{roleArn: r}]}
  networkConfiguration: {awsvpcConfiguration: {subnets: [s-1], assignPublicIp: ENABLED}}
  placementStrategy: [{type: spread, field: "attribute:ecs.availability-zone"}]
  serviceConnectConfiguration:
    enabled: true
    services: [{portName: p, clientAliases: [{port: 80}]}]
    logConfiguration: {logDriver: awslogs, options: {awslogs-group: g}, secretOptions: [{name: n, valueFrom: v}]}
  volumeConfigurations: [{name: v, managedEBSVolume: {sizeInGiB: 9, filesystemType: ext4, roleArn: r}}]
  loadBalancers: [{loadBalancerName: classic, containerName: web, containerPort: 80}]
  serviceName: other
  cluster: theirs
  tags: [{key: team, value: "a$${b}"}]
  unheardOf: 1
)");
    ExportOptions options = options_for(ExportTarget::ecs);
    options.format = EcsFormat::terraform;
    const ExportResult result = export_project(project, options);
    const json service = json::parse(file_of(result, "main.tf.json"))["resource"]["aws_ecs_service"]["web"];
    CHECK(service["enable_execute_command"] == true);
    CHECK_FALSE(service.contains("launch_type"));
    CHECK(service["capacity_provider_strategy"] ==
          json::parse(R"([{"capacity_provider": "FARGATE_SPOT", "weight": 1}])"));
    CHECK(service["deployment_maximum_percent"] == 150);
    CHECK(service["alarms"] == json::parse(R"([{"alarm_names": ["a"], "enable": true, "rollback": true}])"));
    CHECK(service["deployment_configuration"] ==
          json::parse(R"([{"bake_time_in_minutes": 5, "lifecycle_hook": [{"role_arn": "r"}]}])"));
    CHECK(service["volume_configuration"] == json::parse(R"([{"name": "v", "managed_ebs_volume":
          [{"size_in_gb": 9, "file_system_type": "ext4", "role_arn": "r"}]}])"));
    CHECK(service["load_balancer"][0]["elb_name"] == "classic");
    CHECK(service["service_connect_configuration"][0]["log_configuration"] == json::parse(R"([{"log_driver": "awslogs",
          "options": {"awslogs-group": "g"}, "secret_option": [{"name": "n", "value_from": "v"}]}])"));
    CHECK(service["name"] == "other");
    CHECK(service["cluster"] == "theirs");
    CHECK(service["network_configuration"] == json::parse(R"([{"subnets": ["s-1"], "assign_public_ip": true}])"));
    CHECK(service["ordered_placement_strategy"][0]["type"] == "spread");
    CHECK(service["service_connect_configuration"][0]["service"][0]["client_alias"] ==
          json::parse(R"([{"port": 80}])"));
    CHECK(service["tags"]["team"] == "a$${b}");
    CHECK(report_text(result).find("dropped: x-aws-service.unheardOf: ") != std::string::npos);
}

TEST_CASE("tags that are no list are dropped, and a network of the service is none on a bridge") {
    const Project project = load_text(R"(services:
  web: {image: app}
x-aws-task-definition: {networkMode: bridge}
x-aws-service:
  networkConfiguration: {awsvpcConfiguration: {subnets: [s-1]}}
  tags: {team: x}
  taskDefinition: other:3
)");
    ExportOptions options = options_for(ExportTarget::ecs);
    options.format = EcsFormat::terraform;
    const ExportResult result = export_project(project, options);
    const json service = json::parse(file_of(result, "main.tf.json"))["resource"]["aws_ecs_service"]["web"];
    CHECK_FALSE(service.contains("network_configuration"));
    CHECK(report_text(result).find("dropped: x-aws-service.tags: it is no list of {key, value}") != std::string::npos);
    CHECK(report_text(result).find("dropped: x-aws-service.taskDefinition: ") != std::string::npos);
}

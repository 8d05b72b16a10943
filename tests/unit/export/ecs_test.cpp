// What an export to ECS is beside its golden texts: tasks of several services, updates, load balancers, instances.
#include "base/error.hpp"
#include "davit/deploying.hpp"
#include "tests/unit/export/exports.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::test;
using nlohmann::json;

namespace {

struct Made {
    ExportResult result;
    std::string report;

    std::string text(const std::string& path) const {
        for (const ExportedFile& f : result.files)
            if (f.path == path) return f.text;
        return {};
    }
    json file(const std::string& path) const { return json::parse(text(path)); }
    bool says(const std::string& line) const { return report.find(line) != std::string::npos; }
};

Made made(const std::string& text, EcsFormat format = EcsFormat::taskdef, EcsLayout layout = EcsLayout::service) {
    ExportOptions options = options_for(ExportTarget::ecs);
    options.format = format;
    options.layout = layout;
    const bool named = text.find("\nname: ") != std::string::npos || text.starts_with("name: ");
    Made out{export_project(load_text((named ? "" : "name: p\n") + text), options), ""};
    out.report = report_text(out.result);
    return out;
}

// The properties of a kind of resource of CloudFormation's, by name.
std::map<std::string, json> resources(const Made& m, const std::string& type) {
    std::map<std::string, json> out;
    const json all = m.file("template.json")["Resources"];
    for (const auto& [name, r] : all.items())
        if (r["Type"] == type) out[name] = r.value("Properties", json::object());
    return out;
}
const char* const of_target_groups = "AWS::ElasticLoadBalancingV2::TargetGroup";
const char* const of_listeners = "AWS::ElasticLoadBalancingV2::Listener";

} // namespace

TEST_CASE("ecs: who has the network speaks for the task, and the others are told") {
    const Made m = made(R"(services:
  zapp:
    image: a
    deploy: {replicas: 3, update_config: {order: start-first, failure_action: rollback}}
    x-aws-autoscaling: {min: 3, max: 9, cpu: 50}
    x-aws-service: {enableExecuteCommand: true}
  helper: {image: h, network_mode: "service:zapp", deploy: {replicas: 2, update_config: {parallelism: 0}}}
)");
    const json service = m.file("zapp.service.json");
    CHECK(service["desiredCount"] == 3);
    CHECK(service["deploymentConfiguration"]["minimumHealthyPercent"] == 100);
    CHECK(service["deploymentConfiguration"]["maximumPercent"] == 134);
    CHECK(service["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] == true);
    CHECK(service["enableExecuteCommand"] == true);
    CHECK(m.says("adjusted: services.helper.deploy.replicas: 2 -> 3: the task zapp runs as a whole, 3 times"));
    CHECK(m.says("adjusted: services.helper.deploy.update_config -> as zapp has it"));
}

TEST_CASE("ecs: where none has the network the most replicas count, and a setting of any") {
    const Made m = made(R"(services:
  a: {image: a, x-aws-task: both}
  b:
    image: b
    x-aws-task: both
    x-aws-launch_type: EC2
    x-aws-service: {enableExecuteCommand: true}
    platform: linux/arm64
    deploy: {replicas: 4, update_config: {failure_action: continue}}
    x-aws-max_percent: 150
)");
    const json service = m.file("both.service.json");
    CHECK(service["desiredCount"] == 4);
    CHECK(service["launchType"] == "EC2");
    CHECK(service["enableExecuteCommand"] == true);
    CHECK(service["deploymentConfiguration"]["deploymentCircuitBreaker"]["enable"] == false);
    CHECK(service["deploymentConfiguration"]["maximumPercent"] == 150);
    CHECK(m.file("both.taskdef.json")["runtimePlatform"]["cpuArchitecture"] == "ARM64");
    CHECK(m.says("the task both runs as a whole, 4 times"));
    const Made global = made(R"(services:
  a: {image: a}
  b: {image: b, deploy: {mode: global}}
x-aws-launch_type: EC2
)",
                             EcsFormat::taskdef, EcsLayout::task);
    CHECK(global.file("p.service.json")["schedulingStrategy"] == "DAEMON");
}

TEST_CASE("ecs: what a database keeps has one writer, also while it is updated") {
    struct Row {
        const char* lines;
        int least, most;
    };
    for (const Row& r :
         {Row{"volumes: [data:/d]", 0, 100}, Row{"volumes: ['data:/d:ro']", 100, 200}, Row{"read_only: true", 100, 200},
          Row{"volumes: [data:/d], deploy: {update_config: {order: start-first}}", 0, 100},
          Row{"volumes: [data:/d], x-aws-max_percent: 200, x-aws-min_percent: 100", 100, 200},
          Row{"volumes: [data:/d], scale: 3", 100, 200}, // they write at once whatever is updated
          Row{"volumes: [data:/d], x-aws-service: {deploymentConfiguration: {bakeTimeInMinutes: 1}}", 0, 100},
          Row{"volumes: ['/srv:/d'], x-aws-launch_type: EC2", 0, 100}}) {
        CAPTURE(std::string(r.lines));
        const Made m = made(fmt::format("services: {{db: {{image: i, {}}}}}\nvolumes: {{data: {{}}}}\n", r.lines));
        const json d = m.file("db.service.json")["deploymentConfiguration"];
        CHECK(d["minimumHealthyPercent"] == r.least);
        CHECK(d["maximumPercent"] == r.most);
    }
    const Made m =
        made("services: {db: {image: i, volumes: [data:/d], deploy: {update_config: {order: start-first}}}}\n"
             "volumes: {data: {x-aws-filesystem: fs-1}}\n");
    CHECK(m.says("adjusted: services.db.deploy.update_config.order: start-first -> stop-first: two tasks would write"));
    CHECK(m.says("needs input: volumes.data.x-aws-filesystem: the security group of its mount targets"));
    CHECK(m.text("README.md").find("TCP 2049") != std::string::npos);
    const std::string let_in = "services: {db: {image: i, volumes: [data:/d]}}\n"
                               "volumes: {data: {x-aws-filesystem: fs-1, x-aws-mount_group: sg-9}}\n";
    const Made rule = made(let_in, EcsFormat::cli);
    CHECK_FALSE(rule.says("needs input: volumes"));
    CHECK(rule.text("deploy.sh").find("allow sg-9 --protocol tcp --port 2049 --source-group \"$n_default\"") !=
          std::string::npos);
    const auto ingress = resources(made(let_in, EcsFormat::cloudformation), "AWS::EC2::SecurityGroupIngress");
    CHECK(ingress.at("DbMounts1")["GroupId"] == "sg-9");
    const json terraform = made(let_in, EcsFormat::terraform).file("main.tf.json")["resource"];
    CHECK(terraform["aws_vpc_security_group_ingress_rule"]["mounts_db_1"]["from_port"] == 2049);
}

TEST_CASE("ecs: a listener on 443 with a certificate is HTTPS, and the target speaks what the container does") {
    struct Row {
        const char *port, *protocol, *certificate, *listener, *target;
    };
    for (const Row& r :
         {Row{"443:80", "", "arn:c", "HTTPS", "HTTP"}, Row{"443:3000", "http", "arn:c", "HTTPS", "HTTP"},
          Row{"443:443", "", "arn:c", "HTTPS", "HTTPS"}, Row{"443:8443", "https", "arn:c", "HTTPS", "HTTPS"},
          Row{"8443:8443", "https", "arn:c", "HTTPS", "HTTPS"}, Row{"443:5000", "tcp", "arn:c", "TCP", "TCP"},
          Row{"80:80", "", "arn:c", "HTTP", "HTTP"}, Row{"443:443", "", "", "TCP", "TCP"},
          Row{"443:8443", "https", "", "TCP", "TCP"}, Row{"443:80", "", "", "HTTP", "HTTP"},
          Row{"443:50051", "grpc", "arn:c", "HTTPS", "HTTP"}, Row{"50051:50051", "grpc", "", "TCP", "TCP"}}) {
        CAPTURE(std::string(r.port));
        CAPTURE(std::string(r.protocol));
        const std::string text = fmt::format(
            "services: {{web: {{image: i, ports: ['{}'], x-aws-protocol: '{}'}}}}\nx-aws-certificate: '{}'\n", r.port,
            r.protocol, r.certificate);
        const Made m = made(text, EcsFormat::cloudformation);
        const auto listeners = resources(m, of_listeners), groups = resources(m, of_target_groups);
        REQUIRE(listeners.size() == 1);
        const json &listener = listeners.begin()->second, &group = groups.begin()->second;
        CHECK(listener["Protocol"] == r.listener);
        CHECK(listener.contains("Certificates") == (std::string(r.listener) == "HTTPS"));
        CHECK(group["Protocol"] == r.target);
        CHECK(group.contains("ProtocolVersion") == (std::string(r.protocol) == "grpc" && *r.certificate));
        const std::string script = made(text, EcsFormat::cli).text("deploy.sh");
        CHECK(script.find(fmt::format("lb\" {} ", r.listener)) != std::string::npos);
        const json terraform = made(text, EcsFormat::terraform).file("main.tf.json")["resource"];
        CHECK(terraform["aws_lb_listener"].begin().value()["protocol"] == r.listener);
        CHECK(terraform["aws_lb_target_group"].begin().value()["protocol"] == r.target);
    }
    const Made unused =
        made("services: {web: {image: i, ports: ['80:80']}}\nx-aws-certificate: arn:c\n", EcsFormat::cli);
    CHECK(unused.says("adjusted: x-aws-certificate"));
}

TEST_CASE("ecs: TCP and UDP of one port are one listener, and UDP is asked by TCP") {
    const std::string dns = "services: {dns: {image: i, ports: ['53:53', '53:53/udp', '54:54/udp']}}\n";
    const Made m = made(dns, EcsFormat::cloudformation);
    const auto groups = resources(m, of_target_groups);
    REQUIRE(groups.size() == 2);
    CHECK(groups.at("DnsTarget53TCPUDP")["Protocol"] == "TCP_UDP");
    CHECK(groups.at("DnsTarget54UDP")["HealthCheckPort"] == "53");
    CHECK(groups.at("DnsTarget54UDP")["HealthCheckProtocol"] == "TCP");
    const json open = resources(m, "AWS::EC2::SecurityGroup").at("BalancerGroup")["SecurityGroupIngress"];
    CHECK(open.size() == 3); // 53 twice
    const std::string script = made(dns, EcsFormat::cli).text("deploy.sh");
    CHECK(script.find("target_group p-dns-53-both TCP_UDP 53") != std::string::npos);
    CHECK(script.find("target_group p-dns-54-udp UDP 54") != std::string::npos);

    const Made alone = made("services: {vpn: {image: i, ports: ['51820:51820/udp']}}\n", EcsFormat::cli);
    CHECK(alone.says("needs input: services.vpn.x-aws-health: the load balancer asks by TCP"));
    const Made given = made("services: {vpn: {image: i, ports: ['51820:51820/udp'], x-aws-health: {port: 8080}}}\n",
                            EcsFormat::cloudformation);
    CHECK_FALSE(given.says("x-aws-health"));
    const json ingress = resources(given, "AWS::EC2::SecurityGroup").at("VpnPublished")["SecurityGroupIngress"];
    CHECK(ingress[1]["IpProtocol"] == "tcp"); // the balancer may ask there
    CHECK(ingress[1]["FromPort"] == 8080);
    const Made apart = made("services: {x: {image: i, ports: ['53:53', '53:5353/udp']}}\n", EcsFormat::cli);
    CHECK(apart.says("dropped: services.x.ports[1].published: port 53 has one listener"));
}

TEST_CASE("ecs: how a load balancer asks is said, or named as missing") {
    const std::string said =
        "services: {web: {image: i, ports: ['80:8080'], x-aws-health: {path: /up, status: 200-399, port: 9000}}}\n";
    const json group = resources(made(said, EcsFormat::cloudformation), of_target_groups).at("WebTarget80HTTP");
    CHECK(group["HealthCheckPath"] == "/up");
    CHECK(group["Matcher"]["HttpCode"] == "200-399");
    CHECK(group["HealthCheckPort"] == "9000");
    const json check = made(said, EcsFormat::terraform)
                           .file("main.tf.json")["resource"]["aws_lb_target_group"]["web_80_HTTP"]["health_check"][0];
    CHECK(check == json::parse(R"({"protocol": "HTTP", "port": "9000", "path": "/up", "matcher": "200-399"})"));
    CHECK(made(said, EcsFormat::cli)
              .text("deploy.sh")
              .find("--health-check-port 9000 --health-check-path /up --matcher "
                    "'{\"HttpCode\":\"200-399\"}'") != std::string::npos);
    CHECK_FALSE(made(said, EcsFormat::cli).says("x-aws-health"));
    const Made silent = made("services: {web: {image: i, ports: ['80:8080']}}\n", EcsFormat::cli);
    CHECK(silent.says(
        "needs input: services.web.x-aws-health: the load balancer asks / of port 8080 and takes 200 alone"));
    const Made wrong =
        made("services: {web: {image: i, ports: ['80:8080'], x-aws-health: {path: up}}}\n", EcsFormat::cli);
    CHECK(wrong.says("it says neither a path that begins with /, nor a port"));
}

TEST_CASE("ecs: five target groups a service, ten containers a task, and a port of a balancer is one service's") {
    const Made many = made("services: {web: {image: i, ports: ['8000-8006:8000-8006']}}\n", EcsFormat::cloudformation);
    CHECK(resources(many, of_target_groups).size() == 5);
    CHECK(many.says("a service of ECS has five target groups at most"));
    const Made twice =
        made("services:\n  a: {image: i, ports: ['10.0.0.1:80:80']}\n  b: {image: i, ports: ['10.0.0.2:80:80']}\n",
             EcsFormat::cloudformation);
    CHECK(resources(twice, of_listeners).size() == 1);
    CHECK(twice.says("another service has that port of the load balancer"));
    std::string services = "services:\n";
    for (int i = 0; i < 6; ++i) services += fmt::format("  s{}: {{image: i, secrets: [k]}}\n", i);
    CHECK_THROWS_WITH_AS(made(services + "secrets: {k: {environment: K}}\n", EcsFormat::taskdef, EcsLayout::task),
                         doctest::Contains("12 containers, 6 of them for secrets"), Error);
}

TEST_CASE("ecs: instances have what Fargate has not") {
    const std::string text = R"(services:
  a:
    image: i
    network_mode: host
    pid: host
    ipc: host
    mem_limit: 100m
    memswap_limit: 300m
    mem_swappiness: 10
    security_opt: ["no-new-privileges:true"]
    devices: ["/dev/fuse:/dev/fuse:rw"]
    gpus: [{count: 2, capabilities: [gpu]}]
    dns: [1.1.1.1]
    logging: {driver: gelf, options: {gelf-address: "udp://x:1"}}
)";
    const Made m = made(text + "x-aws-launch_type: EC2\n");
    const json task = m.file("a.taskdef.json"), container = task["containerDefinitions"][0];
    CHECK(task["networkMode"] == "host");
    CHECK(task["pidMode"] == "host");
    CHECK(task["ipcMode"] == "host");
    CHECK(container["linuxParameters"]["maxSwap"] == 200);
    CHECK(container["linuxParameters"]["swappiness"] == 10);
    CHECK(container["linuxParameters"]["devices"][0]["permissions"] == json::parse(R"(["read", "write"])"));
    CHECK(container["dockerSecurityOptions"] == json::parse(R"(["no-new-privileges"])"));
    CHECK(container["resourceRequirements"] == json::parse(R"([{"type": "GPU", "value": "2"}])"));
    CHECK(container["dnsServers"] == json::parse(R"(["1.1.1.1"])"));
    CHECK(container["logConfiguration"]["logDriver"] == "gelf");
    const json service = m.file("a.service.json");
    CHECK_FALSE(service.contains("serviceConnectConfiguration"));
    CHECK_FALSE(service.contains("networkConfiguration"));
    CHECK_FALSE(m.says("Fargate"));
    CHECK_FALSE(m.says("dropped:"));
    const std::string open = "services: {a: {image: i}}\nx-aws-public_ip: true\nx-aws-subnets: [s]\n";
    CHECK(made(open).text("a.service.json").find("\"ENABLED\"") != std::string::npos);
    const Made hidden = made(open + "x-aws-launch_type: EC2\n");
    CHECK(hidden.text("a.service.json").find("\"assignPublicIp\": \"DISABLED\"") != std::string::npos);
    CHECK(hidden.says("adjusted: services.a -> without a public address"));
    const Made fargate = made(text);
    for (const char* key : {"pid", "ipc", "memswap_limit", "mem_swappiness", "security_opt", "devices", "dns"}) {
        CAPTURE(std::string(key));
        CHECK(fargate.says(fmt::format("dropped: services.a.{}", key)));
    }
    CHECK_FALSE(fargate.file("a.taskdef.json").contains("ipcMode"));
}

TEST_CASE("ecs: Fargate shares the processes of a task, has a tmpfs, and keeps a capability by dropping the others") {
    const Made m = made(R"(services:
  app: {image: i, tmpfs: ["/run:size=3m,noexec"], volumes: [{type: tmpfs, target: /t, read_only: true, tmpfs: {size: 2m}}], cap_drop: [ALL], cap_add: [NET_BIND_SERVICE, SYS_PTRACE]}
  spy: {image: s, network_mode: "service:app", pid: "service:app", logging: {driver: awsfirelens, options: {Name: x}}}
)");
    const json task = m.file("app.taskdef.json"), linux = task["containerDefinitions"][0]["linuxParameters"];
    CHECK(task["pidMode"] == "task");
    CHECK(linux["tmpfs"] == json::parse(R"([{"containerPath": "/run", "mountOptions": ["noexec"], "size": 3},
                                            {"containerPath": "/t", "mountOptions": ["ro"], "size": 2}])"));
    CHECK(linux["capabilities"]["add"] == json::parse(R"(["SYS_PTRACE"])"));
    CHECK(linux["capabilities"]["drop"].size() == 13);
    CHECK(linux["capabilities"]["drop"].dump().find("NET_BIND_SERVICE") == std::string::npos);
    CHECK(m.says("adjusted: services.spy.pid: service:app -> pidMode task"));
    CHECK_FALSE(m.says("services.spy.logging"));
    for (const char* key : {"tmpfs", "cap_add", "cap_drop", "pid", "volumes"})
        CHECK_FALSE(m.says(fmt::format("dropped: services.app.{}", key)));
}

TEST_CASE("ecs: names are no longer than AWS takes") {
    const std::string name(60, 'a');
    const std::string text = "name: internal-" + name.substr(0, 51) +
                             "\nservices: {web: {image: i, ports: ['80:80', '81:81']}}\n" + "x-aws-policies: [arn:p]\n";
    const std::string script = made(text, EcsFormat::cli).text("deploy.sh");
    const json terraform = made(text, EcsFormat::terraform).file("main.tf.json")["resource"];
    for (const char* kind : {"alb", "nlb"}) {
        const std::string balancer = terraform["aws_lb"][kind]["name"];
        CHECK(balancer.size() <= 32);
        CHECK_FALSE(balancer.starts_with("internal-"));
        CHECK(script.find("load_balancer " + balancer + " ") != std::string::npos);
    }
    for (const char* which : {"execution", "task"}) {
        const std::string role = terraform["aws_iam_role"][which]["name"];
        CHECK(role.size() <= 64);
        CHECK(script.find("(role " + role + ")") != std::string::npos);
    }
}

TEST_CASE("ecs: what looks like a word of ours in a variable is the user's, and ARNs are of the region's partition") {
    const std::string text =
        "services: {app: {build: ., environment: {A: '@REGION@', B: '@GROUPS@', C: 'a@b'}, secrets: [k]}}\n"
        "secrets: {k: {environment: K}}\nx-aws-region: cn-north-1\n";
    const std::string words = made(text, EcsFormat::cli).text("app.taskdef.json");
    CHECK(words.find("\"\\u0040REGION@\"") != std::string::npos);
    CHECK(words.find("\"\\u0040GROUPS@\"") != std::string::npos);
    CHECK(words.find("\"a@b\"") != std::string::npos);
    CHECK(words.find("arn:@PARTITION@:secretsmanager:@REGION@") != std::string::npos);
    const Made m = made(text);
    DeployTarget target;
    target.account = "1";
    target.region = "cn-north-1";
    CHECK(with_exported_images(load_text(text), m.result, target).services.at("app").image ==
          "1.dkr.ecr.cn-north-1.amazonaws.com.cn/p-app:latest");
    const json task = m.file("app.taskdef.json");
    CHECK(task["containerDefinitions"][1]["environment"][0]["value"] == "@REGION@");
    CHECK(task["executionRoleArn"] == "arn:aws-cn:iam::000000000000:role/p-execution");
    CHECK(task["containerDefinitions"][1]["image"] == "000000000000.dkr.ecr.cn-north-1.amazonaws.com.cn/p-app:latest");
}

TEST_CASE("ecs: what runs once many times is begun by tens") {
    const Made m = made("services: {job: {image: i, restart: 'no', scale: 23}}\n", EcsFormat::cli);
    CHECK(m.text("deploy.sh").find("run_once job \"$revision\" 23\n") != std::string::npos);
    CHECK(m.file("job.run-task.json")["count"] == 10);
    const Made two = made(R"(services:
  first: {image: i, restart: "no", x-aws-task: both}
  last: {image: i, restart: "no", x-aws-task: both, depends_on: {first: {condition: service_completed_successfully}}}
)");
    const json containers = two.file("both.taskdef.json")["containerDefinitions"];
    CHECK(containers[0]["essential"] == false);
    CHECK(containers[1]["essential"] == true); // ECS wants one at least
}

TEST_CASE("ecs: an update takes away the target groups of a service that publishes nothing more") {
    const Made m =
        made("services: {web: {image: i, ports: ['80:80']}, api: {image: i, expose: [80]}, own: {image: i, "
             "x-aws-service: {loadBalancers: [{targetGroupArn: a, containerName: own, containerPort: 80}], tags: "
             "[{key: team, value: x}]}}, blue: {image: i, x-aws-service: {deploymentController: {type: "
             "EXTERNAL}}}}\n",
             EcsFormat::cli);
    CHECK(m.file("api.update.json")["loadBalancers"] == json::array());
    CHECK_FALSE(m.file("api.service.json").contains("loadBalancers"));
    CHECK(m.file("own.update.json")["loadBalancers"].size() == 1);
    CHECK_FALSE(m.file("blue.update.json").contains("loadBalancers"));
    // By its tag a service is the project's, whatever others it has.
    CHECK(m.file("own.service.json")["tags"][1]["key"] == "davit:project");
}

TEST_CASE("ecs: prune.sh keeps what the export has, and what is only left out of it") {
    Project project =
        load_text("name: p\nservices:\n  web: {image: i, ports: ['80:80', '5000:5000'], networks: [front], "
                  "x-aws-autoscaling: {memory: 70}}\n  job: {image: i, restart: 'no'}\n"
                  "  tool: {image: i, x-aws-task: box, networks: [tools]}\nnetworks: {front: {}, tools: {}}\n");
    project.disabled_services.insert(project.services.extract("tool"));
    ExportOptions options = options_for(ExportTarget::ecs);
    options.format = EcsFormat::cli;
    const std::string all = all_text(export_project(project, options));
    const std::string script = all.substr(all.find("==> prune.sh"));
    for (const char* line :
         {"\nSERVICES='web'\nKEPT='box tool'\nTARGETS='p-web-5000 p-web-80'\n",
          "SECURITY_GROUPS='p-lb p-net-default p-net-front p-net-tools p-web-published'\n", "\nscaling web 'Memory'\n",
          "\nbalancer p-alb '80'\nbalancer p-nlb '5000'\n", "\nopen p-lb \"CidrIpv4=='0.0.0.0/0'\" 'tcp/5000 tcp/80'\n",
          "\npublished web 'tcp/5000 tcp/80'\n"}) {
        CAPTURE(std::string(line));
        CHECK(script.find(line) != std::string::npos);
    }
}

namespace {

// What prune.sh says of a project some of whose services are left out.
std::string pruning_without(const std::string& text, const std::vector<std::string>& left_out,
                            EcsLayout layout = EcsLayout::service) {
    Project project = load_text(text);
    for (const std::string& name : left_out) project.disabled_services.insert(project.services.extract(name));
    ExportOptions options = options_for(ExportTarget::ecs);
    options.format = EcsFormat::cli;
    options.layout = layout;
    const std::string all = all_text(export_project(project, options));
    return all.substr(all.find("==> prune.sh"));
}

} // namespace

TEST_CASE("ecs: prune.sh keeps the tasks of what is left out by all their names") {
    struct Row {
        const char* services;
        std::vector<std::string> left_out;
        EcsLayout layout;
        const char* lists;
    };
    const Row rows[] = {
        // A ready-made task is called as its service, or its family.
        {"  web: {image: i}\n"
         "  app: {image: i, x-davit-task: {name: orders-2, family: orders, container: app}, x-aws-service: "
         "{serviceName: orders-prod}}\n"
         "  sidecar: {image: i, x-davit-task: {name: orders-2, family: orders, container: sidecar}}\n",
         {"app", "sidecar"},
         EcsLayout::service,
         "\nSERVICES='web'\nKEPT='app orders orders-2 orders-prod sidecar'\n"},
        {"  web: {image: i}\n  app: {image: i, x-aws-task: box}\n  side: {image: i, network_mode: 'service:app'}\n",
         {"side"},
         EcsLayout::service,
         "KEPT='app box side'\n"},
        {"  web: {image: i}\n  once: {image: i, restart: 'no'}\n",
         {"web"},
         EcsLayout::task,
         "\nSERVICES=''\nKEPT='p web'\n"},
        {"  a-b: {image: i}\n  a_b: {image: i}\n", {"a_b"}, EcsLayout::service, "\nSERVICES='a-b'\nKEPT='a-b-2'\n"},
        {"  a-b: {image: i}\n  a_b: {image: i}\n", {"a-b"}, EcsLayout::service, "\nSERVICES='a-b-2'\nKEPT='a-b'\n"},
        {"  web: {image: i, x-aws-service: {serviceName: front}}\n", {}, EcsLayout::service, "\nSERVICES='front'\n"},
    };
    for (const Row& row : rows) {
        CAPTURE(std::string(row.services));
        const std::string script =
            pruning_without(std::string("name: p\nservices:\n") + row.services, row.left_out, row.layout);
        CAPTURE(script.substr(script.find("\nSERVICES=")));
        CHECK(script.find(row.lists) != std::string::npos);
    }
}

TEST_CASE("ecs: volumes that are one directory are told") {
    const Made m =
        made("services: {db: {image: i, volumes: ['one:/a']}, web: {image: i, volumes: ['two:/b', 'own:/c']}}\n"
             "volumes: {one: {x-aws-filesystem: fs-1}, two: {x-aws-filesystem: fs-1}, own: {x-aws-filesystem: "
             "fs-1, x-aws-access_point: fsap-1}}\n");
    for (const char* key : {"one", "two", "own"}) {
        CAPTURE(std::string(key));
        const ExportFinding* found = finding_at(m.result, std::string("volumes.") + key + ".x-aws-access_point");
        REQUIRE(found);
        CHECK((found->kind == ExportFinding::Kind::needs_input) == (std::string(key) != "own"));
    }
}

TEST_CASE("ecs: files of variables stay files") {
    ExportOptions options = options_for(ExportTarget::ecs);
    options.read_file = [](const std::string& path) -> std::optional<std::string> {
        return path.ends_with("/prod.env") ? std::optional<std::string>("A=from the file\nB=of the file\n")
                                           : std::nullopt;
    };
    Project project = load_text(R"({"family": "t", "containerDefinitions": [{"name": "app", "image": "i", "environment":
        [{"name": "C", "value": "c"}], "environmentFiles": [{"type": "s3", "value": "prod.env"}]}]})");
    Service& app = project.services.at("app");
    app.environment["A"] = "from the file";
    app.environment["B"] = "of a file over it";
    const ExportResult result = export_project(project, options);
    const json definition = Made{result, ""}.file("t.taskdef.json")["containerDefinitions"][0];
    CHECK(definition["environmentFiles"][0]["value"] == "prod.env");
    CHECK(definition["environment"].size() == 2);
    CHECK(definition["environment"][0]["value"] == "of a file over it");
}

TEST_CASE("ecs: the driver awslogs has what ECS wants of it, and not what only docker knows") {
    const Made m =
        made("services: {web: {image: i, logging: {driver: awslogs, options: {awslogs-group: mine, tag: x, mode: "
             "non-blocking}}}}\n");
    const json log = m.file("web.taskdef.json")["containerDefinitions"][0]["logConfiguration"];
    CHECK(log["options"] ==
          json::parse(R"({"awslogs-group": "mine", "awslogs-region": "us-east-1", "mode": "non-blocking",
          "awslogs-stream-prefix": "web"})"));
    REQUIRE(finding_at(m.result, "services.web.logging.options.tag"));
    CHECK(finding_at(m.result, "services.web.logging.options.tag")->kind == ExportFinding::Kind::dropped);
    CHECK(finding_at(m.result, "services.web.logging.options.awslogs-group")->kind == ExportFinding::Kind::needs_input);
}

TEST_CASE("ecs: a service is called as it is said, each time that it is deployed") {
    const Made m = made("services: {app: {image: i, x-aws-service: {serviceName: app-prod}, x-aws-autoscaling: {min: "
                        "1, max: 3}}, db: {image: i}}\nx-aws-service: {serviceName: all, enableExecuteCommand: true}\n",
                        EcsFormat::cli);
    CHECK(m.text("deploy.sh").find("\nservice app app-prod \"$revision\"\n") != std::string::npos);
    CHECK(m.text("deploy.sh").find("--resource-id \"service/$CLUSTER/\"app-prod ") != std::string::npos);
    CHECK(m.text("prune.sh").find("\nSERVICES='app-prod db'\n") != std::string::npos);
    CHECK(m.text("prune.sh").find("\nscaling app-prod 'CPU'\n") != std::string::npos);
    CHECK(m.text("README.md").find("--service app-prod ") != std::string::npos);
    CHECK(m.file("app.update.json")["service"] == "app-prod");
    // Services do not share a name.
    CHECK(m.file("db.service.json")["serviceName"] == "db");
    CHECK(m.file("db.service.json")["enableExecuteCommand"] == true);
    CHECK(finding_at(m.result, "x-aws-service.serviceName")->kind == ExportFinding::Kind::dropped);
    CHECK(made("services: {app: {image: i}}\nx-aws-service: {serviceName: all}\n")
              .file("app.service.json")["serviceName"] == "all");
    CHECK_THROWS_WITH_AS(made("services: {a: {image: i}, b: {image: i, x-aws-service: {serviceName: a}}}\n"),
                         "the services a and b are both called a on ECS", Error);
}

TEST_CASE("ecs: the execution role reads for each task what its agent is asked to, and prune.sh takes that back") {
    const std::string text =
        "services:\n  web: {image: i, secrets: [k], x-aws-pull_credentials: "
        "'arn:aws:secretsmanager:r:1:secret:hub-abcdef'}\n"
        "  log: {image: i, x-aws-container: {secrets: [{name: A, valueFrom: /app/a}], logConfiguration: {logDriver: "
        "splunk, secretOptions: [{name: splunk-token, valueFrom: 'arn:aws:ssm:r:1:parameter/t'}]}}}\n"
        "  plain: {image: i}\nsecrets: {k: {environment: WORD}}\nx-aws-policies: ['arn:aws:iam::aws:policy/X']\n";
    const Made m = made(text, EcsFormat::cli);
    const std::string web = m.text("web.execution-policy.json"), log = m.text("log.execution-policy.json");
    CHECK(web.find(":secret:hub-abcdef\"") != std::string::npos);
    CHECK(web.find(":secret:p/k-??????\"") != std::string::npos);
    CHECK(log.find(":parameter/app/a\"") != std::string::npos);
    CHECK(log.find(":parameter/t\"") != std::string::npos);
    CHECK(m.text("deploy.sh").find("--policy-name davit-secrets-web ") != std::string::npos);
    CHECK(m.text("deploy.sh").find("--policy-name davit-secrets-plain ") == std::string::npos);
    const std::string prune = m.text("prune.sh");
    for (const char* line : {"\nPOLICIES='davit-secrets-log davit-secrets-web'\ncan_read p-execution\n",
                             "\ntask_policies p-task 'arn:aws:iam::aws:policy/X'\n", "\nsecrets 'p/k'\n"}) {
        CAPTURE(std::string(line));
        CHECK(prune.find(line) != std::string::npos);
    }
    // A name that is no ARN is a secret's here, and a parameter's in a container.
    const Made named = made("services:\n  web: {image: i, x-aws-pull_credentials: hub}\n", EcsFormat::cli);
    CHECK(named.text("web.execution-policy.json").find(":secret:hub-??????\"") != std::string::npos);
    // Only a parameter's first slash stands in its ARN already.
    const Made rooted = made("services:\n  web: {image: i, x-aws-pull_credentials: /hub}\n", EcsFormat::cli);
    CHECK(rooted.text("web.execution-policy.json").find(":secret:/hub-??????\"") != std::string::npos);
    CHECK(prune.find("all_in_list \"$POLICIES\"") !=
          std::string::npos); // the common policy, only when others are there
    const Made given = made(text + "x-aws-execution_role: arn:aws:iam::1:role/mine\n", EcsFormat::cli);
    CHECK(given.text("web.execution-policy.json").empty());
    CHECK(given.text("prune.sh").find("\nunused_role p-execution\n") != std::string::npos);
}

TEST_CASE("deploying a selection with pruning would take away the rest of a stack") {
    DeployTarget target;
    target.prune = true;
    target.selected = {"web"};
    CHECK_THROWS_AS(check_deploy_target(target), Error);
    CHECK_THROWS_AS(deploy_plan({}, target), Error);
    target.target = ExportTarget::kubernetes;
    check_deploy_target(target);
    target.target = ExportTarget::systemd;
    CHECK_THROWS_AS(deploy_plan({}, target), Error);
}

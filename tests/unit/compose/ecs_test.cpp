// ECS task definitions and services: JSON in, the project out, and mistakes with their places.
#include "table.hpp"

#include "tests/support/temp_dir.hpp"

#include <fstream>

using namespace davit;

namespace {

LoadOptions task_options(const std::string& text) {
    LoadOptions o = test::options_for(text);
    o.project_name.clear();
    o.check_consistency = true;
    o.resolve_environment = true;
    return o;
}

// A task of one container; what it says besides, and what the task says.
std::string task(const std::string& container = "", const std::string& more = "") {
    return R"({"family": "Web_App", "networkMode": "awsvpc", )" + (more.empty() ? "" : more + ", ") +
           R"("containerDefinitions": [{"name": "app", "image": "busybox")" +
           (container.empty() ? "" : ", " + container) + "}]}";
}

nlohmann::json project_of(const std::string& text) { return test::load_json(task_options(text)); }

struct Case {
    const char* container; // keys of the container definition
    const char* more;      // keys of the task definition
    const char* at;        // JSON pointer into `config`
    const char* expect;
};

const char* const app = "/services/app";

constexpr Case cases[] = {
    {"", "", "/name", R"("web_app")"}, // the family, as a project is called
    {"", "", "/services/app/network_mode", R"("service:pause")"},
    {"", "", "/services/app/healthcheck", R"({"disable": true})"},
    {"", "", "/services/app/stop_grace_period", R"("30s")"},
    {"", "", "/services/pause/image", R"("davit.internal/pause:1")"},
    {"", "", "/services/pause/networks/default/aliases", R"(["Web_App"])"},
    {"", "", "/services/app/x-davit-task",
     R"({"container": "app", "essential": true, "family": "Web_App", "metadata": true, "name": "Web_App"})"},
    {R"("essential": false}, {"name": "b", "image": "i")", "", "/services/app/x-davit-task/essential", "false"},
    {R"("entryPoint": ["sh", "-c"], "command": ["echo $HOME $$"])", "", "/services/app/command",
     R"(["echo $HOME $$"])"},
    {R"("environment": [{"name": "A", "value": "$B"}, {"name": "C"}])", "", "/services/app/environment",
     R"({"A": "$B", "C": ""})"},
    {R"("secrets": [{"name": "FOO", "valueFrom": "arn:aws:ssm:x"}])", "", "/services/app/environment",
     R"({"FOO": "first"})"},
    {R"("secrets": [{"name": "DB", "valueFrom": "arn:x"}])", "", app,
     "! the secret 'DB' has no value here (in AWS it is arn:x)"},
    {R"("portMappings": [{"containerPort": 80}])", "", "/services/pause/ports/0/published", R"("80")"},
    {R"("portMappings": [{"containerPort": 80, "hostPort": 8080, "protocol": "udp"}])", "", "/services/pause/ports/0",
     R"({"mode": "ingress", "protocol": "udp", "published": "8080", "target": 80})"},
    {R"("portMappings": [{"containerPortRange": "8000-8001"}])", "", "/services/pause/ports/1/published", R"("8001")"},
    {R"("portMappings": [{"containerPort": 80}])", R"("networkMode": "bridge")", "/services/app/ports/0",
     R"({"mode": "ingress", "protocol": "tcp", "target": 80})"},
    {R"("portMappings": [{}])", "", app, "! needs 'containerPort' or 'containerPortRange'"},
    {R"("portMappings": [{"containerPort": 70000}])", "", app, "! 70000 is not a port"},
    {"", R"("networkMode": "host")", "/services/app/network_mode", R"("host")"},
    {"", R"("networkMode": "none")", "/services/app/network_mode", R"("none")"},
    {"", R"("networkMode": "bridge")", "/services/pause", "(absent)"},
    {"", R"("networkMode": "vlan")", app, "! 'vlan' is none of awsvpc, bridge, host, none"},
    {R"("memory": 128, "memoryReservation": 64)", "", "/services/app/mem_limit", R"("134217728")"},
    {R"("memory": 128, "memoryReservation": 64)", "", "/services/app/mem_reservation", R"("67108864")"},
    {R"("memory": 64, "memoryReservation": 128)", "", app, "! must not be more than 'memory'"},
    {"", R"("memory": "1 GB")", "/services/app/mem_limit", R"("1073741824")"},
    {"", R"("memory": "512")", "/services/app/mem_limit", R"("536870912")"},
    {R"("memory": 1024)", R"("memory": "512")", app, "! 1024 MiB are more than the task has: 512"},
    {"", R"("cpu": "256")", "/services/app/cpus", "0.25"},
    {"", R"("cpu": ".5 vCPU")", "/services/app/cpus", "0.5"},
    {"", R"("cpu": "many")", app, "! is no number of CPU units"},
    {R"("cpu": 512)", "", "/services/app/cpu_shares", "512"},
    {R"("healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 7})", "", "/services/app/healthcheck",
     R"({"interval": "7s", "retries": 3, "start_period": "0s", "test": ["CMD-SHELL", "true"], "timeout": "5s"})"},
    {R"("dependsOn": [{"containerName": "b", "condition": "COMPLETE"}]}, {"name": "b", "image": "i", "essential": false)",
     "", "/services/app/depends_on/b/condition", R"("service_completed")"},
    {R"("dependsOn": [{"containerName": "b", "condition": "SUCCESS"}]}, {"name": "b", "image": "i", "essential": false)",
     "", "/services/app/depends_on/b/condition", R"("service_completed_successfully")"},
    {R"("dependsOn": [{"containerName": "b", "condition": "HEALTHY"}]}, {"name": "b", "image": "i")", "",
     "/services/app/depends_on/b/condition", R"("service_healthy")"},
    {R"("dependsOn": [{"containerName": "b", "condition": "SUCCESS"}]}, {"name": "b", "image": "i")", "", app,
     "! ECS refuses SUCCESS of 'b', which is essential"},
    {R"("dependsOn": [{"containerName": "b", "condition": "COMPLETE"}]}, {"name": "b", "image": "i", "essential": true)",
     "", app, "! ECS refuses COMPLETE of 'b', which is essential"},
    {R"("dependsOn": [{"containerName": "c", "condition": "START"}])", "", app, "! the task has no container 'c'"},
    {R"("dependsOn": [{"containerName": "app", "condition": "SOON"}])", "", app, "! 'SOON' is none of"},
    {R"("restartPolicy": {"enabled": true})", "", "/services/app/restart", R"("always")"},
    {R"("restartPolicy": {"enabled": true, "ignoredExitCodes": [0]})", "", "/services/app/restart", R"("on-failure")"},
    {R"("restartPolicy": {"enabled": true})", "", "/services/app/x-davit-task/restart_after", "300"},
    {R"("restartPolicy": {"enabled": true, "ignoredExitCodes": [0, 3], "restartAttemptPeriod": 60})", "",
     "/services/app/x-davit-task/ignored_exit_codes", "[0, 3]"},
    {R"("restartPolicy": {"enabled": true, "restartAttemptPeriod": 60})", "",
     "/services/app/x-davit-task/restart_after", "60"},
    {R"("startTimeout": 30)", "", "/services/app/x-davit-task/start_timeout", "30"},
    {R"("stopTimeout": 5)", "", "/services/app/stop_grace_period", R"("5s")"},
    {"", R"("memory": "512")", "/services/pause/x-davit-task/memory", "512"},
    {R"("restartPolicy": {"enabled": false})", "", "/services/app/restart", "(absent)"},
    {R"("mountPoints": [{"sourceVolume": "d", "containerPath": "/d", "readOnly": true}])",
     R"("volumes": [{"name": "d"}])", "/services/app/volumes/0",
     R"({"read_only": true, "source": "d", "target": "/d", "type": "volume"})"},
    {R"("mountPoints": [{"sourceVolume": "d", "containerPath": "/d"}])",
     R"("volumes": [{"name": "d", "host": {"sourcePath": "/srv"}}])", "/services/app/volumes/0/source", R"("/srv")"},
    {R"("mountPoints": [{"sourceVolume": "d", "containerPath": "/d"}])",
     R"("volumes": [{"name": "d", "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": true}}])",
     "/volumes/d/name", R"("d")"},
    {R"("mountPoints": [{"sourceVolume": "d", "containerPath": "/d"}])",
     R"("volumes": [{"name": "d", "dockerVolumeConfiguration": {"scope": "shared"}}])", "/volumes/d/external", "true"},
    {R"("mountPoints": [{"sourceVolume": "d", "containerPath": "/d"}])",
     R"("volumes": [{"name": "d", "efsVolumeConfiguration": {"fileSystemId": "fs-1"}}])",
     "/services/app/volumes/0/type", R"("volume")"},
    {"", R"("volumes": [{"name": "d", "fsxWindowsFileServerVolumeConfiguration": {"fileSystemId": "fs-1"}}])", app,
     "! file systems of Windows cannot be mounted here"},
    {R"("mountPoints": [{"sourceVolume": "e", "containerPath": "/d"}])", "", app, "! the task has no volume 'e'"},
    {R"("volumesFrom": [{"sourceContainer": "b", "readOnly": true}]}, {"name": "b", "image": "i")", "",
     "/services/app/volumes_from", R"(["b:ro"])"},
    {R"("ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 20}])", "", "/services/app/ulimits/nofile",
     R"({"hard": 20, "soft": 10})"},
    {R"("systemControls": [{"namespace": "net.core.somaxconn", "value": "9"}])", "", "/services/pause/sysctls",
     R"({"net.core.somaxconn": "9"})"},
    {R"("systemControls": [{"namespace": "kernel.msgmax", "value": "9"}])", "", "/services/app/sysctls",
     R"({"kernel.msgmax": "9"})"},
    {R"("linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"]}, "initProcessEnabled": true})", "",
     "/services/app/cap_add", R"(["SYS_PTRACE"])"},
    {R"("memory": 64, "linuxParameters": {"maxSwap": 64, "sharedMemorySize": 8})", "", "/services/app/memswap_limit",
     R"("134217728")"},
    {R"("linuxParameters": {"tmpfs": [{"containerPath": "/t", "size": 9, "mountOptions": ["noexec"]}]})", "",
     "/services/app/tmpfs", R"(["/t:size=9m,noexec"])"},
    {R"("linuxParameters": {"devices": [{"hostPath": "/dev/fuse", "permissions": ["read", "write"]}]})", "",
     "/services/app/devices/0", R"({"permissions": "rw", "source": "/dev/fuse", "target": "/dev/fuse"})"},
    {R"("user": "1:2", "workingDirectory": "/w", "privileged": true)", "", "/services/app/user", R"("1:2")"},
    {R"("dockerLabels": {"a": "b"})", "", "/services/app/labels", R"({"a": "b"})"},
    {R"("extraHosts": [{"hostname": "h", "ipAddress": "10.0.0.1"}], "dnsServers": ["10.0.0.2"])", "",
     "/services/pause/extra_hosts", R"(["h=10.0.0.1"])"},
    {R"("dnsServers": ["10.0.0.2"])", R"("networkMode": "bridge")", "/services/app/dns", R"(["10.0.0.2"])"},
    {R"("links": ["app2:db"]}, {"name": "app2", "image": "i")", R"("networkMode": "bridge")", "/services/app/links",
     R"(["app2:db"])"},
    {"", R"("pidMode": "task")", "/services/app/pid", R"("service:pause")"},
    {"", R"("ipcMode": "task")", "/services/pause/ipc", R"("shareable")"},
    {"", R"("runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"})",
     "/services/app/platform", R"("linux/arm64")"},
    {"", R"("runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"})", app,
     "! davit runs Linux containers"},
    {R"("logConfiguration": {"logDriver": "json-file", "options": {"max-size": "1m"}})", "", "/services/app/logging",
     R"({"driver": "json-file", "options": {"max-size": "1m"}})"},
    {R"("logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}})", "", "/services/app/logging",
     "(absent)"},
    {R"("essential": false)", "", app, "! at least one container has to be essential"},
    {R"("command": "sh")", "", app, "! containerDefinitions[0].command: must be a list"},
    {R"("stopTimeout": "5")", "", app, "! stopTimeout: must be a whole number"},
    {R"("name": "app", "image": "i"}, {"name": "app", "image": "i")", "", app, "! "},
};

} // namespace

TEST_CASE("a task definition as a project: key by key") {
    for (const Case& c : cases) {
        const std::string more = std::string(c.more).find("networkMode") == std::string::npos ? c.more : "";
        std::string text = task(c.container, more);
        if (more.empty() && *c.more) text.replace(text.find(R"("networkMode": "awsvpc")"), 23, c.more);
        CAPTURE(text);
        test::check(project_of(text), nlohmann::json::json_pointer(c.at), c.expect);
    }
}

TEST_CASE("mistakes of a task definition stand at their place, in the words of the JSON") {
    const std::string text =
        "{\n  \"family\": \"web\",\n  \"containerDefinitions\": [\n    {\"name\": \"a\", \"image\": \"i\",\n"
        "     \"secrets\": [{\"name\": \"DB_PASSWORD\", \"valueFrom\": \"arn:x\"}],\n"
        "     \"memori\": 5}\n  ]\n}\n";
    LoadOptions o = task_options(text);
    try {
        load(o);
        FAIL("the secret has no value");
    } catch (const LoadError& e) {
        const std::string all = e.describe_all();
        CHECK(all.find("(standard input):5:27: containerDefinitions[0].secrets[0].name: the secret 'DB_PASSWORD' has "
                       "no value") != std::string::npos);
        CHECK(all.find("set the variable DB_PASSWORD in the shell") != std::string::npos);
        CHECK(all.find("(standard input):6:6: warning: containerDefinitions[0].memori: this key is not known") !=
              std::string::npos);
        CHECK(all.find("did you mean 'memory'?") != std::string::npos);
    }
    o.environment["DB_PASSWORD"] = "x";
    CHECK(load(o).project.services.at("a").environment.at("DB_PASSWORD") == "x");
    o.environment.erase("DB_PASSWORD");
    o.interpolate = false; // what is printed to be shared
    CHECK(load(o).project.services.contains("a"));
}

TEST_CASE("a family's name is as ECS takes it") {
    std::string text = task();
    text.replace(text.find("Web_App"), 7, "web/app");
    CHECK(project_of(text)["error"].get<std::string>().find("takes up to 255 letters, digits, hyphens and "
                                                            "underscores") != std::string::npos);
}

TEST_CASE("as describe-task-definition prints it; what is for AWS alone is named once") {
    const std::string text =
        R"({"taskDefinition": {"taskDefinitionArn": "arn:aws:ecs:us-east-1:1:task-definition/web:7", "family": "web", "revision": 7,
            "status": "ACTIVE", "executionRoleArn": "arn:x", "requiresAttributes": [], "compatibilities": ["EC2", "FARGATE"],
            "requiresCompatibilities": ["FARGATE"], "placementConstraints": [], "volumes": [],
            "containerDefinitions": [{"name": "a", "image": "i", "cpu": 0, "portMappings": [], "essential": true, "environment": [],
             "mountPoints": [], "volumesFrom": [], "systemControls": []}]}, "tags": []})";
    const LoadResult loaded = load(task_options(text));
    REQUIRE(loaded.warnings.size() == 1);
    CHECK(loaded.warnings[0].message == "executionRoleArn is for AWS and has no effect here");
    CHECK(loaded.project.services.at("a").network_mode == "service:pause"); // FARGATE is awsvpc
    CHECK(loaded.project.name == "web");
}

TEST_CASE("the service beside it: desiredCount, and names of its own for each task") {
    const test::TempDir dir;
    std::ofstream(dir / "task.json") << task(
        R"("portMappings": [{"containerPort": 80}], "dependsOn": [{"containerName": "b",
        "condition": "START"}], "mountPoints": [{"sourceVolume": "d", "containerPath": "/d"}]}, {"name": "b", "image": "i")",
        R"("volumes": [{"name": "d"}])");
    std::ofstream(dir / "service.json") << R"({"serviceName": "front", "taskDefinition": "Web_App:3", "desiredCount": 2,
        "cluster": "c", "launchType": "FARGATE", "serviceConnectConfiguration": {"enabled": true, "services":
        [{"portName": "web", "discoveryName": "web-80", "clientAliases": [{"port": 80, "dnsName": "web"}]}]}})";
    LoadOptions o = task_options("");
    o.files = {dir / "task.json", dir / "service.json"};
    const LoadResult loaded = load(o);
    const Project& p = loaded.project;
    CHECK(p.services.size() == 6);
    CHECK(p.services.at("app-2").network_mode == "service:pause-2");
    CHECK(p.services.at("app-2").depends_on.contains("b-2"));
    CHECK(p.services.at("app-2").volumes.at(0).source == "d-2");
    CHECK(p.volumes.contains("d-2"));
    CHECK(p.services.at("pause").ports.at(0).published == "80");
    CHECK(p.services.at("pause-2").ports.at(0).published.empty());
    CHECK(p.services.at("pause-2").networks.at("default")->aliases ==
          std::vector<std::string>{"Web_App", "front", "web-80", "web"});

    std::ofstream(dir / "service.json") << R"({"services": [{"serviceName": "front", "taskDefinition": "other"}]})";
    CHECK(test::load_json(o)["error"].get<std::string>().find("the service is of 'other'") != std::string::npos);
    o.files = {dir / "service.json"};
    CHECK(test::load_json(o)["error"].get<std::string>().find("needs its task definition beside it") !=
          std::string::npos);
    o.files = {dir / "task.json", dir / "task.json"};
    CHECK(test::load_json(o)["error"].get<std::string>().find("a project has one task definition") !=
          std::string::npos);
}

TEST_CASE("files of variables lie beside it; a compose file over it changes what it says") {
    const test::TempDir dir;
    std::ofstream(dir / "task.json") << task(
        R"("environmentFiles": [{"value": "arn:aws:s3:::bucket/prod.env", "type": "s3"}])");
    LoadOptions o = task_options("");
    o.files = {dir / "task.json"};
    CHECK(test::load_json(o)["error"].get<std::string>().find("lies in S3, which davit does not read") !=
          std::string::npos);
    o.elsewhere = true; // ECS has it
    CHECK(load(o).warnings.at(0).message.find("only an export to ECS has its variables") != std::string::npos);
    o.elsewhere = false;
    std::ofstream(dir / "prod.env") << "A=$B\n";
    std::ofstream(dir / "more.yaml") << "services: {app: {image: other, environment: {C: \"${FOO}\"}}}\n";
    o.files.push_back(dir / "more.yaml");
    const Project p = load(o).project;
    CHECK(p.services.at("app").environment.at("A") == "$B");
    CHECK(p.services.at("app").environment.at("C") == "first");
    CHECK(p.services.at("app").image == "other");
}

TEST_CASE("what is spelt as others spell it is told, with its place") {
    for (const char* text : {R"({"Family": "x", "ContainerDefinitions": [{"Name": "a", "Image": "i"}]})",
                             R"({"Resources": {"Task": {"Type": "AWS::ECS::TaskDefinition", "Properties": {}}}})",
                             R"([{"name": "a", "image": "i"}])"}) {
        const std::string error = project_of(text)["error"];
        CAPTURE(error);
        CHECK(error.find("this is a task definition ") != std::string::npos);
    }
}

TEST_CASE("the host's credentials only for who asks") {
    LoadOptions o = task_options(task());
    o.environment["AWS_ACCESS_KEY_ID"] = "AKIA";
    CHECK(!load(o).project.services.at("app").environment.contains("AWS_ACCESS_KEY_ID"));
    o.environment["DAVIT_ECS_CREDENTIALS"] = "1";
    CHECK(load(o).project.services.at("app").environment.at("AWS_ACCESS_KEY_ID") == "AKIA");
}

// Swarm's objects as the listings show them.
#include "base/error.hpp"
#include "base/sys.hpp"
#include "cli/cmd/swarm_group.hpp"
#include "cli/format/swarm_objects.hpp"
#include "cli/format/template.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::cli;

namespace {

swarm::Service service_of(const std::string& name) {
    swarm::Service s;
    s.id = "a" + std::string(24, '0');
    s.spec.name = name;
    s.spec.task.container.image = "busybox:latest";
    return s;
}

swarm::Task task_of(std::uint64_t slot, swarm::TaskState state, swarm::TaskState desired) {
    swarm::Task t;
    t.id = "t" + std::to_string(slot) + std::string(23, '0');
    t.slot = slot;
    t.state = state;
    t.desired = desired;
    t.node_id = "n" + std::string(24, '0');
    return t;
}

std::string replicas(const swarm::Service& s, const std::vector<swarm::Task>& tasks) {
    return service_row(s, swarm::count(s, tasks))["Replicas"].get<std::string>();
}

} // namespace

TEST_CASE("swarm: replicas count what runs, whatever it should be") {
    using enum swarm::TaskState;
    swarm::Service s = service_of("web");
    CHECK(replicas(s, {}) == "0/1");
    s.spec.mode.replicas = 2;
    CHECK(replicas(s, {task_of(1, running, running), task_of(1, running, shutdown), task_of(2, running, running),
                       task_of(2, starting, running)}) == "3/2");
    s.spec.task.placement.emplace().max_replicas = 3;
    CHECK(replicas(s, {}) == "0/2 (max 3 per node)");
    s.spec.mode.kind = swarm::ModeKind::global;
    CHECK(replicas(s, {}) == "0/0");
    CHECK(replicas(s, {task_of(0, running, running), task_of(0, complete, shutdown)}) == "1/1");
}

TEST_CASE("swarm: replicas of jobs tell what is completed of the last run") {
    using enum swarm::TaskState;
    swarm::Service s = service_of("job");
    s.job_iteration = 1;
    s.spec.mode = {swarm::ModeKind::replicated_job, {}, 2, 4};
    std::vector<swarm::Task> tasks = {task_of(0, complete, complete), task_of(1, running, complete),
                                      task_of(2, complete, complete)};
    for (auto& t : tasks) t.job_iteration = 1;
    tasks[2].job_iteration = 0;
    CHECK(replicas(s, tasks) == "1/2 (1/4 completed)");
    s.spec.mode = {swarm::ModeKind::global_job, {}, {}, {}};
    CHECK(replicas(s, {tasks[0]}) == "0/0 (1/1 completed)");
    CHECK(replicas(s, {tasks[1]}) == "1/1 (0/1 completed)");
    CHECK(mode_text(s.spec.mode) == "global job");
    CHECK(mode_keyword(s.spec.mode) == "global-job");
}

TEST_CASE("swarm: published ports that follow each other are one range") {
    auto text = [](std::vector<swarm::PortConfig> ports) { return endpoint_ports_text(std::move(ports)); };
    CHECK(text({}).empty());
    CHECK(text({{"", "udp", 81, 18402, "ingress"}, {"", "tcp", 80, 18401, "ingress"}}) ==
          "*:18401->80/tcp, *:18402->81/udp");
    CHECK(text({{"", "tcp", 90, 18410, "ingress"},
                {"", "tcp", 91, 18411, "ingress"},
                {"", "tcp", 92, 18412, "ingress"}}) == "*:18410-18412->90-92/tcp");
    CHECK(text({{"", "tcp", 80, 8080, "ingress"}, {"", "tcp", 80, 8081, "ingress"}}) == "*:8080-8081->80/tcp");
    CHECK(text({{"", "tcp", 80, 8080, "ingress"}, {"", "tcp", 82, 8081, "ingress"}}) ==
          "*:8080->80/tcp, *:8081->82/tcp");
    CHECK(text({{"", "tcp", 80, 8080, "host"}}).empty());
}

TEST_CASE("swarm: images are shown without digest and Docker Hub's prefixes") {
    CHECK(familiar_image("busybox:latest@sha256:00") == "busybox:latest");
    CHECK(familiar_image("docker.io/library/busybox:1") == "busybox:1");
    CHECK(familiar_image("docker.io/me/x:1@sha256:00") == "me/x:1");
    CHECK(familiar_image("host:5000/a/b:2@sha256:00") == "host:5000/a/b:2");
    CHECK(familiar_image("host:5000/a@sha256:00") == "host:5000/a@sha256:00");
}

TEST_CASE("swarm: a task's row") {
    TaskRow row{task_of(1, swarm::TaskState::failed, swarm::TaskState::shutdown),
                "web.1",
                "host",
                {{"0.0.0.0", 18421, 80, "tcp"}, {"::", 18421, 80, "tcp"}}};
    row.task.error = "starting container failed: no such thing there";
    row.task.image = "busybox:latest@sha256:00";
    row.task.state_since = 1'000'000'000;
    const nlohmann::json shown = task_row(row, true, true, 61'000'000'000), whole = task_row(row, false, false, 0);
    CHECK(shown == nlohmann::json{{"CurrentState", "Failed about a minute ago"},
                                  {"DesiredState", "Shutdown"},
                                  {"Error", "\"starting container failed: no…\""},
                                  {"ID", "t10000000000"},
                                  {"Image", "busybox:latest"},
                                  {"Name", " \\_ web.1"},
                                  {"Node", "host"},
                                  {"Ports", "*:18421->80/tcp,*:18421->80/tcp"}});
    CHECK(whole["ID"] == row.task.id);
    CHECK(whole["Image"] == row.task.image);
    CHECK(whole["Error"] == "\"" + row.task.error + "\"");
    CHECK(whole["CurrentState"] == "Failed less than a second ago");
}

TEST_CASE("swarm: names are sorted as people count") {
    CHECK(natural_less("web.2", "web.10"));
    CHECK_FALSE(natural_less("web.10", "web.2"));
    CHECK(natural_less("a", "b"));
    CHECK(natural_less("a", "a1"));
    CHECK_FALSE(natural_less("a1", "a1"));
    CHECK(natural_less("a1", "a01"));
    CHECK(natural_less("a01b", "a1c") == false);
}

TEST_CASE("swarm: filters of one key are alternatives, of labels all must hold") {
    Filters filters;
    CHECK(filters.prefix("name", "web"));
    filters.add("name", "db");
    filters.add("name", "we");
    CHECK(filters.prefix("name", "web"));
    CHECK_FALSE(filters.prefix("name", "x-web"));
    CHECK_FALSE(filters.exact("name", "web"));
    filters.add("label", "a");
    filters.add("label", "b=1");
    CHECK(filters.labels("label", {{"a", "x"}, {"b", "1"}}));
    CHECK_FALSE(filters.labels("label", {{"a", "x"}, {"b", "2"}}));
    CHECK_FALSE(filters.labels("label", {{"b", "1"}}));
    CHECK_THROWS_WITH_AS(filters.check(), doctest::Contains("invalid filter 'label'"), Error);
}

TEST_CASE("swarm: bytes are text for printf, base64 for json, numbers by themselves") {
    const nlohmann::ordered_json doc = {{"Data", nlohmann::ordered_json::binary({'h', 'i', '\n'})}};
    CHECK(Template("{{printf \"%s\" .Data}}").execute(doc, "\n") == "hi\n");
    CHECK(Template("{{json .Data}} {{json .}}").execute(doc) == "\"aGkK\" {\"Data\":\"aGkK\"}");
    CHECK(Template("{{.Data}} {{len .Data}}").execute(doc) == "[104 105 10] 3");
}

TEST_CASE("swarm: a service for people") {
    swarm::Service s = service_of("t010_web");
    swarm::ServiceSpec& spec = s.spec;
    spec.labels = {{"x", "y"}, {"z", ""}};
    spec.mode.replicas = 0;
    spec.task.placement = swarm::Placement{{"node.role == manager"}, {}, 3, {}};
    spec.update_config = swarm::UpdateConfig{2, 10'000'000'000, "", {}, 0, "start-first"};
    spec.task.container.args = {"sleep", "1000"};
    spec.task.container.env = {"A=1", "B=two"};
    spec.task.container.init = true;
    spec.task.resources = swarm::Resources{
        swarm::ResourceLimits{500'000'000, 67'108'864, 0}, swarm::ResourceReservations{0, 20'971'520, {}}, {}, {}};
    spec.task.networks = {{"net1", {}, {}}};
    CHECK(pretty(s) ==
          "\nID:\t\ta000000000000000000000000\nName:\t\tt010_web\nLabels:\n x=y\n z\nService Mode:\tReplicated\n"
          " Replicas:\t0\nPlacement:\n Constraints:\t[node.role == manager]\n Max Replicas Per Node:   3\n"
          "UpdateConfig:\n Parallelism:\t2\n Delay:\t\t10s\n On failure:\tpause\n Monitoring Period: 5s\n"
          " Max failure ratio: 0\n Update order:      start-first\nRollbackConfig:\n Parallelism:\t1\n"
          " On failure:\tpause\n Monitoring Period: 5s\n Max failure ratio: 0\n Rollback order:    stop-first\n"
          "ContainerSpec:\n Image:\t\tbusybox:latest\n Args:\t\tsleep 1000 \n Env:\t\tA=1 B=two \n Init:\t\ttrue\n"
          "Resources:\n Reservations:\n  Memory:\t20MiB\n Limits:\n  CPU:\t\t0.5\n  Memory:\t64MiB\n"
          "Networks: net1 \nEndpoint Mode:\tvip\n\n");
}

TEST_CASE("swarm: a service for people: what docker shows of logs, checks and jobs") {
    swarm::Service s = service_of("x");
    s.spec.mode.kind = swarm::ModeKind::global_job;
    s.spec.task.log_driver = swarm::LogDriver{"json-file", {{"max-size", "1m"}}};
    s.spec.task.container.healthcheck = swarm::Healthcheck{{"CMD-SHELL", "true"}};
    const std::string out = pretty(s);
    CHECK(out.find("Service Mode:\nPlacement:\n") != std::string::npos);
    CHECK(out.find("Log Driver:\n Name:\t\tjson-file\n LogOpts:\n  max-size:       1m\n\nResources:\nEndpoint Mode:") !=
          std::string::npos);
    CHECK(out.find("  StartPeriod =\t0s\n  Timeout =\t0s\n  Tests:\n\t Test = CMD-SHELL\n\t Test = true \n") !=
          std::string::npos);
    s.spec.endpoint = swarm::EndpointSpec{"vip", {{"", "tcp", 80, 8080, "ingress"}, {"", "udp", 81, 8081, "host"}}};
    CHECK(pretty(s).find("  PublishMode = ingress\n PublishedPort = 8081\n  Protocol = udp\n  TargetPort = 81\n"
                         "  PublishMode = host \n Healthcheck:") != std::string::npos);
}

TEST_CASE("swarm: configs and secrets for people: docker's gaps, and times in small letters") {
    swarm::Config file;
    file.id = "a000000000000000000000000";
    file.spec.name = "c1";
    file.spec.data = "text";
    file.created_at = 1'500'000'000;
    file.updated_at = 2'000'000'000;
    CHECK(pretty(swarm::FileKind::config, file) ==
          "ID:\t\t\ta000000000000000000000000\nName:\t\t\tc1\n"
          "Created at:            \t1970-01-01 00:00:01.5 +0000 utc\n"
          "Updated at:            \t1970-01-01 00:00:02 +0000 utc\nData:\ntext\n");
    file.spec.labels = {{"x", "y"}};
    CHECK(pretty(swarm::FileKind::secret, file) ==
          "ID:              a000000000000000000000000\nName:              c1\nLabels:\n - x=y\n"
          "Driver:            \nCreated at:        1970-01-01 00:00:01.5 +0000 utc\n"
          "Updated at:        1970-01-01 00:00:02 +0000 utc\n");
}

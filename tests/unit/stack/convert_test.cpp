#include "davit/stack.hpp"

#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fstream>

using namespace davit;

namespace {

Stack loaded(const std::string& text, bool accept_modern = false, const std::string& dir = "/dir") {
    StackOptions options;
    options.files = {"-"};
    options.stdin_text = text;
    options.current_dir = dir;
    options.environment = {{"TOKEN", "t0k"}};
    options.accept_modern = accept_modern;
    return load_stack("s", options);
}

swarm::ServiceSpec spec_of(const std::string& lines, const std::string& rest = "") {
    const Stack stack = loaded("services:\n  web:\n    image: i:1\n    " + lines + "\n" + rest);
    REQUIRE(stack.services.size() == 1);
    return stack.services.front();
}

std::string mistake(const std::string& lines, const std::string& rest = "") {
    try {
        spec_of(lines, rest);
        return {};
    } catch (const Error& e) {
        return e.what();
    }
}

void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

} // namespace

TEST_CASE("names and labels of a stack") {
    const swarm::ServiceSpec web = spec_of("labels: {on: container}\n    deploy: {labels: {on: service}}");
    CHECK(web.name == "s_web");
    CHECK(web.labels ==
          swarm::Labels{{"com.docker.stack.image", "i:1"}, {"com.docker.stack.namespace", "s"}, {"on", "service"}});
    CHECK(web.task.container.labels == swarm::Labels{{"com.docker.stack.namespace", "s"}, {"on", "container"}});
    REQUIRE(web.task.networks.size() == 1);
    CHECK(web.task.networks[0].target == "s_default");
    CHECK(web.task.networks[0].aliases == std::vector<std::string>{"web"});
    CHECK(web.endpoint.has_value());
    CHECK_FALSE(web.update_config.has_value());
    CHECK_FALSE(web.task.restart_policy.has_value());
}

TEST_CASE("networks of a stack: those in use, with their settings, and external ones") {
    const Stack stack =
        loaded("services:\n  web:\n    image: i\n    networks: {b: {aliases: [x]}, e: , h: }\n"
               "networks:\n  b: {driver: bridge, internal: true, ipam: {config: [{subnet: 10.9.0.0/24}]}}\n"
               "  e: {external: true, name: outside}\n  h: {external: {name: host}}\n  unused: {}\n");
    REQUIRE(stack.networks.size() == 1);
    CHECK(stack.networks[0].name == "s_b");
    CHECK(stack.networks[0].driver == "bridge");
    CHECK(stack.networks[0].internal);
    CHECK(stack.networks[0].pools.at(0).subnet == "10.9.0.0/24");
    CHECK(stack.external_networks == std::vector<std::string>{"host", "outside"});
    const auto& nets = stack.services[0].task.networks;
    REQUIRE(nets.size() == 3);
    CHECK(nets[0].target == "host");
    CHECK(nets[0].aliases.empty());
    CHECK(nets[2].target == "s_b");
    CHECK(nets[2].aliases == std::vector<std::string>{"x", "web"});
    CHECK(stack.warnings ==
          std::vector<std::string>{"network h: network.external.name is deprecated in favor of network.name"});
    CHECK(loaded("networks: {a: {}}\n").networks.empty());
}

TEST_CASE("configs and secrets: content, references by name, their order") {
    test::TempDir dir;
    put(dir.path() + "/f", "content");
    const Stack stack = loaded(
        "services:\n  web:\n    image: i\n    configs: [c1, {source: c2, target: /etc/two, mode: 0440, uid: \"7\"}]\n"
        "    secrets: [s1, {source: s2, target: renamed, mode: 0400}, out]\n"
        "configs:\n  c1: {file: f, template_driver: golang}\n  c2: {file: ./f, labels: {a: b}}\n"
        "secrets:\n  s1: {file: f}\n  s2: {file: f, name: a_first}\n  out: {external: true}\n",
        false, dir.path());
    REQUIRE(stack.configs.size() == 2);
    CHECK(stack.configs[0].name == "s_c1");
    CHECK(stack.configs[0].data == "content");
    CHECK(stack.configs[0].template_driver == "golang");
    CHECK(stack.configs[1].labels == swarm::Labels{{"a", "b"}, {"com.docker.stack.namespace", "s"}});
    CHECK(stack.secrets.size() == 2);
    const auto& c = stack.services[0].task.container;
    CHECK(c.configs[0].target == "c1");
    CHECK(c.configs[1].mode == 0440);
    CHECK(c.configs[1].uid == "7");
    REQUIRE(c.secrets.size() == 3);
    CHECK(c.secrets[0].name == "a_first");
    CHECK(c.secrets[0].mode == 0400);
    CHECK(c.secrets[1].name == "out");
    CHECK(c.secrets[2].name == "s_s1");
}

TEST_CASE("restart: is what counts without deploy.restart_policy, but for 'no'") {
    CHECK(spec_of("restart: always").task.restart_policy->condition == "any");
    CHECK(spec_of("restart: unless-stopped").task.restart_policy->condition == "any");
    CHECK(spec_of("restart: on-failure:3").task.restart_policy->max_attempts == 3u);
    CHECK_FALSE(spec_of("restart: \"no\"").task.restart_policy.has_value());
    const auto policy =
        spec_of("restart: always\n    deploy: {restart_policy: {condition: none, delay: 3s, window: 2m}}")
            .task.restart_policy;
    CHECK(policy->condition == "none");
    CHECK(policy->delay == 3'000'000'000);
    CHECK(policy->window == 120'000'000'000);
    CHECK(mistake("restart: sometimes").find("unknown policy 'sometimes'") != std::string::npos);
}

TEST_CASE("mounts of stacks") {
    const auto mounts =
        spec_of("volumes: [data:/d, /anon, \"./b:/b:ro\", {type: tmpfs, target: /t, tmpfs: {size: 1048576}},"
                " {type: volume, source: ext, target: /e, volume: {nocopy: true}}]",
                "volumes:\n  data: {labels: {k: v}, driver: d, driver_opts: {o: 1}}\n  ext: {external: true}\n")
            .task.container.mounts;
    REQUIRE(mounts.size() == 5);
    CHECK(mounts[0].source == "s_data");
    CHECK(mounts[0].volume_labels == swarm::Labels{{"com.docker.stack.namespace", "s"}, {"k", "v"}});
    CHECK(mounts[0].driver == "d");
    CHECK(mounts[0].driver_options.at("o") == "1");
    CHECK_FALSE(mounts[1].volume_options);
    CHECK(mounts[2].type == "bind");
    CHECK(mounts[2].source == "/dir/b");
    CHECK(mounts[2].read_only);
    CHECK(mounts[3].tmpfs_size == 1048576);
    CHECK(mounts[4].source == "ext");
    CHECK(mounts[4].no_copy);
    CHECK(mounts[4].volume_labels.empty());
    CHECK(mistake("volumes: [data:/d]") == "service web: undefined volume \"data\"");
    CHECK(mistake("volumes: [{type: image, source: i, target: /x}]") ==
          "service web: volume type must be volume, bind, tmpfs, npipe, or cluster");
    CHECK(mistake("volumes: [{type: bind, source: /x, target: /x, volume: {}}]") ==
          "service web: volume options are incompatible with type bind");
}

TEST_CASE("deploy: of stacks") {
    const swarm::ServiceSpec web =
        spec_of("deploy:\n      mode: replicated-job\n      replicas: 3\n      update_config: {failure_action: "
                "rollback, monitor: 1s}\n"
                "      resources: {limits: {cpus: '0.5', memory: 64M, pids: 5}, reservations: {generic_resources: "
                "[{discrete_resource_spec: {kind: gpu, value: 2}}]}}\n"
                "      placement: {constraints: [node.role == manager], preferences: [{spread: node.labels.z}]}\n"
                "      endpoint_mode: DNSRR\n    ports: [{target: 81, published: 2, mode: host}, \"1:80/udp\"]");
    CHECK(web.mode.kind == swarm::ModeKind::replicated_job);
    CHECK(web.mode.max_concurrent == 3u);
    CHECK(web.mode.total_completions == 3u);
    CHECK(web.update_config->parallelism == 1);
    CHECK(web.update_config->failure_action == "rollback");
    CHECK(web.update_config->monitor == 1'000'000'000);
    CHECK(web.task.resources->limits->nano_cpus == 500'000'000);
    CHECK(web.task.resources->limits->memory == 64 * 1024 * 1024);
    CHECK(web.task.resources->reservations->generic[0].kind == "gpu");
    CHECK(web.task.placement->preferences == std::vector<std::string>{"node.labels.z"});
    CHECK(web.endpoint->mode == "dnsrr");
    REQUIRE(web.endpoint->ports.size() == 2);
    CHECK(web.endpoint->ports[0].published == 1);
    CHECK(web.endpoint->ports[0].protocol == "udp");
    CHECK(web.endpoint->ports[1].mode == "host");
    CHECK(web.endpoint->ports[1].protocol == "tcp");
    CHECK(mistake("deploy: {mode: bogus}") == "service web: unknown mode: bogus");
    CHECK(mistake("deploy: {mode: global, replicas: 2}") ==
          "service web: replicas can only be used with replicated or replicated-job mode");
}

TEST_CASE("a port's mode and protocol in Swarm's words, whatever their case: what is none is the usual one") {
    struct Row {
        const char *mode, *protocol, *becomes_mode, *becomes_protocol;
    };
    for (const auto& [mode, protocol, becomes_mode, becomes_protocol] :
         {Row{"foo", "tcp", "ingress", "tcp"}, Row{"HOST", "UDP", "host", "udp"}, Row{"host", "bar", "host", "tcp"},
          Row{"", "", "ingress", "tcp"}, Row{"ingress", "sctp", "ingress", "sctp"}}) {
        INFO(mode, " ", protocol);
        const swarm::ServiceSpec web =
            spec_of(std::string("ports: [{target: 80, mode: \"") + mode + "\", protocol: \"" + protocol + "\"}]");
        REQUIRE(web.endpoint->ports.size() == 1);
        CHECK(web.endpoint->ports[0].mode == becomes_mode);
        CHECK(web.endpoint->ports[0].protocol == becomes_protocol);
    }
}

TEST_CASE("a config or secret without content that can be read says which one, and where it stands") {
    const test::TempDir dir;
    try {
        loaded("services:\n  web:\n    image: i:1\nconfigs:\n  c: {}\n", false, dir.path());
        FAIL("a directory is no content");
    } catch (const Error& e) {
        CHECK(e.what() == "read " + dir.path() + ": is a directory");
        CHECK(e.at().line == 5);
        CHECK(e.at().column == 3);
        CHECK(e.context() == std::vector<std::string>{"reading configs.c"});
        CHECK(e.hint().find("external: true") != std::string::npos);
    }
}

TEST_CASE("what only becomes wrong as a stack") {
    CHECK(mistake("secrets: [x]") == "service web: undefined secret \"x\"");
    CHECK(mistake("ports: [{target: 70000}]") == "service web: invalid target port 70000: the highest is 65535");
    CHECK(mistake("configs: [x]") == "service web: undefined config \"x\"");
    CHECK(mistake("networks: [x]") == "service web: undefined network \"x\"");
    CHECK(mistake("healthcheck: {test: x, disable: true}") ==
          "service web: test and disable can't be set at the same time");
    CHECK(mistake("secrets: [x]", "secrets: {x: {file: ./nofile}}\n") == "open /dir/nofile: no such file or directory");
    CHECK(mistake("env_file: [none.env]") == "open /dir/none.env: no such file or directory");
    try {
        loaded("services: {web: {}}\n");
        FAIL("no image");
    } catch (const Error& e) {
        CHECK(std::string(e.what()) == "invalid image reference for service web: no image specified");
    }
}

TEST_CASE("environment and the process of a container") {
    test::TempDir dir;
    put(dir.path() + "/e.env", "FROMFILE=yes\nA=file\n# c\nQ=\"quoted\"\nTOKEN\nUNSET\n");
    const Stack stack =
        loaded("services:\n  web:\n    image: i\n    env_file: [e.env]\n    environment: {A: own, Z: last, BARE: }\n"
               "    cap_add: [net_admin]\n    cap_drop: [ALL]\n    extra_hosts: [\"a:1.2.3.4\"]\n    dns: 1.1.1.1\n"
               "    ulimits: {nproc: 5, nofile: {soft: 1, hard: 2}}\n    entrypoint: [\"a b\"]\n    command: c d\n",
               false, dir.path());
    const swarm::ContainerSpec& c = stack.services[0].task.container;
    CHECK(c.env == std::vector<std::string>{"A=own", "BARE", "FROMFILE=yes", "Q=\"quoted\"", "TOKEN=t0k", "Z=last"});
    CHECK(c.capability_add == std::vector<std::string>{"CAP_NET_ADMIN"});
    CHECK(c.capability_drop == std::vector<std::string>{"ALL"});
    CHECK(c.hosts == std::vector<std::string>{"1.2.3.4 a"});
    CHECK(c.dns_config->nameservers == std::vector<std::string>{"1.1.1.1"});
    CHECK(c.ulimits == std::vector<swarm::Ulimit>{{"nofile", 1, 2}, {"nproc", 5, 5}});
    CHECK(c.command == std::vector<std::string>{"a b"});
    CHECK(c.args == std::vector<std::string>{"c", "d"});
}

TEST_CASE("what stacks ignore is said") {
    const Stack stack =
        loaded("services:\n  web:\n    image: i\n    build: .\n    privileged: true\n    restart: always\n"
               "    container_name: x\n    expose: [80]\n");
    REQUIRE(stack.warnings.size() == 2);
    CHECK(stack.warnings[0] == "Ignoring unsupported options: build, privileged, restart\n");
    CHECK(stack.warnings[1].starts_with(
        "Ignoring deprecated options:\n\ncontainer_name: Setting the container name is not supported.\nexpose: "));
}

TEST_CASE("a compose file of today is read where version 3 refuses it, and only when that is asked for") {
    const std::string text =
        "name: ignored\nservices:\n  web:\n    image: i\n    depends_on: {db: {condition: service_healthy}}\n"
        "    ports: [{target: 80, published: \"8080\"}]\n    secrets: [tok]\n    configs: [c]\n"
        "    volumes: [data:/d]\n    mem_limit: 64m\n    scale: 2\n"
        "  db: {image: d}\n  debug: {image: x, profiles: [debug]}\n"
        "secrets: {tok: {environment: TOKEN}}\nconfigs: {c: {content: hello}}\nvolumes: {data: {}}\n";
    CHECK_THROWS_AS(loaded(text), const LoadError&);
    const Stack stack = loaded(text, true);
    REQUIRE(stack.services.size() == 2);
    const swarm::ServiceSpec& web = stack.services[1];
    CHECK(web.name == "s_web");
    CHECK(web.endpoint->ports[0].published == 8080);
    CHECK(web.mode.replicas == 2u);
    CHECK(web.task.resources->limits->memory == 64 * 1024 * 1024);
    CHECK(web.task.container.mounts[0].source == "s_data");
    CHECK(web.task.container.secrets[0].name == "s_tok");
    CHECK(web.task.networks[0].target == "s_default");
    CHECK(stack.networks[0].name == "s_default");
    CHECK(stack.secrets[0].data == "t0k");
    CHECK(stack.configs[0].data == "hello");
    CHECK(stack.configs[0].name == "s_c");
    REQUIRE(!stack.warnings.empty());
    CHECK(stack.warnings[0].find("name, services.web.depends_on") != std::string::npos);
    CHECK(web.depends_on == std::vector<swarm::ServiceDependency>{{"s_db", "service_healthy", true}});
    // What is wrong in both worlds keeps docker's words.
    CHECK_THROWS_WITH_AS(loaded("services: {web: {image: i, bogus: 1}}\n", true),
                         doctest::Contains("Additional property bogus"), const LoadError&);
}

TEST_CASE("a map depends_on orders the first starts, a list orders nothing") {
    const Stack stack = loaded("name: x\nservices:\n  a: {image: i}\n  b: {image: i, depends_on: [a]}\n"
                               "  c:\n    image: i\n    depends_on:\n      a: {condition: service_started}\n"
                               "      b: {condition: service_completed_successfully, required: false}\n"
                               "      off: {condition: service_healthy, required: false}\n"
                               "  off: {image: i, profiles: [debug]}\n",
                               true);
    REQUIRE(stack.services.size() == 3);
    CHECK(stack.services[1].depends_on.empty());
    CHECK(stack.services[2].depends_on ==
          std::vector<swarm::ServiceDependency>{{"s_a", "service_started", true},
                                                {"s_b", "service_completed_successfully", false}});
}

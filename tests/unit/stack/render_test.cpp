#include "davit/stack.hpp"
#include "stack/print.hpp"
#include "stack/substitute.hpp"

#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fstream>

using namespace davit;

namespace {

std::string rendered(const std::string& text, std::map<std::string, std::string> environment = {},
                     bool interpolate = true) {
    StackOptions options;
    options.files = {"-"};
    options.stdin_text = text;
    options.current_dir = "/dir";
    options.environment = std::move(environment);
    options.interpolate = interpolate;
    return render_stack(options);
}

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

// What a service's lines become.
std::string service(const std::string& lines, std::map<std::string, std::string> environment = {}) {
    std::string out = rendered("services:\n  web:\n    " + lines + "\n", std::move(environment));
    const std::string head = "version: \"3.13\"\nservices:\n  web:\n";
    REQUIRE(out.starts_with(head));
    return out.substr(head.size());
}

} // namespace

TEST_CASE("a stack file is printed as docker prints it") {
    CHECK(rendered(R"(version: "3.8"
services:
  web:
    image: busybox:${TAG:-latest}
    command: sleep 1000
    entrypoint: ["/bin/sh", "-c"]
    environment: [A=1, "B=${B:-x}"]
    ports: ["18080:80", "9000-9001:90-91/udp"]
    volumes: ["data:/data:ro", "./src:/src", "/anon"]
    networks: [default, back]
    healthcheck: {test: curl -f http://x, interval: 1m30s}
    stop_grace_period: 90s
    configs: [c]
    ulimits: {nofile: {soft: 1, hard: 2}}
    extra_hosts: ["h:1.2.3.4"]
    logging: {driver: json-file}
    deploy:
      replicas: 0
      update_config: {delay: 90s, parallelism: 2, max_failure_ratio: 0.1}
      resources: {limits: {cpus: "0.5", memory: 1.5g}}
networks: {back: {driver: overlay}}
volumes: {data: {}}
configs: {c: {file: ./c.txt}}
)") == R"(version: "3.8"
services:
  web:
    command:
      - sleep
      - "1000"
    configs:
      - source: c
    deploy:
      replicas: 0
      update_config:
        parallelism: 2
        delay: 1m30s
        max_failure_ratio: 0.1
      resources:
        limits:
          cpus: "0.5"
          memory: "1610612736"
    entrypoint:
      - /bin/sh
      - -c
    environment:
      A: "1"
      B: x
    extra_hosts:
      - h:1.2.3.4
    healthcheck:
      test:
        - CMD-SHELL
        - curl -f http://x
      interval: 1m30s
    image: busybox:latest
    logging:
      driver: json-file
    networks:
      back: null
      default: null
    ports:
      - mode: ingress
        target: 80
        published: 18080
        protocol: tcp
      - mode: ingress
        target: 90
        published: 9000
        protocol: udp
      - mode: ingress
        target: 91
        published: 9001
        protocol: udp
    stop_grace_period: 1m30s
    ulimits:
      nofile:
        soft: 1
        hard: 2
    volumes:
      - type: volume
        source: data
        target: /data
        read_only: true
      - type: bind
        source: /dir/src
        target: /src
      - type: volume
        target: /anon
networks:
  back:
    driver: overlay
volumes:
  data: {}
configs:
  c:
    file: /dir/c.txt
)");
}

TEST_CASE("short forms become records") {
    CHECK(service("ports: [\"8000-8001:80\"]").find("published: 8001") != std::string::npos);
    CHECK(service("volumes: [\"e:/e\"]") == "    volumes:\n      - type: volume\n        target: e:/e\n");
    CHECK(service("volumes: [\"vol:/x:nocopy,ro\"]") ==
          "    volumes:\n      - type: volume\n        source: vol\n        target: /x\n        read_only: true\n"
          "        volume:\n          nocopy: true\n");
    CHECK(service("volumes: [\"~/x:/x\"]", {{"HOME", "/root"}}).find("source: /root/x") != std::string::npos);
    CHECK(service("extra_hosts: {b: 1.1.1.1, a: 2.2.2.2}") ==
          "    extra_hosts:\n      - a:2.2.2.2\n      - b:1.1.1.1\n");
    CHECK(service("env_file: []\n    environment: {A: null, B: ''}", {{"B", "given"}}) ==
          "    environment:\n      A: null\n      B: given\n");
    CHECK(service("labels: [a, b=c=d]") == "    labels:\n      a: \"\"\n      b: c=d\n");
    CHECK(service("command: \"a 'b c' d\\\\ e # f\"") == "    command:\n      - a\n      - b c\n      - d e\n");
    CHECK(service("x-b: {z: 1}\n    image: i") == "    image: i\n    x-b:\n      z: 1\n");
    CHECK(service("tty: false\n    init: false\n    deploy: {placement: {}}\n    healthcheck: {}") ==
          "    healthcheck: {}\n    init: false\n");
}

TEST_CASE("texts are quoted where Go's YAML library quotes them") {
    const std::pair<const char*, const char*> rows[] = {
        {"plain text", "plain text"},
        {"", "\"\""},
        {"1", "\"1\""},
        {"1.5", "\"1.5\""},
        {"true", "\"true\""},
        {"yes", "\"yes\""},
        {"null", "\"null\""},
        {"~", "\"~\""},
        {"{{.Task.Slot}}", "'{{.Task.Slot}}'"},
        {"a: b", "'a: b'"},
        {"a:b", "a:b"},
        {"a #b", "'a #b'"},
        {"a#b", "a#b"},
        {"- x", "'- x'"},
        {"-x", "-x"},
        {"it's", "it's"},
        {"'q'", "'''q'''"},
        {"a\tb", "'a\tb'"},
        {"a\x01", "\"a\\x01\""},
        {"8080:80", "8080:80"},
        {"12:30", "\"12:30\""},
        {"a\nb", "|-\n  a\n  b"},
        {"a\nb\n", "|\n  a\n  b"},
        {"2020-01-01", "\"2020-01-01\""},
        {"0x10", "\"0x10\""},
        {"*", "'*'"},
    };
    for (const auto& [text, out] : rows) CHECK(stack::yaml_text(text, 1) == out);
    CHECK(stack::natural_less("a2", "a10"));
    CHECK(stack::natural_less("a-b", "ab"));
    CHECK_FALSE(stack::natural_less("b", "a"));
}

TEST_CASE("variables come from the environment and have fewer forms than in compose files") {
    const std::map<std::string, std::string> environment = {{"A", "1"}, {"E", ""}};
    auto lookup = [&](std::string_view name) -> const std::string* {
        const auto it = environment.find(std::string(name));
        return it == environment.end() ? nullptr : &it->second;
    };
    struct Row {
        const char *text, *out, *mistake;
    };
    const Row rows[] = {
        {"$A:${A}", "1:1", ""},
        {"$A-${A}", "1}", ""},
        {"$$A", "$A", ""},
        {"${N}", "", ""},
        {"${E:-d}", "d", ""},
        {"${E-d}", "", ""},
        {"${N-d}", "d", ""},
        {"a$", "", "a$"},
        {"${A", "", "${A"},
        {"${A:+x}", "", "${A:+x}"},
        {"${N:?why}", "", "required variable N is missing a value: why"},
        {"${E?why}", "", ""},
        {"$N:-d", "d", ""},
    };
    for (const Row& row : rows) {
        const stack::Substitution got = stack::substitute(row.text, lookup);
        CHECK_MESSAGE(got.mistake == row.mistake, row.text);
        if (got.mistake.empty()) CHECK_MESSAGE(got.text == row.out, row.text);
    }
    CHECK(service("deploy: {replicas: \"$N\"}", {{"N", "3"}}) == "    deploy:\n      replicas: 3\n");
    CHECK(rendered("services: {web: {image: \"a${X:-1}\"}}", {}, false).find("image: a${X:-1}") != std::string::npos);
}

TEST_CASE("several files: lists grow, ports and volumes are keyed and sorted, commands are replaced") {
    test::TempDir dir;
    write(dir.path() + "/a.yaml", "services:\n  web:\n    image: a\n    command: x\n    dns: [1.1.1.1]\n"
                                  "    ports: [\"90:90\", \"80:80\"]\n    volumes: [/z, /a]\n    labels: {l: 1}\n"
                                  "    deploy: {replicas: 2, update_config: {delay: 1s}}\n  one: {image: one}\n");
    write(dir.path() + "/b.yaml", "services:\n  web:\n    command: y z\n    dns: [2.2.2.2]\n    ports: [\"80:80\"]\n"
                                  "    labels: {m: 2}\n    deploy: {replicas: 0, update_config: {order: start-first}}\n"
                                  "  two: {image: two}\n");
    StackOptions options;
    options.files = {"a.yaml", "b.yaml"};
    options.current_dir = dir.path();
    CHECK(render_stack(options) == R"(version: "3.13"
services:
  one:
    image: one
  two:
    image: two
  web:
    command:
      - "y"
      - z
    deploy:
      replicas: 0
      update_config:
        delay: 1s
        order: start-first
    dns:
      - 1.1.1.1
      - 2.2.2.2
    image: a
    labels:
      l: "1"
      m: "2"
    ports:
      - mode: ingress
        target: 80
        published: 80
        protocol: tcp
      - mode: ingress
        target: 90
        published: 90
        protocol: tcp
    volumes:
      - type: volume
        target: /a
      - type: volume
        target: /z
)");
}

TEST_CASE("several files: of what is keyed the last stays, where the first file has any") {
    test::TempDir dir;
    write(dir.path() + "/a.yaml", "services:\n  web:\n    image: a\n    ports: [\"80\", \"90:90\", \"90:91\"]\n"
                                  "    volumes: [{type: volume, source: v, target: /v}]\n"
                                  "volumes: {v: {}, w: {}}\n");
    write(dir.path() + "/b.yaml", "services:\n  web:\n    ports: [\"82\"]\n    secrets: [z, a]\n"
                                  "    volumes: [{type: volume, source: w, target: /v}]\n"
                                  "secrets: {z: {external: true}, a: {external: true}}\n");
    StackOptions options;
    options.files = {"a.yaml", "b.yaml"};
    options.current_dir = dir.path();
    const std::string out = render_stack(options);
    CHECK(out.find("ports:\n      - mode: ingress\n        target: 82\n        protocol: tcp\n      - mode: ingress\n"
                   "        target: 91\n        published: 90\n        protocol: tcp\n    secrets:\n      - source: z\n"
                   "      - source: a\n    volumes:\n      - type: volume\n        source: w\n        target: /v\n") !=
          std::string::npos);
}

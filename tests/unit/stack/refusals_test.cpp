#include "davit/stack.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

// Empty: the file is fine.
std::string refusal(const std::string& text) {
    StackOptions options;
    options.files = {"-"};
    options.stdin_text = text;
    options.current_dir = "/dir";
    try {
        render_stack(options);
        return {};
    } catch (const LoadError& e) {
        return e.diagnostics().front().path + ": " + e.diagnostics().front().message;
    }
}

std::string of_service(const std::string& line) {
    return refusal("services:\n  web:\n    image: i\n    " + line + "\n");
}

} // namespace

TEST_CASE("what version 3 has no word for is refused") {
    const char* refused[] = {
        "cpus: 0.5",
        "mem_limit: 64m",
        "extends: {service: a}",
        "scale: 2",
        "platform: linux/amd64",
        "profiles: [a]",
        "group_add: [\"1\"]",
        "depends_on: {a: {condition: service_healthy}}",
        "env_file: [{path: ./x}]",
        "networks: {default: {mac_address: x}}",
        "stop_grace_period: bogus",
        "annotations: {}",
        "deploy: {replicas: \"two\"}",
        "deploy: {bogus: 1}",
        "deploy: {replicas: -1}",
        "deploy: {update_config: {parallelism: -1}}",
        "healthcheck: {retries: -1}",
        "deploy: {update_config: {order: sideways}}",
        "deploy: {update_config: {delay: 5}}",
        "deploy: {resources: {reservations: {devices: []}}}",
        "deploy: {resources: {limits: {cpus: 0.5}}}",
        "ports: [\"80:80:80\"]",
        "ports: [\"99999:80\"]",
        "ports: [{target: 80, published: \"8080\"}]",
        "environment: {A: true}",
        "stop_grace_period: 1d",
    };
    for (const char* line : refused) CHECK_MESSAGE(!of_service(line).empty(), line);
    const char* accepted[] = {
        "domainname: d.x",
        "oom_score_adj: 5",
        "healthcheck: {test: x, start_interval: 1s}",
        "x-ok: 1",
        "depends_on: [a]",
        "build: .",
        "build: {context: ., bogus: 1}",
        "deploy: {mode: bogus}",
        "deploy: {update_config: {failure_action: explode}}",
        "deploy: {labels: [a=b]}",
        "volumes: [\"rel:/x\"]",
        "volumes: [{type: bind, source: /x, target: /x, bind: {create_host_path: true}}]",
        "deploy:",
        "volumes: [{type: image, source: busybox, target: /x}]",
        "deploy: {endpoint_mode: bogus}",
    };
    for (const char* line : accepted) CHECK_MESSAGE(of_service(line) == "", line);
}

TEST_CASE("refusals are in docker's words and name the place") {
    CHECK(of_service("bogus: 1") == "services.web: Additional property bogus is not allowed");
    CHECK(of_service("depends_on: {a: {}}") == "services.web.depends_on: must be a list");
    CHECK(of_service("ports: [{target: 80, published: \"8080\"}]") ==
          "services.web.ports[0].published: must be a integer");
    CHECK(refusal("name: x\nservices: {}\n") == ": Additional property name is not allowed");
    CHECK(refusal("configs: {x: {content: y}}\n") == "configs.x: Additional property content is not allowed");
    CHECK(refusal("- x\n") == ": top-level object must be a mapping");
    CHECK(refusal("services: {web: {image: \"a$\"}}\n") ==
          "services.web.image: invalid interpolation format: \"a$\"; you may need to escape any $ with another $");
}

TEST_CASE("versions 3.0 to 3.13, 3, and none") {
    for (const char* version : {"\"3\"", "\"3.0\"", "\"3.13\"", "\"\""})
        CHECK_MESSAGE(refusal(std::string("version: ") + version + "\nservices: {}\n") == "", version);
    for (const char* version : {"\"3.14\"", "\"2.4\"", "\"1\"", "3", "3.8", "abc"})
        CHECK_MESSAGE(refusal(std::string("version: ") + version + "\nservices: {}\n") != "", version);
    const std::string pids = "services: {web: {image: i, deploy: {resources: {limits: {pids: 5}}}}}\n";
    CHECK(refusal("version: \"3.8\"\n" + pids) != "");
    CHECK(refusal("version: \"3.9\"\n" + pids) == "");
    CHECK(refusal(pids) == "");
}

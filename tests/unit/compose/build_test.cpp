#include "table.hpp"

using namespace davit::test;

TEST_CASE("build") {
    check_attribute(
        "build",
        {
            {".", R"({"context":"/case","dockerfile":"Dockerfile"})"},
            {"https://github.com/a/b.git#main:sub",
             R"({"context":"https://github.com/a/b.git#main:sub","dockerfile":"Dockerfile"})"},
            {"{context: ./a, dockerfile: D, target: t}", R"({"context":"/case/a","dockerfile":"D","target":"t"})"},
            {"{dockerfile_inline: FROM x}", R"({"context":"/case","dockerfile_inline":"FROM x"})"},
            {"{args: [FOO, BAR, A=1]}",
             R"({"args":{"A":"1","FOO":"first"},"context":"/case","dockerfile":"Dockerfile"})"},
            {"{ssh: [default, 'k=keys/id']}",
             R"({"context":"/case","dockerfile":"Dockerfile","ssh":["default","k: /case/keys/id"]})"},
            {"{ssh: ['default', 'k: keys/id']}",
             R"({"context":"/case","dockerfile":"Dockerfile","ssh":["default","k: /case/keys/id"]})"},
            {"{ssh: [k]}", "! the ssh key 'k' has no path"},
            {"{provenance: true, sbom: 'generator=x'}",
             R"({"context":"/case","dockerfile":"Dockerfile","provenance":"true","sbom":"generator=x"})"},
            {"{secrets: [a]}", R"({"context":"/case","dockerfile":"Dockerfile","secrets":[{"source":"a"}]})"},
            {"{additional_contexts: {a: ./a, b: 'service:x'}}",
             R"({"additional_contexts":{"a":"/case/a","b":"service:x"},"context":"/case","dockerfile":"Dockerfile"})"},
            {"{additional_contexts: [a]}", "! 'a' has no value"},
            {"{ulimits: {n: 5}}", R"({"context":"/case","dockerfile":"Dockerfile","ulimits":{"n":5}})"},
            {"{ulimits: {n: '5'}}", "! must be a whole number"},
            {"{ulimits: {n: 5.0}}", "! must be a whole number"},
            {"{contxt: .}", "! 'contxt' is no attribute of build"},
            {"[.]", "! must be"},
        },
        "platform: linux/amd64");
}

TEST_CASE("healthcheck") {
    check_attribute(
        "healthcheck",
        {
            {"{test: curl localhost}", R"({"test":["CMD-SHELL","curl localhost"]})"},
            {"{test: [CMD, a], interval: 1m30s, timeout: 500ms, retries: '3', start_period: 0s}",
             R"({"interval":"1m30s","retries":3,"start_period":"0s","test":["CMD","a"],"timeout":"500ms"})"},
            {"{disable: true}", R"({"disable":true})"},
            {"{intervall: 5s}", "! 'intervall' is no attribute of a healthcheck"},
            {"{interval: 5}", "! must be text"},
        });
}

TEST_CASE("depends_on") {
    check_attribute("depends_on", {
                                      {"[db]", R"({"db":{"condition":"service_started","required":true}})"},
                                      {"{db: {condition: service_healthy, restart: true, required: false}}",
                                       R"({"db":{"condition":"service_healthy","required":false,"restart":true}})"},
                                      {"{db: {restart: true}}", "! needs 'condition'"},
                                      {"{db: {condition: healthy}}", "! must be one of service_started"},
                                      {"[db, db]", "! is the same as item"},
                                  });
}

TEST_CASE("develop, logging, provider, models") {
    check_attribute(
        "develop",
        {
            {"{watch: [{path: ./src, action: sync, target: /src, ignore: [a]}]}",
             R"({"watch":[{"action":"sync","exec":{"command":null},"ignore":["a"],"path":"/case/src","target":"/src"}]})"},
            {"{watch: [{path: ./src, action: copy}]}", "! must be one of rebuild"},
            {"{watch: [{path: '', action: rebuild}]}", "! must not be empty"},
        });
    check_attribute("logging", {{"{driver: json-file, options: {max-size: 10m, max-file: 3}}",
                                 R"({"driver":"json-file","options":{"max-file":"3","max-size":"10m"}})"}});
    check_attribute("provider", {{"{type: model, options: {a: b, c: [1, 2]}}",
                                  R"({"options":{"a":["b"],"c":["1","2"]},"type":"model"})"},
                                 {"{type: model, options: {a: []}}", R"({"type":"model"})"},
                                 {"{options: {}}", "! needs 'type'"}});
    check_attribute("models", {{"[a]", R"({"a":null})"}, {"{a: {endpoint_var: E}}", R"({"a":{"endpoint_var":"E"}})"}});
    check_attribute(
        "pull_policy",
        {{"if_not_present", R"("missing")"}, {"every_12h", R"("every_12h")"}, {"sometimes", "! is no pull policy"}});
    check_attribute("profiles", {{"[a, a]", "(absent)"}});
    check_attribute("attach", {{"false", "false"}});
}

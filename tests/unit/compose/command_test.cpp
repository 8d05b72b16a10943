#include "table.hpp"

using namespace davit::test;

TEST_CASE("command and entrypoint: texts are split into words, lists are taken as they are") {
    for (const char* attribute : {"command", "entrypoint"})
        check_attribute(attribute, {
                                       {"nginx -g 'daemon off;'", R"(["nginx","-g","daemon off;"])"},
                                       {"[nginx, -g, 'daemon off;']", R"(["nginx","-g","daemon off;"])"},
                                       {"", "null"},
                                       {"[]", "[]"},
                                       {"\"\"", "[]"},
                                       {"a \"b c\" d\\ e", R"(["a","b c","d e"])"},
                                       {"'a | b'", R"(["a"])"},
                                       {"app 2>&1", R"(["app"])"},
                                       {"echo $$(date)", R"x(["echo","$(date)"])x"},
                                       {"echo ''", R"(["echo",""])"},
                                       {"\"echo 'open\"", "! cannot be split into words"},
                                       {"\"echo (\"", "! cannot be split into words"},
                                       {"{a: b}", "! must be"},
                                       {"7", "! must be"},
                                   });
}

TEST_CASE("what stands after a shell operator is left out, with a warning") {
    auto o = options_for("services: {web: {image: x, command: 'make && run'}}");
    auto result = davit::load(o);
    REQUIRE(result.warnings.size() == 1);
    CHECK(result.warnings[0].message == "no shell runs this command: it ends before '&& run'");
    CHECK(result.warnings[0].at.line == 1);
}

TEST_CASE("texts of a service are kept") {
    for (const char* attribute : {"hostname", "domainname", "user", "working_dir", "stop_signal", "platform", "runtime",
                                  "userns_mode", "cgroup_parent", "cpuset", "mac_address", "isolation"})
        check_attribute(attribute, {{"abc", R"("abc")"},
                                    {"\"${FOO}-b\"", R"("first-b")"},
                                    {"7", "! must be text"},
                                    {"[a]", "! must be text"}});
}

TEST_CASE("flags of a service") {
    for (const char* attribute : {"privileged", "read_only", "stdin_open", "tty", "oom_kill_disable"})
        check_attribute(attribute, {{"true", "true"},
                                    {"\"yes\"", "true"},
                                    {"\"off\"", "(absent)"},
                                    {"false", "(absent)"},
                                    {"\"maybe\"", "! must be a boolean"},
                                    {"1", "! must be"}});
    check_attribute("init", {{"false", "false"}, {"true", "true"}});
}

TEST_CASE("lists of texts without twins") {
    for (const char* attribute : {"cap_add", "cap_drop", "dns_opt"})
        check_attribute(attribute, {{"[A, B]", R"(["A","B"])"}, {"[A, A]", R"(["A"])"}, {"A", "! must be a list"}});
    check_attribute("group_add", {{"['1', 1]", "! is the same as item [0]"}, {"[1, '1']", R"(["1","1"])"}});
    for (const char* attribute : {"group_add", "security_opt", "device_cgroup_rules", "volumes_from", "external_links"})
        check_attribute(attribute, {{"[a, a]", "! is the same as item [0]"}});
    check_attribute("dns", {{"8.8.8.8", R"(["8.8.8.8"])"}, {"['', 1.1.1.1]", R"(["1.1.1.1"])"}});
}

TEST_CASE("hooks") {
    check_attribute("post_start",
                    {{"[{command: a b}]", R"([{"command":["a","b"]}])"}, {"[{user: root}]", "! needs 'command'"}});
    check_attribute("pre_start", {{"[{command: a}]", R"([{"command":["a"],"image":"x"}])"}});
}

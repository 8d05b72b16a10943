#include "bake/parser.hpp"
#include "davit/bake.hpp"
#include "davit/error.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <map>

using namespace davit;

namespace {

const char* const file = R"(
# comment
variable "TAG" { default = "latest" }
variable "DEBUG" { default = false }
registry = "ghcr.io/team"
function "name" {
  params = [image]
  result = "${registry}/${image}:${TAG}"
}
group "default" { targets = ["app", "db"] }
target "_common" {
  args = { VERSION = "1", GO = "1.22" }
  labels = { "org.a" = "b" }
  platforms = ["linux/amd64"]
}
target "app" {
  inherits   = ["_common"]
  context    = "./app"
  dockerfile = "Dockerfile.app"
  args       = { VERSION = "2" }
  tags       = [name("app"), DEBUG ? name("debug") : ""]
  contexts   = { base = "target:base" }
  output     = [{ type = "local", dest = "out" }]
}
target "base" { context = "./base" }
target "db" {
  context = "./db" // another one
  tags = ["db"]
  dockerfile-inline = <<EOT
FROM busybox
EOT
}
target "many" {
  matrix = { os = ["a", "b"], n = [1, 2] }
  name   = "many-${os}-${n}"
  args   = { OS = os }
}
)";

BakeOptions options(std::vector<std::string> targets = {}, std::vector<std::string> overrides = {},
                    std::map<std::string, std::string> environment = {}) {
    BakeOptions out;
    out.files = {{"docker-bake.hcl", file}};
    out.targets = std::move(targets);
    out.overrides = std::move(overrides);
    out.environment = [environment](const std::string& name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    };
    return out;
}

const BakeTarget& target(const Baked& baked, const std::string& name) {
    for (const BakeTarget& t : baked.targets)
        if (t.name == name) return t;
    FAIL("no target " << name);
    return baked.targets.front();
}

std::string refusal(const std::string& text, std::vector<std::string> targets = {},
                    std::vector<std::string> overrides = {}) {
    BakeOptions o;
    o.files = {{"f.hcl", text}};
    o.targets = std::move(targets);
    o.overrides = std::move(overrides);
    try {
        bake(o);
        return "";
    } catch (const Error& e) {
        return e.what();
    }
}

} // namespace

TEST_CASE("bake: the default group, what it inherits, and what its contexts need first") {
    const Baked baked = bake(options());
    REQUIRE(baked.targets.size() == 3);
    CHECK(baked.targets[0].name == "base");
    CHECK(baked.targets[1].name == "app");
    CHECK(baked.targets[2].name == "db");
    CHECK(baked.groups.at("default") == std::vector<std::string>{"app", "db"});
    const BakeTarget& app = target(baked, "app");
    CHECK(app.context == "./app");
    CHECK(app.dockerfile == "Dockerfile.app");
    CHECK(app.args ==
          std::vector<std::pair<std::string, std::optional<std::string>>>{{"VERSION", "2"}, {"GO", "1.22"}});
    CHECK(app.labels == std::vector<std::pair<std::string, std::string>>{{"org.a", "b"}});
    CHECK(app.tags.front() == "ghcr.io/team/app:latest");
    CHECK(app.outputs == std::vector<std::string>{"type=local,dest=out"});
    CHECK(target(baked, "db").dockerfile_inline == std::optional<std::string>("FROM busybox\n"));
}

TEST_CASE("bake: groups of groups hold each target once, however many lead there") {
    std::string text = "target \"t\" {}\ngroup \"g0\" { targets = [\"t\"] }\ngroup \"h0\" { targets = [\"t\"] }\n";
    for (int i = 1; i <= 60; ++i)
        for (const char* name : {"g", "h"})
            text += fmt::format("group \"{0}{1}\" {{ targets = [\"g{2}\", \"h{2}\"] }}\n", name, i, i - 1);
    BakeOptions o;
    o.files = {{"f.hcl", text}};
    o.targets = {"g60"};
    const Baked baked = bake(o);
    CHECK(baked.targets.size() == 1);
    CHECK(baked.groups.size() <= 122);
}

TEST_CASE("bake: the environment wins over defaults, with their kind") {
    const Baked baked = bake(options({"app"}, {}, {{"TAG", "v2"}, {"DEBUG", "true"}}));
    CHECK(target(baked, "app").tags == std::vector<std::string>{"ghcr.io/team/app:v2", "ghcr.io/team/debug:v2"});
    CHECK_THROWS_AS(bake(options({"app"}, {}, {{"DEBUG", "maybe"}})), Error);
}

TEST_CASE("bake: --set by pattern, key and entry") {
    const Baked baked = bake(options({}, {"app.args.GO=1.23", "*.platform=linux/arm64", "db.tags=x", "db.tags=y",
                                          "app.no-cache=true", "app.labels.k=v"}));
    const BakeTarget& app = target(baked, "app");
    CHECK(app.args.back() == std::pair<std::string, std::optional<std::string>>{"GO", "1.23"});
    CHECK(app.platforms == std::vector<std::string>{"linux/arm64"});
    CHECK(app.no_cache == std::optional(true));
    CHECK(app.labels.back() == std::pair<std::string, std::string>{"k", "v"});
    CHECK(target(baked, "db").tags == std::vector<std::string>{"x", "y"});
    CHECK(target(baked, "db").platforms == std::vector<std::string>{"linux/arm64"});
}

TEST_CASE("bake: a matrix is a target for each combination, and a group") {
    const Baked baked = bake(options({"many"}));
    CHECK(baked.targets.size() == 4);
    CHECK(target(baked, "many-b-2").args.front().second == std::optional<std::string>("b"));
    CHECK(bake(options({"many-a-1"})).targets.size() == 1);
}

TEST_CASE("bake: JSON has the same structure, and templates in its strings") {
    BakeOptions o;
    o.files = {{"docker-bake.json",
                R"({"variable":{"V":{"default":"1"}},"group":{"default":{"targets":["a"]}},
                    "target":{"a":{"tags":["x:${V}"],"args":{"N":null,"M":"m"}}}})"}};
    const Baked baked = bake(o);
    REQUIRE(baked.targets.size() == 1);
    CHECK(baked.targets[0].tags == std::vector<std::string>{"x:1"});
    CHECK(baked.targets[0].args.size() == 1);
    CHECK(to_json(baked).find("\"x:1\"") != std::string::npos);
}

TEST_CASE("bake: entries are shown as objects") {
    Baked baked;
    BakeTarget& t = baked.targets.emplace_back();
    t.name = "app";
    t.outputs = {"type=local,dest=z", "out", "-"};
    t.cache_from = {"user/app:cache"};
    t.cache_to = {"type=local,mode=max,dest=y"};
    t.secrets = {"id=q,env=Z"};
    t.ssh = {"default", "k=/tmp/a,/tmp/b"};
    std::string text = to_json(baked);
    text.erase(std::remove_if(text.begin(), text.end(), [](char c) { return c == ' ' || c == '\n'; }), text.end());
    for (const char* part :
         {R"("output":[{"dest":"z","type":"local"},{"dest":"out","type":"local"},{"dest":"-","type":"tar"}])",
          R"("cache-from":[{"ref":"user/app:cache","type":"registry"}])",
          R"("cache-to":[{"dest":"y","mode":"max","type":"local"}])", R"("secret":[{"id":"q","env":"Z"}])",
          R"("ssh":[{"id":"default"},{"id":"k","paths":["/tmp/a","/tmp/b"]}])"})
        CHECK_MESSAGE(text.find(part) != std::string::npos, text);
}

TEST_CASE("bake: a later file changes what it names") {
    BakeOptions o = options({"db"});
    o.files.push_back({"docker-bake.override.hcl", "target \"db\" { tags = [\"other\"] }"});
    const Baked baked = bake(o);
    CHECK(target(baked, "db").tags == std::vector<std::string>{"other"});
    CHECK(target(baked, "db").context == "./db");
}

TEST_CASE("bake: targets of compose files stand beside the others") {
    BakeOptions o;
    BakeTarget web;
    web.name = "web";
    web.tags = {"shop-web"};
    o.from_compose = {web};
    CHECK(bake(o).targets.front().tags == std::vector<std::string>{"shop-web"});
    o.overrides = {"web.tags=own"};
    CHECK(bake(o).targets.front().tags == std::vector<std::string>{"own"});
}

TEST_CASE("bake: what is wrong") {
    CHECK(refusal("target \"a\" {", {"a"}) == "a '}' is missing");
    CHECK(refusal("target \"a\" { bogus = 1 }", {"a"}).empty()); // of a later version, or of another tool
    CHECK(refusal("target \"a\" {}", {"b"}) == "failed to find target b");
    CHECK(refusal("target \"a\" {}") == "failed to find target default");
    CHECK(refusal("target \"a\" { inherits = [\"b\"] }\ntarget \"b\" { inherits = [\"a\"] }", {"a"})
              .empty()); // what leads to itself adds nothing there
    CHECK(refusal("target \"a\" { contexts = { b = \"target:a\" } }", {"a"}) == "target a cannot link to itself");
    CHECK(refusal("variable \"V\" { default = V }\ntarget \"a\" { tags = [V] }", {"a"}) ==
          "variable cycle not allowed for V");
    CHECK(refusal("function \"f\" {\nparams = [x]\nresult = f(x)\n}\ntarget \"a\" { tags = [f(1)] }", {"a"}) ==
          "the expression leads to itself");
    CHECK(refusal("bogus \"a\" {}") == "a bake file has no blocks of the type \"bogus\"");
    CHECK(refusal("target \"a\" {}", {"a"}, {"a"}) == "invalid override key a, expected target.name");
    CHECK(refusal("group \"default\" { targets = [\"default\"] }") == "failed to find target default");
    std::string doubled = "variable \"V0\" { default = \"" + std::string(1 << 20, 'x') + "\" }\n";
    for (int i = 0; i < 10; ++i)
        doubled += fmt::format("variable \"V{0}\" {{ default = \"${{V{1}}}${{V{1}}}\" }}\n", i + 1, i);
    CHECK(refusal(doubled + "target \"a\" { tags = [V10] }", {"a"}) == "the text grows beyond 16 MiB");
}

TEST_CASE("bake: --set of a secret says where one that is declared comes from") {
    const std::string text = "target \"a\" { secret = [\"id=aws,src=old\", { id = \"b\", env = \"B\" }] }";
    const auto secrets = [&](std::vector<std::string> overrides) {
        BakeOptions o;
        o.files = {{"f.hcl", text}};
        o.targets = {"a"};
        o.overrides = std::move(overrides);
        return bake(o).targets.front().secrets;
    };
    using Texts = std::vector<std::string>;
    CHECK(secrets({"a.secret.aws=env=X"}) == Texts{"id=aws,env=X", "id=b,env=B"});
    CHECK(secrets({"a.secret.b=id=b,src=f"}) == Texts{"id=aws,src=old", "id=b,src=f"});
    CHECK(secrets({"*.secrets=id=c"}) == Texts{"id=c"});
    CHECK(secrets({"*.secrets+=id=c"}) == Texts{"id=aws,src=old", "id=b,env=B", "id=c"});
    CHECK(refusal(text, {"a"}, {"a.secret.other=env=X"}) ==
          "secret \"other\" must be declared before it can be overridden");
    CHECK(refusal(text, {"a"}, {"a.secret.aws=id=b"}) ==
          "secret override id \"b\" does not match declared secret \"aws\"");
    CHECK(refusal(text, {"a"}, {"a.secret=id=aws"}) == "invalid key a.secret, secret requires name");
    CHECK(refusal(text, {"a"}, {"a.secret.aws+=env=X"}) == "invalid key a.secret.aws+, secret does not support append");
}

TEST_CASE("bake: what --set cannot be") {
    const std::string text = "target \"a\" {}";
    CHECK(refusal(text, {"a"}, {"a.tags"}) == "invalid override a.tags, expected target.name=value");
    CHECK(refusal(text, {"a"}, {"a.args=1"}) == "invalid key a.args, args requires name");
    CHECK(refusal(text, {"a"}, {"b.tags=x"}) == "could not find any target matching 'b'");
    CHECK(refusal(text, {"a"}, {"a.bogus=x"}) == "unknown key: bogus");
    for (const char* key : {"platforms", "description", "inherits", "dockerfile-inline"})
        CHECK(refusal(text, {"a"}, {std::string("a.") + key + "=x"}) == std::string("unknown key: ") + key);
    CHECK(refusal(text, {"a"}, {"a.labels=x"}) == "invalid format for labels, expecting labels.<name>=<value>");
    CHECK(refusal(text, {"a"}, {"a.pull=maybe"}) == "invalid value maybe for boolean key pull");
    CHECK(refusal(text, {"a"}, {"a.attest=foo"}) == "invalid value for attest: invalid value foo");
}

TEST_CASE("bake: an argument without a value is the environment's") {
    const Baked baked = bake(options({"db"}, {"db.args.HERE", "db.args.NOT"}, {{"HERE", "x"}}));
    CHECK(target(baked, "db").args == std::vector<std::pair<std::string, std::optional<std::string>>>{{"HERE", "x"}});
}

TEST_CASE("bake: push and load beside what a target's outputs are") {
    const auto outputs = [](const std::string& own, std::vector<std::string> overrides) {
        BakeOptions o;
        o.files = {{"f.hcl", "target \"a\" { output = [" + own + "] }"}};
        o.targets = {"a"};
        o.overrides = std::move(overrides);
        return bake(o).targets.front().outputs;
    };
    using Texts = std::vector<std::string>;
    CHECK(outputs("", {"*.push=true"}) == Texts{"type=image,push=true"});
    CHECK(outputs("\"type=docker\"", {"*.push=true"}) == Texts{"type=docker", "type=image,push=true"});
    CHECK(outputs("\"type=image,push=false\"", {"*.push=true"}) == Texts{"type=image,push=true"});
    CHECK(outputs("\"type=local,dest=o\"", {"*.push=true", "*.load=true"}) == Texts{"type=local,dest=o"});
    CHECK(outputs("\"type=registry\", \"type=image,push=true\"", {"*.push=false"}) == Texts{"type=image,push=false"});
    CHECK(outputs("", {"*.load=true"}) == Texts{"type=docker"});
    CHECK(outputs("\"type=docker,dest=f\"", {"*.load=true"}) == Texts{"type=docker,dest=f", "type=docker"});
}

TEST_CASE("bake: what only contexts name goes nowhere, what is asked for as well does") {
    CHECK(target(bake(options()), "base").outputs == std::vector<std::string>{"type=cacheonly"});
    CHECK(target(bake(options({"app", "base"})), "base").outputs.empty());
}

TEST_CASE("bake: attributes of other blocks") {
    const std::string text = "target \"base\" {\n context = \"./src\"\n args = { V = \"1\" }\n}\n"
                             "group \"g\" { targets = [\"base\"] }\n"
                             "target \"a\" {\n context = target.base.context\n target = target.base.target\n"
                             " args = { W = \"${target.base.args.V}-${target.base.args[\"V\"]}\" }\n"
                             " tags = group.g.targets\n}\n";
    BakeOptions o;
    o.files = {{"f.hcl", text}};
    o.targets = {"a"};
    const BakeTarget a = bake(o).targets.front();
    CHECK(a.context == "./src");
    CHECK_FALSE(a.target); // base says nothing of it
    CHECK(a.args.front().second == "1-1");
    CHECK(a.tags == std::vector<std::string>{"base"});
    CHECK(refusal("target \"a\" { context = target.none.context }", {"a"}) == "there is no target named \"none\"");
    CHECK(refusal("target \"a\" { context = target.b.context }\ntarget \"b\" { context = target.a.context }", {"a"}) ==
          "target.b.context needs itself");
}

TEST_CASE("bake: what follows a text of several lines") {
    for (const char* end : {"\n", "\r\n", "  \n"}) {
        BakeOptions o;
        o.files = {{"f.hcl", std::string("target \"a\" {\n dockerfile-inline = <<EOT\nFROM scratch\nEOT") +
                                 (end[0] == ' ' ? "\n" : end) +
                                 " args = { V = \"1\" }\n labels = {\n l = <<-X\n   text\n   X\n m = \"2\"\n }\n}\n"}};
        o.targets = {"a"};
        const BakeTarget a = bake(o).targets.front();
        CHECK(a.dockerfile_inline == "FROM scratch\n");
        CHECK(a.args.front().first == "V");
        CHECK(a.labels == std::vector<std::pair<std::string, std::string>>{{"l", "text\n"}, {"m", "2"}});
    }
}

TEST_CASE("bake: contexts from the directory of their file") {
    BakeOptions o;
    o.files = {{"dir/docker-bake.hcl",
                "target \"a\" {\n context = \"./src\"\n contexts = { x = \"../x\", y = \"target:b\", z = "
                "\"docker-image://z\" }\n}\n"
                "target \"b\" {}\ntarget \"c\" { context = target.a.context }\ntarget \"d\" { context = \"cwd://d\" }\n"
                "target \"e\" { inherits = [\"a\"] }\n"}};
    o.targets = {"a", "b", "c", "d", "e"};
    CHECK(target(bake(o), "a").context == "./src");
    o.file_relative_paths = true;
    const Baked baked = bake(o);
    for (const char* name : {"a", "c", "e"}) CHECK(target(baked, name).context == "dir/src");
    CHECK(target(baked, "b").context == "dir");
    CHECK(target(baked, "d").context == "cwd://d");
    CHECK(target(baked, "a").contexts ==
          std::vector<std::pair<std::string, std::string>>{{"x", "x"}, {"y", "target:b"}, {"z", "docker-image://z"}});
}

TEST_CASE("bake: contexts are shown as the build takes them") {
    for (const auto& [written, shown] : {std::pair{"./app/", "app"},
                                         {"cwd://x/../y", "y"},
                                         {"cwd://", "."},
                                         {"https://h/r.git#b:./s", "https://h/r.git#b:./s"}}) {
        Baked baked;
        baked.targets.emplace_back().context = written;
        CHECK_MESSAGE(to_json(baked).find("\"context\": \"" + std::string(shown) + "\"") != std::string::npos, written);
    }
}

TEST_CASE("bake: JSON without a bottom") {
    const std::string nested = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK_THROWS_AS(baking::parse_json("{\"x\":" + nested + "}", "f.json"), Error);
    CHECK_THROWS_AS(baking::parse_json("{\"target\":{\"a\":{\"args\":" + nested + "}}}", "f.json"), Error);
}

TEST_CASE("bake: names and variables are listed") {
    const auto names = bake_names(options());
    CHECK(std::count_if(names.begin(), names.end(), [](const auto& n) { return !n.group; }) == 8);
    CHECK(std::any_of(names.begin(), names.end(), [](const auto& n) {
        return n.group && n.name == "default" && n.targets == std::vector<std::string>{"app", "db"};
    }));
    const auto variables = bake_variables(options());
    REQUIRE(variables.size() == 2);
    CHECK(variables[0].name == "DEBUG");
    CHECK(variables[0].value == "false");
    BakeOptions more;
    more.files = {{"b.hcl", "variable \"L\" {\n type = list(string)\n default = [\"a\", \"b\"]\n}\nvariable \"N\" {\n "
                            "type = number\n}\n"}};
    const auto typed = bake_variables(more);
    REQUIRE(typed.size() == 2);
    CHECK(typed[0].type == "list of string");
    CHECK(typed[0].value == "[\"a\",\"b\"]");
    CHECK_FALSE(typed[1].value);
    const auto set = [](std::map<std::string, std::string> all) {
        return [all](const std::string& name) {
            const auto found = all.find(name);
            return found == all.end() ? std::nullopt : std::optional(found->second);
        };
    };
    more.environment = set({{"L", "p,q"}, {"N", "7"}});
    CHECK(bake_variables(more)[0].value == "[\"p\",\"q\"]");
    CHECK(bake_variables(more)[1].value == "7");
    more.files = {{"b.hcl", "target \"base\" { description = \"of all\" }\ntarget \"a\" { inherits = [\"base\"] }\n"
                            "variable \"B\" {\n type = bool\n}\nvariable \"S\" {\n type = set(string)\n}\n"}};
    more.environment = set({{"B", "1"}, {"S", "z,a,z"}});
    CHECK(bake_variables(more)[0].value == "true");
    CHECK(bake_variables(more)[1].value == "[\"a\",\"z\"]");
    CHECK(bake_names(more)[0].description.empty()); // what it inherits describes another one
    CHECK(bake_names(more)[1].description == "of all");
    more.files[0].text = "variable \"L\" {\n type = list(string)\n}\n";
    more.environment = set({{"L", "a\xff,b"}});
    CHECK(bake_variables(more)[0].value == "[\"a\xef\xbf\xbd\",\"b\"]"); // bytes that are no UTF-8
    more.files[0].text = "target \"base\" {}\ntarget \"a\" {}\n";
    more.from_compose.resize(1);
    more.from_compose[0].name = "web";
    CHECK(bake_names(more).back().name == "web");
    CHECK(bake_names(more)[2].targets == std::vector<std::string>{"web"}); // the group "default"
}

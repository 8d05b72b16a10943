// What `bake --print` shows: how what files, overrides and the environment say comes together.
#include "davit/bake.hpp"
#include "davit/error.hpp"

#include <doctest/doctest.h>
#include <map>

using namespace davit;

namespace {

std::string printed(const std::string& text, std::vector<std::string> targets, std::vector<std::string> overrides = {},
                    std::map<std::string, std::string> environment = {}) {
    BakeOptions o;
    o.files = {{"f.hcl", text}};
    o.targets = std::move(targets);
    o.overrides = std::move(overrides);
    o.environment = [environment](const std::string& name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
    };
    std::string out = to_json(bake(o));
    std::erase_if(out, [](char c) { return c == ' ' || c == '\n'; });
    return out;
}

std::string why_not(const std::string& text, std::vector<std::string> targets,
                    std::map<std::string, std::string> environment = {}) {
    try {
        return printed(text, std::move(targets), {}, std::move(environment));
    } catch (const Error& e) {
        return e.what();
    }
}

} // namespace

TEST_CASE("bake: what is printed is sorted, without what stands there twice, and escaped as Go does") {
    const std::string text =
        "target \"a\" {\n args = { Z = \"<&>\", A = \"$${x}\", N = null }\n tags = [\"t\", \"t\", \"\"]\n"
        " secret = [\"id=s,src=1\", \"id=q,env=Q\", {id = \"s\", env = \"S\"}]\n"
        " cache-from = [\"x\", \"type=local,src=y\", \"x\"]\n"
        " attest = [\"type=provenance,mode=max\", \"type=provenance,disabled=true\"]\n annotations = [\"k=v\"]\n"
        " network = \"host\"\n target = \"\"\n}\n";
    CHECK(
        printed(text, {"a"}) ==
        R"({"group":{"default":{"targets":["a"]}},"target":{"a":{"annotations":["k=v"],)"
        R"("attest":[{"disabled":true,"type":"provenance"}],"context":".","dockerfile":"Dockerfile",)"
        R"("args":{"A":"$${x}","Z":"\u003c\u0026\u003e"},"tags":["t"],)"
        R"("cache-from":[{"ref":"x","type":"registry"},{"src":"y","type":"local"}],"target":"",)"
        R"("secret":[{"id":"s","env":"S"},{"id":"q","env":"Q"}],"network":"host","entitlements":["network.host"]}}})");
}

TEST_CASE("bake: groups are shown with those in them, and the default one with all that was asked for") {
    const std::string text = "group \"all\" {\n targets = [\"more\", \"a\"]\n description = \"these\"\n}\n"
                             "group \"more\" { targets = [\"b\"] }\ntarget \"a\" {}\ntarget \"b\" {}\n";
    const Baked baked = bake([&] {
        BakeOptions o;
        o.files = {{"f.hcl", text}};
        o.targets = {"b", "all"};
        return o;
    }());
    using Texts = std::vector<std::string>;
    CHECK(baked.groups ==
          std::map<std::string, Texts>{{"all", {"more", "a"}}, {"default", {"all", "b"}}, {"more", {"b"}}});
    CHECK(baked.group_descriptions == std::map<std::string, std::string>{{"all", "these"}});
    CHECK(printed(text, {"a*"}).starts_with(R"({"group":{"all":{"description":"these","targets":["more","a"]},)"));
    CHECK(why_not(text, {"z*"}) == "could not find any target matching \"z*\"");
    CHECK(why_not("target \"a.b\" {}", {"a"}) == "Invalid name; only \"[a-zA-Z0-9_-]+\" are allowed");
}

TEST_CASE("bake: lists that add up, lists that are replaced") {
    const std::string text =
        "target \"p\" {\n tags = [\"p\"]\n ulimits = [\"core=1\"]\n secret = [\"id=a\", \"id=b\"]\n"
        " labels = { x = \"1\" }\n description = \"of p\"\n}\n"
        "target \"a\" {\n inherits = [\"p\"]\n tags = [\"a\"]\n ulimits = [\"core=2\"]\n"
        " secret = [\"id=a,env=A\"]\n labels = { y = \"2\", x = null }\n}\n";
    BakeOptions o;
    o.files = {{"f.hcl", text}};
    o.targets = {"a"};
    o.overrides = {"p.args.X=1", "a.tags=b", "a.tags+=c"};
    const BakeTarget a = bake(o).targets.front();
    using Texts = std::vector<std::string>;
    CHECK(a.tags == Texts{"a", "b", "c"}); // the last override appends
    CHECK(a.ulimits == Texts{"core=1", "core=2"});
    CHECK(a.secrets == Texts{"id=a,env=A", "id=b"});
    CHECK(a.labels == std::vector<std::pair<std::string, std::string>>{{"x", "1"}, {"y", "2"}});
    CHECK(a.args.front().first == "X"); // what is set for a parent is inherited
    CHECK(a.description == "of p");
}

TEST_CASE("bake: variables have the type that they are declared with, and keep their rules") {
    const std::string text =
        "variable \"T\" {\n type = tuple([string, number])\n default = [\"a\", 1]\n}\n"
        "variable \"M\" {\n type = map(string)\n default = { k = \"v\" }\n}\n"
        "variable \"O\" {\n type = object({a = string, b = optional(number)})\n default = { a = \"x\" }\n}\n"
        "variable \"N\" { default = 3 }\nvariable \"V\" {\n default = \"ok\"\n validation {\n"
        " condition = V != \"bad\"\n error_message = \"V is ${V}\"\n }\n}\nplain = \"p\"\n"
        "target \"a\" { args = { T = T[1], M = M[\"k\"], O = O.a, B = O.b, P = plain } }\n";
    const auto args = [&](std::map<std::string, std::string> environment) {
        const std::string all = printed(text, {"a"}, {}, std::move(environment));
        const std::size_t at = all.find("\"args\":");
        return all.substr(at + 7, all.find('}', at) - at - 6);
    };
    CHECK(args({}) == R"({"M":"v","O":"x","P":"p","T":"1"})");
    CHECK(args({{"T", "z,2"}, {"M", "k:w"}, {"O_JSON", R"({"a":"j","b":7})"}, {"plain", "q"}}) ==
          R"({"B":"7","M":"w","O":"j","P":"p","T":"2"})");
    const auto refused = [&](std::map<std::string, std::string> environment) {
        return why_not(text, {"a"}, std::move(environment));
    };
    CHECK(refused({{"V", "bad"}}) == "Validation failed; V is bad");
    CHECK(refused({{"N", "x"}}) ==
          "Invalid value; failed to parse N as number: strconv.ParseFloat: parsing \"x\": invalid syntax");
    CHECK(refused({{"O", "{}"}}) == "Invalid value; unsupported type object for variable O");
    CHECK(refused({{"M", "k"}}) ==
          "Invalid value; failed to convert variable M from CSV: expected one k/v pair but got 1 pieces from k");
}

TEST_CASE("bake: JSON has functions, types and rules of variables, too") {
    BakeOptions o;
    o.files = {
        {"f.json",
         R"j({"variable":{"L":{"type":"list(string)","default":["a"],"validation":{"condition":"${length(L) < 3}",
        "error_message":"too many"}}},"function":{"twice":{"params":["x"],"result":"${x}${x}"}},
        "target":{"t":{"tags":["${twice(L[0])}"]}}})j"}};
    o.targets = {"t"};
    CHECK(bake(o).targets.front().tags == std::vector<std::string>{"aa"});
    o.environment = [](const std::string& name) {
        return name == "L" ? std::optional<std::string>("a,b,c") : std::nullopt;
    };
    CHECK_THROWS_WITH(bake(o), "Validation failed; too many");
}

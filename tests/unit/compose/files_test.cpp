// Several files: merging, extends, include; and files that mean harm.
#include "table.hpp"
#include "tests/support/temp_dir.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>

using namespace davit::test;
using nlohmann::json;
using Pointer = json::json_pointer;

namespace {

// Files in a directory of their own; the options load those that are named.
using Texts = std::map<std::string, std::string>;

struct Files {
    explicit Files(const Texts& files, std::vector<std::string> use = {"compose.yaml"}) {
        for (const auto& [name, text] : files) {
            std::filesystem::create_directories(std::filesystem::path(directory / name).parent_path());
            std::ofstream(directory / name) << text;
        }
        options = options_for("");
        options.current_dir = directory.path();
        options.files = std::move(use);
    }
    json load() const { return load_json(options); }
    TempDir directory;
    davit::LoadOptions options;
};

// Two documents that are merged: one attribute of the service web.
struct Merge {
    const char* attribute;
    const char* base;
    const char* over;
    const char* expect;
};

std::string error_of(const davit::LoadOptions& o) {
    auto out = load_json(o);
    return out.contains("error") ? out["error"].get<std::string>() : "";
}

std::string error_of_text(const std::string& text) { return error_of(options_for(text)); }

} // namespace

TEST_CASE("later files are merged attribute by attribute") {
    const Merge rows[] = {
        {"image", "a", "b", R"("b")"},
        {"command", "[a, b]", "[c]", R"(["c"])"},
        {"environment", "[A=1, B=2]", "{B: 3, C: 4}", R"({"A":"1","B":"3","C":"4"})"},
        {"labels", "{a: 1}", "[a=2, b=3]", R"({"a":"2","b":"3"})"},
        {"cap_add", "[A, B]", "[B, C]", R"(["A","B","C"])"},
        {"dns", "1.1.1.1", "[2.2.2.2]", R"(["1.1.1.1","2.2.2.2"])"},
        {"volumes", "['aa:/a', 'bb:/b']", "['cc:/a']",
         R"([{"source":"cc","target":"/a","type":"volume","volume":{}},{"source":"bb","target":"/b","type":"volume","volume":{}}])"},
        {"ports", "['80:80']", "['80:80', '81:81']",
         R"([{"mode":"ingress","protocol":"tcp","published":"80","target":80},{"mode":"ingress","protocol":"tcp","published":"81","target":81}])"},
        {"expose", "[80]", "[80, 81]", R"(["80","81"])"},
        {"networks", "[a]", "{b: {aliases: [x]}}", R"({"a":null,"b":{"aliases":["x"]}})"},
        {"depends_on", "[a]", "{b: {condition: service_healthy}}",
         R"({"a":{"condition":"service_started","required":true},"b":{"condition":"service_healthy","required":true}})"},
        {"healthcheck", "{test: [CMD, a], retries: 3}", "{test: [CMD, b]}", R"({"retries":3,"test":["CMD","b"]})"},
        {"logging", "{driver: a, options: {x: 1}}", "{driver: a, options: {y: 2}}",
         R"({"driver":"a","options":{"x":"1","y":"2"}})"},
        {"logging", "{driver: a, options: {x: 1}}", "{driver: b, options: {y: 2}}",
         R"({"driver":"b","options":{"y":"2"}})"},
        {"ulimits", "{n: {soft: 1, hard: 2}}", "{n: 5}", R"({"n":5})"},
        {"extra_hosts", "['a=1.1.1.1']", "['a=1.1.1.1', 'b=2.2.2.2']", R"(["a=1.1.1.1","b=2.2.2.2"])"},
        {"restart", "always", "", R"("always")"},
        {"ports", "['80:80']", "!override ['81:81']",
         R"([{"mode":"ingress","protocol":"tcp","published":"81","target":81}])"},
        {"ports", "['80:80']", "!reset []", "(absent)"},
        {"environment", "{A: 1, B: 2}", "{A: !reset null}", R"({"B":"2"})"},
        {"healthcheck", "{test: [CMD, a]}", "[a]", "! cannot be merged"},
    };
    for (const Merge& row : rows) {
        CAPTURE(row.attribute);
        CAPTURE(row.over);
        const std::string attribute = row.attribute;
        Files files(Texts{{"compose.yaml", "services:\n  web:\n    " +
                                               std::string(attribute == "image" ? "" : "image: x\n    ") + attribute +
                                               ": " + row.base},
                          {"b.yaml", "services:\n  web:\n    " + attribute + ": " + row.over}},
                    {"compose.yaml", "b.yaml"});
        check(files.load(), Pointer("/services/web/" + attribute), row.expect);
    }
}

TEST_CASE("documents of one file are merged") {
    CHECK(load_json(options_for(
              "services: {a: {image: x}}\n---\nservices: {a: {user: u}}\n"))["services"]["a"]["user"] == "u");
}

TEST_CASE("what is merged shows behind a !reset, of this file and of one that is extended") {
    const std::string base = "x-a: &a {image: x, init: true}\nservices:\n  web:\n    <<: *a\n    init: !reset\n";
    CHECK(load_json(options_for(base))["services"]["web"]["init"] == true);
    Files files(
        Texts{{"compose.yaml", "services: {web: {extends: {file: base.yaml, service: web}}}"}, {"base.yaml", base}});
    CHECK(files.load()["services"]["web"]["init"] == true);
}

TEST_CASE("documents that say nothing: refused behind services, and where they are extended") {
    Files null(Texts{{"compose.yaml", "services: {web: {image: x}}"}, {"b.yaml", "services:\n"}},
               {"compose.yaml", "b.yaml"});
    CHECK(error_of(null.options).find("services: must be a mapping of service names") != std::string::npos);
    Files extended(Texts{{"compose.yaml", "services: {web: {extends: {file: base.yaml, service: web}}}"},
                         {"base.yaml", "services: {web: {image: x}}\n---\n"}});
    CHECK(error_of(extended.options).find("a compose file must be a mapping") != std::string::npos);
}

TEST_CASE("an include is looked at even if it includes nothing") {
    CHECK(error_of_text("include: [null, {}]\nservices: {web: {image: x}}").empty());
    for (const char* item : {"{path: 1}", "{path: [[a]]}", "{env_file: {a: b}}", "{project_directory: true}"}) {
        CAPTURE(item);
        CHECK(error_of_text(std::string("include: [") + item + "]").find("must be text") != std::string::npos);
    }
    CHECK(error_of_text("include: [{env_file: nothing.env}]\nservices: {web: {image: x}}").find("does not exist") !=
          std::string::npos);
}

TEST_CASE("extends: from this file, from another one, and from there on") {
    Files files(Texts{{"compose.yaml", "services:\n  web: {extends: {file: common/base.yaml, service: base}, "
                                       "environment: {B: 2}}\n  api: {extends: web, image: y}\n"},
                      {"common/base.yaml", "services:\n  base: {extends: root, environment: {A: 1}, volumes: "
                                           "['./d:/d']}\n  root: {image: x, user: u}\n"}});
    auto out = files.load();
    CHECK(out["services"]["web"]["environment"] == json({{"A", "1"}, {"B", "2"}}));
    CHECK(out["services"]["web"]["user"] == "u");
    CHECK(out["services"]["web"]["volumes"][0]["source"] == files.directory / "common/d");
    CHECK(out["services"]["api"]["image"] == "y");
    CHECK(out["services"]["api"]["user"] == "u");
}

TEST_CASE("include: its own directory and variables, and this file wins") {
    Files files(
        Texts{{"compose.yaml",
               "include: [sub/compose.yaml, {path: other.yaml, env_file: o.env}]\nservices:\n  db: {user: mine}\n"},
              {"sub/compose.yaml", "services:\n  db: {image: 'db:${TAG}', volumes: ['./d:/d']}\n"},
              {"sub/.env", "TAG=1\n"},
              {"other.yaml", "services:\n  o: {image: 'o:${TAG}'}\n"},
              {"o.env", "TAG=2\n"}});
    auto out = files.load();
    CHECK(out["services"]["db"]["image"] == "db:1");
    CHECK(out["services"]["db"]["user"] == "mine");
    CHECK(out["services"]["db"]["volumes"][0]["source"] == files.directory / "sub/d");
    CHECK(out["services"]["o"]["image"] == "o:2");
}

TEST_CASE("YAML: anchors, merge keys, kinds of scalars") {
    auto out = load_json(options_for("x-a: &a {A: 1, B: 2}\nx-b: &b {B: 3, C: 4}\nservices:\n  web:\n    image: x\n    "
                                     "environment: {<<: [*a, *b], D: \"a\\_b\"}\n"));
    CHECK(out["services"]["web"]["environment"] == json({{"A", "1"}, {"B", "2"}, {"C", "4"}, {"D", "a\u00a0b"}}));
}

TEST_CASE("what is no text file is refused where it stops being one") {
    CHECK(error_of_text(std::string("services:\n  a: {image: \"x\0y\"}\n", 30)).find("control character here (0x00)") !=
          std::string::npos);
    CHECK(error_of_text("services:\n  a: {image: \"\xc2\x9b\"}\n").find("control character here (0x9b)") !=
          std::string::npos);
    CHECK(error_of_text("services:\n  a: {image: \"\xff\"}\n").find("not UTF-8 text (byte 0xff)") != std::string::npos);
    CHECK(error_of_text("services:\n  a: {image: \"\xc0\x80\"}\n").find("not UTF-8") != std::string::npos);
    CHECK(error_of_text("services:\n  a: {image: \"\xed\xa0\x80\"}\n").find("not UTF-8") != std::string::npos);
}

TEST_CASE("aliases that multiply are refused at once") {
    std::string bomb = "x-0: &a0 [a, a, a, a, a, a, a, a, a, a]\n";
    for (int i = 1; i < 10; ++i) {
        const std::string last = "*a" + std::to_string(i - 1);
        bomb += "x-" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
        for (int k = 0; k < 9; ++k) bomb += ", " + last;
        bomb += "]\n";
    }
    const auto start = std::chrono::steady_clock::now();
    CHECK(error_of_text(bomb + "services: {a: {image: x}}\n").find("multiply to too much") != std::string::npos);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(10));
    CHECK(error_of_text("services: {a: &a {image: x, labels: *a}}\n").find("stands inside of what it names") !=
          std::string::npos);
}

TEST_CASE("deep nesting is refused") {
    CHECK(error_of_text("x-a: " + std::string(100000, '[') + std::string(100000, ']')).size() > 0);
    CHECK(error_of_text("x-a: " + std::string(100000, '{')).size() > 0);
    std::string block;
    for (int i = 0; i < 2000; ++i) block += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
    CHECK(error_of_text(block).find("nested too deep") != std::string::npos);
    CHECK(error_of_text("x-a:\n" + std::string(5000, '-') + "\n").size() > 0);
}

TEST_CASE("a file of ten megabytes loads or is refused in bounded time") {
    std::string large = "services:\n  web:\n    image: x\n    environment:\n";
    while (large.size() < 10'000'000)
        large += "      V" + std::to_string(large.size()) + ": value of some length that fills the file\n";
    const auto start = std::chrono::steady_clock::now();
    CHECK(error_of_text(large).empty());
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
    CHECK(error_of_text("services: {web: {image: x, command: \"" + std::string(10'000'000, 'a') + "\"}}").empty());
}

TEST_CASE("a file that was given as well may be included: only what includes itself is a circle") {
    Files both(Texts{{"compose.yaml", "services: {m: {image: x}}"},
                     {"b.yaml", "include: [compose.yaml]\nservices: {n: {image: y}}"}},
               {"compose.yaml", "b.yaml"});
    CHECK(both.load()["services"].size() == 2);
    Files other(Texts{{"compose.yaml", "services: {m: {image: x}}"},
                      {"b.yaml", "include: [compose.yaml]"},
                      {"c.yaml", "include: [b.yaml, compose.yaml]"}},
                {"compose.yaml", "b.yaml", "c.yaml"});
    CHECK(other.load()["services"].size() == 1);
    Files merged(Texts{{"compose.yaml", "include: [{path: [a.yaml, b.yaml]}]"},
                       {"a.yaml", "services: {m: {image: x}}"},
                       {"b.yaml", "include: [a.yaml]"}});
    CHECK(merged.load()["services"].size() == 1);
    Files circle(Texts{{"compose.yaml", "include: [b.yaml]"}, {"b.yaml", "include: [compose.yaml]"}},
                 {"compose.yaml", "b.yaml"});
    CHECK(error_of(circle.options).find("in a circle") != std::string::npos);
    Files second(Texts{{"compose.yaml", "include: [{path: [a.yaml, b.yaml]}]"},
                       {"a.yaml", "services: {m: {image: x}}"},
                       {"b.yaml", "include: [{path: [a.yaml, b.yaml]}]"}});
    CHECK(error_of(second.options).find("in a circle") != std::string::npos);
}

TEST_CASE("circles end with an error: extends, include, symbolic links") {
    CHECK(error_of_text("services: {a: {extends: b}, b: {extends: a}}").find("in a circle") != std::string::npos);
    CHECK(error_of_text("services: {a: {extends: a}}").find("in a circle") != std::string::npos);
    Files mutual(Texts{{"compose.yaml", "services: {a: {extends: {file: b.yaml, service: a}}}"},
                       {"b.yaml", "services: {a: {extends: {file: compose.yaml, service: a}}}"}});
    CHECK(error_of(mutual.options).find("in a circle") != std::string::npos);
    Files include(Texts{{"compose.yaml", "include: [b.yaml]"}, {"b.yaml", "include: [compose.yaml]"}});
    CHECK(error_of(include.options).find("in a circle") != std::string::npos);
    Files link(Texts{{"compose.yaml", "include: [loop.yaml]"}});
    std::filesystem::create_symlink("loop.yaml", link.directory / "loop.yaml");
    CHECK(error_of(link.options).find("Too many levels of symbolic links") != std::string::npos);
    // The same file under ever new names.
    Files sub(Texts{{"compose.yaml", "include: [d/compose.yaml]"}});
    std::filesystem::create_directory_symlink(".", sub.directory / "d");
    CHECK(error_of(sub.options).size() > 0);
}

TEST_CASE("all mistakes come in one run, and what follows from a mistake does not") {
    auto o = options_for("services:\n  web: {imgae: x, depends_on: [nope]}\n  api: {image: y, networks: [nowhere], "
                         "mem_limit: huge}\n  db: {image: z, restart: 5}\n");
    o.check_consistency = true;
    const std::string all = error_of(o);
    for (const char* part : {"'imgae' is no attribute", "needs the service 'nope'",
                             "the network 'nowhere' is not declared", "'huge' is no size", "must be text"}) {
        CAPTURE(part);
        CHECK(all.find(part) != std::string::npos);
    }
    CHECK(all.find("neither an image") == std::string::npos);
}

// Every key of the specification is acted on, or davit says that it is not: tests/data/compose-keys.txt has what
// shows it, one line a key.
#include "compose/attributes/shapes.hpp"
#include "tests/unit/attributes/evidence.hpp"

#include <algorithm>
#include <cstdlib>
#include <doctest/doctest.h>
#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <vector>

using namespace davit;
using namespace davit::test;

namespace {

struct Line {
    std::string path, how, yaml, text;
};

std::vector<Line> read_lines() {
    std::ifstream in(DAVIT_TESTS "/data/compose-keys.txt");
    std::vector<Line> out;
    for (std::string line; std::getline(in, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::vector<std::string> cells;
        for (std::size_t at = 0; at != std::string::npos;) {
            const std::size_t end = line.find(" | ", at);
            cells.push_back(line.substr(at, end - at));
            at = end == std::string::npos ? end : end + 3;
        }
        cells.resize(4);
        out.push_back({cells[0], cells[1], cells[2], cells[3]});
    }
    return out;
}

const std::vector<Line>& lines() {
    static const std::vector<Line> all = read_lines();
    return all;
}

const Line* find_line(const std::string& path) {
    auto it = std::find_if(lines().begin(), lines().end(), [&](const Line& l) { return l.path == path; });
    return it == lines().end() ? nullptr : &*it;
}

// Path → row, for everything below a shape.
void collect(const compose::Shape& shape, const std::string& path,
             std::map<std::string, const compose::Attribute*>& out) {
    for (const compose::Attribute* a : shape.fields) {
        if (a->internal()) continue;
        const std::string here = (path.empty() ? "" : path + ".") + std::string(a->key);
        out[here] = a;
        collect(*a->shape, here, out);
    }
    if (shape.items) collect(*shape.items, path + ".[]", out);
    if (shape.values) collect(*shape.values, path + ".*", out);
}

const std::map<std::string, const compose::Attribute*>& all_rows() {
    static const auto out = [] {
        std::map<std::string, const compose::Attribute*> rows;
        collect(compose::shapes::project, "", rows);
        return rows;
    }();
    return out;
}

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> out;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, '.');) out.push_back(part);
    return out;
}

// Whether a message "services.a.ports[0].mode: …" is about "services.*.ports.[].mode", or about what is below it.
bool is_about(const std::string& message, const std::string& path) {
    std::string place = message.substr(0, message.find(": "));
    for (std::size_t at; (at = place.find('[')) != std::string::npos && place.compare(at, 2, "[]") != 0;)
        place.replace(at, place.find(']', at) + 1 - at, ".\x01");
    const auto want = split(path), have = split(place);
    if (have.size() < want.size()) return false;
    for (std::size_t i = 0; i < want.size(); ++i)
        if (want[i] != "*" && want[i] != have[i] && !(want[i] == "[]" && have[i] == "\x01")) return false;
    return true;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string read_whole(const std::string& file) {
    std::ifstream in(file);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
}

} // namespace

TEST_CASE("every row has a line that says what becomes of it, and every line a row") {
    std::set<std::string> seen;
    for (const Line& line : lines()) {
        CAPTURE(line.path);
        CHECK_MESSAGE(seen.insert(line.path).second, "two lines");
        if (line.how != "newer") CHECK_MESSAGE(all_rows().count(line.path) == 1, "no row");
    }
    for (const auto& [path, unused] : all_rows()) CHECK_MESSAGE(seen.count(path) == 1, path, " has no line");
    CHECK(lines().size() > 300);
}

TEST_CASE("what is acted on makes a difference in the container or the project") {
    CHECK(has(container_of(whole_file("")), "\"program\""));
    for (const Line& line : lines()) {
        if (line.how != "container" && line.how != "loaded") continue;
        CAPTURE(line.path);
        const auto become = [&](const std::string& cell) {
            return line.how == "container" ? container_of(whole_file(cell)) : loaded(whole_file(cell));
        };
        const std::size_t other = line.yaml.find(" <> ");
        const std::string out = become(line.yaml.substr(0, other));
        const std::string without = become(other == std::string::npos ? "" : line.yaml.substr(other + 4));
        CHECK_MESSAGE(has(out, line.text), line.text, " is missing");
        CHECK_MESSAGE(!has(without, line.text), line.text, " is there anyway");
        if (!has(out, line.text) && std::getenv("DAVIT_SHOW")) MESSAGE(out);
    }
}

TEST_CASE("what has no effect is said at its place, by a row that says so") {
    std::set<std::string> warned;
    for (const Line& line : lines()) {
        if (line.how != "warns") continue;
        CAPTURE(line.path);
        std::istringstream said(without_effect(whole_file(line.yaml)));
        bool found = false;
        for (std::string message; std::getline(said, message);) found = found || is_about(message, line.path);
        CHECK_MESSAGE(found, "nothing was said: ", said.str());
        auto it = all_rows().find(line.path);
        if (it != all_rows().end()) CHECK(!it->second->unacted.why.empty());
        warned.insert(line.path);
    }
    // A row that always warns is acted on by nobody; one with values may be acted on with others.
    for (const auto& [path, row] : all_rows()) {
        if (row->unacted.why.empty() || !row->unacted.only.empty() || !row->unacted.acted.empty()) continue;
        CHECK_MESSAGE(warned.count(path) == 1, path, " always warns, and its line says otherwise");
    }
}

// Which depends on more than the attribute itself: told when the container is made, or by the loader.
TEST_CASE("what has no effect beside something else is said too") {
    const struct {
        std::string yaml, text;
    } cases[] = {
        {"network_mode: host, ports: ['80:80']", "ports have no effect with network_mode: host"},
        {"network_mode: none, ports: ['80:80']", "ports have no effect with network_mode: none"},
        {"services: {a: {image: i, network_mode: bridge, links: [b]}, b: {image: i}}",
         "links have no effect with network_mode: bridge"},
        {"security_opt: ['label=type:x']", "security_opt label=type:x has no effect"},
        {"volumes: [{type: volume, source: v, target: /t, volume: {labels: {a: b}}}] & volumes: {v: {}}",
         "labels of the mount at /t have no effect"},
        {"volumes: [{type: volume, target: /t, volume: {subpath: x}}]",
         "must not set Subpath when using anonymous volumes"},
        {"secrets: [{source: s, mode: 0400}] & secrets: {s: {file: secret.txt}}", "have no effect: it is the file"},
        {"logging: {driver: syslog}", "logging driver syslog is not known to davit"},
    };
    for (const auto& c : cases) {
        CAPTURE(c.yaml);
        CHECK_MESSAGE(has(container_of(whole_file(c.yaml)), c.text), c.text, " is missing");
    }
    CHECK_FALSE(has(container_of(whole_file("security_opt: ['label=disable']")), "has no effect"));
    CHECK(has(loaded(whole_file("volumes: [{type: volume, source: v, target: /t, bind: {propagation: shared}}] & "
                                "volumes: {v: {}}")),
              "services.a.volumes[0].bind: has no effect: this is a mount of type volume"));
    CHECK_FALSE(has(loaded(whole_file("volumes: ['v:/t:z', './b:/u:z'] & volumes: {v: {}}")), "has no effect"));
    // The values that have one.
    for (const std::string yaml :
         {"networks: {default: {ipam: {driver: default}}} & services: {a: {image: i}}",
          "volumes: ['v:/t'] & volumes: {v: {driver_opts: {type: tmpfs, device: tmpfs, o: size=1m}}}",
          "logging: {options: {mode: blocking}}", "deploy: {mode: replicated, endpoint_mode: dnsrr}",
          "ports: [{target: 80, mode: ingress}]"}) {
        CAPTURE(yaml);
        CHECK(without_effect(whole_file(yaml)) == "");
    }
}

TEST_CASE("the tests that are named are there") {
    for (const Line& line : lines()) {
        if (line.how != "test") continue;
        CAPTURE(line.path);
        const std::string text = read_whole(DAVIT_TESTS "/" + line.yaml);
        const bool unit = line.yaml.ends_with(".cpp");
        CHECK_MESSAGE(has(text, unit ? "TEST_CASE(\"" + line.text + "\")" : "def " + line.text + "("), line.yaml,
                      " has no ", line.text);
    }
}

TEST_CASE("a part leads to a line that shows something") {
    for (const Line& line : lines()) {
        if (line.how != "part") continue;
        CAPTURE(line.path);
        const Line* whole = find_line(line.yaml);
        for (int steps = 0; whole && whole->how == "part" && steps < 5; ++steps) whole = find_line(whole->yaml);
        REQUIRE(whole);
        CHECK(whole->how != "part");
        CHECK(whole->how != "newer");
    }
}

TEST_CASE("what Docker Compose does not know yet is refused as it refuses it") {
    for (const Line& line : lines()) {
        if (line.how != "newer") continue;
        CAPTURE(line.path);
        CHECK(has(loaded(whole_file(line.yaml)), "is no attribute of"));
    }
}

TEST_CASE("no line says something else") {
    const std::set<std::string> known{"container", "loaded", "warns", "test", "part", "newer"};
    for (const Line& line : lines()) CHECK_MESSAGE(known.count(line.how) == 1, line.path, ": ", line.how);
}

// config.json: every member of the specification has a place in Spec; what has none is kept; what is wrong is told.
#include "base/file.hpp"
#include "davit/error.hpp"
#include "oci_fields.hpp"
#include "runtime/host_facts.hpp"
#include "runtime/oci/document.hpp"
#include "runtime/steps.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <nlohmann/json.hpp>
#include <set>

using namespace davit;
using namespace davit::runtime;
using nlohmann::json;

namespace {

std::string data_file(const std::string& name) { return std::string(DAVIT_TEST_DATA) + "/runtime/" + name; }
json every_field() { return json::parse(read_file(data_file("config-every-field.json"))); }

Spec spec_of(const json& document) { return spec_from_json(document.dump(), "config.json"); }
json again(const json& document) { return json::parse(to_json(spec_of(document))); }

// What only repeats the document does not count as having read it.
Spec typed(Spec spec) {
    spec.as_it_came.clear();
    spec.unknown_fields.clear();
    return spec;
}

std::string refusal(const std::string& text) {
    try {
        spec_from_json(text, "config.json");
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

// Whether the name is the user's own: a device, a sysctl.
bool is_named(const std::string& at) {
    static const std::set<std::string> tables = {"/annotations",          "/linux/sysctl",
                                                 "/linux/netDevices",     "/linux/timeOffsets",
                                                 "/linux/resources/rdma", "/linux/resources/unified"};
    return tables.contains(at);
}

bool is_plain_list(const json& value) { return value.is_array() && (value.empty() || !value[0].is_object()); }

// Calls fn(pattern, pointer) for each member that is no object of members itself.
template <typename F>
void walk(const json& value, const std::string& pattern, const std::string& pointer, F& fn) {
    if (value.is_array() && !is_plain_list(value)) {
        for (std::size_t i = 0; i < value.size(); ++i)
            walk(value[i], pattern + "/*", pointer + "/" + std::to_string(i), fn);
    } else if (value.is_object()) {
        for (const auto& [key, member] : value.items())
            walk(member, pattern + "/" + (is_named(pattern) ? "*" : key), pointer + "/" + key, fn);
    } else fn(pattern, pointer);
}

struct Place {
    std::string pattern, pointer;
};
std::vector<Place> places(const json& document) {
    std::vector<Place> out;
    auto add = [&](const std::string& pattern, const std::string& pointer) { out.push_back({pattern, pointer}); };
    walk(document, "", "", add);
    return out;
}

json without(json document, const std::string& pointer) {
    const json::json_pointer at(pointer);
    document[at.parent_pointer()].erase(at.back());
    return document;
}
json with(json document, const std::string& pointer, const json& value) {
    document[json::json_pointer(pointer)] = value;
    return document;
}

} // namespace

TEST_CASE("the document of the test has every member of the specification, and no other") {
    std::set<std::string> listed{"/ociVersion"}, there;
    for (const OciField& f : oci_fields) listed.insert(f.pointer);
    for (const Place& p : places(every_field())) there.insert(p.pattern);
    CHECK(listed == there);
}

TEST_CASE("every member is read into a field of Spec and written back") {
    const json document = every_field();
    const Spec spec = spec_of(document);
    CHECK(again(document) == document);
    for (const AsItCame& kept : spec.as_it_came) CHECK_MESSAGE(false, kept.pointer, kept.came, kept.written);
    for (const std::string& field : spec.unknown_fields) CHECK_MESSAGE(false, field);
    CHECK(spec_from_json(to_json(spec), "config.json") == spec);
    for (const Place& p : places(document)) {
        if (p.pattern == "/ociVersion") continue;
        // What must be there is given as another value instead of being left out.
        json other = without(document, p.pointer);
        if (p.pointer.ends_with("/type") && p.pointer.starts_with("/linux/namespaces")) continue;
        if (p.pointer.ends_with("rlimits/0/type")) other = with(document, p.pointer, "RLIMIT_CORE");
        if (p.pointer.ends_with("devices/0/type") && p.pointer.starts_with("/linux/devices"))
            other = with(document, p.pointer, "b");
        if (p.pointer.find("/minor") != std::string::npos) other = with(document, p.pointer, 77);
        if (document[json::json_pointer(p.pointer)] == json("bind")) continue; // "rbind" says so already
        if (document[json::json_pointer(p.pointer)] == json(false) && p.pattern.ends_with("/allow")) continue;
        if (document[json::json_pointer(p.pointer)] == json("rwm")) continue; // what an absent one means
        if (document[json::json_pointer(p.pointer)] == json(0)) continue;
        CAPTURE(p.pointer);
        const Spec changed = spec_of(other);
        CHECK_FALSE(typed(changed) == typed(spec));
        CHECK(json::parse(to_json(changed)) == other);
    }
}

TEST_CASE("each member alone is read and written as it came") {
    for (const Place& p : places(every_field())) {
        json alone{{"ociVersion", "1.0.2"}};
        const json whole = every_field();
        // The list element or object it is in comes along: some members mean nothing alone.
        std::string at = p.pointer;
        if (std::size_t last = at.find_last_of('/'); last != 0 && p.pattern.find('*') != std::string::npos) {
            for (std::size_t i = 1; i < at.size(); ++i)
                if (at[i] == '/' && i + 1 < at.size() && std::isdigit(static_cast<unsigned char>(at[i + 1]))) {
                    at.resize(i);
                    break;
                }
        }
        if (at != "/ociVersion") alone[json::json_pointer(at)] = whole[json::json_pointer(at)];
        CAPTURE(at);
        CHECK(again(alone) == alone);
    }
}

TEST_CASE("what no step acts on is told by its place") {
    const Spec spec = spec_of(every_field());
    const std::vector<std::string> told = not_acted_on(spec);
    for (const Place& p : places(every_field())) {
        auto row = std::find_if(std::begin(oci_fields), std::end(oci_fields),
                                [&](const OciField& f) { return p.pattern == f.pointer; });
        if (row == std::end(oci_fields)) continue;
        auto tells = [&](const std::string& t) { return p.pointer == t || p.pointer.starts_with(t + "/"); };
        CAPTURE(p.pointer);
        // A namespace is told as a whole, and an option among options.
        if (p.pattern.starts_with("/linux/namespaces") || p.pattern == "/mounts/*/options") continue;
        CHECK((std::find_if(told.begin(), told.end(), tells) != told.end()) == row->idle);
    }
    for (const char* place : {"/linux/namespaces/5", "/linux/namespaces/6", "/linux/namespaces/7", "/mounts/1/options"})
        CHECK(std::find(told.begin(), told.end(), place) != told.end());
    CHECK(std::find(told.begin(), told.end(), "/linux/namespaces/0") == told.end());
    CHECK(not_acted_on(Spec{}).empty());
}

TEST_CASE("hooks and user namespaces are refused when steps are made, other things without a step are told") {
    HostFacts host;
    host.grantable = ~CapSet{0};
    json plain{
        {"ociVersion", "1.3.0"},
        {"root", {{"path", "/rootfs"}}},
        {"process", {{"cwd", "/"}, {"args", {"sh"}}, {"user", {{"uid", 7}, {"gid", 8}, {"additionalGids", {9}}}}}},
        {"linux", {{"namespaces", {{{"type", "mount"}}, {{"type", "pid"}}}}}}};
    CHECK(describe(compile(spec_of(plain), host)).find("user '7:8'") != std::string::npos);
    const json whole = every_field();
    for (const char* refused : {"/hooks", "/linux/uidMappings", "/linux/gidMappings"}) {
        CAPTURE(refused);
        const json asked = with(plain, refused, whole[json::json_pointer(refused)]);
        CHECK_THROWS_WITH_AS(compile(spec_of(asked), host), doctest::Contains(refused), Error);
    }
    for (const char* type : {"user", "time"}) {
        json asked = plain;
        asked["linux"]["namespaces"].push_back({{"type", type}});
        CHECK_THROWS_WITH_AS(compile(spec_of(asked), host), doctest::Contains("/linux/namespaces/"), Error);
    }
    json asked = with(plain, "/process/ioPriority", whole["process"]["ioPriority"]);
    asked["process"]["tomorrow"] = 1;
    std::vector<std::string> warnings;
    compile(spec_of(asked), host, {}, &warnings);
    const auto text = json(warnings).dump();
    CHECK(text.find("/process/ioPriority changes nothing") != std::string::npos);
    CHECK(text.find("/process/tomorrow changes nothing") != std::string::npos);
}

TEST_CASE("what nobody knows, other systems' parts and other ways to say a thing are kept") {
    json document = every_field();
    document["ociVersion"] = "1.0.2-dev";
    document["windows"] = {{"layerFolders", {"C:\\Layers\\1"}}, {"network", {{"dnsSearchList", {"a.b"}}}}};
    document["vm"] = {{"kernel", {{"path", "/k"}}}};
    document["process"]["tomorrow"] = {{"deep", {1, 2.5, nullptr, {{"x", "y"}}}}};
    document["mounts"][1]["tomorrow"] = true;
    document["linux"]["a/b~c"] = 1;
    document["process"]["capabilities"]["bounding"] = {"CAP_KILL", "CAP_CHOWN", "CAP_OF_TOMORROW"};
    document["linux"]["resources"]["memory"]["swappiness"] = nullptr;
    document["linux"]["resources"]["devices"][0]["type"] = "a";
    document["linux"]["namespaces"].push_back({{"type", "tomorrow"}});
    document["root"]["readonly"] = false;
    document["process"]["terminal"] = false;
    document["linux"]["maskedPaths"] = json::array();
    document["linux"]["rootfsPropagation"] = "";
    document["mounts"][0]["options"] = {"rw", "exec", "nosuid", "defaults"};
    document["mounts"].push_back(
        {{"destination", "/old"}, {"type", "none"}, {"source", "/x"}, {"options", {"ro", "bind"}}});
    document["linux"]["cgroupsPath"] = "system.slice:davit:1";
    document["annotations"]["dev.davit.tomorrow"] = "7";
    CHECK(again(document) == document);
    CHECK(again(json{{"ociVersion", "1.0.0"}}) == json{{"ociVersion", "1.0.0"}});
    json empties{{"ociVersion", "1.2.1"},   {"process", json::object()}, {"root", json::object()},
                 {"mounts", json::array()}, {"hooks", json::object()},   {"linux", json::object()},
                 {"annotations", nullptr}};
    CHECK(again(empties) == empties);
    const std::vector<std::string> told = not_acted_on(spec_of(document));
    for (const char* place : {"/windows", "/vm", "/process/tomorrow", "/mounts/1/tomorrow", "/linux/a~1b~0c",
                              "/process/capabilities/bounding", "/linux/namespaces/8/type"})
        CHECK_MESSAGE(std::find(told.begin(), told.end(), place) != told.end(), place);
}

TEST_CASE("what came does not undo what was changed since") {
    json document{{"ociVersion", "1.0.2"},
                  {"process", {{"cwd", "/"}, {"terminal", false}, {"args", {"a"}}, {"user", {{"uid", 0}, {"gid", 0}}}}},
                  {"mounts",
                   {{{"destination", "/a"}, {"type", "none"}, {"source", "/x"}, {"options", {"bind"}}, {"new", 1}},
                    {{"destination", "/b"}, {"type", "tmpfs"}, {"source", "tmpfs"}, {"new", 2}}}},
                  {"solaris", {{"milestone", "m"}}}};
    Spec spec = spec_of(document);
    spec.process.terminal = true;
    std::swap(spec.mounts[0], spec.mounts[1]);
    json text = json::parse(to_json(spec));
    CHECK(text["process"]["terminal"] == true);
    CHECK(text["mounts"][0] == document["mounts"][1]);
    CHECK(text["mounts"][1] == document["mounts"][0]);
    CHECK(text["solaris"] == document["solaris"]);
    spec.mounts.clear();
    CHECK_FALSE(json::parse(to_json(spec)).contains("mounts"));
}

TEST_CASE("a value of the wrong type is refused by its place") {
    const json document = every_field();
    for (const Place& p : places(document)) {
        if (p.pointer.starts_with("/linux/seccomp/")) continue; // read when the filter is made
        CAPTURE(p.pointer);
        const std::string why = refusal(with(document, p.pointer, json::object({{"x", 1}})).dump());
        CHECK(why.find("config.json") != std::string::npos);
        CHECK(why.find(p.pointer + ": ") != std::string::npos);
        const json& value = document[json::json_pointer(p.pointer)];
        if (!value.is_array() || value.empty()) continue;
        const std::string element = p.pointer + "/0";
        CHECK(refusal(with(document, element, json::array()).dump()).find(element + ": ") != std::string::npos);
    }
    for (const char* whole :
         {"/process", "/root", "/mounts", "/hooks", "/linux", "/linux/resources", "/linux/resources/cpu", "/mounts/1",
          "/hooks/poststop/0", "/linux/seccomp", "/linux/timeOffsets/boottime"})
        CHECK_MESSAGE(refusal(with(document, whole, 7).dump()).find(whole) != std::string::npos, whole);
}

TEST_CASE("what is no document is refused and told where") {
    CHECK(refusal("").find("line 1, column 1") != std::string::npos);
    CHECK(refusal("{\n \"ociVersion\": \"1.0\",\n nonsense}").find("line 3, column") != std::string::npos);
    CHECK(refusal("[]").find("/: an object is wanted") != std::string::npos);
    CHECK(refusal("{}").find("ociVersion is missing") != std::string::npos);
    CHECK(refusal(std::string(1000000, '[')).find("levels") != std::string::npos);
    CHECK(
        refusal("{\"ociVersion\":\"1\",\"annotations\":{\"dev.davit.symlinks\":\"" + std::string(500000, '[') + "\"}}")
            .find("/annotations/dev.davit.symlinks: ") != std::string::npos);
    auto refused = [](const char* pointer, const json& value) {
        return refusal(with(json{{"ociVersion", "1.3.0"}}, pointer, value).dump()).find(pointer) != std::string::npos;
    };
    CHECK(refused("/process/oomScoreAdj", 3000000000));
    CHECK(refused("/process/user/uid", -1));
    CHECK(refused("/process/user/uid", 1.5));
    CHECK(refused("/linux/resources/pids/limit",
                  json::parse("1e400", nullptr, false).is_discarded() ? json(1.5) : json(2.5)));
    CHECK(refused("/annotations/dev.davit.init", "perhaps"));
    CHECK(refused("/annotations/dev.davit.process.user.groups", "7"));
    CHECK(refusal(R"({"ociVersion":"1","process":{"rlimits":[{"type":"RLIMIT_OF_TOMORROW","soft":1,"hard":2}]}})")
              .find("/process/rlimits/0: 'RLIMIT_OF_TOMORROW'") != std::string::npos);
    CHECK(refusal(R"({"ociVersion":"1","linux":{"namespaces":[{"type":"pid"},{"type":"pid"}]}})")
              .find("/linux/namespaces/1: a second pid namespace") != std::string::npos);
    CHECK(refusal(R"({"ociVersion":"1","linux":{"devices":[{"type":"cc","path":"/d"}]}})").find("/linux/devices/0") !=
          std::string::npos);
    CHECK(refusal(R"({"ociVersion":"1","annotations":{"davit.spec":"{\"ns\":{\"pid\":{\"mode\":99}}}"}})")
              .find("/annotations/davit.spec") != std::string::npos);
    CHECK(refusal(R"({"ociVersion":"1","annotations":{"davit.spec":"{\"mounts\":7}"}})")
              .find("/annotations/davit.spec") != std::string::npos);
}

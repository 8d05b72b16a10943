#include "container/cdi.hpp"

#include "fixture.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace davit;

namespace {

constexpr const char* loop = R"({
  "cdiVersion": "0.6.0", "kind": "vendor.com/loop",
  "containerEdits": {"env": ["COMMON=1"], "additionalGids": [44]},
  "devices": [
    {"name": "one", "containerEdits": {
      "env": ["LOOP=one"],
      "deviceNodes": [{"path": "/dev/loop-one", "type": "b", "major": 7, "minor": 1, "fileMode": 432, "permissions": "rw", "uid": 5}],
      "mounts": [{"hostPath": "/lib/vendor", "containerPath": "/usr/lib/vendor", "options": ["ro", "nosuid", "bind"]}]}},
    {"name": "two", "containerEdits": {
      "deviceNodes": [{"path": "/dev/zero-two", "hostPath": "/dev/zero"}],
      "hooks": [{"hookName": "createContainer", "path": "/usr/bin/vendor-hook"}]}}
  ]
})";

constexpr const char* gpus = R"(cdiVersion: 0.5.0
kind: nvidia.com/gpu
devices:
- name: "0"
  containerEdits: {env: [GPU_0=1]}
- name: "1"
  containerEdits: {env: [GPU_1=1]}
- name: all
  containerEdits: {env: [GPU_ALL=1]}
)";

test::FakeSurroundings with(std::vector<cdi::File> files) {
    test::FakeSurroundings out;
    out.specifications = std::move(files);
    return out;
}

bool holds(const std::vector<std::string>& list, const std::string& entry) {
    return std::find(list.begin(), list.end(), entry) != list.end();
}

} // namespace

TEST_CASE("a device by its name brings what its specification says") {
    auto around = with({{"/etc/cdi/loop.json", loop, 0}});
    const auto built = test::build(
        test::project_of("    devices: [vendor.com/loop=one, vendor.com/loop=two]\n    environment: {LOOP: mine}\n"),
        around);
    CHECK_FALSE(built.start_failure);
    const runtime::Spec& spec = built.spec;
    CHECK(holds(spec.process.env, "LOOP=one"));
    CHECK_FALSE(holds(spec.process.env, "LOOP=mine"));
    CHECK(std::count(spec.process.env.begin(), spec.process.env.end(), "COMMON=1") == 1);
    CHECK(spec.process.user.groups == std::vector<std::string>{"44"});
    const auto one =
        std::find_if(spec.devices.begin(), spec.devices.end(), [](const auto& d) { return d.path == "/dev/loop-one"; });
    REQUIRE(one != spec.devices.end());
    CHECK(*one == runtime::Device{"/dev/loop-one", 'b', 7, 1, 0660, 5, 0});
    CHECK(std::any_of(spec.devices.begin(), spec.devices.end(),
                      [](const auto& d) { return d.path == "/dev/zero-two" && d.major == 1 && d.minor == 5; }));
    CHECK(std::count(spec.resources.devices.begin(), spec.resources.devices.end(),
                     runtime::DeviceRule{true, 'b', 7, 1, "rw"}) == 1);
    const auto mount = std::find_if(spec.mounts.begin(), spec.mounts.end(),
                                    [](const auto& m) { return m.destination == "/usr/lib/vendor"; });
    REQUIRE(mount != spec.mounts.end());
    CHECK(mount->source == "/lib/vendor");
    CHECK(mount->readonly);
    CHECK(mount->nosuid);
    CHECK_FALSE(mount->recursive);
    REQUIRE(built.warnings.size() == 1);
    CHECK(built.warnings[0].find("/usr/bin/vendor-hook") != std::string::npos);
}

TEST_CASE("what no specification tells of fails the start, at its place, and says why") {
    struct {
        const char *files, *hint;
    } cases[] = {
        {"", "no file in /etc/cdi"},
        {"kind: vendor.com/loop\ndevices:\n- name: x\n  containerEdits: {env: no list}\n", "/etc/cdi/a.yaml:4:"},
        {"[1]", "no CDI specification"},
        {"kind: nonsense\n", "kind must be"},
        {"kind: vendor.com/loop\ndevices: [{name: x, containerEdits: {deviceNodes: [{path: dev}]}}]\n", "absolute"},
        {"kind: [", "a.yaml:1:"},
    };
    for (const auto& [text, hint] : cases) {
        CAPTURE(text);
        auto around = with({{"/etc/cdi/a.yaml", text, 0}});
        if (!*text) around.specifications.clear();
        const auto built = test::build(test::project_of("    devices:\n      - vendor.com/loop=x\n"), around);
        REQUIRE(built.start_failure);
        CHECK(built.record.start_error.find(
                  "CDI device injection failed: unresolvable CDI devices vendor.com/loop=x") != std::string::npos);
        CHECK(built.start_failure->hint().find(hint) != std::string::npos);
        CHECK(built.start_failure->at().line > 0);
    }
}

TEST_CASE("the later directory's device counts, and one that stands twice in one is none") {
    const auto text = [](const std::string& value) {
        return "kind: v.com/c\ndevices: [{name: d, containerEdits: {env: [V=" + value + "]}}]\n";
    };
    const cdi::File low{"/etc/cdi/a.yaml", text("low"), 0}, same{"/etc/cdi/b.yaml", text("same"), 0},
        high{"/var/run/cdi/a.yaml", text("high"), 1};
    CHECK(cdi::Registry({low, high}).edits({"v.com/c=d"}).env == std::vector<std::string>{"V=high"});
    CHECK(cdi::Registry({high, low}).edits({"v.com/c=d"}).env == std::vector<std::string>{"V=high"});
    CHECK(cdi::Registry({low, same, high}).edits({"v.com/c=d"}).env == std::vector<std::string>{"V=high"});
    CHECK_THROWS_AS(cdi::Registry({low, same}).edits({"v.com/c=d"}), Error);
    CHECK(cdi::Registry({low, same}).devices_of("v.com/c").empty());
}

TEST_CASE("GPUs are asked for by number, by name or all of them") {
    struct {
        const char* attributes;
        std::vector<std::string> wanted;
    } cases[] = {
        {"    gpus: all\n", {"GPU_ALL=1"}},
        {"    gpus: [{count: 2}]\n", {"GPU_0=1", "GPU_1=1"}},
        {"    gpus: [{device_ids: ['1']}]\n", {"GPU_1=1"}},
        {"    deploy: {resources: {reservations: {devices: [{capabilities: [gpu], driver: nvidia, count: 1}]}}}\n",
         {"GPU_0=1"}},
        {"    deploy: {resources: {reservations: {devices: [{capabilities: [], driver: cdi, device_ids: "
         "[nvidia.com/gpu=1]}]}}}\n",
         {"GPU_1=1"}},
    };
    for (const auto& [attributes, wanted] : cases) {
        CAPTURE(attributes);
        auto around = with({{"/etc/cdi/nvidia.yaml", gpus, 0}});
        const auto built = test::build(test::project_of(attributes), around);
        CHECK_FALSE(built.start_failure);
        std::vector<std::string> got;
        for (const auto& entry : built.spec.process.env)
            if (entry.starts_with("GPU_")) got.push_back(entry);
        CHECK(got == wanted);
    }
    auto around = with({{"/etc/cdi/nvidia.yaml", gpus, 0}});
    const auto built = test::build(test::project_of("    gpus: [{count: 5}]\n"), around);
    REQUIRE(built.start_failure);
    CHECK(built.record.start_error.find("nvidia.com/gpu=2, nvidia.com/gpu=3, nvidia.com/gpu=4") != std::string::npos);
}

#include "flags.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using Json = nlohmann::ordered_json;

namespace {

Json asked(const std::vector<std::string>& flags, bool detached = false) {
    return Json::parse(container_spec(given(flags), here(), detached).asked);
}

} // namespace

TEST_CASE("binds and mounts stay apart, as they were given") {
    const Json host = asked({"--volume=./x:/a:ro", "--volume=vol:/b", "--volume=/c",
                             "--mount=type=volume,src=v2,dst=/d,readonly"})["HostConfig"];
    CHECK(host["Binds"] == Json({"/here/x:/a:ro", "vol:/b"}));
    CHECK(host["Mounts"] ==
          Json::array({{{"Type", "volume"}, {"Source", "v2"}, {"Target", "/d"}, {"ReadOnly", true}}}));
    CHECK(asked({"--volume=/c"})["Config"]["Volumes"] == Json({{"/c", Json::object()}}));
}

TEST_CASE("without flags: null, not empty lists") {
    const Json host = asked({})["HostConfig"];
    for (const char* key : {"Binds", "VolumesFrom", "Links", "ExtraHosts"}) CHECK(host[key].is_null());
    CHECK(host["PortBindings"] == Json::object());
    CHECK(host["NetworkMode"] == "bridge");
}

TEST_CASE("the streams of run, run -d and -i") {
    CHECK(asked({})["Config"]["AttachStdout"] == true);
    CHECK(asked({"--interactive"})["Config"]["StdinOnce"] == true);
    const Json detached = asked({"--interactive"}, true)["Config"];
    CHECK(detached["AttachStdin"] == false);
    CHECK(detached["AttachStdout"] == false);
    CHECK(detached["StdinOnce"] == false);
}

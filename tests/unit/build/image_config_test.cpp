#include "build/image_config.hpp"

#include "image/manifest.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::build;

namespace {

ImageDescription web() {
    ImageDescription d;
    d.platform = {"linux", "amd64", ""};
    d.config.user = "app";
    d.config.env = {"PATH=/bin", "A=1"};
    d.config.cmd = {"web"};
    d.config.working_dir = "/app";
    d.config.volumes = {"/data"};
    d.config.exposed_ports = {"80/tcp"};
    d.config.labels = {{"a", "b"}};
    d.config.healthcheck.emplace();
    d.config.healthcheck->test = {"CMD", "true"};
    d.config.healthcheck->interval = std::chrono::seconds(5);
    d.config.healthcheck->retries = 3;
    d.created = "2026-01-02T03:04:05Z";
    d.history = {{"2026-01-02T03:04:05Z", "RUN make", "", "buildkit.dockerfile.v0", false},
                 {"2026-01-02T03:04:05Z", "CMD web", "", "", true}};
    d.diff_ids = {"sha256:" + std::string(64, 'a')};
    return d;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

} // namespace

TEST_CASE("the same description gives the same bytes, and what it says is in them") {
    const std::string json = configuration_json(web(), "");
    CHECK(json == configuration_json(web(), ""));
    for (const char* part :
         {R"("architecture":"amd64")", R"("os":"linux")", R"("created":"2026-01-02T03:04:05Z")", R"("User":"app")",
          R"("Env":["PATH=/bin","A=1"])", R"("Cmd":["web"])", R"("WorkingDir":"/app")", R"("Volumes":{"/data":{}})",
          R"("ExposedPorts":{"80/tcp":{}})", R"("Labels":{"a":"b"})",
          R"("Healthcheck":{"Interval":5000000000,"Retries":3,"Test":["CMD","true"]})", R"("empty_layer":true)",
          R"("created_by":"RUN make")"})
        CHECK_MESSAGE(has(json, part), part, " is missing in ", json);
    // What is not set is not there.
    for (const char* part : {"Entrypoint", "StopSignal", "OnBuild", "Shell", "author", "variant"})
        CHECK_MESSAGE(!has(json, std::string("\"") + part + "\""), part);
    ImageDescription other = web();
    other.diff_ids.clear();
    CHECK(configuration_json(other, "") != json);
}

TEST_CASE("fields of the base that nobody here knows are kept; those of the container it was made from are not") {
    const std::string base = R"({"architecture":"arm64","os":"linux","os.features":["x"],"moby.buildkit.cache.v0":"y",
        "container":"c1","container_config":{"Hostname":"h"},"docker_version":"20","author":"somebody",
        "config":{"Hostname":"h","Image":"sha256:b","ArgsEscaped":true,"Entrypoint":["of-base"],"User":"root"},
        "history":[{"created_by":"old"}],"rootfs":{"type":"layers","diff_ids":["sha256:old"]}})";
    const std::string json = configuration_json(web(), base);
    for (const char* kept : {R"("os.features":["x"])", R"("moby.buildkit.cache.v0":"y")", R"("ArgsEscaped":true)"})
        CHECK_MESSAGE(has(json, kept), kept, " is missing in ", json);
    for (const char* gone : {"container_config", "\"container\"", "docker_version", "Hostname", "\"Image\"", "of-base",
                             "sha256:old", "\"old\"", "arm64", "somebody"})
        CHECK_MESSAGE(!has(json, gone), gone, " is in ", json);
}

TEST_CASE("a base whose document cannot be read is none") {
    CHECK(configuration_json(web(), "{torn") == configuration_json(web(), ""));
    CHECK(configuration_json(web(), "[]") == configuration_json(web(), ""));
}

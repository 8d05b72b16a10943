#include "base/error.hpp"
#include "image/manifest.hpp"
#include "image/platform.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::image;
using namespace davit::registry;

namespace {
const std::string a = "sha256:" + std::string(64, 'a'), b = "sha256:" + std::string(64, 'b');
std::string descriptor(const std::string& type, const std::string& digest) {
    return R"({"mediaType":")" + type + R"(","digest":")" + digest + R"(","size":7})";
}
Descriptor offer(const char* platform, const std::string& digest = a) {
    Descriptor d;
    d.digest = digest;
    d.platform = parse_platform(platform);
    return d;
}
} // namespace

TEST_CASE("manifests and indexes are told apart by shape, media type or not") {
    const std::string config = descriptor(media::oci_config, a), layer = descriptor(media::oci_layer, b);
    const std::string manifest = R"({"schemaVersion":2,"config":)" + config + R"(,"layers":[)" + layer + "]}";
    CHECK(kind_of_document(manifest) == DocumentKind::manifest);
    CHECK(parse_manifest(manifest).layers.at(0).digest == b);
    CHECK(parse_manifest(manifest).layers.at(0).size == 7);
    CHECK(kind_of_document(R"({"schemaVersion":2,"manifests":[]})") == DocumentKind::index);
    CHECK_THROWS_AS(kind_of_document(R"({"manifests":[],"layers":[]})"), Error);
    CHECK_THROWS_AS(kind_of_document(R"({"schemaVersion":1,"fsLayers":[]})"), Error);
    CHECK_THROWS_AS(kind_of_document("[]"), Error);
    CHECK_THROWS_AS(kind_of_document("{\"a\""), Error);
    CHECK_THROWS_AS(parse_manifest(R"({"config":)" + descriptor("application/vnd.cncf.helm.config.v1+json", a) +
                                   R"(,"layers":[]})"),
                    Error);
    CHECK_THROWS_AS(
        parse_manifest(R"({"config":)" + descriptor(media::oci_config, "sha256:short") + R"(,"layers":[]})"), Error);
    CHECK_THROWS_AS(parse_manifest(R"({"config":)" + config + R"(,"layers":{}})"), Error);
    CHECK(parse_manifest(write_manifest(parse_manifest(manifest))).config.digest == a);
}

TEST_CASE("an image configuration is read whole; wrong types read as missing") {
    auto c = parse_configuration(R"({"architecture":"x86_64","os":"linux","created":"2024-01-02T03:04:05Z","config":{
        "User":"999:999","Env":["A=1","B"],"Entrypoint":["/e"],"Cmd":null,"WorkingDir":"/w","Volumes":{"/b":{},"/a":{}},
        "ExposedPorts":{"80/tcp":{}},"Labels":{"k":"v","n":3},"StopSignal":"SIGINT","Shell":["/bin/bash","-c"],"OnBuild":["RUN x"],
        "Healthcheck":{"Test":["CMD-SHELL","ok"],"Interval":30000000000,"Timeout":1,"StartPeriod":2,"StartInterval":3,"Retries":4}},
        "rootfs":{"type":"layers","diff_ids":[")" +
                                 a + R"("]},"history":[{"created_by":"x","empty_layer":true},{"created_by":"y"}]})");
    CHECK(c.platform == Platform{"linux", "amd64", ""});
    CHECK(c.config.user == "999:999");
    CHECK(c.config.env == std::vector<std::string>{"A=1", "B"});
    CHECK(c.config.cmd.empty());
    CHECK(c.config.volumes == std::vector<std::string>{"/a", "/b"});
    CHECK(c.config.labels == std::map<std::string, std::string>{{"k", "v"}});
    REQUIRE(c.config.healthcheck);
    CHECK(c.config.healthcheck->interval == std::chrono::seconds(30));
    CHECK(c.config.healthcheck->start_interval.count() == 3);
    CHECK(c.config.healthcheck->retries == 4);
    CHECK(c.diff_ids == std::vector<std::string>{a});
    CHECK(c.history.at(0).empty_layer);
    CHECK_FALSE(c.history.at(1).empty_layer);
    CHECK_THROWS_AS(parse_configuration("{}"), Error);
    CHECK_THROWS_AS(parse_configuration(R"({"rootfs":{"diff_ids":["x"]}})"), Error);
}

TEST_CASE("chain ids are those of the specification's definition") {
    CHECK(chain_id({a, b}, 0).empty());
    CHECK(chain_id({a, b}, 1) == a);
    // sha256 of "sha256:aa… sha256:bb…", by sha256sum
    CHECK(chain_id({a, b}, 2) == "sha256:ccd722928bd92476ba1745586fed6e45a102504185ad88cd89e01ff116fd146c");
}

TEST_CASE("platforms are normalised and the nearest that runs is chosen") {
    CHECK(to_string(parse_platform("linux/aarch64/v8")) == "linux/arm64");
    CHECK(to_string(parse_platform("linux/armhf")) == "linux/arm/v7");
    CHECK(to_string(parse_platform("LINUX/X86_64")) == "linux/amd64");
    CHECK(to_string(parse_platform("windows(10.0.1)/amd64")) == "windows/amd64");
    CHECK(to_string(parse_platform("windows(10.0.17763+win32k)/amd64")) == "windows/amd64");
    CHECK_THROWS_AS(parse_platform("windows(10/amd64"), Error);
    CHECK_THROWS_AS(parse_platform("(10)/amd64"), Error);
    CHECK_THROWS_AS(parse_platform(""), Error);
    CHECK_THROWS_AS(parse_platform("linux/a/b/c"), Error);
    CHECK_THROWS_AS(parse_platform("linux//x"), Error);
    CHECK_THROWS_AS(parse_platform(""), Error);

    auto best = [](const char* wanted, std::vector<Descriptor> offered) {
        auto choice = choose_platform(offered, parse_platform(wanted));
        return choice.empty() ? std::string() : to_string(*choice.front().platform);
    };
    CHECK(best("linux/amd64", {offer("linux/arm64"), offer("linux/amd64"), offer("windows/amd64")}) == "linux/amd64");
    CHECK(best("linux/arm/v7", {offer("linux/arm/v5"), offer("linux/arm/v6"), offer("linux/arm64")}) == "linux/arm/v6");
    CHECK(best("linux/arm64", {offer("linux/arm/v7"), offer("linux/amd64")}) == "linux/arm/v7");
    CHECK(best("linux/arm/v6", {offer("linux/arm/v7")}).empty());
    CHECK(best("linux/amd64/v3", {offer("linux/amd64"), offer("linux/amd64/v2"), offer("linux/amd64/v4")}) ==
          "linux/amd64/v2");
    CHECK(best("linux/amd64", {offer("linux/amd64/v2")}).empty());

    Descriptor attestation = offer("linux/amd64", b);
    attestation.annotations["vnd.docker.reference.type"] = "attestation-manifest";
    Descriptor zstd = offer("linux/amd64", b);
    zstd.annotations["io.github.containers.compression.zstd"] = "true";
    CHECK(choose_platform({attestation}, parse_platform("linux/amd64")).empty());
    CHECK(choose_platform({offer("unknown/unknown")}, parse_platform("linux/amd64")).empty());
    CHECK(choose_platform({offer("linux/amd64"), zstd}, parse_platform("linux/amd64")).front().digest == b);
}

TEST_CASE("documents that are nested without end are refused before anything recurses into them") {
    for (const char* open : {"[", "{\"a\":"}) {
        std::string deep = "{\"x\":";
        for (int i = 0; i < 1'000'000; ++i) deep += open;
        CHECK_THROWS_AS(parse_manifest(deep), Error);
        CHECK_THROWS_AS(parse_configuration(deep), Error);
    }
    std::string closed = "{\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[]},\"x\":";
    CHECK_THROWS_AS(parse_configuration(closed + std::string(100000, '[') + std::string(100000, ']') + "}"), Error);
    CHECK_NOTHROW(parse_configuration(closed + std::string(100, '[') + std::string(100, ']') + "}"));
    CHECK_NOTHROW(
        parse_configuration(closed + "\"" + std::string(100000, '[') + "\\\"" + std::string(100000, '[') + "\"}"));
}

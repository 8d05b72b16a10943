#include "build/provenance.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::build;
using Json = nlohmann::json;

namespace {

Json statement(const BuildProvenance& wanted, const std::string& context = ".",
               std::vector<std::pair<std::string, std::string>> contexts = {}) {
    BuildRequest request;
    request.contexts = std::move(contexts);
    request.args = {{"TOKEN", "t"}};
    request.target = "web";
    BuildFacts facts{"linux/amd64",
                     context,
                     "Dockerfile",
                     "FROM busybox\n",
                     {{"busybox", "linux/amd64", "sha256:ab", {"linux/amd64"}},
                      {"busybox", "linux/arm64", "sha256:ef", {"linux/arm64"}},
                      {"golang", "linux/s390x", "sha256:12", {"linux/amd64", "linux/arm64"}}},
                     1'000'000'000,
                     2'000'000'000,
                     "id"};
    Built built;
    built.platform = "linux/amd64";
    built.file.platform = "linux/amd64";
    return Json::parse(provenance_statement(wanted, request, facts, built, {"reg:5000/team/app:1"}, "sha256:cd"));
}

} // namespace

TEST_CASE("provenance tells what was built of what") {
    const Json full = statement({});
    CHECK(full["predicateType"] == "https://slsa.dev/provenance/v1");
    CHECK(full["subject"][0]["name"] == "pkg:docker/reg:5000/team/app@1?platform=linux%2Famd64");
    CHECK(full["subject"][0]["digest"]["sha256"] == "cd");
    const Json& definition = full["predicate"]["buildDefinition"];
    CHECK(definition["resolvedDependencies"][0]["uri"] == "pkg:docker/busybox@latest?platform=linux%2Famd64");
    CHECK(definition["resolvedDependencies"][0]["digest"]["sha256"] == "ab");
    CHECK(definition["externalParameters"]["request"]["args"]["build-arg:TOKEN"] == "t");
    CHECK(full["predicate"]["runDetails"]["metadata"]["startedOn"] == "1970-01-01T00:00:01Z");
}

TEST_CASE("provenance lists what this platform's image was made of, wherever that runs") {
    Json names = Json::array();
    const Json made = statement({});
    for (const Json& one : made["predicate"]["buildDefinition"]["resolvedDependencies"]) names.push_back(one["uri"]);
    CHECK(names ==
          Json{"pkg:docker/busybox@latest?platform=linux%2Famd64", "pkg:docker/golang@latest?platform=linux%2Fs390x"});
}

TEST_CASE("provenance tells no path of the machine, and every place that is another's") {
    const auto request_of = [](const std::string& where) {
        return statement({}, where, {{"c", where}})["predicate"]["buildDefinition"]["externalParameters"];
    };
    for (const char* local : {".", "/home/me/app", "oci-layout:///home/me/lay", "oci-layout://lay:1@sha256:ab"}) {
        CAPTURE(local);
        const Json own = request_of(local);
        CHECK_FALSE(own["configSource"].contains("uri"));
        CHECK(own["request"]["args"]["context:c"] == "local:c");
        CHECK(own["request"]["locals"].size() == 2);
    }
    for (const char* remote : {"https://x/app.tar.gz", "https://git.x/app.git#main", "git@git.x:team/app.git",
                               "github.com/team/app", "docker-image://busybox"}) {
        CAPTURE(remote);
        const Json other = request_of(remote);
        CHECK(other["configSource"]["uri"] == remote);
        CHECK(other["request"]["args"]["context:c"] == remote);
        CHECK_FALSE(other["request"].contains("locals"));
    }
}

TEST_CASE("the smallest provenance has no arguments and no Dockerfile") {
    const Json least = statement({false, "https://ci/1", "v1"});
    CHECK(least["predicate"]["buildDefinition"]["externalParameters"]["request"]["args"] == Json{{"target", "web"}});
    CHECK(least["predicate"]["runDetails"]["metadata"]["buildkit_metadata"] == Json::object());
    CHECK(least["predicate"]["runDetails"]["builder"]["id"] == "https://ci/1");
}

TEST_CASE("the older version has the older fields") {
    const Json old = statement({true, "", "v0.2"}, "https://git.x/app.git#main");
    CHECK(old["predicateType"] == "https://slsa.dev/provenance/v0.2");
    CHECK(old["predicate"]["invocation"]["configSource"] ==
          Json{{"uri", "https://git.x/app.git#main"}, {"entryPoint", "Dockerfile"}});
    CHECK_FALSE(old["predicate"]["invocation"]["parameters"].contains("locals"));
}

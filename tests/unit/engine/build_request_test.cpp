#include "engine/build_request.hpp"

#include "davit/load.hpp"
#include "davit/version.hpp"
#include "tests/support/temp_dir.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>

using namespace davit;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using Args = std::vector<std::pair<std::string, std::optional<std::string>>>;
using Words = std::vector<std::string>;

// The service "web" with this `build:`; $D in what is expected is the project's directory.
class Built {
public:
    explicit Built(const std::string& build, const std::string& rest = "") {
        const std::string yaml =
            "name: shop\nservices:\n  web:\n    build: " + build + "\n" + rest +
            "  base: {build: ./base}\n"
            "secrets: {of_file: {file: ./s.txt}, of_env: {environment: TOKEN}, of_text: {environment: TEXT}}\n";
        std::filesystem::create_directories(directory_ / "base");
        std::ofstream(directory_ / "compose.yaml") << yaml;
        LoadOptions options;
        options.current_dir = directory_.path();
        options.files = {"compose.yaml"};
        options.all_resources = true;
        project = load(options).project;
        FileObject& in_code = project.secrets["of_text"]; // no compose file can say it
        in_code.environment.clear();
        in_code.content = "seen";
    }
    BuildRequest request(const BuildWishes& wishes = {}, bool named = true) const {
        return build_request(
            project, service(), wishes, [](const std::string& other) { return "sha256:of-" + other; }, named);
    }
    const Service& service() const { return *project.find("web"); }
    std::string in(const std::string& path) const { return directory_ / path; }

private:
    test::TempDir directory_;

public:
    Project project;
};

} // namespace

TEST_CASE("a context and its Dockerfile") {
    const Built plain(".");
    CHECK(std::filesystem::equivalent(plain.request().context, plain.in("")));
    CHECK(plain.request().dockerfile == "Dockerfile");
    CHECK_FALSE(plain.request().dockerfile_inline);
    const Built named("{context: ./base, dockerfile: other.Dockerfile}");
    CHECK(named.request().context == named.in("base"));
    CHECK(named.request().dockerfile == "other.Dockerfile");
    const Built inlined("{context: ., dockerfile_inline: 'FROM scratch'}");
    CHECK(inlined.request().dockerfile_inline == "FROM scratch");
    CHECK(inlined.request().dockerfile.empty());
    CHECK(Built("https://example.com/repo.git#main:sub").request().context == "https://example.com/repo.git#main:sub");
}

TEST_CASE("arguments, those of the command line last") {
    const Built built("{context: ., args: {A: '1', B: two, UNSET: }}");
    CHECK(built.request().args == Args{{"A", "1"}, {"B", "two"}}); // as if UNSET were not there
    BuildWishes wishes;
    wishes.args = {{"A", "mine"}};
    CHECK(built.request(wishes).args == Args{{"A", "1"}, {"B", "two"}, {"A", "mine"}});
    wishes.defaults = {{"B", "no"}, {"HTTP_PROXY", "http://p"}}; // what somebody has given stays
    CHECK(built.request(wishes).args == Args{{"A", "1"}, {"B", "two"}, {"A", "mine"}, {"HTTP_PROXY", "http://p"}});
}

TEST_CASE("labels, and the project's own") {
    const auto labels = Built("{context: ., labels: {l: seen}}").request().labels;
    CHECK(labels == Pairs{{"l", "seen"},
                          {"com.docker.compose.project", "shop"},
                          {"com.docker.compose.service", "web"},
                          {"com.docker.compose.version", "5.5.0"}});
}

TEST_CASE("names of the image") {
    CHECK(Built(".").request().tags == Words{"shop-web"});
    const Built built("{context: ., tags: ['app:1', 'app:2']}", "    image: mine:3\n");
    CHECK(built.request().tags == Words{"mine:3", "app:1", "app:2"});
    CHECK(built.request({}, false).tags.empty());
}

TEST_CASE("platforms, of which that of the service wins") {
    CHECK(Built(".").request().platforms.empty());
    CHECK(Built("{context: ., platforms: [linux/amd64, linux/arm64]}").request().platforms ==
          Words{"linux/amd64", "linux/arm64"});
    CHECK(Built("{context: ., platforms: [linux/amd64, linux/arm64]}", "    platform: linux/arm64\n")
              .request()
              .platforms == Words{"linux/arm64"});
}

TEST_CASE("how RUN runs, and what is done again") {
    const BuildRequest none = Built(".").request();
    CHECK(none.network.empty());
    CHECK(none.shm_size == 0);
    CHECK_FALSE(none.privileged);
    CHECK_FALSE(none.pull);
    CHECK_FALSE(none.no_cache);
    const BuildRequest all =
        Built("{context: ., target: dev, network: none, shm_size: 1m, privileged: true, pull: true, "
              "no_cache: true, no_cache_filter: [a, b], entitlements: [network.host], "
              "extra_hosts: ['db=10.0.0.5', 'db6=fd00::5'], "
              "ulimits: {nofile: {soft: 10, hard: 20}, nproc: 7}}")
            .request();
    CHECK(all.target == "dev");
    CHECK(all.network == "none");
    CHECK(all.shm_size == 1 << 20);
    CHECK(all.privileged);
    CHECK(all.pull);
    CHECK(all.no_cache);
    CHECK(all.no_cache_filter == Words{"a", "b"});
    CHECK(all.entitlements == Words{"network.host"});
    CHECK(all.extra_hosts == Pairs{{"db", "10.0.0.5"}, {"db6", "fd00::5"}});
    CHECK(all.ulimits.at("nofile").soft == 10);
    CHECK(all.ulimits.at("nofile").hard == 20);
    CHECK(all.ulimits.at("nproc").hard == 7);

    BuildWishes wishes;
    wishes.pull = wishes.no_cache = wishes.check_only = true;
    const BuildRequest wished = Built(".").request(wishes);
    CHECK(wished.pull);
    CHECK(wished.no_cache);
    CHECK(wished.check_only);
}

TEST_CASE("secrets by their three sources, and agents") {
    const Built built("{context: ., secrets: [of_file, {source: of_env, target: token}, "
                      "{source: of_text, target: /run/secrets/text}], ssh: [default, deploy=./agent]}");
    const BuildRequest request = built.request();
    REQUIRE(request.secrets.size() == 3);
    CHECK(request.secrets[0].id == "of_file");
    CHECK(request.secrets[0].file == built.in("s.txt"));
    CHECK(request.secrets[1].id == "token");
    CHECK(request.secrets[1].environment == "TOKEN");
    CHECK(request.secrets[2].id == "text");
    CHECK(request.secrets[2].value == "seen");
    REQUIRE(request.ssh.size() == 2);
    CHECK(request.ssh[0].id == "default");
    CHECK(request.ssh[0].paths.empty());
    CHECK(request.ssh[1].id == "deploy");
    CHECK(request.ssh[1].paths == Words{built.in("agent")});
}

TEST_CASE("contexts, those of other services by the image that they have become") {
    const Built built(
        "{context: ., additional_contexts: {src: ./base, img: 'docker-image://busybox', b: 'service:base'}}");
    Pairs contexts = built.request().contexts;
    std::sort(contexts.begin(), contexts.end());
    CHECK(contexts ==
          Pairs{{"b", "docker-image://sha256:of-base"}, {"img", "docker-image://busybox"}, {"src", built.in("base")}});
    CHECK(build_dependencies(built.service()) == Words{"base"});
    CHECK(build_dependencies(*built.project.find("base")).empty());
}

TEST_CASE("what needs BuildKit itself is said, and left out") {
    const Built built("{context: ., provenance: mode=max, sbom: true, cache_from: ['app:cache', 'type=gha'], "
                      "cache_to: ['type=local,dest=/c', 'type=s3,bucket=b']}");
    CHECK(built.request().cache_from == Words{"app:cache"});
    CHECK(built.request().cache_to == Words{"type=local,dest=/c"});
    CHECK(built.request().provenance == BuildProvenance{});
    CHECK_FALSE(Built("{context: ., provenance: false}").request().provenance);
    CHECK_FALSE(Built("{context: ., provenance: mode=min}").request().provenance->details);
    CHECK(unacted_build_keys(built.service()) == Words{"sbom", "cache_from type=gha", "cache_to type=s3,bucket=b"});
    CHECK(unacted_build_keys(Built("{context: ., provenance: false, sbom: false}").service()).empty());
    CHECK(unacted_build_keys(Built(".").service()).empty());
}

TEST_CASE("a wrong provenance is the project's mistake, at its place") {
    for (const auto& [value, why] : {std::pair{"mode=all", "invalid provenance mode \"all\""},
                                     {"'mode=max,version=v9'", "invalid provenance version \"v9\""},
                                     {"foo", "invalid value foo"}}) {
        CAPTURE(value);
        const Built built("{context: ., provenance: " + std::string(value) + "}");
        try {
            built.request();
            FAIL("it is taken");
        } catch (const Error& e) {
            CHECK(e.kind() == Errc::invalid_project);
            CHECK(e.what() == "service \"web\": build.provenance: " + std::string(why));
            CHECK(e.at().file.ends_with("compose.yaml"));
            CHECK(e.at().line == 4);
        }
    }
}

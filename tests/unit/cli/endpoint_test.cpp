#include "cli/endpoint.hpp"

#include "cli/client_config.hpp"
#include "cli/context_store.hpp"

#include "davit/error.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <unistd.h>

using namespace davit;
using namespace davit::cli;

namespace {

// The environment as it was, whatever a test does to it.
class Environment {
public:
    Environment() {
        for (const char* name : names) {
            const char* value = std::getenv(name);
            kept_.emplace_back(value ? std::optional<std::string>(value) : std::nullopt);
            ::unsetenv(name);
        }
        directory_ = std::filesystem::temp_directory_path() / ("davit-endpoint-" + std::to_string(::getpid()));
        std::filesystem::create_directories(directory_);
        ::setenv("DOCKER_CONFIG", directory_.c_str(), 1);
    }
    ~Environment() {
        for (std::size_t i = 0; i < std::size(names); ++i)
            kept_[i] ? ::setenv(names[i], kept_[i]->c_str(), 1) : ::unsetenv(names[i]);
        std::filesystem::remove_all(directory_);
    }
    void set(const char* name, const char* value) { ::setenv(name, value, 1); }
    void write(const std::string& name, const std::string& text) {
        std::filesystem::create_directories((directory_ / name).parent_path());
        std::ofstream(directory_ / name) << text;
    }
    std::string read(const std::string& name) {
        std::ostringstream out;
        out << std::ifstream(directory_ / name).rdbuf();
        return out.str();
    }
    void add_context(const std::string& name, const std::string& host) {
        write("contexts/meta/" + name + "/meta.json",
              R"({"Name":")" + name + R"(","Metadata":{"Description":"about"},"Endpoints":{"docker":{"Host":")" + host +
                  R"("}}})");
    }

private:
    static constexpr const char* names[] = {"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG"};
    std::vector<std::optional<std::string>> kept_;
    std::filesystem::path directory_;
};

std::string refusal() {
    try {
        require_here();
        return "";
    } catch (const Error& e) {
        return e.what();
    }
}

} // namespace

TEST_CASE("an engine elsewhere is an error, this machine's is not") {
    Environment env;
    CHECK(refusal() == "");
    for (const char* here : {"", "unix:///var/run/docker.sock", "unix:///run/docker.sock", "unix://"}) {
        env.set("DOCKER_HOST", here);
        CHECK(refusal() == "");
    }
    for (const char* other :
         {"tcp://10.0.0.1:2375", "ssh://me@host", "unix:///run/user/1000/docker.sock", "nonsense"}) {
        env.set("DOCKER_HOST", other);
        CHECK(refusal().find(other) != std::string::npos);
        CHECK(refusal().find("DOCKER_HOST") != std::string::npos);
    }
}

TEST_CASE("contexts are looked up; what DOCKER_HOST says hides them") {
    Environment env;
    env.add_context("far", "ssh://me@host");
    env.add_context("near", "unix:///var/run/docker.sock");
    env.set("DOCKER_CONTEXT", "near");
    CHECK(refusal() == "");
    env.set("DOCKER_CONTEXT", "default");
    CHECK(refusal() == "");
    env.set("DOCKER_CONTEXT", "far");
    CHECK(refusal().find("ssh://me@host") != std::string::npos);
    env.set("DOCKER_CONTEXT", "nosuch");
    CHECK(refusal().starts_with(
        "Failed to initialize: unable to resolve docker endpoint: context \"nosuch\": context not "
        "found: open "));
    env.set("DOCKER_HOST", "unix:///var/run/docker.sock");
    CHECK(refusal() == "");
    CHECK(current_context() == "default");
}

TEST_CASE("flags hide the variables, and exclude each other") {
    Environment env;
    env.set("DOCKER_HOST", "tcp://10.0.0.1:2375");
    take_endpoint_flags("unix:///var/run/docker.sock", std::nullopt);
    CHECK(refusal() == "");
    env.set("DOCKER_HOST", "tcp://10.0.0.1:2375");
    take_endpoint_flags(std::nullopt, "default");
    CHECK(refusal() == "");
    CHECK_THROWS_AS(take_endpoint_flags("unix://", "default"), Error);
}

TEST_CASE("config.json's context counts last, and is changed without losing what stands there") {
    Environment env;
    env.add_context("far", "ssh://me@host");
    env.write("config.json", R"({"auths":{"x":{"auth":"eDp5"}},"currentContext":"far"})");
    CHECK(configured_context() == "far");
    CHECK(refusal() == ""); // davit's own name
    env.set("DOCKER_CONTEXT", "default");
    take_configured_context();
    CHECK(refusal() == "");
    ::unsetenv("DOCKER_CONTEXT");
    take_configured_context();
    CHECK(refusal().find("ssh://me@host") != std::string::npos);
    configure_context("default");
    CHECK(configured_context() == "");
    CHECK(env.read("config.json").find("eDp5") != std::string::npos);
    CHECK_THROWS_AS(configure_context("nosuch"), Error);
    configure_context("far");
    CHECK(configured_context() == "far");
}

TEST_CASE("contexts are listed by name, the default first") {
    Environment env;
    env.add_context("b", "tcp://b");
    env.add_context("a", "tcp://a");
    const auto all = docker_contexts();
    REQUIRE(all.size() == 3);
    CHECK(all[0].name == "default");
    CHECK(all[0].host == "unix:///var/run/docker.sock");
    CHECK(all[1].name == "a");
    CHECK(all[1].description == "about");
    CHECK(all[2].host == "tcp://b");
}

TEST_CASE("contexts are written where docker looks for them, and come back from their archives") {
    Environment env;
    env.write("ca.pem", "the authority");
    const std::string ca = std::string(std::getenv("DOCKER_CONFIG")) + "/ca.pem";
    write_context_files("far",
                        files_of_endpoint("host=tcp://far:2376,ca=" + ca + ",skip-tls-verify=true", "far", "mine"));
    const auto all = docker_contexts();
    REQUIRE(all.size() == 2);
    CHECK(all[1].name == "far");
    CHECK(all[1].host == "tcp://far:2376");
    CHECK(all[1].description == "mine");
    CHECK(tls_files_of_context("far").at("docker") == std::vector<std::string>{"ca.pem"});
    CHECK(
        env.read("contexts/meta/" +
                 place_of_context("far").metadata.substr(place_of_context("far").metadata.rfind('/') + 1) +
                 "/meta.json") ==
        R"({"Name":"far","Metadata":{"Description":"mine"},"Endpoints":{"docker":{"Host":"tcp://far:2376","SkipTLSVerify":true}}})");

    const std::string archive = pack_context(read_context_files("far"));
    CHECK(archive.size() % 512 == 0);
    write_context_files("again", unpack_context(archive));
    CHECK(docker_contexts()[1].name == "again");
    CHECK(docker_contexts()[1].host == "tcp://far:2376");
    CHECK(read_context_files("again").at("tls/docker/ca.pem") == "the authority");
    CHECK(remove_context_files("again"));
    CHECK_FALSE(remove_context_files("again"));
    CHECK(docker_contexts().size() == 2);
    CHECK(files_of_endpoint("from=far", "third", "").at("tls/docker/ca.pem") == "the authority");
}

TEST_CASE("contexts: names, endpoints and archives that are none") {
    Environment env;
    for (const char* name : {"", "default", "x", "-ab", "a b", "a/b"}) {
        CAPTURE(name);
        CHECK_THROWS_AS(check_context_name(name), Error);
    }
    check_context_name("a.b_c+d-1");
    const std::string deep = "{\"Endpoints\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
    for (const std::string& text :
         {deep, std::string("[]"), std::string("{"), std::string(R"({"Metadata":7})"),
          std::string(R"({"Endpoints":{"docker":{"Host":7}}})"), std::string(R"({"Endpoints":{"docker":[]}})"),
          std::string(R"({"Metadata":{"Description":[]}})")})
        CHECK_THROWS_AS(write_context_files("evil", unpack_context(pack_context({{"meta.json", text}}))), Error);
    CHECK(docker_contexts().size() == 1);
    for (const char* endpoint : {"bogus=1", "host=nonsense", "skip-tls-verify=maybe", "from=nosuch"}) {
        CAPTURE(endpoint);
        CHECK_THROWS_AS(files_of_endpoint(endpoint, "x", ""), Error);
    }
    CHECK_THROWS_AS(unpack_context("nothing"), Error);
    CHECK_THROWS_AS(unpack_context(std::string(1024, 'x')), Error);
    CHECK_THROWS_AS(unpack_context("PK\x03\x04"), Error);
    std::string escaping = pack_context({{"meta.json", "{}"}, {"tls/docker/../../x", "y"}});
    CHECK_THROWS_AS(unpack_context(escaping), Error);
    CHECK_THROWS_AS(unpack_context(pack_context({{"meta.json", "{}"}, {"tls/ca.pem", "y"}})), Error);
    CHECK_THROWS_AS(unpack_context(pack_context({{"meta.json", "{}"}, {"tls/../x", "y"}})), Error);
    // Of another endpoint than docker's, and without the blocks that end an archive.
    const std::string of_old = pack_context({{"meta.json", "{}"}, {"tls/kubernetes/ca.pem", "y"}});
    CHECK(unpack_context(of_old.substr(0, of_old.size() - 1024)) ==
          ContextFiles{{"meta.json", "{}"}, {"tls/kubernetes/ca.pem", "y"}});
    std::string cut = pack_context({{"meta.json", "{\"Name\":\"a\"}"}});
    cut.resize(520);
    CHECK_THROWS_AS(unpack_context(cut), Error);
}

TEST_CASE("config.json: formats, detach keys and proxies count by docker's name") {
    Environment env;
    env.write("config.json", R"({"psFormat":"{{.ID}}","detachKeys":"ctrl-x","proxies":{"default":
              {"httpProxy":"http://p:1","noProxy":"localhost","ftpProxy":""}}})");
    Globals docker, own;
    docker.docker_words = true;
    CHECK(configured_format(docker, "psFormat") == "{{.ID}}");
    CHECK(configured_format(docker, "imagesFormat") == "");
    CHECK(configured_format(own, "psFormat") == "");
    CHECK(configured_detach_keys(docker) == "ctrl-x");
    CHECK_FALSE(configured_detach_keys(own));
    CHECK(configured_proxies(docker, {"http_proxy=mine", "NO_PROXY"}) ==
          std::vector<std::string>{"HTTP_PROXY=http://p:1", "no_proxy=localhost"});
    CHECK(configured_proxies(own, {}).empty());
    BuildArgs args{{"http_proxy", "mine"}};
    add_build_proxies(own, args);
    CHECK(args.size() == 1);
    add_build_proxies(docker, args);
    CHECK(args == BuildArgs{{"http_proxy", "mine"}, {"NO_PROXY", "localhost"}});
    CHECK(build_proxies() == BuildArgs{{"HTTP_PROXY", "http://p:1"}, {"NO_PROXY", "localhost"}});
}

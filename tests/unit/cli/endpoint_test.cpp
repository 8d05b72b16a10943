#include "cli/endpoint.hpp"

#include "davit/error.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <filesystem>
#include <fstream>
#include <sstream>

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
    CHECK(refusal() == "context \"nosuch\": context not found");
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

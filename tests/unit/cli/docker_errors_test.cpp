#include "cli/docker_errors.hpp"

#include "base/error.hpp"
#include "cli/cmd/pull_told.hpp"
#include "cli/options.hpp"

#include <cerrno>
#include <doctest/doctest.h>

using namespace davit;
using namespace davit::cli;

namespace {

// What docker's words say to a mistake in `docker ps`, or to its number of arguments.
std::string told(const Args& words, std::size_t min = 0, std::size_t max = 0, const char* word = "ps") {
    Globals globals;
    globals.program = "docker";
    globals.docker_words = true;
    globals.docker_word = word;
    bool all = false;
    int last = -1;
    std::vector<std::string> rest;
    Options o(globals, "container ls [OPTIONS]", "List containers");
    o.flag("a,all", all, "All").value("n,last", last, "Last").arguments(rest, min, max);
    try {
        o.parse(words);
    } catch (const Error& e) {
        CHECK(e.hint().empty());
        return std::to_string(e.exit_code()) + " " + docker_error(e);
    }
    return "";
}

const char* const use = "\n\nUsage:  docker ps [OPTIONS]\n\nRun 'docker ps --help' for more information";

} // namespace

TEST_CASE("docker's words: what is no flag or no value of one has exit code 125 and the use line") {
    CHECK(told({"--bogus"}) == std::string("125 unknown flag: --bogus") + use);
    CHECK(told({"-z"}) == std::string("125 unknown shorthand flag: 'z' in -z") + use);
    CHECK(told({"--last"}) == std::string("125 flag needs an argument: --last") + use);
    CHECK(told({"-n"}) == std::string("125 flag needs an argument: 'n' in -n") + use);
    const std::string invalid = "125 invalid argument \"";
    CHECK(told({"-n", "x"}) ==
          invalid + "x\" for \"-n, --last\" flag: strconv.ParseInt: parsing \"x\": invalid syntax" + use);
    CHECK(told({"--last=99999999999999999999"}) ==
          invalid +
              "99999999999999999999\" for \"-n, --last\" flag: strconv.ParseInt: parsing "
              "\"99999999999999999999\": value out of range" +
              use);
    CHECK(told({"-a=maybe"}) ==
          invalid + "maybe\" for \"-a, --all\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax" + use);
}

TEST_CASE("docker's words: a wrong number of arguments") {
    CHECK(told({"x"}) == std::string("0 docker: 'docker ps' accepts no arguments") + use);
    CHECK(told({}, 2, 2) == std::string("0 docker: 'docker ps' requires 2 arguments") + use);
    CHECK(told({"a", "b"}, 0, 1) == std::string("0 docker: 'docker ps' requires at most 1 argument") + use);
    CHECK(told({}, 1, 2) == std::string("0 docker: 'docker ps' requires at least 1 and at most 2 arguments") + use);
    CHECK(told({}, 1, Options::any_number, "") ==
          "0 docker: 'docker container ls' requires at least 1 argument\n\nUsage:  docker container ls [OPTIONS]\n\n"
          "See 'docker container ls --help' for more information");
}

TEST_CASE("docker's words: who says it, its client or its engine") {
    CHECK(docker_error(error(Errc::not_found, "No such container: x").with_hint("davit ps")) ==
          "Error response from daemon: No such container: x");
    CHECK(docker_error(error(Errc::usage, "must specify at least one container source")) ==
          "must specify at least one container source");
    CHECK(docker_error(error(Errc::invalid_project, "invalid filter 'x'")) ==
          "Error response from daemon: invalid filter 'x'");
    CHECK(docker_error(sys_error(ENOENT, "opening nofile")) == "open nofile: no such file or directory");
    CHECK(docker_error(error(Errc::unsupported, "davit has no plugins").with_hint("none")) ==
          "davit has no plugins\n  hint: none");
    Error several = error(Errc::not_found, "no such volume: a");
    several.with_context("removing a").with_context("also: no such volume: b");
    CHECK(docker_error(several) ==
          "Error response from daemon: no such volume: a\nError response from daemon: no such volume: b");
}

TEST_CASE("docker's words: what Swarm's manager refuses has the status of the call, what the client finds has none") {
    const auto told = [](const char* text) { return docker_error(error(Errc::invalid_project, "{}", text)); };
    CHECK(told("TaskSpec: restart-delay cannot be negative") ==
          "Error response from daemon: rpc error: code = InvalidArgument desc = TaskSpec: restart-delay cannot be "
          "negative");
    CHECK(told("constraint expected one operator from ==, !=") ==
          "Error response from daemon: rpc error: code = Unknown desc = constraint expected one operator from ==, !=");
    CHECK(told("config 'c' is in use by the following service: s") ==
          "Error response from daemon: rpc error: code = InvalidArgument desc = config 'c' is in use by the following "
          "service: s");
    CHECK(told("secret s already exists") ==
          "Error response from daemon: rpc error: code = AlreadyExists desc = secret s already exists");
    CHECK(told("service x not found") == "Error response from daemon: service x not found");
    CHECK(told("no such service: x") == "no such service: x");
    Error several = error(Errc::not_found, "no such service: a");
    several.with_context("also: no such service: b");
    CHECK(docker_error(several) == "no such service: a\nno such service: b");
    speak_docker();
    CHECK_THROWS_WITH_AS(as_client([] { throw error(Errc::not_found, "service a: secret not found: s"); }),
                         "service a: secret not found: s", Error);
    try {
        as_client([] { throw error(Errc::not_found, "nothing"); });
    } catch (const Error& e) {
        CHECK(docker_error(e) == "nothing");
    }
    speak_docker(false);
}

TEST_CASE("docker's words: warnings") {
    CHECK(docker_warning("service \"x\": ports have no effect with network_mode: host") ==
          "WARNING: Published ports are discarded when using host network mode");
    CHECK(docker_warning("service \"x\": ports have no effect with network_mode: none") == "");
    CHECK_FALSE(docker_warning("another"));
}

TEST_CASE("docker's words: why a registry did not give an image") {
    const ImageName name = parse_image_name("nosuch");
    const Error missing = error(Errc::not_found, "the image nosuch:latest is not in its registry: manifest unknown");
    const Error silent = error(Errc::unavailable, "the registry registry-1.docker.io cannot be found");
    speak_docker();
    CHECK(
        std::string(unresolved(missing, name).what()) ==
        "failed to resolve reference \"docker.io/library/nosuch:latest\": docker.io/library/nosuch:latest: not found");
    CHECK(std::string(unresolved(silent, name).what()) ==
          "failed to resolve reference \"docker.io/library/nosuch:latest\": the registry registry-1.docker.io cannot "
          "be found");
    speak_docker(false);
    CHECK(std::string(unresolved(missing, name).what()) == missing.what());
}

TEST_CASE("docker's words: a port that another container has") {
    const Error taken =
        error(Errc::conflict,
              "Bind for 0.0.0.0:80/tcp failed: port is already allocated, by container a of the same project");
    speak_docker();
    CHECK(docker_error(with_endpoint(taken, "web", "0123")) ==
          "Error response from daemon: failed to set up container networking: driver failed programming external "
          "connectivity on endpoint web (0123): Bind for 0.0.0.0:80 failed: port is already allocated");
    const Error process =
        error(Errc::conflict, "Bind for 0.0.0.0:80/tcp failed: port is already allocated, by nginx (pid 7)");
    CHECK(docker_error(with_endpoint(process, "web", "0123")) ==
          "Error response from daemon: failed to set up container networking: driver failed programming external "
          "connectivity on endpoint web (0123): failed to bind host port 0.0.0.0:80/tcp: address already in use");
    speak_docker(false);
    CHECK(std::string(with_endpoint(taken, "web", "0123").what()) == taken.what());
}

TEST_CASE("docker's words: what stands around an error") {
    const Error none = error(Errc::not_found, "No such container: x");
    CHECK(docker_error(told_after("cannot kill container: x: ", none)) ==
          "Error response from daemon: cannot kill container: x: No such container: x");
    CHECK(docker_run_error(none, "run") == "docker: Error response from daemon: No such container: x\n\n"
                                           "Run 'docker run --help' for more information");
    CHECK(std::string(wrapped("failed to rename container: ", none).what()) == "No such container: x");
    speak_docker();
    CHECK(docker_error(wrapped("failed to rename container: ", none)) ==
          "failed to rename container: Error response from daemon: No such container: x");
    speak_docker(false);
    CHECK(docker_error(docker_unknown_command("docker image x", "docker image")) ==
          "docker: unknown command: docker image x\n\nUsage:  docker image\n\n"
          "Run 'docker image --help' for more information");
}

TEST_CASE("docker's words: help lists what else a command is called, and no flag that docker has not") {
    Globals globals;
    globals.program = "docker";
    globals.docker_words = true;
    globals.docker_word = "ps";
    globals.docker_aliases = "docker container ls, docker ps";
    bool all = false;
    Options o(globals, "container ls [OPTIONS]", "List containers");
    o.flag("a,all", all, "All");
    CHECK(o.help() == "Usage:  docker ps [OPTIONS]\n\nList containers\n\nAliases:\n  docker container ls, docker ps\n\n"
                      "Options:\n  -a, --all   All\n");
}

TEST_CASE("buildx tells what went wrong itself, and docker's client what is wrong with flags") {
    speak_docker();
    CHECK(buildx_error(error(Errc::not_found, "no builder \"x\" found")) == "ERROR: no builder \"x\" found");
    CHECK(buildx_error(error(Errc::usage, "ERROR: as it is")) == "ERROR: as it is");
    CHECK(buildx_error(docker_wrong_number("docker buildx use", "docker buildx use NAME", 1, 1))
              .starts_with("ERROR: docker: 'docker buildx use' requires 1 argument"));
    CHECK(buildx_error(docker_flag_mistake("unknown flag: --x", "docker buildx ls", "docker buildx ls"))
              .starts_with("unknown flag: --x"));
    CHECK(told_as_buildx([] { return 3; }) == 3);
    CHECK(told_as_buildx([]() -> int { throw error(Errc::failed, "told"); }) == 1);
    CHECK_THROWS_AS(told_as_buildx([]() -> int { throw error(Errc::interrupted, "stopped"); }), Error);
    speak_docker(false);
    CHECK_THROWS_AS(told_as_buildx([]() -> int { throw error(Errc::failed, "not told"); }), Error);
}

#include "build/run_spec.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace davit;
using namespace davit::build;
using dockerfile::RunStep;
using dockerfile::Step;

namespace {

struct RunGiven {
    Step step;
    RunStep run;
    BuildRequest request;
    std::vector<runtime::Mount> mounts;
    std::vector<std::string> env;
    runtime::Spec spec() const {
        return run_spec({step,
                         run,
                         request,
                         std::string(64, 'a'),
                         "davit/build/x",
                         {{"/lower"}, "/upper", "/work"},
                         "/state/hosts",
                         "/state/resolv.conf",
                         mounts,
                         env});
    }
    RunNetwork network() const { return network_of(step, run, request); }
};

RunGiven plain_run() {
    RunGiven g;
    g.run.args = {"/bin/sh", "-c", "id"};
    g.step.place = {"Dockerfile", 7, 7, 1};
    return g;
}

const runtime::Mount* mount_at(const runtime::Spec& spec, const std::string& destination) {
    const auto it = std::find_if(spec.mounts.begin(), spec.mounts.end(),
                                 [&](const auto& m) { return m.destination == destination; });
    return it == spec.mounts.end() ? nullptr : &*it;
}

bool holds(const std::vector<std::string>& list, const std::string& entry) {
    return std::find(list.begin(), list.end(), entry) != list.end();
}

} // namespace

TEST_CASE("a RUN finds what Docker gives it") {
    RunGiven g = plain_run();
    const runtime::Spec spec = g.spec();
    CHECK(spec.process.args == std::vector<std::string>{"/bin/sh", "-c", "id"});
    CHECK(spec.process.env ==
          std::vector<std::string>{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"});
    CHECK(spec.process.cwd == "/");
    CHECK(spec.hostname == "buildkitsandbox");
    CHECK(spec.cgroup == "davit/build/x");
    CHECK(spec.root.overlay.upper == "/upper");
    CHECK(spec.ns.net.mode == runtime::NsMode::passed);
    REQUIRE(mount_at(spec, "/etc/hosts"));
    CHECK(mount_at(spec, "/etc/hosts")->source == "/state/hosts");
    CHECK(mount_at(spec, "/etc/hosts")->readonly);
    REQUIRE(mount_at(spec, "/etc/resolv.conf"));
    CHECK(mount_at(spec, "/etc/resolv.conf")->source == "/state/resolv.conf");
    for (const auto& [link, unused] : spec.symlinks) CHECK_MESSAGE(link.starts_with("/dev/"), link);
}

TEST_CASE("the step's variables, then proxies, then secrets; a PATH of the image stays") {
    RunGiven g = plain_run();
    g.step.env = {"PATH=/mine", "A=1"};
    g.step.unkeyed_env = {"HTTP_PROXY=p"};
    g.env = {"TOKEN=t"};
    g.step.config.user = "app:app";
    g.step.config.working_dir = "/src";
    const runtime::Spec spec = g.spec();
    CHECK(spec.process.env == std::vector<std::string>{"PATH=/mine", "A=1", "HTTP_PROXY=p", "TOKEN=t"});
    CHECK(spec.process.user.name == "app:app");
    CHECK(spec.process.cwd == "/src");
}

TEST_CASE("limits, /dev/shm and mounts as asked") {
    RunGiven g = plain_run();
    g.request.ulimits["nofile"] = {5, -1, false, {}};
    g.request.shm_size = 1 << 20;
    runtime::Mount mount;
    mount.source = "/store/cache";
    mount.destination = "/cache";
    g.mounts = {mount};
    const runtime::Spec spec = g.spec();
    CHECK(std::find(spec.process.rlimits.begin(), spec.process.rlimits.end(),
                    runtime::Rlimit{RLIMIT_NOFILE, 5, ~std::uint64_t{0}}) != spec.process.rlimits.end());
    REQUIRE(mount_at(spec, "/dev/shm"));
    CHECK(mount_at(spec, "/dev/shm")->data == "mode=1777,size=1048576");
    CHECK(mount_at(spec, "/cache"));
    g.request.ulimits["nothing"] = {1, 1, true, {}};
    CHECK_THROWS_WITH_AS(g.spec(), "invalid ulimit type: nothing", Error);
}

TEST_CASE("what a step mounts hides what every container has below") {
    RunGiven g = plain_run();
    for (const char* destination : {"/etc", "/sys/fs"}) {
        runtime::Mount mount;
        mount.source = "/store/d";
        mount.destination = destination;
        g.mounts.push_back(mount);
    }
    const runtime::Spec spec = g.spec();
    CHECK(mount_at(spec, "/etc"));
    CHECK_FALSE(mount_at(spec, "/etc/hosts"));
    CHECK_FALSE(mount_at(spec, "/etc/resolv.conf"));
    CHECK(mount_at(spec, "/sys"));
    CHECK_FALSE(mount_at(spec, "/sys/fs/cgroup"));
    g.mounts[0].destination = "/etc/hosts";
    CHECK(mount_at(g.spec(), "/etc/hosts")->source == "/store/d");
    CHECK(mount_at(g.spec(), "/etc/resolv.conf"));
}

TEST_CASE("which network a RUN gets: the build's word holds for every step that does not ask for less") {
    using Network = RunStep::Network;
    struct Row {
        const char* build;
        Network step;
        std::vector<std::string> allowed;
        RunNetwork wanted;
    };
    for (const Row& row : std::vector<Row>{{"", Network::by_default, {}, RunNetwork::bridge},
                                           {"default", Network::by_default, {}, RunNetwork::bridge},
                                           {"none", Network::by_default, {}, RunNetwork::none},
                                           {"host", Network::by_default, {}, RunNetwork::host},
                                           {"", Network::none, {}, RunNetwork::none},
                                           {"host", Network::none, {}, RunNetwork::none},
                                           {"host", Network::host, {}, RunNetwork::host},
                                           {"", Network::host, {"network.host"}, RunNetwork::host}}) {
        RunGiven g = plain_run();
        g.request.network = row.build;
        g.run.network = row.step;
        g.request.entitlements = row.allowed;
        CAPTURE(row.build);
        CHECK(g.network() == row.wanted);
        const runtime::NsMode mode = g.spec().ns.net.mode;
        CHECK((mode == runtime::NsMode::passed) == (row.wanted == RunNetwork::bridge));
        CHECK((mode == runtime::NsMode::host) == (row.wanted == RunNetwork::host));
    }
}

TEST_CASE("the host's network and rights need the entitlement, and the refusal names the line") {
    RunGiven g = plain_run();
    g.run.network = RunStep::Network::host;
    const auto refusal = [&] {
        try {
            g.network();
        } catch (const Error& e) {
            CHECK(e.kind() == Errc::denied);
            CHECK(e.at().line == 7);
            CHECK(e.at().file == "Dockerfile");
            return std::string(e.what());
        }
        return std::string("no refusal");
    };
    CHECK(refusal().find("network.host is not allowed") != std::string::npos);
    g.run.network = RunStep::Network::by_default;
    g.run.insecure = true;
    CHECK(refusal().find("security.insecure is not allowed") != std::string::npos);
    const auto bounding = [&] { return g.spec().process.caps.bounding; };
    g.run.insecure = false;
    const auto before = bounding();
    g.run.insecure = true;
    g.request.entitlements = {"security.insecure"};
    CHECK(bounding() != before);
}

TEST_CASE("/etc/hosts has the names that were asked for") {
    BuildRequest request;
    CHECK(hosts_of(request).starts_with("127.0.0.1\tlocalhost buildkitsandbox\n"));
    request.extra_hosts = {{"db", "10.0.0.5"}, {"db6", "fd00::5"}};
    CHECK(hosts_of(request).find("10.0.0.5\tdb\nfd00::5\tdb6\n") != std::string::npos);
    CHECK_FALSE(holds({hosts_of({})}, hosts_of(request)));
}

TEST_CASE("host-gateway is never an address: whoever makes the network fills it in, and without one it is known") {
    BuildRequest request;
    request.extra_hosts = {{"up", "host-gateway"}, {"db", "10.0.0.5"}};
    CHECK(hosts_of(request).find("up") == std::string::npos);
    CHECK(hosts_of(request).ends_with("\n10.0.0.5\tdb\n"));
    CHECK(gateway_names(request, RunNetwork::bridge) == std::vector<std::string>{"up"});
    for (const auto& [network, address] :
         {std::pair{RunNetwork::host, "127.0.0.1"}, {RunNetwork::none, "172.17.0.1"}}) {
        CHECK(gateway_names(request, network).empty());
        CHECK(hosts_of(request, network).ends_with(std::string(address) + "\tup\n10.0.0.5\tdb\n"));
    }
}

TEST_CASE("BUILDKIT_SANDBOX_HOSTNAME is the name of the machine that a RUN sees") {
    RunGiven g = plain_run();
    g.request.args = {{"BUILDKIT_SANDBOX_HOSTNAME", "first"}, {"BUILDKIT_SANDBOX_HOSTNAME", "builder"}};
    CHECK(g.spec().hostname == "builder");
    CHECK(hosts_of(g.request).starts_with("127.0.0.1\tlocalhost builder\n"));
    g.request.args = {{"BUILDKIT_SANDBOX_HOSTNAME", ""}};
    CHECK(g.spec().hostname == "buildkitsandbox");
}

#include "davit/error.hpp"
#include "fixture.hpp"
#include "reconcile/default_bridge.hpp"

using namespace davit;
using davit::test::World;

TEST_CASE("an external network must exist") {
    World w;
    w.network("front");
    w.project.networks["front"].external = true;
    w.project.networks["front"].name = "shared";
    CHECK_THROWS_WITH_AS(w.plan(), "network shared declared as external, but could not be found", Error);
    w.observed.networks["shared"].name = "shared";
    CHECK(w.plan() == "\n");
}

TEST_CASE("an external volume must exist") {
    World w;
    w.volume("data");
    w.project.volumes["data"].external = true;
    w.project.volumes["data"].name = "kept";
    CHECK_THROWS_WITH_AS(w.plan(), "external volume \"kept\" not found", Error);
    w.observed.volumes["kept"].name = "kept";
    CHECK(w.plan() == "\n");
}

TEST_CASE("a changed network is made anew; its containers stay and are started again") {
    World w;
    w.network("n");
    w.existing_network("n", "old");
    w.service("a").networks["n"];
    w.container("a", 1);
    CHECK(w.plan() == R"(
[] -> #1 service:a:1, stop container: network 'n' changed
[1] -> #2 network:n, remove network: configuration changed
[2] -> #3 network:n, create network: configuration changed
[1,3] -> #4 service:a:1, start container: stopped by this plan
)");
}

TEST_CASE("a changed network that another project uses is left with a warning") {
    World w;
    w.network("n");
    w.existing_network("n", "old");
    w.observed.networks_in_use = {"p_n"};
    CHECK(w.plan() == "\n");
    CHECK(w.result.warnings.size() == 1);
}

TEST_CASE("a network of the same name that belongs to nobody is used with a warning") {
    World w;
    w.network("n");
    w.existing_network("n");
    w.observed.networks["p_n"].project = "other";
    CHECK(w.plan() == "\n");
    REQUIRE(w.result.warnings.size() == 1);
    CHECK(w.result.warnings[0].find("was not created for project \"p\"") != std::string::npos);
}

TEST_CASE("a network with another name in the file recreates its containers") {
    World w;
    w.network("n");
    w.service("a").networks["n"];
    w.container("a", 1);
    w.project.networks["n"].name = "renamed";
    w.plan();
    REQUIRE(w.result.containers.size() == 1);
    CHECK(w.result.plan.operations[1].cause == "network 'n' is another one now");
}

TEST_CASE("a changed volume is kept with a warning, since its data would be lost") {
    World w;
    w.volume("d");
    w.existing_volume("d", "old");
    w.mount(w.service("a"), "d", "/d");
    w.container("a", 1);
    CHECK(w.plan() == "\n");
    CHECK(w.result.warnings.size() == 1);
}

TEST_CASE("a changed volume is made anew when asked, with its containers") {
    World w;
    w.volume("d");
    w.existing_volume("d", "old");
    w.mount(w.service("a"), "d", "/d");
    w.container("a", 1);
    w.options.recreate_volumes = true;
    CHECK(w.plan() == R"(
[] -> #1 service:a:1, stop container: volume 'd' changed
[1] -> #2 volume:d, remove volume: configuration changed
[2] -> #3 volume:d, create volume: configuration changed
[] -> #4 service:a:1, stage container: volume 'd' changed
[3,4] -> #5 service:a:1, create container: volume 'd' changed
[1,5] -> #6 service:a:1, remove container: volume 'd' changed
[6] -> #7 service:a:1, rename container: volume 'd' changed
[7] -> #8 service:a:1, start container: created
)");
}

namespace {
void pool(World& w, const std::string& key, const std::string& subnet) {
    w.network(key);
    IpamPool p;
    p.subnet = subnet;
    w.project.networks[key].ipam.config.push_back(p);
}
} // namespace

TEST_CASE("two networks of a file with overlapping subnets are refused before anything is made") {
    World w;
    pool(w, "a", "10.9.0.0/24");
    pool(w, "b", "10.9.0.128/25");
    CHECK_THROWS_WITH_AS(w.plan(), "subnet 10.9.0.128/25 overlaps 10.9.0.0/24 (network p_a)", Error);
}

TEST_CASE("a subnet that a network of another project has is refused, the network's own former one is not") {
    World w;
    pool(w, "a", "10.9.0.0/24");
    w.existing_network("a", "old");
    w.observed.networks["p_a"].subnet4 = "10.9.0.0/25";
    w.plan();
    CHECK(w.result.networks == std::vector<std::string>{"a"});
    NetworkRecord other;
    other.name = "q_n";
    other.project = "q";
    other.subnet4 = "10.9.0.64/26";
    w.observed.networks["q_n"] = other;
    CHECK_THROWS_WITH_AS(w.plan(), "subnet 10.9.0.0/24 overlaps 10.9.0.64/26 (network q_n)", Error);
}

TEST_CASE("networks with a subnet of their own are made before those that take what is free") {
    World w;
    w.network("a");
    pool(w, "b", "172.18.0.0/16");
    CHECK(w.plan() == R"(
[] -> #1 network:b, create network: not found
[] -> #2 network:a, create network: not found
)");
}

TEST_CASE("network_mode bridge gets a network of the project that no key can name") {
    World w;
    w.service("a").network_mode = "bridge";
    add_default_bridge(w.project);
    CHECK(w.project.networks.at(default_bridge_key).name == "p.bridge");
    CHECK(network_keys(w.project.services.at("a")) == std::vector<std::string>{default_bridge_key});
    w.plan();
    CHECK(w.result.networks == std::vector<std::string>{default_bridge_key});
}

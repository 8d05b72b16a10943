#include "cluster.hpp"

#include <algorithm>

using namespace davit::test;
using namespace davit::swarm;
using Lines = std::vector<std::string>;

namespace {

std::string pending(const std::string& reason) { return "1 running pending \"no suitable node (" + reason + ")\""; }

ServiceSpec reserving(std::int64_t cpus, std::int64_t memory, std::uint64_t replicas = 1) {
    ServiceSpec spec = replicated(replicas);
    spec.task.resources = Resources{{}, ResourceReservations{cpus, memory, {}}, {}, {}};
    return spec;
}

ServiceSpec placed(std::vector<std::string> constraints) {
    ServiceSpec spec = replicated(1);
    spec.task.placement = Placement{std::move(constraints), {}, 0, {}};
    return spec;
}

ServiceSpec publishing(std::uint16_t port, const char* protocol = "tcp", std::uint64_t replicas = 1) {
    ServiceSpec spec = replicated(replicas);
    spec.endpoint = EndpointSpec{"", {{"", protocol, 80, port, "host"}}};
    return spec;
}

} // namespace

TEST_CASE("a pending task says why, in Docker's words") {
    ServiceSpec gpu = replicated(1), plugin = replicated(1), logging = replicated(1), arm = replicated(1);
    gpu.task.resources = Resources{{}, ResourceReservations{0, 0, {{"gpu", "", 1}}}, {}, {}};
    plugin.task.container.mounts.emplace_back().driver = "rexray";
    logging.task.log_driver = LogDriver{"nosuch", {}};
    arm.task.placement = Placement{{}, {}, 0, {{"arm64", "linux"}}};
    const std::pair<ServiceSpec, const char*> rows[] = {
        {placed({"node.labels.disk == ssd"}), "scheduling constraints not satisfied on 1 node"},
        {placed({"node.role == worker"}), "scheduling constraints not satisfied on 1 node"},
        {placed({"node.hostname == c-nosuch"}), "scheduling constraints not satisfied on 1 node"},
        {reserving(500'000'000'000, 0), "insufficient resources on 1 node"},
        {reserving(0, 9LL << 30), "insufficient resources on 1 node"},
        {gpu, "insufficient resources on 1 node"},
        {plugin, "missing plugin on 1 node"},
        {logging, "missing plugin on 1 node"},
        {arm, "unsupported platform on 1 node"},
    };
    for (const auto& [spec, reason] : rows) {
        Cluster c;
        c.deploy("web", spec);
        CHECK(c.ps("web") == Lines{pending(reason)});
        CHECK(c.tasks("web").front()->node_id.empty());
        CHECK(c.tasks("web").front()->message == "pending task scheduling");
        CHECK(c.orchestrator->next_time() == 0);
        CHECK_FALSE(c.orchestrator->idle());
    }
}

TEST_CASE("constraints that this node meets") {
    Cluster c;
    ServiceSpec spec = placed({"node.role==manager", "node.hostname != zzz", "node.platform.os == linux"});
    spec.task.placement->platforms = {{"amd64", "linux"}, {"arm64", "linux"}};
    c.deploy("web", spec);
    REQUIRE(c.until_running("web", 1));
    CHECK(c.tasks("web").front()->node_id == "node1");
}

TEST_CASE("reservations add up, also those of other projects, and are given back") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.elsewhere.nano_cpus = 1'000'000'000;
        c.deploy("web", reserving(1'000'000'000, 1 << 20, 4)); // 4 CPUs there are
        REQUIRE(c.until_running("web", 3));
        CHECK(c.count("web", TaskState::pending) == 1);
        c.deploy("other", reserving(0, 1 << 20)); // no CPU: it fits
        REQUIRE(c.until_running("other", 1));
        c.elsewhere = {};
        c.node([](NodeFacts&) {}); // something of another project has gone
        REQUIRE(c.until_running("web", 4));
        c.deploy("third", reserving(1'000'000'000, 0));
        CHECK(c.ps("third") == Lines{pending("insufficient resources on 1 node")});
        c.scale("web", 3);
        REQUIRE(c.until_running("third", 1));
    }
}

TEST_CASE("no more replicas than there may be on the node") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = replicated(3);
        spec.task.placement = Placement{{}, {}, 1, {}};
        spec.update_config = quick();
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 1));
        c.run(1 * s);
        CHECK(c.count("web", TaskState::pending) == 2);
        CHECK(std::ranges::count(c.ps("web"),
                                 "2 running pending \"no suitable node (max replicas per node limit exceed)\"") == 1);
        spec.mode.replicas = 1;
        c.deploy("web", spec, v2); // stop-first has room
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.ps("web").front() == "1 running running");
    }
}

TEST_CASE("a port of the host belongs to one task") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        const char* taken = "host-mode port already in use on 1 node";
        c.deploy("web", publishing(18422));
        REQUIRE(c.until_running("web", 1));
        c.scale("web", 2);
        CHECK(c.ps("web").back() == "2 running pending \"no suitable node (" + std::string(taken) + ")\"");
        c.deploy("udp", publishing(18422, "udp"));
        REQUIRE(c.until_running("udp", 1));
        c.deploy("same", publishing(18422));
        CHECK(c.ps("same") == Lines{pending(taken)});
        c.elsewhere.host_ports = {{"", "tcp", 80, 18423, "host"}};
        c.deploy("elsewhere", publishing(18423));
        CHECK(c.ps("elsewhere") == Lines{pending(taken)});
        c.remove("web");
        REQUIRE(c.until_running("same", 1));
        ServiceSpec any = publishing(0, "tcp", 3); // each task another one
        c.deploy("any", any);
        REQUIRE(c.until_running("any", 3));
    }
}

TEST_CASE("an update stop-first hands the host's port on") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = publishing(18424);
        spec.update_config = quick();
        c.deploy("web", spec);
        REQUIRE(c.until_running("web", 1));
        c.deploy("web", spec, v2);
        REQUIRE(c.until_status("web", "completed"));
        CHECK(c.slots() == "1: v1 start, v1 stop, v2 start\n");
    }
}

TEST_CASE("a pending task starts when the node gets the label, and is rejected when it loses it") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", placed({"node.labels.t120 == yes"}));
        CHECK(c.count("web", TaskState::pending) == 1);
        c.node([](NodeFacts& n) { n.node.labels["t120"] = "yes"; });
        REQUIRE(c.until_running("web", 1));
        c.node([](NodeFacts& n) { n.node.labels.clear(); });
        c.run(10 * s);
        CHECK(c.ps("web") == Lines{pending("scheduling constraints not satisfied on 1 node"),
                                   "1 shutdown rejected \"assigned node no longer meets constraints\""});
        CHECK(c.slots() == "1: v1 start, v1 stop\n");
    }
}

TEST_CASE("a drained node stops its tasks; a paused one takes no new ones") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", replicated(2));
        REQUIRE(c.until_running("web", 2));
        c.node([](NodeFacts& n) { n.node.availability = "pause"; });
        c.scale("web", 3);
        c.run(5 * s);
        CHECK(c.count("web", TaskState::running) == 2);
        CHECK(c.ps("web").back() == "3 running pending \"no suitable node (1 node not available for new tasks)\"");
        c.node([](NodeFacts& n) { n.node.availability = "drain"; });
        c.run(5 * s);
        CHECK(c.ps("web").front() == pending("1 node not available for new tasks"));
        CHECK(c.count("web", TaskState::shutdown) == 2);
        c.node([](NodeFacts& n) { n.node.availability = "active"; });
        REQUIRE(c.until_running("web", 3));
    }
}

TEST_CASE("the new task of a slot is made while the old one stops; only one counts for the node's limit") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        ServiceSpec spec = replicated(1);
        spec.task.placement = Placement{{}, {}, 1, {}};
        Program long_stop = v1;
        long_stop.stops_in = 30 * s;
        c.deploy("web", spec, long_stop);
        REQUIRE(c.until_running("web", 1));
        c.deploy("web", spec, v2);
        c.run(1 * s);
        CHECK(c.ps("web") == Lines{"1 ready ready", "1 shutdown running"});
    }
}

TEST_CASE("a pending task is replaced when the constraints change to what the node meets") {
    for (const bool reboots : both) {
        Cluster c(reboots);
        c.deploy("web", placed({"node.labels.no == where"}));
        CHECK(c.count("web", TaskState::pending) == 1);
        c.deploy("web", placed({"node.role == manager"}));
        REQUIRE(c.until_running("web", 1));
        CHECK(c.ps("web") == Lines{"1 running running", "1 shutdown shutdown"});
    }
}

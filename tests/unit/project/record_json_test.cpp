#include "scratch.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;

TEST_CASE("a container record comes back from its JSON as it was") {
    ContainerRecord r = test::sample_container();
    CHECK(container_record_from_json(to_json(r), "r") == r);
    r.healthcheck.reset();
    r.restart = {};
    CHECK(container_record_from_json(to_json(r), "r") == r);
}

TEST_CASE("statuses, networks, volumes and projects come back from their JSON as they were") {
    ContainerStatus s;
    s.id = "x";
    s.state = ContainerState::restarting;
    s.pid = 12;
    s.pid_start = 18446744073709551615u;
    s.health = Health::unhealthy;
    s.error = "no such file";
    s.endpoints = {{"n", "eth0", "10.0.0.2", "fd00::2", "02:42:0a:00:00:02", "10.0.0.1"}};
    s.ports = {{"0.0.0.0", 8080, 80, "tcp"}};
    CHECK(container_status_from_json(to_json(s), "s") == s);
    NetworkRecord n;
    n.name = "shop_default";
    n.internal = true;
    n.ipam = {{"10.1.0.0/24", "10.1.0.128/25", "10.1.0.1", {{"router", "10.1.0.9"}}}};
    CHECK(network_record_from_json(to_json(n), "n") == n);
    VolumeRecord v;
    v.name = "shop_data";
    v.driver_opts = {{"type", "nfs"}, {"o", "addr=h,ro"}, {"device", ":/x"}};
    CHECK(volume_record_from_json(to_json(v), "v") == v);
    ProjectRecord p;
    p.name = "shop";
    p.config_files = {"/srv/shop/compose.yaml"};
    p.model = "services: {}\n";
    CHECK(project_record_from_json(to_json(p), "p") == p);
}

TEST_CASE("a record that lacks fields gets their defaults and one with new fields is read") {
    auto r = container_record_from_json(R"({"id":"i","name":"n","later":[1,2]})", "r");
    CHECK(r.stop_signal == "SIGTERM");
    CHECK(r.stop_grace == 10'000'000'000);
    CHECK(r.name == "n");
}

TEST_CASE("a record of a newer format is refused with a text that says so") {
    try {
        container_record_from_json(R"({"format":2,"id":"i"})", "/x/record.json");
        FAIL("accepted");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::unsupported);
        CHECK(std::string(e.what()).find("/x/record.json was written by a newer davit (format 2") != std::string::npos);
    }
}

TEST_CASE("what is not a record names its file") {
    for (const char* text : {"", "{", "[]", R"({"restart":{"kind":"sometimes"}})", R"({"number":"one"})", "\xff\xfe"}) {
        CAPTURE(text);
        try {
            container_record_from_json(text, "/x/record.json");
            FAIL("accepted");
        } catch (const Error& e) {
            CHECK(e.describe().find("/x/record.json") != std::string::npos);
        }
    }
}

TEST_CASE("bytes that are not UTF-8 do not keep a record from being written") {
    ContainerRecord r = test::sample_container();
    r.environment = {"X=\xff\xfe"};
    CHECK(container_record_from_json(to_json(r), "r").environment.size() == 1);
}

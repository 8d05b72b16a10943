#include "reconcile/machine.hpp"

#include "base/error.hpp"
#include "reconcile/single.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <functional>

using namespace davit;

namespace {

struct Run {
    ContainerSpec spec;
    ObservedState observed;
    image::Config image;
    bool start = true;
    Project project;
    Reconciled result;

    Run() { spec.service.image = "busybox"; }
    void mount(const std::string& source) {
        Mount m;
        m.source = source;
        m.target = "/d";
        spec.service.volumes.push_back(m);
    }
    NetworkRecord& network(const std::string& name, const std::string& id) {
        NetworkRecord& r = observed.networks[name];
        r.name = name;
        r.id = id;
        return r;
    }
    std::string plan() {
        project = machine_project_of(spec, "web", observed, image);
        result = plan_container(project, spec, {std::string(64, 'a'), "web", start});
        return "\n" + to_text(result.plan);
    }
    const Service& service() const { return project.services.at("web"); }
};

Errc failure(Run& run) {
    try {
        run.plan();
    } catch (const Error& e) {
        return e.kind();
    }
    return Errc::failed;
}

ObservedContainer container(ContainerState state) {
    ObservedContainer c;
    c.record.id = std::string(64, 'b');
    c.record.name = "web";
    c.record.project = machine_project;
    c.status.state = state;
    return c;
}

template <typename Make>
bool refused(Make&& make) {
    try {
        make();
    } catch (const Error& e) {
        return e.kind() == Errc::conflict;
    }
    return false;
}

} // namespace

TEST_CASE("who names no network gets the default one, which the first supervisor on it makes, not the plan") {
    Run run;
    CHECK(run.plan() == R"(
[] -> #1 container:web, stage container: run
[1] -> #2 container:web, create container: run
[2] -> #3 container:web, start container: run
)");
    CHECK(run.result.networks.empty());
    CHECK(run.project.networks.at("bridge").external);
    CHECK(run.service().networks.count("bridge") == 1);
    CHECK(run.service().network_mode.empty());
    CHECK(run.result.plan.beside);
    CHECK_FALSE(run.result.plan.known);
    CHECK(run.result.plan.project == machine_project);
}

TEST_CASE("create is run without the start; default and bridge are the same") {
    Run run;
    run.start = false;
    const std::string plain = run.plan();
    CHECK(plain.find("start container") == std::string::npos);
    for (const char* name : {"default", "bridge"}) {
        run.spec.service.network_mode = name;
        CHECK(run.plan() == plain);
    }
    run.spec.service.network_mode.clear();
    run.spec.service.networks["bridge"];
    CHECK(run.plan() == plain);
}

TEST_CASE("networks that exist are joined by name, id or its beginning, and not made") {
    Run run;
    run.network("proxy", "abcdef0123");
    run.network("other", "abc999");
    for (const char* named : {"proxy", "abcdef0123", "abcd"}) {
        run.spec.service.network_mode = named;
        CHECK(run.plan().find("network") == std::string::npos);
        CHECK(run.service().networks.count("proxy") == 1);
        CHECK(run.service().network_mode.empty());
        CHECK(run.project.networks.at("proxy").external);
    }
    run.spec.service.network_mode = "abc"; // of both
    CHECK(failure(run) == Errc::conflict);
    run.spec.service.network_mode = "nosuch";
    run.plan();
    CHECK(run.service().networks.count("nosuch") == 1); // it may come until the container starts
    run.network("shape", "eee").driver = "null";        // a configuration only
    run.spec.service.network_mode = "shape";
    CHECK(failure(run) == Errc::conflict);
    run.network("stack", "fff").scope = "swarm";
    run.spec.service.network_mode = "stack";
    CHECK(failure(run) == Errc::denied);
    run.observed.networks["stack"].attachable = true;
    CHECK(run.plan().find("network") == std::string::npos);
}

TEST_CASE("modes are no networks, and exclude them") {
    Run run;
    for (const char* mode : {"host", "none", "container:db"}) {
        run.spec.service.network_mode = mode;
        CHECK(run.plan().find("network") == std::string::npos);
        CHECK(run.service().network_mode == mode);
    }
    run.spec.service.networks["bridge"];
    CHECK(failure(run) == Errc::conflict);
}

TEST_CASE("named volumes are made where they are missing, as the command line says") {
    Run run;
    run.spec.service.network_mode = "none";
    run.mount("data");
    run.mount(""); // anonymous: made with the container
    run.spec.volumes["data"].driver_opts["type"] = "tmpfs";
    CHECK(run.plan() == R"(
[] -> #1 volume:data, create volume: not found
[] -> #2 container:web, stage container: run
[1,2] -> #3 container:web, create container: run
[3] -> #4 container:web, start container: run
)");
    CHECK(run.project.volumes.at("data").driver_opts.at("type") == "tmpfs");
    run.observed.volumes["data"].name = "data";
    CHECK(run.plan().find("volume") == std::string::npos);
    CHECK(run.project.volumes.at("data").external);
}

TEST_CASE("what the container is told of itself stands in the plan's container") {
    Run run;
    run.spec.auto_remove = run.spec.stdin_once = run.spec.hold_for_attach = true;
    run.spec.no_healthcheck = true;
    run.spec.service.links = {"db:database"};
    run.spec.service.volumes_from = {"old:ro", "container:older"};
    run.plan();
    CHECK(run.result.containers.front().auto_remove);
    CHECK(run.result.containers.front().stdin_once);
    CHECK(run.result.plan.operations.back().hold_for_attach);
    CHECK(run.service().healthcheck->disable);
    CHECK(run.service().external_links == std::vector<std::string>{"db:database"}); // containers, not services
    CHECK(run.service().volumes_from == std::vector<std::string>{"container:old:ro", "container:older"});
}

TEST_CASE("-P publishes what image and command line expose, once") {
    Run run;
    run.spec.publish_all = true;
    run.image.exposed_ports = {"80/tcp", "53/udp"};
    run.spec.service.expose = {"80", "9000-9001"};
    Port given;
    given.target = 53;
    given.protocol = "udp";
    given.published = "5353";
    run.spec.service.ports = {given};
    run.plan();
    std::vector<std::string> all;
    for (const Port& p : run.service().ports) all.push_back(fmt::format("{}:{}/{}", p.published, p.target, p.protocol));
    CHECK(all == std::vector<std::string>{"5353:53/udp", ":80/tcp", ":9000/tcp", ":9001/tcp"});
}

TEST_CASE("plans over one container: what is so already is no operation, what docker refuses is refused") {
    using enum ContainerState;
    struct Row {
        const char* what;
        std::function<Plan(const ObservedContainer&)> make;
        std::string created, running, paused, exited;
    };
    const std::string none, conflict = "conflict";
    const Row rows[] = {
        {"start", [](const auto& c) { return plan_start(c, {}); }, "start_container", none, conflict,
         "start_container"},
        {"stop", [](const auto& c) { return plan_stop(c, {}); }, none, "stop_container", "stop_container", none},
        {"restart", [](const auto& c) { return plan_restart(c, {}); }, "restart_container", "restart_container",
         "restart_container", "restart_container"},
        {"kill", [](const auto& c) { return plan_kill(c, "KILL"); }, conflict, "kill_container", "kill_container",
         conflict},
        {"pause", [](const auto& c) { return plan_pause(c); }, conflict, "pause_container", conflict, conflict},
        {"unpause", [](const auto& c) { return plan_unpause(c); }, conflict, conflict, "unpause_container", conflict},
        {"rm", [](const auto& c) { return plan_remove(c, {}); }, "remove_container", conflict, conflict,
         "remove_container"},
        {"rm -f",
         [](const auto& c) {
             return plan_remove(c, {true, false});
         },
         "remove_container", "remove_container", "remove_container", "remove_container"},
    };
    for (const Row& row : rows)
        for (const auto& [state, wanted] :
             {std::pair{created, row.created}, {running, row.running}, {paused, row.paused}, {exited, row.exited}}) {
            CAPTURE(row.what);
            CAPTURE(to_string(state));
            const ObservedContainer c = container(state);
            if (wanted == conflict) {
                CHECK(refused([&] { row.make(c); }));
                continue;
            }
            const Plan plan = row.make(c);
            CHECK((plan.empty() ? none : std::string(to_string(plan.operations.front().kind))) == wanted);
            CHECK(plan.project == machine_project);
        }
}

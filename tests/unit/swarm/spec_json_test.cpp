#include "scratch.hpp"

#include "base/error.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::swarm;

TEST_CASE("a specification survives the store, every field of it") {
    const ServiceSpec full = swarm::test::full_spec();
    CHECK(service_spec_from_json(to_json(full), "x") == full);
    for (ModeKind kind : {ModeKind::replicated, ModeKind::global, ModeKind::global_job}) {
        ServiceSpec spec;
        spec.mode.kind = kind;
        CHECK(service_spec_from_json(to_json(spec), "x") == spec);
    }
    ServiceSpec empty_groups; // given and empty is not the same as not given
    empty_groups.task.resources = Resources{ResourceLimits{}, ResourceReservations{}, {}, {}};
    empty_groups.task.container.privileges.emplace();
    empty_groups.task.container.healthcheck.emplace();
    empty_groups.task.container.dns_config.emplace();
    empty_groups.task.restart_policy.emplace();
    empty_groups.task.placement.emplace();
    empty_groups.task.log_driver.emplace();
    empty_groups.update_config.emplace();
    empty_groups.endpoint.emplace();
    empty_groups.mode.replicas = 0;
    CHECK(service_spec_from_json(to_json(empty_groups), "x") == empty_groups);
}

TEST_CASE("what Docker has no word for stands below a key of davit's own, where there is something") {
    ServiceSpec spec;
    spec.name = "x_web";
    CHECK(to_json(spec).find("Davit") == std::string::npos);
    spec.depends_on = {{"x_db", "service_healthy", true}, {"x_cache", "service_started", false}};
    spec.task.container.image_id = "sha256:abc";
    CHECK(to_json(spec).ends_with(R"("Davit":{"DependsOn":[{"Service":"x_db","Condition":"service_healthy"},)"
                                  R"({"Service":"x_cache","Condition":"service_started","Optional":true}]}})"));
    CHECK(service_spec_from_json(to_json(spec), "x") == spec);
}

TEST_CASE("what a specification lacks or spells otherwise reads as not given") {
    const ServiceSpec nothing = service_spec_from_json("{}", "x");
    CHECK(nothing == ServiceSpec{});
    const ServiceSpec odd = service_spec_from_json(
        R"({"Name":7,"Labels":null,"TaskTemplate":{"ContainerSpec":{"Env":"A=1","Mounts":[3],"Init":"x"},"Placement":[]},)"
        R"("Mode":{"Replicated":{"Replicas":"many"}},"UpdateConfig":{"Parallelism":0,"MaxFailureRatio":"x"},"New":1})",
        "x");
    CHECK(odd.name.empty());
    CHECK(odd.task.container.env.empty());
    CHECK(odd.task.container.mounts.size() == 1);
    CHECK_FALSE(odd.task.container.init);
    CHECK_FALSE(odd.task.placement);
    CHECK_FALSE(odd.mode.replicas);
    REQUIRE(odd.update_config);
    CHECK(odd.update_config->parallelism == 0);
    CHECK_THROWS_AS(service_spec_from_json("[]", "x"), Error);
    CHECK_THROWS_AS(service_spec_from_json("{", "x"), Error);
}

TEST_CASE("with_defaults fills in what the engine shows") {
    ServiceSpec spec;
    spec.name = "t180_x";
    spec.mode.replicas = 0;
    spec.task.container.image = "busybox:latest";
    spec.task.container.args = {"sleep", "5"};
    spec.task.container.init = false;
    spec.task.resources = Resources{ResourceLimits{}, ResourceReservations{}, {}, {}};
    CHECK(
        to_json(with_defaults(spec)) ==
        R"({"Name":"t180_x","Labels":{},"TaskTemplate":{"ContainerSpec":{"Image":"busybox:latest","Args":["sleep","5"],)"
        R"("Init":false,"StopGracePeriod":10000000000,"DNSConfig":{},"Isolation":"default"},"Resources":{"Limits":{},)"
        R"("Reservations":{}},"RestartPolicy":{"Condition":"any","Delay":5000000000,"MaxAttempts":0},"Placement":{},)"
        R"("ForceUpdate":0,"Runtime":"container"},"Mode":{"Replicated":{"Replicas":0}},"UpdateConfig":{"Parallelism":1,)"
        R"("FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"},"RollbackConfig":)"
        R"({"Parallelism":1,"FailureAction":"pause","Monitor":5000000000,"MaxFailureRatio":0,"Order":"stop-first"},)"
        R"("EndpointSpec":{"Mode":"vip"}})");
}

TEST_CASE("with_defaults leaves alone what was given") {
    const ServiceSpec full = swarm::test::full_spec();
    ServiceSpec expected = full;
    expected.rollback_config->monitor = 5'000'000'000; // none and 0 are the same to the API
    CHECK(with_defaults(full) == expected);
    CHECK(with_defaults(ServiceSpec{}).mode.replicas == 1);
    ServiceSpec job;
    job.mode = {ModeKind::replicated_job, {}, 3, {}};
    CHECK(with_defaults(job).mode.total_completions == 3);
    job.mode.max_concurrent.reset();
    CHECK(with_defaults(job).mode.max_concurrent == 1);
}

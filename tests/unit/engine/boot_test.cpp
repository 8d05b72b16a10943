#include "engine/restage.hpp"
#include "engine/systemd_unit.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace std::chrono_literals;

TEST_CASE("the unit calls this davit, with the directories that are not its own choice") {
    const std::string text = unit_text({"/opt/my davit/d$1%", "/var/lib/davit", "/run/davit", false});
    CHECK(text.find("ExecStart=\"/opt/my davit/d$$1%%\" --progress plain system boot\n") != std::string::npos);
    CHECK(text.find("ExecStop=\"/opt/my davit/d$$1%%\" --progress plain system shutdown --unit %n\n") !=
          std::string::npos);
    CHECK(text.find("RequiresMountsFor=\"/var/lib/davit\"\n") != std::string::npos);
    CHECK(text.find("Environment=") == std::string::npos);
    const std::string other = unit_text({"/usr/bin/davit", "/srv/a b", "/run/x", true});
    CHECK(other.find("Environment=\"DAVIT_STATE_DIR=/srv/a b\"\nEnvironment=\"DAVIT_RUN_DIR=/run/x\"\n") !=
          std::string::npos);
}

TEST_CASE("a package's unit is of root's directories, and says that nothing has written it") {
    const std::string text = boot_unit("/usr/bin/davit");
    CHECK(text.find("ExecStart=\"/usr/bin/davit\" --progress plain system boot\n") != std::string::npos);
    CHECK(text.find("Environment=") == std::string::npos);
    CHECK(text.find("system install") == std::string::npos);
    CHECK(text.find("\n[Unit]\nDescription=") != std::string::npos);
}

TEST_CASE("time spans as systemctl shows them") {
    CHECK(time_span("1min 30s") == 90s);
    CHECK(time_span("2h") == 2h);
    CHECK(time_span("1.5s") == 1500ms);
    CHECK(time_span("500ms") == 500ms);
    CHECK(time_span("1w 2d 3h 4min 5s 6us") == 24h * 9 + 3h + 4min + 5s + 6us);
    CHECK(!time_span("infinity"));
    CHECK(!time_span(""));
    CHECK(!time_span("3 parsecs"));
}

TEST_CASE("a restart of the unit is told from its stop by the job") {
    const char* jobs = "123 davit.service        restart running\n124 other.service stop waiting\n";
    CHECK(unit_stop_from("TimeoutStopUSec=2min\n", jobs, "davit.service").restarts);
    CHECK(unit_stop_from("TimeoutStopUSec=2min\n", jobs, "davit.service").limit == 2min);
    CHECK(!unit_stop_from("TimeoutStopUSec=infinity\n", jobs, "other.service").restarts);
    CHECK(!unit_stop_from("TimeoutStopUSec=infinity\n", jobs, "other.service").limit);
    CHECK(!unit_stop_from("", "", "davit.service").restarts);
}

TEST_CASE("the stored model tells which secrets stood in memory") {
    const auto uses = secret_uses(R"({"services":{
        "web":{"secrets":[{"source":"a","target":"/run/secrets/a"},{"source":"f","target":"/run/secrets/f"},
                          {"source":"b","target":"/etc/b","mode":"0400","uid":"7","gid":"8"}]},
        "db":{}},
        "secrets":{"a":{"environment":"A"},"b":{"environment":"B"},"f":{"file":"/x"}}})");
    REQUIRE(uses.size() == 2);
    CHECK(uses[0].service == "web");
    CHECK(uses[0].target == "/run/secrets/a");
    CHECK(uses[0].variable == "A");
    CHECK(uses[0].mode == 0444);
    CHECK(uses[1].target == "/etc/b");
    CHECK(uses[1].mode == 0400);
    CHECK(uses[1].uid == 7);
    CHECK(uses[1].gid == 8);
    CHECK(secret_uses("no model").empty());
}

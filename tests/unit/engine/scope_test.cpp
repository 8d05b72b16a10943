// What of scopes and waits is pure: projects under a name of their own, the kernel's tables of listeners.
#include "davit/in_code.hpp"
#include "davit/wait.hpp"
#include "engine/scope/isolate.hpp"
#include "engine/waits/listening.hpp"

#include <doctest/doctest.h>

using namespace davit;

namespace {

Project shop() {
    LoadOptions o;
    o.current_dir = "/case";
    return load_string(R"(
name: shop
services:
  web: {image: x, container_name: the-web, ports: ['8080:80', '127.0.0.1:8443:443'], networks: {front: {aliases: [a]}}}
  api: {build: ., network_mode: 'container:the-web', pid: 'container:other'}
  db: {image: y, volumes: ['rows:/r', 'theirs:/t'], configs: [c]}
networks: {front: {}, named: {name: fixed}, theirs: {external: true, name: theirs}}
volumes: {rows: {name: fixed_rows}, theirs: {external: true}}
configs: {c: {content: t}}
)",
                       o)
        .project;
}

// The kernel's own text: 127.0.0.1:5432, 0.0.0.0:80 and an established connection to port 81.
constexpr const char* table =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0\n"
    "   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0\n"
    "   2: 0200000A:0051 0300000A:8F12 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0\n";
constexpr const char* table6 =
    "  sl  local_address                         remote_address                        st tx_queue\n"
    "   0: 00000000000000000000000001000000:1538 00000000000000000000000000000000:0000 0A 00000000:00000000\n"
    "   1: 0000000000000000FFFF00000100007F:1539 00000000000000000000000000000000:0000 0A 00000000:00000000\n"
    "   2: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000\n";

} // namespace

TEST_CASE("a project of another name has everything that is the machine's under it") {
    const Project p = renamed(shop(), "shop-1");
    CHECK(p.name == "shop-1");
    CHECK(p.networks.at("front").name == "shop-1_front");
    CHECK(p.networks.at("default").name == "shop-1_default");
    CHECK(p.volumes.at("rows").name == "shop-1_rows");
    CHECK(p.volumes.at("theirs").name == "theirs");
    CHECK(p.configs.at("c").name == "shop-1_c");
    CHECK(p.services.at("web").container_name.empty());
    CHECK(p.services.at("web").networks.at("front")->aliases == std::vector<std::string>{"a", "the-web"});
    CHECK(p.services.at("api").image == "shop-api"); // as it was built before
    CHECK(p.services.at("api").network_mode == "service:web");
    CHECK(p.services.at("api").pid == "container:other");
    CHECK(validate(p).empty());
}

TEST_CASE("free ports keep their addresses") {
    Project p = shop();
    free_ports(p);
    CHECK(p.services.at("web").ports.at(0).published.empty());
    CHECK(p.services.at("web").ports.at(0).target == 80);
    CHECK(p.services.at("web").ports.at(1).host_ip == "127.0.0.1");
}

TEST_CASE("who listens stands in the kernel's tables") {
    CHECK(listens_at(table, 80, false));
    CHECK_FALSE(listens_at(table, 81, true)); // connected
    CHECK_FALSE(listens_at(table, 5432, false));
    CHECK(listens_at(table, 5432, true));
    CHECK(listens_at(table6, 80, false));
    CHECK_FALSE(listens_at(table6, 5432, false));
    CHECK_FALSE(listens_at(table6, 5433, false)); // ::ffff:127.0.0.1
    CHECK(listens_at(table6, 5433, true));
    CHECK_FALSE(listens_at("", 80, true));
    CHECK_FALSE(listens_at("  sl\n   0: 00000000:0050", 80, true));
}

TEST_CASE("a wait that failed says what, who, why, and the last lines") {
    const WaitError e(true, {{port("web", 80), "does not listen there", "p-web-1", {"one", "two"}},
                             {healthy("db"), "has no container", "", {}}});
    CHECK(e.kind() == Errc::failed);
    CHECK(e.timed_out());
    CHECK(std::string(e.what()) == "not ready in time\n"
                                   "  waiting until web listens at port 80: container p-web-1 does not listen there\n"
                                   "    | one\n    | two\n"
                                   "  waiting until db is healthy: it has no container");
    CHECK(to_string(http("web", 80, "/x", 204)) == "web answers http://:80/x with 204");
    CHECK(to_string(command("web", {"a", "b"})) == "'a b' succeeds in web");
    CHECK(to_string(exited("job", 2)) == "job has exited with 2");
    CHECK(davit::log("web", "x+") == log_line("web", "x+"));
    CHECK(to_string(log_line("web", "x+")) == "web writes a line that matches /x+/");
}

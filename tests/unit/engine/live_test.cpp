#include "davit/events.hpp"
#include "engine/events/journal_reader.hpp"
#include "engine/live/attachable.hpp"

#include "base/error.hpp"
#include "base/sys.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <thread>

using namespace davit;

namespace {

NetworkInfo a_network() {
    NetworkInfo n;
    n.name = "proxy";
    n.driver = "bridge";
    n.pools = {{"10.1.0.0/24", "10.1.0.1", "", {}}};
    return n;
}

std::optional<Errc> refusal(const NetworkInfo& network, const std::string& mode) {
    try {
        check_attachable(network, mode);
    } catch (const Error& e) {
        return e.kind();
    }
    return std::nullopt;
}

} // namespace

TEST_CASE("who may be put on which network") {
    NetworkInfo n = a_network();
    CHECK(!refusal(n, "bridge"));
    for (const char* mode : {"host", "none", "container:abc"}) CHECK(refusal(n, mode) == Errc::conflict);
    n.scope = "swarm";
    CHECK(refusal(n, "bridge") == Errc::denied);
    n.attachable = true;
    CHECK(!refusal(n, "bridge"));
    n = a_network();
    n.driver = "host";
    CHECK(refusal(n, "bridge") == Errc::conflict);
    n.driver = "null";
    CHECK(refusal(n, "bridge") == Errc::conflict);
}

TEST_CASE("an address is of the network's") {
    NetworkInfo n = a_network();
    ConnectOptions o;
    o.ipv4 = "10.1.0.9";
    CHECK_NOTHROW(check_endpoint(n, o));
    for (const char* wrong : {"10.2.0.9", "10.1.0", "fd00::1", "x"}) {
        o.ipv4 = wrong;
        CHECK_THROWS_AS(check_endpoint(n, o), Error);
    }
    o = {};
    o.ipv6 = "fd00::1";
    CHECK_THROWS_AS(check_endpoint(n, o), Error);
    o = {};
    o.aliases = {"www"};
    CHECK_NOTHROW(check_endpoint(n, o));
    n.name = "bridge";
    CHECK_THROWS_AS(check_endpoint(n, o), Error);
}

namespace {

MachineEvent an_event() {
    MachineEvent e;
    e.type = "container";
    e.action = "exec_start: sh";
    e.id = "0123456789";
    e.attributes = {{"name", "web-1"}, {"image", "shop/web:2"}, {"l", "1"}, {"m", "2"}};
    return e;
}

} // namespace

TEST_CASE("events pass as Docker's filters say") {
    const MachineEvent e = an_event();
    CHECK(passes(e, {}));
    CHECK(passes(e, {{"container", "web"}})); // as there: the beginning is enough
    CHECK(passes(e, {{"container", "0123"}}));
    CHECK(!passes(e, {{"container", "eb-1"}}));
    CHECK(passes(e, {{"container", "other"}, {"container", "web-1"}}));
    CHECK(passes(e, {{"event", "exec_start"}}));
    CHECK(!passes(e, {{"event", "exec"}}));
    CHECK(passes(e, {{"image", "shop/web"}}));
    CHECK(passes(e, {{"image", "shop/web:2"}}));
    CHECK(!passes(e, {{"image", "web"}}));
    CHECK(passes(e, {{"label", "l"}, {"label", "m=2"}}));
    CHECK(!passes(e, {{"label", "l"}, {"label", "m=3"}}));
    CHECK(passes(e, {{"type", "container"}, {"scope", "local"}}));
    CHECK(!passes(e, {{"type", "network"}}));
    CHECK(passes(e, {{"label!", "zz"}}));
}

TEST_CASE("journals are read as one stream, and followed") {
    std::string path = "/tmp/davit-events-XXXXXX";
    REQUIRE(::mkdtemp(path.data()));
    const Roots roots{path, path + "/run"};
    auto append = [&](const std::string& journal, std::int64_t time, const std::string& id) {
        EventJournal(roots, journal).append(JournalLine{time, "container", "start", id, {}});
    };
    auto ids = [](const auto& lines) {
        std::string out;
        for (const auto& [journal, line] : lines) out += journal + ":" + line.id + " ";
        return out;
    };
    append("a", 10, "1");
    append("b", 5, "2");
    append("a", 20, "3");
    JournalReader all(roots, 6), next(roots, std::nullopt);
    CHECK(ids(all.take()) == "a:1 a:3 ");
    CHECK(all.take().empty());
    CHECK(next.take().empty());
    append("c", 30, "4"); // a project that comes up meanwhile
    EventJournal(roots, "a").append(R"({"time":40,"type":"container","action":"stop","id":"5")");
    CHECK(ids(all.take()) == "c:4 ");
    EventJournal(roots, "a")
        .append(R"(,"attributes":{}})"
                "\n"); // the rest of the line
    CHECK(ids(all.take()) == "a:5 ");
    CHECK(ids(next.take()) == "c:4 a:5 ");
    SUBCASE("over a rotation") {
        EventJournal writer(roots, "a");
        for (int i = 0; i < 3000; ++i)
            writer.append(
                JournalLine{100 + i, "container", "start", std::to_string(i), {{"f", std::string(100, 'x')}}});
        const auto lines = next.take();
        REQUIRE(lines.size() > 1000);
        CHECK(lines.back().second.id == "2999");
    }
    SUBCASE("whoever waits is woken by the next line") {
        next.wait(std::chrono::seconds(0), {}); // sets the watch up
        next.take();
        std::jthread later([&] { append("d", 50, "6"); });
        std::string seen;
        for (int i = 0; i < 100 && seen.empty(); ++i) {
            next.wait(std::chrono::seconds(10), {});
            seen = ids(next.take());
        }
        CHECK(seen == "d:6 ");
    }
    sys::remove_tree(path);
}

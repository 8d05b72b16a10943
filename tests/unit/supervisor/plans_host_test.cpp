// Plans against each other, names and ports, networks.
#include "lab.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "supervisor/client/connection.hpp"

#include <atomic>
#include <csignal>
#include <doctest/doctest.h>
#include <map>
#include <thread>

using namespace davit;
using namespace davit::test;

TEST_CASE("a plan made from what has changed since is refused and does nothing") {
    Lab lab("stale");
    std::string id = lab.add("a", "exec sleep 1000", Lab::on_no_network());
    Plan create = lab.up_plan(false);
    lab.apply(create);
    PlanMaker m("stale");
    m.add(OpKind::start_container, id);
    m.plan.seen[id] = lab.record(id).generation;
    lab.apply(m.plan);
    PlanMaker remove("stale");
    remove.add(OpKind::remove_container, id, {}, [](Operation& op) { op.force = true; });
    remove.plan.seen[id] = m.plan.seen[id];
    CHECK_THROWS_AS(lab.apply(remove.plan), StalePlan);
    CHECK(lab.status(id).state == ContainerState::running);
    remove.plan.seen[id] = lab.record(id).generation;
    lab.apply(remove.plan);
    CHECK_THROWS_AS(lab.apply(m.plan), StalePlan);
}

TEST_CASE("a plan made before another container came to be is refused") {
    Lab lab("known");
    std::string a = lab.add("a", "exec sleep 1000", Lab::on_no_network());
    lab.apply(lab.up_plan(false));
    PlanMaker m("known");
    m.add(OpKind::start_container, a);
    m.plan.known.emplace();
    CHECK_THROWS_AS(lab.apply(m.plan), StalePlan);
    CHECK(lab.status(a).state == ContainerState::created);
    m.plan.known = {a, "one that has been removed since"};
    lab.apply(m.plan);
    CHECK(lab.status(a).state == ContainerState::running);
}

TEST_CASE("the plan of a client that was killed goes on, and its end can be waited for, or brought about") {
    Lab lab("settle");
    std::string a = lab.add("a", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec& s) {
        Lab::on_no_network()(r, s);
        r.healthcheck = HealthcheckRecord{{"CMD", "true"}, 100'000'000, 10'000'000'000, 0, 0, 1};
    });
    std::string b = lab.add("b", "exec sleep 1000", Lab::on_no_network());
    PlanMaker m("settle");
    int ca = m.add(OpKind::create_container, a), cb = m.add(OpKind::create_container, b);
    int sa = m.add(OpKind::start_container, a, {ca});
    int gate = m.add(OpKind::wait_container, "", {sa}, [&](Operation& op) {
        op.condition = WaitCondition::healthy;
        op.wait_for = {a};
    });
    m.add(OpKind::start_container, b, {cb, gate});
    lab.staged.clear();
    SupervisorClient::settle(lab.roots, "settle"); // nothing to wait for, and no supervisor started for it
    CHECK(lab.supervisor_pid() == 0);
    auto abandon = [&](const Plan& plan, const char* token) {
        supervisor::Connection killed = supervisor::start_supervisor(lab.roots, "settle");
        killed.send({{"type", "apply"}, {"id", 1}, {"token", token}, {"plan", json::Value::parse(to_json(plan))}});
        lab.until("the plan has begun", [&] { return exists(lab.paths.journal()); });
    };
    abandon(m.plan, "first");
    SupervisorClient::settle(lab.roots, "settle");
    CHECK(lab.status(b).state == ContainerState::running);

    PlanMaker never("settle");
    never.add(OpKind::wait_container, "", {}, [&](Operation& op) {
        op.condition = WaitCondition::exited;
        op.wait_for = {a};
    });
    abandon(never.plan, "second");
    SupervisorClient::preempt(lab.roots, "settle");
    CHECK_FALSE(exists(lab.paths.journal()));
}

TEST_CASE("a second plan waits for the first, and a command that takes precedence cancels what has not begun") {
    Lab lab("turns");
    std::string a = lab.add("a", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec& s) {
        Lab::on_no_network()(r, s);
        r.healthcheck = HealthcheckRecord{{"CMD", "false"}, 60'000'000'000, 0, 0, 0, 1};
    });
    std::string b = lab.add("b", "exec sleep 1000", Lab::on_no_network());
    PlanMaker m("turns");
    int ca = m.add(OpKind::create_container, a), cb = m.add(OpKind::create_container, b);
    int sa = m.add(OpKind::start_container, a, {ca});
    int gate = m.add(OpKind::wait_container, "", {sa}, [&](Operation& op) {
        op.condition = WaitCondition::healthy;
        op.wait_for = {a};
    });
    m.add(OpKind::start_container, b, {cb, gate});
    lab.staged.clear();
    std::atomic<bool> cancelled{false};
    std::thread up([&] {
        auto client = SupervisorClient::connect_or_start(lab.roots, "turns");
        try {
            client.apply(m.plan, {});
        } catch (const Error& e) {
            cancelled = e.kind() == Errc::interrupted;
        }
    });
    lab.until("the first container", [&] {
        auto r = lab.store.container("turns", a);
        return r && lab.store.status(*r).state == ContainerState::running;
    });
    auto client = SupervisorClient::connect(lab.roots, "turns");
    REQUIRE(client);
    client->preempt();
    up.join();
    CHECK(cancelled);
    CHECK(lab.status(a).state == ContainerState::running);
    CHECK(lab.status(b).state == ContainerState::created);
}

TEST_CASE("a request to stop cancels what has not begun of its own plan") {
    Lab lab("cancel");
    std::string a = lab.add("a", "exec sleep 1000", Lab::on_no_network());
    std::string b = lab.add("b", "exec sleep 1000", Lab::on_no_network());
    PlanMaker m("cancel");
    int created = m.add(OpKind::create_container, a);
    int started = m.add(OpKind::start_container, a, {created});
    int ended = m.add(OpKind::wait_container, "", {started}, [&](Operation& op) {
        op.condition = WaitCondition::exited;
        op.wait_for = {a};
    });
    m.add(OpKind::create_container, b, {ended});
    lab.staged.clear();
    std::stop_source stop;
    auto client = SupervisorClient::connect_or_start(lab.roots, "cancel");
    try {
        client.apply(
            m.plan,
            [&](const Event& e) {
                if (e.kind == EventKind::operation_started && e.operation == ended) stop.request_stop();
            },
            stop.get_token());
        FAIL("went on");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::interrupted);
    }
    CHECK(lab.status(a).state == ContainerState::running);
    CHECK_FALSE(lab.store.container("cancel", b));
}

TEST_CASE("what a client does before it sends a plan is no part of one") {
    Lab lab("client");
    std::string a = lab.add("a", "exec sleep 1000", Lab::on_no_network());
    for (OpKind kind : {OpKind::pull_image, OpKind::build_image, OpKind::push_image, OpKind::stage_container}) {
        PlanMaker m("client");
        int theirs = m.add(kind, "");
        m.add(OpKind::create_container, a, {theirs});
        CHECK_THROWS_WITH_AS(lab.apply(m.plan), doctest::Contains("the supervisor cannot do"), Error);
        CHECK_FALSE(lab.store.container("client", a));
    }
}

TEST_CASE("containers find each other by service name, and a published port leads to its container") {
    Lab lab("names");
    std::string web =
        lab.add("web", "while :; do echo 'from web' | nc -l -p 80; done", [](ContainerRecord& r, runtime::Spec&) {
            r.ports = {{"127.0.0.1", PortRange{18080, 18080}, 80, "tcp"}};
        });
    std::string asker =
        lab.add("asker", "nslookup web > /tmp/ns 2>&1; cat /etc/hosts /etc/resolv.conf > /tmp/files; exec sleep 1000");
    lab.up();
    std::string address = lab.status(web).endpoints.at(0).ipv4;
    lab.until("the answer", [&] { return lab.out(asker, "/tmp/ns").find(address) != std::string::npos; });
    lab.until("the files", [&] { return lab.out(asker, "/tmp/files").find("127.0.0.11") != std::string::npos; });
    CHECK(lab.out(asker, "/tmp/files").find(lab.status(asker).endpoints.at(0).ipv4) != std::string::npos);
    CHECK(lab.status(web).ports.at(0).host_port == 18080);
    lab.until("the published port", [&] {
        return shell("busybox nc -w 1 127.0.0.1 18080 < /dev/null || true").find("from web") != std::string::npos;
    });

    Lab other("thief");
    std::string thief = other.add("web", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec&) {
        r.ports = {{"", PortRange{18080, 18080}, 80, "tcp"}};
    });
    try {
        other.up();
        FAIL("took the port");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::conflict);
        CHECK(e.describe().find("names-web-1") != std::string::npos);
    }
    lab.one(OpKind::stop_container, web);
    CHECK(lab.status(web).ports.empty());
    other.one(OpKind::start_container, thief);
    CHECK(other.status(thief).ports.at(0).host_port == 18080);
}

TEST_CASE("a network shared by two projects has one set of addresses and names, and stays while it is used") {
    Lab owner("owner"), guest("guest");
    std::string a = owner.add("a", "exec sleep 1000");
    owner.up();
    guest.has_network = true;
    std::string b = guest.add("b", "nslookup a > /tmp/ns 2>&1; exec sleep 1000",
                              [](ContainerRecord& r, runtime::Spec&) { r.endpoints[0].network = "owner_default"; });
    guest.up();
    CHECK(guest.status(b).endpoints.at(0).ipv4 != owner.status(a).endpoints.at(0).ipv4);
    guest.until("the other project's name", [&] {
        return guest.out(b, "/tmp/ns").find(owner.status(a).endpoints.at(0).ipv4) != std::string::npos;
    });
    std::string late = owner.add("late", "until nslookup b > /tmp/ns 2>&1; do sleep 0.05; done; exec sleep 1000");
    owner.up();
    owner.until("the guest's name", [&] {
        return owner.out(late, "/tmp/ns").find(guest.status(b).endpoints.at(0).ipv4) != std::string::npos;
    });
    try {
        owner.down();
        FAIL("removed a network in use");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::conflict);
        CHECK(e.describe().find("guest-b-1") != std::string::npos);
    }
    guest.down();
    owner.down();
    CHECK_FALSE(owner.store.network("owner_default"));
}

TEST_CASE("an address that is taken, a network that is missing and a subnet that overlaps are refused") {
    Lab lab("refused");
    auto at = [](const char* address) {
        return [=](ContainerRecord& r, runtime::Spec&) { r.endpoints[0].ipv4_address = address; };
    };
    lab.has_network = true;
    lab.stage_network("refused_default", [](NetworkRecord& n) { n.ipam = {{"10.77.0.0/24", "", "", {}}}; });
    PlanMaker m("refused");
    m.network(OpKind::create_network, "refused_default");
    lab.apply(m.plan);
    std::string one = lab.add("one", "exec sleep 1000", at("10.77.0.9"));
    lab.up();
    std::string two = lab.add("two", "exec sleep 1000", at("10.77.0.9"));
    CHECK_THROWS_AS(lab.up(), Error);
    CHECK(lab.status(two).state == ContainerState::created);
    lab.add("three", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec&) { r.endpoints[0].network = "nowhere"; });
    CHECK_THROWS_AS(lab.up(), Error);
    lab.stage_network("refused_more", [](NetworkRecord& n) { n.ipam = {{"10.77.0.0/16", "", "", {}}}; });
    PlanMaker overlap("refused");
    overlap.network(OpKind::create_network, "refused_more");
    CHECK_THROWS_AS(lab.apply(overlap.plan), Error);
    CHECK(lab.status(one).state == ContainerState::running);
}

TEST_CASE("an address that a container asks for by name is left to it while it does not run") {
    Lab lab("asked");
    lab.has_network = true;
    lab.stage_network("asked_default", [](NetworkRecord& n) { n.ipam = {{"10.78.0.0/24", "", "", {}}}; });
    PlanMaker m("asked");
    m.network(OpKind::create_network, "asked_default");
    lab.apply(m.plan);
    std::string late = lab.add("late", "exec sleep 1000",
                               [](ContainerRecord& r, runtime::Spec&) { r.endpoints[0].ipv4_address = "10.78.0.2"; });
    std::string first = lab.add("first", "exec sleep 1000");
    lab.apply(lab.up_plan(false));
    lab.one(OpKind::start_container, first);
    CHECK(lab.status(first).endpoints.at(0).ipv4 == "10.78.0.3");
    lab.one(OpKind::start_container, late);
    CHECK(lab.status(late).endpoints.at(0).ipv4 == "10.78.0.2");
}

TEST_CASE("addresses stay with their services when all are made anew in another order, and a supervisor is killed") {
    Lab lab("stays");
    std::map<std::string, std::string> first;
    auto make = [&](std::vector<std::string> names) {
        std::map<std::string, std::string> ids;
        for (const auto& name : names) ids[name] = lab.add(name, "exec sleep 1000");
        lab.up();
        std::map<std::string, std::string> addresses;
        for (const auto& [name, id] : ids) addresses[name] = lab.status(id).endpoints.at(0).ipv4;
        return addresses;
    };
    auto remove_all = [&] {
        for (const auto& r : lab.store.containers("stays"))
            lab.one(OpKind::remove_container, r.id, [](Operation& op) { op.force = true; });
    };
    first = make({"a", "b", "c", "d"});
    remove_all();
    CHECK(make({"d", "c", "b", "a"}) == first);
    remove_all();
    int pid = lab.supervisor_pid();
    if (pid != 0) ::kill(pid, SIGKILL);
    lab.until("its end", [&] { return lab.supervisor_pid() == 0; });
    CHECK(make({"c", "a", "d", "b"}) == first);
    lab.down();
    lab.until("the addresses are forgotten", [&] { return !exists(lab.roots.addresses()); });
}

TEST_CASE("a container shares the network of another, one has the host's and one has none") {
    Lab lab("modes");
    std::string base = lab.add("base", "exec sleep 1000");
    lab.up();
    std::string side =
        lab.add("side", "ip -o addr > /tmp/a; exec sleep 1000", [&](ContainerRecord& r, runtime::Spec& s) {
            r.network_mode = "container:" + base;
            r.endpoints.clear();
            for (auto& m : s.mounts) // it has no files of its own
                if (auto at = m.source.find(r.id); at != std::string::npos) m.source.replace(at, r.id.size(), base);
        });
    std::string host = lab.add("host", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec& s) {
        r.network_mode = "host";
        r.endpoints.clear();
        s.ns.net.mode = runtime::NsMode::host;
    });
    lab.apply([&] {
        PlanMaker m("modes");
        for (const auto& id : std::exchange(lab.staged, {}))
            m.add(OpKind::start_container, id, {m.add(OpKind::create_container, id)});
        return m.plan;
    }());
    lab.until("its view of the network",
              [&] { return lab.out(side, "/tmp/a").find(lab.status(base).endpoints.at(0).ipv4) != std::string::npos; });
    auto ns = [&](const std::string& id) {
        return shell("readlink /proc/" + std::to_string(lab.status(id).pid) + "/ns/net");
    };
    CHECK(ns(side) == ns(base));
    CHECK(ns(host) == shell("readlink /proc/self/ns/net"));
    CHECK(read_file(lab.paths.hosts(host)).find("localhost") != std::string::npos);
}

TEST_CASE("a new supervisor clears away what its predecessor had begun to remove, and nothing that is being staged") {
    Lab lab("remains");
    const std::string gone(64, 'a'), coming(64, 'b');
    for (const auto& dir : {lab.paths.run_container(gone), lab.paths.staging("trash-" + gone),
                            lab.paths.staging(coming), lab.paths.run_container(coming)})
        sys::make_dirs(dir + "/files", 0700);
    const std::string lost = lab.roots.run_networks() + "/remains_lost";
    for (const char* name : {"goes", "kept"}) {
        VolumeRecord v;
        v.name = name;
        lab.store.create(v);
    }
    ContainerRecord half;
    half.id = gone;
    half.project = "remains";
    half.mounts.resize(2);
    half.mounts[0].name = "goes";
    half.mounts[0].anonymous = true;
    half.mounts[1].name = "kept";
    sys::make_dirs(lab.paths.trash(gone, true), 0700);
    write_file_atomic(lab.paths.trash(gone, true) + "/record.json", to_json(half), 0600, false);
    const std::string volume = lab.roots.volumes() + "/goes";
    sys::make_dirs(lost, 0700);
    write_file_atomic(lost + "/remains.json", "[]", 0600, false);
    lab.add("a", "exec sleep 1000", Lab::on_no_network());
    lab.up();
    lab.until("the remains are gone", [&] {
        return !exists(lab.paths.run_container(gone)) && !exists(lab.paths.staging("trash-" + gone)) && !exists(lost);
    });
    lab.until("so are the volumes that were to go with it",
              [&] { return !exists(volume) && !exists(lab.paths.trash(gone, true)); });
    CHECK(lab.store.volume("kept"));
    lab.store.remove_volume("kept");
    CHECK(exists(lab.paths.run_container(coming) + "/files"));
    CHECK(exists(lab.paths.staging(coming) + "/files"));
    sys::remove_tree(lab.paths.run_container(coming));
    sys::remove_tree(lab.paths.staging(coming));
}

TEST_CASE("a network that an earlier supervisor made and could not say so is taken as made") {
    Lab lab("again");
    lab.add("a", "exec sleep 1000");
    lab.up();
    lab.stage_network("again_default");
    PlanMaker m("again");
    m.network(OpKind::create_network, "again_default");
    lab.apply(m.plan);
    CHECK_FALSE(lab.store.staged_network("again", "again_default"));
    CHECK(lab.store.network("again_default"));
}

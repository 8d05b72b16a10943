// What changes containers while they run, through the public headers, on a private host.
#include "../supervisor/lab.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "davit/containers.hpp"
#include "davit/events.hpp"
#include "davit/networks.hpp"
#include "davit/volumes.hpp"
#include "project/names.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>
#include <unistd.h>

using namespace davit;
using namespace davit::test;

namespace {

EngineOptions options_of(const Roots& roots) {
    EngineOptions o;
    o.state_dir = roots.state;
    o.run_dir = roots.run;
    return o;
}

struct LiveShop {
    Lab lab;
    Engine engine;
    explicit LiveShop(const char* name) : lab(name), engine(options_of(lab.roots)) {}
    ContainerInfo info(const std::string& id) { return engine.container(lab.project, id).value(); }
    void kill_supervisor() {
        const int pid = lab.supervisor_pid();
        REQUIRE(pid > 0);
        ::kill(pid, SIGKILL);
        lab.until("the next supervisor is there",
                  [&] { return lab.supervisor_pid() > 0 && lab.supervisor_pid() != pid; });
    }
    std::string inside(const std::string& id, const std::string& script) {
        return shell("nsenter -t " + std::to_string(lab.status(id).pid) + " -n " + script);
    }
};

// A limit as the kernel has it, v1 or v2.
std::string limit(int pid, const std::string& controller, const std::string& v1, const std::string& v2) {
    std::ifstream groups("/proc/" + std::to_string(pid) + "/cgroup");
    std::string found;
    for (std::string line; std::getline(groups, line);) {
        const auto first = line.find(':'), second = line.find(':', first + 1);
        const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",",
                          path = line.substr(second + 1);
        if (controllers.find("," + controller + ",") != std::string::npos)
            return read_file("/sys/fs/cgroup/" + controller + path + "/" + v1);
        if (controllers == ",,") found = "/sys/fs/cgroup" + path + "/" + v2;
    }
    return read_file(found);
}

Errc kind_of(const std::function<void()>& work) {
    try {
        work();
    } catch (const Error& e) {
        return e.kind();
    }
    return Errc::interrupted;
}

} // namespace

TEST_CASE("a container gets another name, and the old one is free") {
    LiveShop shop("renamed");
    const std::string a = shop.lab.add("a", "exec sleep 1000"), b = shop.lab.add("b", "exec sleep 1000");
    shop.lab.up();
    const NameIndex names(shop.lab.roots);
    CHECK(names.find("renamed-a-1")->id == a);
    CHECK(kind_of([&] { rename_container(shop.engine, shop.info(a), "renamed-b-1"); }) == Errc::conflict);
    CHECK(kind_of([&] { rename_container(shop.engine, shop.info(a), "renamed-a-1"); }) == Errc::conflict);
    CHECK(kind_of([&] { rename_container(shop.engine, shop.info(a), "no/name"); }) == Errc::invalid_project);
    rename_container(shop.engine, shop.info(a), "shop-window");
    CHECK(shop.lab.record(a).name == "shop-window");
    CHECK(names.find("shop-window")->id == a);
    CHECK(!names.find("renamed-a-1"));
    CHECK(find_container(shop.engine, "/shop-window").id == a);
    CHECK(find_container(shop.engine, a.substr(0, 12)).name == "shop-window");
    rename_container(shop.engine, shop.info(b), "renamed-a-1");
    shop.kill_supervisor();
    CHECK(find_container(shop.engine, "renamed-a-1").id == b);
    shop.lab.down();
    CHECK(!NameIndex(shop.lab.roots).find("shop-window"));
}

TEST_CASE("limits and restart policy change while it runs, and stay") {
    LiveShop shop("updated");
    const std::string id = shop.lab.add("a", "exec sleep 1000", Lab::on_no_network());
    shop.lab.up();
    ContainerUpdate update;
    update.memory = 96 << 20;
    update.memory_swap = 128 << 20;
    update.cpus = 0.5;
    update.pids_limit = 20;
    update.restart = "on-failure:3";
    update_container(shop.engine, shop.info(id), update);
    auto check = [&] {
        const int pid = shop.lab.status(id).pid;
        CHECK(limit(pid, "memory", "memory.limit_in_bytes", "memory.max") == std::to_string(96 << 20) + "\n");
        CHECK(limit(pid, "pids", "pids.max", "pids.max") == "20\n");
        CHECK(limit(pid, "cpu", "cpu.cfs_quota_us", "cpu.max").starts_with("50000"));
    };
    check();
    CHECK(shop.lab.record(id).restart == RestartRecord{RestartKind::on_failure, 3});
    CHECK(list_directory(shop.lab.paths.staging()).empty());
    shop.lab.one(OpKind::restart_container, id);
    check();
    shop.kill_supervisor();
    // Lower, where memory and swap have to go in the other order; and what does not fit is refused as a whole.
    ContainerUpdate lower;
    lower.memory = 32 << 20;
    lower.memory_swap = 32 << 20;
    update_container(shop.engine, shop.info(id), lower);
    CHECK(limit(shop.lab.status(id).pid, "memory", "memory.limit_in_bytes", "memory.max") ==
          std::to_string(32 << 20) + "\n");
    ContainerUpdate wrong;
    wrong.memory = 1 << 20;
    CHECK(kind_of([&] { update_container(shop.engine, shop.info(id), wrong); }) == Errc::invalid_project);
    ContainerUpdate share;
    share.cpu_shares = 100;
    update_container(shop.engine, shop.info(id), share);
    CHECK(list_directory(shop.lab.paths.staging()).empty());
}

TEST_CASE("a running container gets a network and loses it") {
    LiveShop shop("wired");
    NetworkSpec spec;
    spec.name = "proxy";
    spec.pools.emplace_back().subnet = "10.123.77.0/24";
    const NetworkInfo proxy = create_network(shop.engine, spec);
    CHECK(proxy.project.empty());
    CHECK(kind_of([&] { create_network(shop.engine, spec); }) == Errc::conflict);
    const std::string a = shop.lab.add("a", "exec sleep 1000"), b = shop.lab.add("b", "exec sleep 1000");
    shop.lab.up();
    ConnectOptions how;
    how.aliases = {"www"};
    how.ipv4 = "10.123.77.9";
    connect_network(shop.engine, proxy, shop.info(a), how);
    CHECK(shop.inside(a, "ip -o -4 addr show eth1").find("10.123.77.9/24") != std::string::npos);
    CHECK(read_file(shop.lab.paths.hosts(a)).find("10.123.77.9") != std::string::npos);
    CHECK(kind_of([&] { connect_network(shop.engine, proxy, shop.info(a), how); }) == Errc::conflict);
    connect_network(shop.engine, proxy, shop.info(b));
    auto resolves = [&] {
        return shell("nsenter -t " + std::to_string(shop.lab.status(b).pid) +
                     " -n dig +short +time=2 @127.0.0.11 www || true") == "10.123.77.9\n";
    };
    CHECK(resolves());
    CHECK(containers_of(shop.engine, proxy).size() == 2);
    CHECK(kind_of([&] { remove_network(shop.engine, "proxy"); }) == Errc::conflict);

    shop.kill_supervisor();
    shop.lab.until("the next supervisor knows the network", resolves);
    shop.lab.one(OpKind::restart_container, a);
    CHECK(shop.inside(a, "ip -o -4 addr show eth1").find("10.123.77.9/24") != std::string::npos);

    disconnect_network(shop.engine, proxy, shop.info(a));
    CHECK(shop.inside(a, "ls /sys/class/net; ip -o link").find("eth1") == std::string::npos);
    CHECK(read_file(shop.lab.paths.hosts(a)).find("10.123.77.9") == std::string::npos);
    CHECK(!resolves());
    CHECK(kind_of([&] { disconnect_network(shop.engine, proxy, shop.info(a)); }) == Errc::conflict);
    // The address is free again.
    disconnect_network(shop.engine, proxy, shop.info(b));
    connect_network(shop.engine, proxy, shop.info(b), how);
    CHECK(resolves());
    disconnect_network(shop.engine, proxy, shop.info(b));
    remove_network(shop.engine, "proxy");
    CHECK(kind_of([&] { network(shop.engine, "proxy"); }) == Errc::not_found);
    shop.lab.until("its bridge is gone", [&] { return shell("ip -o addr").find("10.123.77.1/") == std::string::npos; });
}

TEST_CASE("a stopped container is put on a network for its next start") {
    LiveShop shop("later");
    NetworkSpec spec;
    spec.name = "proxy";
    const NetworkInfo proxy = create_network(shop.engine, spec);
    const std::string id = shop.lab.add("a", "exec sleep 1000");
    shop.lab.apply(shop.lab.up_plan(false));
    connect_network(shop.engine, proxy, shop.info(id));
    shop.lab.one(OpKind::start_container, id);
    CHECK(shop.lab.status(id).endpoints.size() == 2);
    CHECK(!shop.inside(id, "ip -o link show eth1").empty());
    // From all of them, and back: it runs without any network meanwhile, also under the next supervisor.
    disconnect_network(shop.engine, proxy, shop.info(id));
    disconnect_network(shop.engine, network(shop.engine, shop.lab.record(id).endpoints.at(0).network), shop.info(id));
    CHECK(shop.inside(id, "ip -o link").find("eth") == std::string::npos);
    shop.kill_supervisor();
    connect_network(shop.engine, proxy, shop.info(id));
    CHECK(shop.inside(id, "ip -o -4 addr show eth0").find(shop.lab.status(id).endpoints.at(0).ipv4) !=
          std::string::npos);
    CHECK(shop.inside(id, "ip route").find("default") != std::string::npos);
    shop.lab.down();
    remove_network(shop.engine, "proxy");
}

TEST_CASE("bridge, host and none are always there, and networks and volumes go when nobody has them") {
    LiveShop shop("always");
    for (const char* name : {"bridge", "host", "none"}) {
        const NetworkInfo n = network(shop.engine, name);
        CHECK(is_builtin(n));
        CHECK(n.id.size() == 64);
        CHECK(network(shop.engine, n.id.substr(0, 12)).name == name);
        CHECK(kind_of([&] { remove_network(shop.engine, name); }) == Errc::denied);
        NetworkSpec spec;
        spec.name = name;
        CHECK(kind_of([&] { create_network(shop.engine, spec); }) == Errc::denied);
    }
    NetworkSpec keep, go;
    keep.name = "keep";
    keep.labels = {{"keep", "1"}};
    go.name = "go";
    create_network(shop.engine, keep);
    create_network(shop.engine, go);
    std::vector<std::string> gone;
    prune_networks(
        shop.engine, [](const NetworkInfo& n) { return !n.labels.contains("keep"); },
        [&](const NetworkInfo& n) { gone.push_back(n.name); });
    CHECK(gone == std::vector<std::string>{"go"});
    prune_networks(shop.engine);
    CHECK(kind_of([&] { network(shop.engine, "keep"); }) == Errc::not_found);
    CHECK(network(shop.engine, "bridge").name == "bridge");

    VolumeSpec volume;
    volume.name = "data";
    volume.labels = {{"a", "b"}};
    CHECK(create_volume(shop.engine, volume).labels == volume.labels);
    CHECK(create_volume(shop.engine, volume).name == "data");
    CHECK(create_volume(shop.engine, {}).name.size() == 64);
    VolumeSpec wrong;
    wrong.name = "x y";
    CHECK(kind_of([&] { create_volume(shop.engine, wrong); }) == Errc::invalid_project);
    wrong.name = "xy";
    wrong.driver_opts = {{"bogus", "1"}};
    CHECK(kind_of([&] { create_volume(shop.engine, wrong); }) == Errc::invalid_project);
    wrong.driver_opts = {{"type", "tmpfs"}};
    CHECK(kind_of([&] { create_volume(shop.engine, wrong); }) == Errc::invalid_project);
    wrong.driver = "nosuch";
    CHECK(kind_of([&] { create_volume(shop.engine, wrong); }) == Errc::not_found);
    int removed = 0;
    prune_volumes(shop.engine, false, [&](const VolumeInfo& v) { removed += v.anonymous; });
    CHECK(removed == 1);
    VolumeSpec elsewhere; // what its options name is not davit's to throw away
    elsewhere.name = "elsewhere";
    elsewhere.driver_opts = {{"type", "tmpfs"}, {"device", "tmpfs"}};
    create_volume(shop.engine, elsewhere);
    prune_volumes(shop.engine, true);
    REQUIRE(shop.engine.volumes().size() == 1);
    CHECK(shop.engine.volumes()[0].name == "elsewhere");
    remove_volume(shop.engine, "elsewhere");
}

TEST_CASE("the first container on bridge makes it, clear of what has 172.17 already") {
    shell("ip link add docker0 type bridge; ip addr add 172.17.0.1/16 dev docker0; ip link set docker0 up");
    {
        LiveShop shop("first");
        const auto on_bridge = [](ContainerRecord& r, runtime::Spec&) {
            r.endpoints.resize(1);
            r.endpoints[0] = EndpointRecord{};
            r.endpoints[0].network = "bridge";
        };
        const std::string id = shop.lab.add("a", "exec sleep 1000", on_bridge);
        shop.lab.up();
        const std::string address = shop.lab.status(id).endpoints.at(0).ipv4;
        CHECK(!address.empty());
        CHECK(!address.starts_with("172.17."));
        CHECK(shop.inside(id, "ip route").find("default") != std::string::npos);
        CHECK(network(shop.engine, "bridge").pools.at(0).subnet.starts_with("172.17.") == false);
        shop.lab.down();
    }
    shell("ip link del docker0");
    LiveShop shop("second");
    const std::string id = shop.lab.add("a", "exec sleep 1000", [](ContainerRecord& r, runtime::Spec&) {
        r.endpoints.resize(1);
        r.endpoints[0] = EndpointRecord{};
        r.endpoints[0].network = "bridge";
    });
    shop.lab.up();
    CHECK(shop.lab.status(id).state == ContainerState::running);
    shop.lab.down();
    shop.lab.until("no bridge is left", [] { return shell("ip -o link").find("dv-") == std::string::npos; });
}

TEST_CASE("events are told when all supervisors have ended, and to who follows while projects come") {
    const std::int64_t before = sys::realtime_ns();
    std::vector<std::string> seen;
    {
        LiveShop shop("told");
        std::stop_source end;
        std::jthread follower([&] {
            follow_machine_events(
                shop.engine, {}, {{"type", "container"}},
                [&](const MachineEvent& e) {
                    seen.push_back(e.action);
                    return true;
                },
                end.get_token());
        });
        ::usleep(100'000);
        const std::string id = shop.lab.add("a", "exec sleep 1000", Lab::on_no_network());
        shop.lab.up();
        shop.lab.one(OpKind::pause_container, id);
        shop.lab.one(OpKind::unpause_container, id);
        rename_container(shop.engine, shop.info(id), "told-b");
        shop.lab.down();
        shop.lab.until("the follower has seen the end", [&] { return !seen.empty() && seen.back() == "destroy"; });
        end.request_stop();
    }
    const std::vector<std::string> wanted{"create", "start", "pause", "unpause", "rename",
                                          "kill",   "kill",  "stop",  "die",     "destroy"};
    CHECK(seen == wanted);
    Engine engine(options_of({"/var/lib/davit", "/run/davit"}));
    std::vector<std::string> later;
    EventRange range;
    range.since = before;
    range.until = sys::realtime_ns();
    follow_machine_events(engine, range, {{"container", "told-"}}, [&](const MachineEvent& e) {
        CHECK(e.project == "told");
        later.push_back(e.action);
        return true;
    });
    CHECK(later == wanted);
    range.until = before;
    follow_machine_events(engine, range, {}, [&](const MachineEvent&) {
        CHECK_MESSAGE(false, "nothing was before");
        return true;
    });
}

// Numbers of the network layer, as root: net_bench [seconds], or net_bench vips. DNS answers per second as dnsperf sees
// them inside a container, and what wiring an endpoint costs. All in namespaces of its own.
#include "lab.hpp"
#include "vips_bench.hpp"

#include "base/process.hpp"
#include "base/sys.hpp"
#include "net/bridge.hpp"
#include "net/dns/server.hpp"
#include "net/firewall.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string>
#include <unistd.h>

using namespace davit;
using namespace davit::net;

namespace {

using Clock = std::chrono::steady_clock;
double ms_since(Clock::time_point t) { return std::chrono::duration<double, std::milli>(Clock::now() - t).count(); }

void bench_dns(const std::string& seconds) {
    EventLoop loop;
    dns::Registry registry;
    for (int i = 1; i <= 50; ++i)
        registry.publish({"id" + std::to_string(i),
                          "shop-s" + std::to_string(i) + "-1",
                          "shop_default",
                          {IpAddress::parse("10.0.0.1").plus(static_cast<unsigned>(i))},
                          {"s" + std::to_string(i)}});
    dns::Server server(loop, registry);
    const UniqueFd container = create_netns();
    server.serve({{"cli", {"shop_default"}, {}}, {}, true}, dns::open_sockets(container.get()), container.get());
    const lab::TempDir dir;
    std::string names;
    for (int i = 1; i <= 50; ++i) names += "s" + std::to_string(i) + " A\n";
    const UniqueFd file = sys::open(dir.path() + "/names", O_CREAT | O_WRONLY);
    sys::write_all(file.get(), names);
    SpawnOptions dnsperf;
    dnsperf.argv = {"dnsperf", "-s", "127.0.0.11", "-d", dir.path() + "/names", "-l", seconds, "-q", "200"};
    Child child = in_netns(container.get(), [&] { return Child::spawn(dnsperf); });
    bool done = false;
    const auto watch = loop.watch_fd(child.pidfd(), 1 /* EPOLLIN */, [&](std::uint32_t) { done = true; });
    while (!done) loop.run_once(std::chrono::milliseconds(1000));
    child.wait();
    std::printf("dns: %llu queries answered here\n", static_cast<unsigned long long>(server.stats().local));
}

void bench_wiring() {
    NetlinkSocket host(NETLINK_ROUTE);
    constexpr std::uint32_t group = 0x40000001;
    create_bridge(host, {"dv-bench", "bench/n", {InterfaceAddress::parse("172.30.0.1/16")}, 0, false, group});
    std::vector<UniqueFd> all;
    std::vector<double> wiring, dns_times;
    for (unsigned i = 0; i < 50; ++i) {
        auto t = Clock::now();
        all.push_back(lab::container(host, "dv-bench", {{IpAddress::parse("172.30.1.0").plus(i), 16}},
                                     IpAddress::parse("172.30.0.1")));
        wiring.push_back(ms_since(t));
        t = Clock::now();
        const auto sockets = dns::open_sockets(all.back().get());
        dns_times.push_back(ms_since(t));
    }
    for (auto* v : {&wiring, &dns_times}) std::sort(v->begin(), v->end());
    std::printf("wiring: namespace, veth, address, route: p50 %.2f ms, max %.2f ms\n", wiring[25], wiring.back());
    std::printf("dns sockets and redirect: p50 %.2f ms, max %.2f ms\n", dns_times[25], dns_times.back());
    auto t = Clock::now();
    delete_group(host, group);
    std::printf("removal of 51 links: %.1f ms\n", ms_since(t));
}

void bench_table() {
    const lab::TempDir run;
    NetlinkSocket netfilter(NETLINK_NETFILTER);
    ProjectNetState s{
        "bench", 0x40000001, {{"n", "dv-bench", {Subnet::parse("172.30.0.0/16")}, false, true, true}}, {}};
    auto t = Clock::now();
    commit(MachineLock::acquire(run.path()), netfilter, s);
    std::printf("table: first use %.2f ms", ms_since(t));
    for (std::uint16_t i = 0; i < 1000; ++i)
        s.ports.push_back({"c", "c", Proto::tcp, std::nullopt, static_cast<std::uint16_t>(10000 + i), 80, 1,
                           IpAddress::parse("172.30.0.2")});
    t = Clock::now();
    commit(MachineLock::acquire(run.path()), netfilter, s);
    std::printf(", 1000 ports more %.2f ms", ms_since(t));
    s.ports.push_back({"c", "c", Proto::tcp, std::nullopt, 9999, 80, 1, IpAddress::parse("172.30.0.2")});
    t = Clock::now();
    commit(MachineLock::acquire(run.path()), netfilter, s);
    std::printf(", one more %.2f ms", ms_since(t));
    t = Clock::now();
    render(load_state(run.path())).commit(netfilter);
    std::printf(", whole %.2f ms", ms_since(t));
    t = Clock::now();
    commit(MachineLock::acquire(run.path()), netfilter, {"bench", 0, {}, {}});
    std::printf(", removal %.2f ms\n", ms_since(t));
}

} // namespace

int main(int argc, char** argv) {
    if (::geteuid() != 0 || ::unshare(CLONE_NEWNET) < 0) {
        std::puts("needs root");
        return 77;
    }
    const UniqueFd mine = create_netns();
    const NetnsScope scope(mine.get());
    lab::bench_vips();
    if (argc > 1 && std::string(argv[1]) == "vips") return 0;
    bench_wiring();
    bench_table();
    bench_dns(argc > 1 ? argv[1] : "5");
}

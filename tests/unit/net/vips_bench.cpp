// Numbers of virtual addresses: changes of a large table, and what a connection through one costs.
#include "vips_bench.hpp"

#include "lab.hpp"

#include "net/bridge.hpp"
#include "net/netns.hpp"
#include "net/vips.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

namespace davit::net::lab {

namespace {

using Clock = std::chrono::steady_clock;
double milliseconds_since(Clock::time_point t) {
    return std::chrono::duration<double, std::milli>(Clock::now() - t).count();
}

// What other processes of a busy machine take is not in it.
double cpu_ms() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
}

constexpr unsigned vips = 1000, targets = 10;

VipTable large(unsigned first_target, unsigned count = targets) {
    VipTable t;
    for (unsigned v = 0; v < vips; ++v)
        for (unsigned i = 0; i < count; ++i)
            t[IpAddress::parse("10.1.0.1").plus(v)].push_back(
                IpAddress::parse("10.2.0.0").plus(v * 16 + first_target + i));
    return t;
}

template <typename Make>
void time_change(const char* what, NetlinkSocket& netfilter, VipTable& now, Make make) {
    std::vector<double> rendering, commit, cpu;
    for (int i = 0; i < 9; ++i) {
        const VipTable next = make(i);
        auto t = Clock::now();
        const auto change = render_vip_change(now, next);
        rendering.push_back(milliseconds_since(t));
        t = Clock::now();
        const double used = cpu_ms();
        change.commit(netfilter);
        commit.push_back(milliseconds_since(t));
        cpu.push_back(cpu_ms() - used);
        now = next;
    }
    std::sort(rendering.begin(), rendering.end());
    std::sort(commit.begin(), commit.end());
    std::sort(cpu.begin(), cpu.end());
    std::printf(
        "  %s: rendered %.2f ms (once for all clients), a namespace %.2f ms (best %.2f, worst %.2f, processor %.2f)\n",
        what, rendering[4], commit[4], commit.front(), commit.back(), cpu[4]);
}

void bench_changes() {
    const UniqueFd ns = create_netns();
    NetlinkSocket netfilter(NETLINK_NETFILTER, ns.get());
    VipTable now = large(0);
    auto t = Clock::now();
    const auto whole = render_vips(now, false);
    const double rendering = milliseconds_since(t);
    t = Clock::now();
    whole.commit(netfilter);
    std::printf("%u virtual addresses with %u targets: rendered %.1f ms, written %.1f ms\n", vips, targets, rendering,
                milliseconds_since(t));
    const VipTable base = now;
    time_change("one gets another target", netfilter, now, [&](int i) {
        VipTable n = base;
        n.begin()->second[3] = IpAddress::parse("10.3.0.0").plus(static_cast<unsigned>(i));
        return n;
    });
    time_change("one loses or gets a target", netfilter, now, [&](int i) {
        VipTable n = base;
        if (i % 2 == 0) n.begin()->second.pop_back();
        return n;
    });
    time_change("each gets one other target", netfilter, now, [&](int i) {
        VipTable n = base;
        for (auto& [vip, list] : n) list[static_cast<std::size_t>(i)] = list[0].plus(15);
        return n;
    });
    time_change("each loses or gets a target", netfilter, now, [&](int i) { return large(0, i % 2 ? 10 : 9); });
    time_change("each gets ten other targets", netfilter, now, [&](int i) { return large(i % 2 ? 0 : 1); });
}

double connect_once(int from, const IpAddress& to, int listener) {
    const int s = in_netns(from, [] { return ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); });
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_port = htons(8080);
    std::memcpy(&at.sin_addr, to.data(), 4);
    const auto t = Clock::now();
    const bool ok = ::connect(s, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
    const double us = milliseconds_since(t) * 1000;
    const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    const linger now{1, 0};
    ::setsockopt(s, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    ::close(s);
    ::close(accepted);
    return ok ? us : 1e9;
}

void bench_connections() {
    constexpr int rounds = 5000;
    NetlinkSocket host(NETLINK_ROUTE);
    create_bridge(host, {"dv-vb", "bench/v", {InterfaceAddress::parse("10.2.0.1/16")}, 0, false, 0x40000002});
    const auto gateway = IpAddress::parse("10.2.0.1"), server_address = IpAddress::parse("10.2.0.2");
    const UniqueFd server = container(host, "dv-vb", {{server_address, 16}}, gateway);
    const UniqueFd client = container(host, "dv-vb", {{IpAddress::parse("10.2.0.3"), 16}}, gateway);
    const UniqueFd listener = tcp_listen(server.get(), "0.0.0.0", 8080);
    NetlinkSocket netfilter(NETLINK_NETFILTER, client.get());
    VipTable table = large(100);
    const auto vip = table.begin()->first;
    in_netns(client.get(), [&] { output_of({"ip", "route", "add", "10.1.0.0/16", "dev", "eth0"}); });
    table[vip] = {server_address};
    // A container has connection tracking as soon as it has the table; so has the direct connection then.
    std::vector<double> bare, direct, through;
    for (int i = 0; i < rounds; ++i) bare.push_back(connect_once(client.get(), server_address, listener.get()));
    write_vips(netfilter, table);
    for (int i = 0; i < rounds; ++i) {
        direct.push_back(connect_once(client.get(), server_address, listener.get()));
        through.push_back(connect_once(client.get(), vip, listener.get()));
    }
    for (auto* list : {&bare, &direct, &through}) std::sort(list->begin(), list->end());
    std::printf(
        "connect p50: direct without the table %.1f us, direct %.1f us, virtual %.1f us (%.3f); p99 %.1f %.1f %.1f\n",
        bare[rounds / 2], direct[rounds / 2], through[rounds / 2], through[rounds / 2] / direct[rounds / 2],
        bare[rounds * 99 / 100], direct[rounds * 99 / 100], through[rounds * 99 / 100]);
    delete_group(host, 0x40000002);
}

} // namespace

void bench_vips() {
    bench_changes();
    bench_connections();
}

} // namespace davit::net::lab

#include "runtime/steps.hpp"

#include "davit/error.hpp"
#include "runtime/defaults.hpp"
#include "runtime/exec/step_view.hpp"

#include <cstring>
#include <doctest/doctest.h>
#include <sys/resource.h>

using namespace davit;
using namespace davit::runtime;

namespace {

Spec small() {
    Spec s = default_spec();
    s.id = std::string(64, 'a');
    s.cgroup = "davit/p/aaaa";
    s.process.args = {"sh", "-c", "true"};
    s.process.env = {"A=1", "B=2", "A=3"};
    s.root.overlay = {{"/layers/two", "/layers/one"}, "/c/upper", "/c/work"};
    s.hostname = "aaaaaaaaaaaa";
    s.seccomp.kind = Seccomp::Kind::unconfined;
    return s;
}

HostFacts v1_host() {
    HostFacts h;
    h.cgroups = {{"/sys/fs/cgroup/memory", {"memory"}, false, false},
                 {"/sys/fs/cgroup/cpu,cpuacct", {"cpu", "cpuacct"}, false, false},
                 {"/sys/fs/cgroup/cpuset", {"cpuset"}, false, false},
                 {"/sys/fs/cgroup/pids", {"pids"}, false, false},
                 {"/sys/fs/cgroup/blkio", {"blkio"}, false, false},
                 {"/sys/fs/cgroup/devices", {"devices"}, false, false},
                 {"/sys/fs/cgroup/freezer", {"freezer"}, false, false},
                 {"/sys/fs/cgroup/unified", {"hugetlb"}, true, false}};
    h.grantable = ~CapSet{0};
    return h;
}

HostFacts v2_host() {
    HostFacts h;
    h.cgroups = {{"/sys/fs/cgroup", {"cpuset", "cpu", "io", "memory", "pids"}, true, false}};
    h.cgroup_v2_only = true;
    h.grantable = ~CapSet{0};
    return h;
}

bool has_line(const std::string& text, const std::string& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}
std::size_t place(const std::string& text, const std::string& line) { return ("\n" + text).find("\n" + line); }

} // namespace

TEST_CASE("a plain container's steps come in the order that is safe") {
    std::string steps = describe(compile(small(), v1_host()));
    CHECK(place(steps, "propagation") < place(steps, "root overlay /layers/two:/layers/one upper /c/upper"));
    CHECK(place(steps, "root overlay") < place(steps, "mount proc"));
    CHECK(place(steps, "mount proc") < place(steps, "sysctl sys/net/ipv4/ip_unprivileged_port_start = 0"));
    CHECK(place(steps, "sysctl") < place(steps, "mount tmpfs (mode=755,size=65536k) on /dev "));
    CHECK(place(steps, "mount tmpfs (mode=755,size=65536k) on /dev ") < place(steps, "device /dev/null 20666 0x103"));
    CHECK(place(steps, "device /dev/null") < place(steps, "mask /proc/acpi"));
    CHECK(place(steps, "mask") < place(steps, "pivot root"));
    CHECK(place(steps, "pivot root") < place(steps, "user ''"));
    CHECK(place(steps, "user ''") <
          place(steps, "capabilities bounding a80425fb permitted a80425fb effective a80425fb inheritable 0 ambient 0"));
    CHECK(place(steps, "capabilities") < place(steps, "execute sh -c true with 2 variables"));
    CHECK(place(steps, "execute") != std::string::npos);
}

TEST_CASE("limits become files of cgroup v1") {
    Spec s = small();
    s.resources.memory = 64 << 20;
    s.resources.reservation = 32 << 20;
    s.resources.cpu_quota = 150000;
    s.resources.cpu_period = 100000;
    s.resources.cpu_shares = 512;
    s.resources.cpuset_cpus = "1";
    s.resources.pids = 33;
    std::string steps = describe(compile(s, v1_host()));
    CHECK(has_line(steps, "limit 0 memory.limit_in_bytes = 67108864"));
    CHECK(has_line(steps, "limit 0 memory.memsw.limit_in_bytes = 134217728"));
    CHECK(has_line(steps, "limit 0 memory.soft_limit_in_bytes = 33554432"));
    CHECK(has_line(steps, "limit 1 cpu.cfs_quota_us = 150000"));
    CHECK(has_line(steps, "limit 1 cpu.shares = 512"));
    CHECK(has_line(steps, "limit 2 cpuset.cpus = 1"));
    CHECK(has_line(steps, "limit 3 pids.max = 33"));
    CHECK(has_line(steps, "limit 5 devices.deny = a"));
    CHECK(has_line(steps, "limit 5 devices.allow = c 1:3 rwm"));
    CHECK(has_line(steps, "limit 5 devices.allow = c *:* m"));
}

TEST_CASE("what all of a group may use is written to the group, before the container's own") {
    Spec s = small();
    s.cgroup = "davit/shop/task-Shop/" + s.id;
    s.group_memory = 256 << 20;
    s.group_cpu_quota = 25000;
    s.resources.memory = 64 << 20;
    s.resources.cpu_quota = 25000;
    std::string steps = describe(compile(s, v1_host()));
    CHECK(has_line(steps, "limit 0 ../memory.limit_in_bytes = 268435456"));
    CHECK(has_line(steps, "limit 1 ../cpu.cfs_quota_us = 25000"));
    CHECK(place(steps, "limit 1 ../cpu.cfs_quota_us") < place(steps, "limit 1 cpu.cfs_quota_us"));
    steps = describe(compile(s, v2_host()));
    CHECK(has_line(steps, "limit 0 ../memory.max = 268435456"));
    CHECK(has_line(steps, "limit 0 ../cpu.max = 25000 100000"));
    CHECK(place(steps, "limit 0 ../memory.max") < place(steps, "limit 0 memory.max"));
}

TEST_CASE("limits become files of cgroup v2") {
    struct Row {
        const char* line;
        void (*set)(Resources&);
    };
    const Row rows[] = {
        {"limit 0 memory.max = 1000", [](Resources& r) { r.memory = 1000; }},
        {"limit 0 memory.swap.max = 1000", [](Resources& r) { r.memory = 1000; }},
        {"limit 0 memory.swap.max = 500", [](Resources& r) { r.memory = 1000, r.memory_swap = 1500; }},
        {"limit 0 memory.swap.max = max", [](Resources& r) { r.memory = 1000, r.memory_swap = -1; }},
        {"limit 0 memory.low = 7", [](Resources& r) { r.reservation = 7; }},
        {"limit 0 cpu.weight = 100", [](Resources& r) { r.cpu_shares = 1024; }},
        {"limit 0 cpu.weight = 1", [](Resources& r) { r.cpu_shares = 2; }},
        {"limit 0 cpu.weight = 10000", [](Resources& r) { r.cpu_shares = 262144; }},
        {"limit 0 cpu.max = 150000 100000", [](Resources& r) { r.cpu_quota = 150000; }},
        {"limit 0 cpu.max = max 50000", [](Resources& r) { r.cpu_period = 50000, r.cpu_quota = -1; }},
        {"limit 0 cpuset.cpus = 0-1", [](Resources& r) { r.cpuset_cpus = "0-1"; }},
        {"limit 0 pids.max = max", [](Resources& r) { r.pids = -1; }},
        {"limit 0 io.weight = 1", [](Resources& r) { r.blkio_weight = 10; }},
        {"limit 0 io.weight = 10000", [](Resources& r) { r.blkio_weight = 1000; }},
        {"limit 0 memory.high = 5", [](Resources& r) { r.unified["memory.high"] = "5"; }},
    };
    for (const Row& row : rows) {
        Spec s = small();
        row.set(s.resources);
        CHECK_MESSAGE(has_line(describe(compile(s, v2_host())), row.line), row.line);
    }
    CHECK(describe(compile(small(), v2_host())).find("device filter") != std::string::npos);
    CHECK(describe(compile(small(), v2_host()))
              .find("cgroup /sys/fs/cgroup/davit/p/aaaa [+cpuset +cpu +io +memory +pids]") != std::string::npos);
}

TEST_CASE("what the machine cannot limit is a warning, what it must not is an error") {
    std::vector<std::string> warnings;
    HostFacts bare;
    Spec s = small();
    s.resources.devices.clear();
    s.resources.memory = 1;
    compile(s, bare, {}, &warnings);
    REQUIRE(warnings.size() == 1);
    CHECK(warnings[0] == "this machine has no cgroup controller 'memory': memory is not limited");
    s.resources.unified["memory.high"] = "1";
    CHECK_THROWS_AS(compile(s, v1_host()), Error);
}

TEST_CASE("what cgroup v2 has no file for is said") {
    Spec s = small();
    s.resources.swappiness = 60;
    s.resources.oom_kill_disable = true;
    s.resources.cpu_rt_runtime = 1000;
    std::vector<std::string> warnings;
    compile(s, v2_host(), {}, &warnings);
    REQUIRE(warnings.size() == 3);
    CHECK(warnings[0].find("mem_swappiness is ignored") != std::string::npos);
    CHECK(warnings[1].find("oom_kill_disable is ignored") != std::string::npos);
    CHECK(warnings[2].find("cpu_rt_runtime are ignored") != std::string::npos);
    warnings.clear();
    compile(s, v1_host(), {}, &warnings);
    CHECK(warnings.empty());
}

TEST_CASE("only sysctls of the container's own namespaces are taken") {
    auto error_for = [](const std::string& name, void (*change)(Spec&) = nullptr) -> std::string {
        Spec s = small();
        if (change) change(s);
        s.sysctls[name] = "1";
        try {
            compile(s, v1_host());
        } catch (const Error& e) {
            CHECK(e.kind() == Errc::invalid_project);
            return e.what();
        }
        return "";
    };
    CHECK(error_for("net.core.somaxconn") == "");
    CHECK(error_for("net/ipv4/conf/eth0.7/forwarding") == "");
    CHECK(error_for("kernel.msgmax") == "");
    CHECK(error_for("fs.mqueue.msg_max") == "");
    CHECK(error_for("vm.swappiness") == "sysctl \"vm.swappiness\" is not in a separate kernel namespace");
    CHECK(error_for("kernel.pid_max") != "");
    CHECK(error_for("net/../kernel/core_pattern") != "");
    CHECK(error_for("/net/core/somaxconn") != "");
    CHECK(error_for("net.core.somaxconn", [](Spec& s) { s.ns.net.mode = NsMode::host; }) != "");
    CHECK(error_for("kernel.shmmax", [](Spec& s) { s.ns.ipc.mode = NsMode::host; }) != "");
    CHECK(error_for("kernel.hostname") != "");
}

TEST_CASE("a sysctl is found by any of its spellings, and the default yields to each") {
    for (const char* name : {"net.ipv4.ip_unprivileged_port_start", "net/ipv4/ip_unprivileged_port_start"}) {
        Spec s = small();
        s.sysctls[name] = "1024";
        std::string steps = describe(compile(s, v1_host()));
        CHECK(has_line(steps, "sysctl sys/net/ipv4/ip_unprivileged_port_start = 1024"));
        CHECK_FALSE(has_line(steps, "sysctl sys/net/ipv4/ip_unprivileged_port_start = 0"));
        CHECK(has_line(steps, "sysctl sys/net/ipv4/ping_group_range = 0 2147483647"));
    }
    for (const char* name : {"net.ipv4.conf.eth0/7.forwarding", "net/ipv4/conf/eth0.7/forwarding"}) {
        Spec s = small();
        s.sysctls[name] = "1";
        CHECK(has_line(describe(compile(s, v1_host())), "sysctl sys/net/ipv4/conf/eth0.7/forwarding = 1"));
    }
}

TEST_CASE("a container in the host's network keeps the host's sysctls and interfaces") {
    Spec s = small();
    s.ns.net.mode = NsMode::host;
    std::string steps = describe(compile(s, v1_host()));
    CHECK(steps.find("sysctl") == std::string::npos);
    CHECK(steps.find("loopback") == std::string::npos);
}

TEST_CASE("a private cgroup mount shows each hierarchy and the names mounted together") {
    std::string steps = describe(compile(small(), v1_host()));
    CHECK(steps.find("mount /sys/fs/cgroup/memory/davit/p/aaaa on /sys/fs/cgroup/memory ") != std::string::npos);
    CHECK(has_line(steps, "link /sys/fs/cgroup/cpu -> cpu,cpuacct"));
    CHECK(has_line(steps, "link /sys/fs/cgroup/cpuacct -> cpu,cpuacct"));
}

TEST_CASE("bad text is refused when the steps are made") {
    auto refused = [](void (*change)(Spec&)) {
        Spec s = small();
        change(s);
        CHECK_THROWS_AS(compile(s, v1_host()), Error);
    };
    refused([](Spec& s) { s.process.args.clear(); });
    refused([](Spec& s) { s.process.args = {""}; });
    refused([](Spec& s) { s.process.cwd = "relative"; });
    refused([](Spec& s) { s.process.env.push_back(std::string("A=x\0y", 5)); });
    refused([](Spec& s) { s.mounts.push_back(Mount{}); });
    refused([](Spec& s) { s.process.rlimits = {{RLIMIT_NOFILE, 1, 1}, {RLIMIT_NOFILE, 2, 2}}; });
    refused([](Spec& s) { s.root.overlay.lower.assign(501, "/l"); });
    refused([](Spec& s) { s.ns.pid = {NsMode::path, "proc/1/ns/pid"}; });
}

TEST_CASE("steps that were cut or changed in any byte of their structure are refused or still in bounds") {
    std::string good = compile(small(), v1_host());
    exec::StepView view;
    CHECK(view.validate(good.data(), good.size()) == nullptr);
    for (std::size_t size : {std::size_t{0}, std::size_t{8}, good.size() - 1, good.size() / 2})
        CHECK(view.validate(good.data(), size) != nullptr);
    std::string longer = good + std::string(8, '\0');
    CHECK(view.validate(longer.data(), longer.size()) != nullptr);
    // Every byte to three values: whatever is still accepted must be readable to the end.
    std::size_t refused = 0;
    for (std::size_t i = 0; i < good.size(); ++i)
        for (char value : {'\0', '\x7f', '\xff'}) {
            std::string bad = good;
            bad[i] = value;
            exec::StepView v;
            if (v.validate(bad.data(), bad.size())) ++refused;
            else CHECK_NOTHROW(describe(bad));
        }
    CHECK(refused > 1000);
}

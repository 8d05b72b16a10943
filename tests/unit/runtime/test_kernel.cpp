// What differs between kernels and between cgroup v1, hybrid and v2. The same program runs on Debian's
// kernel 6.1 with cgroup v2 in tests/vm.
#include "unit/runtime/box.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "runtime/cgroup.hpp"

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

namespace {

// Directories below /tmp/layers, each with a file of its own name and all with "top"; names as long as
// those of the image store when long_names.
std::vector<std::string> layers(std::size_t count, bool long_names = false) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i) {
        std::string name =
            fmt::format("{}{}", long_names ? std::string(240, 'x') + "/" + std::string(100, 'y') : "layer", i);
        std::string dir = fmt::format("/tmp/layers-{}/{}", count, name);
        sys::make_dirs(dir + "/sub");
        write_file_in_place(fmt::format("{}/f{}", dir, i), "");
        write_file_in_place(dir + "/top", std::to_string(i) + "\n");
        write_file_in_place(dir + "/sub/top", "sub " + std::to_string(i) + "\n");
        out.push_back(dir);
    }
    std::reverse(out.begin(), out.end()); // the last one made is topmost
    return out;
}

Mount image_mount(std::vector<std::string> from, const std::string& subpath) {
    Mount m;
    m.kind = Mount::Kind::overlay;
    m.destination = "/img";
    m.layers = std::move(from);
    m.subpath = subpath;
    m.readonly = true;
    return m;
}

// This machine as if it had cgroup v2 alone: what needs no controller can be tried on a hybrid one too.
std::optional<HostFacts> only_v2() {
    HostFacts facts = host();
    std::erase_if(facts.cgroups, [](const CgroupHierarchy& h) { return !h.v2; });
    facts.cgroup_v2_only = true;
    if (facts.cgroups.empty()) return std::nullopt;
    return facts;
}

} // namespace

TEST_CASE("a root of many layers, and of layers with long names, is mounted on every kernel") {
    struct Row {
        std::size_t count;
        bool long_names;
    };
    for (Row row : {Row{2, false}, Row{5, true}, Row{130, false}, Row{499, false}}) {
        Box box;
        std::vector<std::string> all = layers(row.count, row.long_names);
        all.push_back(image());
        box.spec.root.overlay.lower = all;
        std::string last = std::to_string(row.count - 1);
        CHECK_MESSAGE(
            box.sh("cat /top; ls / | grep -c '^f[0-9]'; touch /new && rm /f0 && ls / | grep -c '^f[0-9]'").output() ==
                fmt::format("{}\n{}\n{}\n", last, row.count, row.count - 1),
            row.count);
    }
    Box over;
    over.spec.root.overlay.lower = std::vector<std::string>(501, image());
    CHECK_THROWS_WITH_AS(over.launch(), "the image has 501 layers; the kernel mounts at most 500", Error);
}

TEST_CASE("a mount of an image shows its layers read-only, or the part that is asked for") {
    struct Row {
        std::size_t count;
        const char *subpath, *script, *expected;
    };
    const Row rows[] = {
        {1, "", "cat /img/top /img/sub/top; touch /img/x 2>&1", "0\nsub 0\ntouch: /img/x: Read-only file system\n"},
        {70, "", "cat /img/top /img/sub/top; touch /img/x 2>&1", "69\nsub 69\ntouch: /img/x: Read-only file system\n"},
        {1, "sub", "cat /img/top; touch /img/x 2>&1", "sub 0\ntouch: /img/x: Read-only file system\n"},
        {70, "sub", "cat /img/top; touch /img/x 2>&1", "sub 69\ntouch: /img/x: Read-only file system\n"},
        {70, "top", "cat /img; (echo x > /img) 2>&1 | sed 's/.*: //'", "69\nRead-only file system\n"},
    };
    for (const Row& row : rows) {
        Box box;
        add_mount(box.spec, image_mount(layers(row.count), row.subpath));
        CHECK_MESSAGE(box.sh(row.script).output() == row.expected, row.count << " " << row.subpath);
    }
    Box missing;
    add_mount(missing.spec, image_mount(layers(3), "nowhere"));
    CHECK(missing.start_error().find("has no 'nowhere'") != std::string::npos);
    Box options;
    add_mount(options.spec, image_mount(layers(3), ""));
    CHECK(options.sh("awk '$5==\"/img\"{print $6}' /proc/self/mountinfo").output() == "ro,relatime\n");
}

TEST_CASE("with cgroup v2 devices are filtered by a program, and rules are honoured in order") {
    auto facts = only_v2();
    if (!facts) return;
    struct Row {
        std::vector<const char*> rules; // after the default ones; "-" in front: denied
        std::string expected;           // what may be done with zero and null
    };
    const Row rows[] = {
        {{}, "rw rw"},
        {{"-c 1:5 w"}, "r rw"},
        {{"-c 1:5 rw", "c 1:5 r"}, "r rw"},
        {{"-c 1:* rw", "c 1:3 r"}, "no r"},
        {{"-a *:* rw", "c 1:3 rw"}, "no rw"},
        {{"-a *:* rw", "c *:3 rwm"}, "no rw"},
        {{"-b *:* rwm"}, "rw rw"},
        {{"-c 1:* rw", "a *:* rwm"}, "rw rw"},
    };
    for (const Row& row : rows) {
        Box box;
        box.facts = *facts;
        box.sh("may() { r=; (exec < $1) 2>&- && r=r; (exec > $1) 2>&- && r=${r}w; echo ${r:-no}; }; echo $(may "
               "/dev/zero) $(may /dev/null)");
        for (const char* rule : row.rules) {
            DeviceRule r = device_rule_from_text(*rule == '-' ? rule + 1 : rule);
            r.allow = *rule != '-';
            box.spec.resources.devices.push_back(r);
        }
        CHECK(box.output() == row.expected + "\n");
    }
}

TEST_CASE("with cgroup v2 a container is frozen, thawed and killed through its group") {
    auto facts = only_v2();
    if (!facts) return;
    Box box;
    box.facts = *facts;
    box.sh("i=0; while :; do i=$((i+1)); echo $i > /n.tmp; mv /n.tmp /n; done").launch();
    Started started = box.wait_started();
    std::string counter = "/proc/" + std::to_string(started.pid) + "/root/n";
    auto end = std::chrono::steady_clock::now() + limit;
    while (!exists(counter)) REQUIRE(std::chrono::steady_clock::now() < end);
    CHECK(read_file(facts->cgroups[0].mount_point + "/" + box.spec.cgroup + "/cgroup.procs")
              .find(std::to_string(started.pid) + "\n") == 0);
    box.shim.control.pause();
    CHECK(box.shim.control.wait_for<Reply>(limit).errnum == 0);
    auto events = [&] { return read_file(facts->cgroups[0].mount_point + "/" + box.spec.cgroup + "/cgroup.events"); };
    while (events().find("frozen 1") == std::string::npos) REQUIRE(std::chrono::steady_clock::now() < end);
    box.shim.control.status();
    CHECK(box.shim.control.wait_for<ShimStatus>(limit).paused);
    std::string before = read_file(counter);
    CHECK(box.exec({"true"}).error.find("paused") != std::string::npos);
    CHECK(read_file(counter) == before);
    box.shim.control.unpause();
    CHECK(box.shim.control.wait_for<Reply>(limit).errnum == 0);
    while (read_file_if_exists(counter).value_or(before) == before) REQUIRE(std::chrono::steady_clock::now() < end);
    box.shim.control.pause();
    CHECK(box.shim.control.wait_for<Reply>(limit).errnum == 0);
    box.shim.control.signal(SIGKILL); // ends a frozen one as well
    CHECK(box.wait_exited().signal == SIGKILL);
    CHECK_FALSE(exists(facts->cgroups[0].mount_point + "/" + box.spec.cgroup));
}

TEST_CASE("on cgroup v2 exec follows an init that moved into a group of its own below the container's") {
    auto facts = only_v2();
    if (!facts) return;
    Box box;
    box.facts = *facts;
    box.spec.ns.private_cgroup = true;
    find_mount(box.spec, "/sys/fs/cgroup")->readonly = false;
    box.sh("cd /sys/fs/cgroup; mkdir init && echo 1 > init/cgroup.procs; for c in $(cat cgroup.controllers); do echo "
           "+$c > cgroup.subtree_control; done; "
           "echo moved; exec sleep 1000")
        .launch();
    box.wait_started();
    auto end = std::chrono::steady_clock::now() + limit;
    while (box.log_text().find("moved") == std::string::npos) REQUIRE(std::chrono::steady_clock::now() < end);
    auto r = box.exec({"grep", "^0:", "/proc/self/cgroup"});
    CHECK(r.error == "");
    CHECK(r.out == "0::/init\n");
    std::string group = facts->cgroups[0].mount_point + "/" + box.spec.cgroup;
    CHECK(exists(group + "/init"));
    box.shim.control.signal(SIGKILL);
    box.wait_exited();
    CHECK_FALSE(exists(group));
}

TEST_CASE("on cgroup v2 the levels above a container hand the controllers down, and limits are read back") {
    if (!host().cgroup_v2_only) return;
    Box box;
    box.spec.resources.memory = 64 << 20;
    box.spec.resources.memory_swap = 96 << 20;
    box.spec.resources.reservation = 32 << 20;
    box.spec.resources.cpu_quota = 50000;
    box.spec.resources.cpu_period = 100000;
    box.spec.resources.cpu_shares = 1024;
    box.spec.resources.cpuset_cpus = "0";
    box.spec.resources.pids = 40;
    CHECK(box.sh("cd /sys/fs/cgroup; cat memory.max memory.low cpu.max cpu.weight cpuset.cpus.effective pids.max; cat "
                 "memory.swap.max 2>/dev/null || echo 33554432")
              .output() == "67108864\n33554432\n50000 100000\n100\n0\n40\n33554432\n");
    std::string project = host().cgroups[0].mount_point + "/davit/test";
    std::string down = read_file(project + "/cgroup.subtree_control");
    for (const char* controller : {"cpuset", "cpu", "io", "memory", "pids"})
        CHECK_MESSAGE(down.find(controller) != std::string::npos, controller);
}

TEST_CASE("a level of cgroups that another project removes while it is empty is made again under a start") {
    host();                        // asked before the processes part
    const pid_t others = ::fork(); // no thread: a child forked beside one may not allocate
    if (others == 0)
        for (;; ::poll(nullptr, 0, 1)) remove_empty_cgroup(host(), "davit-shared"); // far more often than projects end
    int failures = 0;
    for (int round = 0; round < 100 && !failures; ++round) {
        const pid_t child = ::fork();
        if (child == 0) {
            try {
                join_cgroup(host(), "davit-shared/one/supervisor");
                ::_exit(0);
            } catch (const std::exception& e) {
                std::fprintf(stderr, "%s\n", e.what());
                ::_exit(1);
            }
        }
        int status = -1;
        ::waitpid(child, &status, 0);
        failures += status != 0;
        CHECK(remove_cgroup(host(), "davit-shared/one"));
    }
    CHECK(failures == 0);
    for (int round = 0; round < 10; ++round) {
        Box box;
        box.spec.cgroup = "davit-shared/two/" + std::to_string(round);
        CHECK(box.run() == 0);
        CHECK(remove_cgroup(host(), "davit-shared/two"));
    }
    ::kill(others, SIGKILL);
    ::waitpid(others, nullptr, 0);
    remove_empty_cgroup(host(), "davit-shared");
    for (const auto& h : host().cgroups) CHECK_FALSE(std::filesystem::exists(h.mount_point + "/davit-shared"));
}

TEST_CASE("a group that holds a process or a group is not empty") {
    FdPair joined = sys::pipe();
    const pid_t child = ::fork();
    if (child == 0) {
        join_cgroup(host(), "davit-full/sub");
        sys::write_all(joined.second.get(), "x");
        for (;;) ::pause();
    }
    char byte = 0;
    REQUIRE(::read(joined.first.get(), &byte, 1) == 1);
    remove_empty_cgroup(host(), "davit-full");
    remove_empty_cgroup(host(), "davit-full/sub");
    for (const auto& h : host().cgroups) CHECK(std::filesystem::exists(h.mount_point + "/davit-full/sub"));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    CHECK(remove_cgroup(host(), "davit-full/sub"));
    remove_empty_cgroup(host(), "davit-full");
    for (const auto& h : host().cgroups) CHECK_FALSE(std::filesystem::exists(h.mount_point + "/davit-full"));
}

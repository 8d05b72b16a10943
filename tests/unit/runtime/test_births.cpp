// What the others in a container can see of a process that comes to them: exec, healthchecks, hooks, and the
// init of a container that joins their pid namespace.
#include "unit/runtime/box.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

namespace {

// The host's environment has something to find.
struct HostSecret {
    HostSecret() { ::setenv("DAVIT_HOST_SECRET", "of who typed up", 1); }
    ~HostSecret() { ::unsetenv("DAVIT_HOST_SECRET"); }
};

std::size_t count(const std::string& text, const std::string& line) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = text.find(line, at)) != std::string::npos; at += line.size()) ++n;
    return n;
}

void wait_until_ready(const Box& box) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (box.log_text().find("ready\n") == std::string::npos) REQUIRE(std::chrono::steady_clock::now() < end);
}

std::string first_bad(const std::string& log) {
    const auto at = log.find("bad: ");
    return at == std::string::npos ? "" : log.substr(at, 400);
}

// Without stdin, as a healthcheck, or with all three, as exec -T.
int run_in(Box& box, bool healthcheck) {
    ExecSpec e = exec_spec(box.spec);
    e.process.args = {"true"};
    return (healthcheck ? box.exec_without_input(e) : box.exec(e)).code;
}

// Executes until the onlooker has met so many before their program ran; it must not find anything.
void watch_births(Box& box) {
    const bool lasting = std::getenv("DAVIT_LONG") != nullptr;
    const int least = lasting ? 1000 : 60; // an exec takes 25 times as long in an emulated machine
    const std::size_t wanted = lasting ? 200 : 10;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(280);
    for (int i = 1;; ++i) {
        REQUIRE(run_in(box, i % 2) == 0);
        if (i % 20 != 0) continue; // reading the log takes longer than an exec
        const std::string log = box.log_text();
        REQUIRE(first_bad(log) == "");
        if (i >= least && count(log, "early\n") >= wanted) break;
        REQUIRE_MESSAGE(std::chrono::steady_clock::now() < end, "it met only " << count(log, "early\n"));
    }
    CHECK(first_bad(box.log_text()) == "");
}

} // namespace

TEST_CASE("CVE-2016-9962: who may trace in a container finds in each new process only what that keeps") {
    HostSecret secret;
    for (const char* user : {"", "1000"}) {
        Box box({"/onlooker", "trace"});
        with_onlooker(box);
        set_capabilities(box.spec.process, resolve_capabilities({"SYS_PTRACE"}, {}));
        box.launch();
        box.wait_started();
        wait_until_ready(box);
        if (*user) { // the onlooker stays root
            box.spec.process.user.name = user;
            for (int i = 0; i < 20; ++i) REQUIRE(run_in(box, i % 2) == 0);
            CHECK(first_bad(box.log_text()).find("Cap") == std::string::npos); // ids differ, rights must not
            continue;
        }
        watch_births(box);
    }
}

TEST_CASE("who has no rights at all reads nothing of the host in a new process") {
    HostSecret secret;
    Box box({"/onlooker", "look"});
    with_onlooker(box);
    box.spec.process.user.name = "1000:1000";
    set_capabilities(box.spec.process, CapSet{0});
    box.launch();
    box.wait_started();
    wait_until_ready(box);
    watch_births(box);
}

TEST_CASE("a container that joins another's pid namespace shows that nothing of the host") {
    HostSecret secret;
    Box first({"/onlooker", "trace"});
    with_onlooker(first);
    set_capabilities(first.spec.process, resolve_capabilities({"SYS_PTRACE"}, {}));
    first.launch();
    Started started = first.wait_started();
    wait_until_ready(first);
    UniqueFd pid = sys::open(fmt::format("/proc/{}/ns/pid", started.pid), O_RDONLY),
             peer = sys::pidfd_open(started.pid);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(280);
    for (int i = 0; i < 6 || count(first.log_text(), "early\n") < 4; ++i) {
        Box joins;
        joins.spec.ns.pid.mode = NsMode::passed;
        joins.spec.init = i % 2;
        joins.start.pid_ns = pid.get(), joins.start.pid_peer_pidfd = peer.get();
        joins.sh("tr '\\0' ' ' < /proc/1/cmdline; test -e /proc/self/status && cat /proc/sys/kernel/hostname; exit 7");
        REQUIRE(joins.run() == 7);
        CHECK(joins.log_text() == "/onlooker trace " + joins.spec.hostname + "\n");
        REQUIRE(std::chrono::steady_clock::now() < end);
    }
    // It has a root, mounts and other namespaces of its own; nothing of it is the host's, and nothing else differs.
    const std::string log = first.log_text(), host_mounts = read_file("/proc/self/mountinfo");
    struct stat root {
    }, hosts_null{};
    REQUIRE(::stat("/", &root) == 0);
    REQUIRE(::stat("/dev/null", &hosts_null) == 0);
    CHECK(log.find(fmt::format(" {}:{}\n", root.st_dev, root.st_ino)) == std::string::npos);
    CHECK(log.find(" mountinfo " + host_mounts.substr(0, host_mounts.find('\n'))) == std::string::npos);
    std::istringstream lines(log);
    for (std::string line; std::getline(lines, line);) {
        if (!line.starts_with("bad: ")) continue;
        const std::string what = line.substr(line.find(' ', 5) + 1), key = what.substr(0, what.find(' '));
        const bool own = key == "/root" || key == "/cwd" || key == "mountinfo" || key == "cgroup" ||
                         (key.starts_with("/ns/") && key != "/ns/pid" && key != "/ns/user");
        // Its own /dev/null, and with init: true the program that execveat is about to run.
        const bool stream =
            what.starts_with("descriptor 0 /dev/null on ") && !what.ends_with(fmt::format(" on {}", hosts_null.st_dev));
        CHECK_MESSAGE((own || stream || what.starts_with("descriptor 4 /memfd:davit-init")), line);
    }
}

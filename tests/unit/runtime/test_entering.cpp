// Processes that come to a running container: what they get, and what becomes of them when something ends.
#include "unit/runtime/box.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"

#include <csignal>
#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <sstream>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

namespace {

ExecSpec shell(const Box& box, const std::string& script) {
    ExecSpec e = exec_spec(box.spec);
    e.process.args = {"sh", "-c", script};
    return e;
}

std::vector<pid_t> children_of(pid_t pid) {
    std::vector<pid_t> out;
    std::istringstream in(read_file_if_exists(fmt::format("/proc/{0}/task/{0}/children", pid)).value_or(""));
    for (pid_t child = 0; in >> child;) out.push_back(child);
    return out;
}

pid_t shim_of(Box& box) {
    box.shim.control.status();
    return box.shim.control.wait_for<ShimStatus>(limit).shim_pid;
}

long key(long a, long b, const char* c, const char* d = nullptr, long e = 0) {
    return ::syscall(SYS_keyctl, a, b, c, d, e);
}

} // namespace

TEST_CASE("the exit code of a fast program is never lost, however early it ends") {
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    for (int i = 0; i < 60; ++i) {
        ExecSpec e = shell(box, "exit 7");
        REQUIRE((i % 2 ? box.exec(e) : box.exec_without_input(e)).code == 7);
    }
    const pid_t shim = shim_of(box);
    CHECK(children_of(shim).size() == 1); // no helper is left
}

TEST_CASE("healthchecks, hooks and exec -d get the container's own /dev/null, never the host's") {
    struct stat before {
    }, after{};
    REQUIRE(::stat("/dev/null", &before) == 0);
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    const std::string look = "stat -L -c '%t:%T %d' /proc/self/fd/0; stat -c %d /dev; readlink /proc/self/fd/0; chmod "
                             "600 /proc/self/fd/0; chown 3 /proc/self/fd/0; cat | wc -c";
    std::istringstream said(box.exec_without_input(shell(box, look)).out);
    std::string type, device, dev, link, bytes;
    said >> type >> device >> dev >> link >> bytes;
    CHECK(type == "1:3");
    CHECK(device == dev);
    CHECK(link == "/dev/null");
    CHECK(bytes == "0");
    CHECK(std::stoul(device) != before.st_dev);
    // With all three missing, as exec -d.
    CHECK(box.exec_without_input(shell(box, "a=$(readlink /proc/$$/fd/0) b=$(readlink /proc/$$/fd/1) c=$(readlink "
                                            "/proc/$$/fd/2); echo $a $b $c > /tmp/links; for f in 0 1 2; do chmod 600 "
                                            "/proc/self/fd/$f; done; echo lost; echo lost >&2; exit 3"),
                                 false)
              .code == 3);
    CHECK(box.exec({"cat", "/tmp/links"}).out == "/dev/null /dev/null /dev/null\n");
    REQUIRE(::stat("/dev/null", &after) == 0);
    CHECK(after.st_mode == before.st_mode);
    CHECK(after.st_uid == before.st_uid);
}

TEST_CASE("what stands in for /dev/null is not opened: a pipe without another end takes its place") {
    for (const char* instead :
         {"rm /dev/null; mkfifo /dev/null", "rm /dev/null", "rm /dev/null; ln -s /dev/zero /dev/null",
          "rm /dev/null; echo text > /dev/null", "rm /dev/null; mknod /dev/null c 1 5"}) {
        CAPTURE(instead);
        Box box({"sleep", "1000"});
        box.launch();
        box.wait_started();
        REQUIRE(box.exec({"sh", "-c", instead}).code == 0);
        CHECK(box.exec_without_input(shell(box, "cat | wc -c; readlink /proc/self/fd/0 | cut -d: -f1")).out ==
              "0\npipe\n");
        CHECK(box.exec_without_input(shell(box, "trap '' PIPE; echo lost; exit 4"), false).code == 4);
    }
    // The host's whole /dev as a volume: its node is not ours to hand out either.
    Box box({"sleep", "1000"});
    Mount m;
    m.source = m.destination = "/dev";
    add_mount(box.spec, m);
    box.launch();
    box.wait_started();
    CHECK(box.exec_without_input(
                 shell(box, "readlink /proc/self/fd/0 | cut -d: -f1; readlink /proc/1/fd/0 | cut -d: -f1"))
              .out == "pipe\npipe\n");
}

TEST_CASE("exec runs with the container's session keyring, not with that of whoever started davit") {
    // A key in ours, which our children would have.
    REQUIRE(key(KEYCTL_JOIN_SESSION_KEYRING, 0, nullptr) > 0);
    REQUIRE(::syscall(SYS_add_key, "user", "hostsecret", "HOSTSECRET", 10, KEY_SPEC_SESSION_KEYRING) > 0);
    for (const char* user : {"", "1000:1000"}) {
        Box box({"sleep", "1000"});
        box.spec.seccomp.kind = Seccomp::Kind::unconfined;
        box.spec.process.user.name = user;
        with_onlooker(box);
        box.launch();
        box.wait_started();
        const std::string first = box.exec({"/onlooker", "keys"}).out,
                          second = box.exec_without_input([&] {
                                          ExecSpec e = exec_spec(box.spec);
                                          e.process.args = {"/onlooker", "keys"};
                                          return e;
                                      }())
                                       .out;
        CHECK(first.starts_with("_ses." + box.spec.id));
        CHECK(first == second); // the same for all of them
        CHECK(first.find("hostsecret") == std::string::npos);
    }
}

TEST_CASE("a profile that forbids what follows the filter is loaded last, and is there when the program runs") {
    // clone is what the helper needs, prlimit64 and setsid what the process itself does first.
    for (const char* call : {"clone", "setsid", "prlimit64", "capset"})
        for (bool no_new_privileges : {false, true})
            for (const char* user : {"", "1000:1000"}) {
                CAPTURE(call);
                CAPTURE(no_new_privileges);
                Box box({"sleep", "1000"});
                box.launch();
                box.wait_started();
                ExecSpec e = exec_spec(box.spec);
                e.process.args = {"grep", "-E", "^(Seccomp|NoNewPrivs|CapPrm):", "/proc/self/status"};
                e.process.user.name = user;
                e.process.no_new_privileges = no_new_privileges;
                e.seccomp = {
                    Seccomp::Kind::profile,
                    fmt::format(
                        R"({{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{{"names":["{}"],"action":"SCMP_ACT_ERRNO"}}]}})",
                        call),
                    "p.json"};
                const bool early =
                    describe(compile_exec(e, host())).find("loaded before the process is born") != std::string::npos;
                CHECK_FALSE(early);
                if (std::strcmp(call, "capset") == 0) continue; // such a profile cannot be used at all
                CHECK(box.exec(e).out == fmt::format("CapPrm:\t{}\nNoNewPrivs:\t{}\nSeccomp:\t2\n",
                                                     *user ? "0000000000000000" : "00000000a80425fb",
                                                     no_new_privileges ? 1 : 0));
            }
    Box box;
    CHECK(describe(compile_exec(shell(box, "true"), host())).find("loaded before the process is born") !=
          std::string::npos);
}

TEST_CASE("exec --privileged has all rights and the container's own filter, chosen by the container's rights") {
    const std::string look = "grep -E '^(CapPrm|CapBnd|Seccomp):' /proc/self/status | cut -f2 | tr '\\n' ' '; unshare "
                             "-m true 2>/dev/null && echo unshared || echo refused";
    for (bool admin : {false, true}) {
        Box box({"sleep", "1000"});
        if (admin) set_capabilities(box.spec.process, resolve_capabilities({"SYS_ADMIN"}, {}));
        box.launch();
        box.wait_started();
        ExecSpec e = exec_spec(box.spec, true);
        e.process.args = {"sh", "-c", look};
        const std::string all = fmt::format("{:016x}", host().grantable);
        // Docker's profile lets unshare through for containers that have SYS_ADMIN.
        CHECK(box.exec(e).out == fmt::format("{} {} 2 {}\n", all, all, admin ? "unshared" : "refused"));
    }
}

TEST_CASE("a full pids_limit and a full ulimit nproc are named, and one more place is enough") {
    Box box;
    box.spec.resources.pids = 6;
    box.sh("for i in 1 2 3 4 5; do sleep 1000 & done; echo full; wait").launch();
    box.wait_started();
    auto end = std::chrono::steady_clock::now() + limit;
    while (box.log_text() != "full\n") REQUIRE(std::chrono::steady_clock::now() < end);
    CHECK(box.exec({"true"}).error.find("no more processes can be made in the container") == 0);
    CHECK(children_of(shim_of(box)).size() == 1);

    Box limited({"sleep", "1000"});
    limited.launch();
    limited.wait_started();
    ExecSpec e = shell(limited, "ulimit -u");
    e.process.user.name = "54321:54321"; // nobody else's
    e.process.rlimits = {{RLIMIT_NPROC, 1, 1}};
    CHECK(limited.exec(e).out == "1\n");
    e.process.rlimits = {{RLIMIT_NPROC, 0, 0}};
    CHECK(limited.exec(e).error.find("no more processes can be made in the container") == 0);
}

TEST_CASE("helpers killed at any moment, and a container that ends meanwhile, leave no process and no silence") {
    Box box({"sleep", "1000"});
    box.launch();
    Started started = box.wait_started();
    const pid_t shim = shim_of(box);
    int failed = 0, done = 0;
    for (int i = 0; i < 45; ++i) {
        auto connection = ShimConnection::connect(box.start.run_dir);
        REQUIRE(connection);
        UniqueFd steps = memfd_of(compile_exec(shell(box, "exit 5"), host(), {"/tmp/bpf"}));
        ExecRequest request;
        request.steps_fd = steps.get();
        connection->exec(request);
        // Its helper, or already the program: whatever is there first.
        for (pid_t child : children_of(shim))
            if (child != started.pid && i % 3) ::kill(child, SIGKILL);
        for (bool told = false; !told;) {
            ShimEvent event = connection->wait_any(limit);
            if (auto* e = std::get_if<ExecFailed>(&event)) {
                CHECK(std::string(e->error.what()).find("the set-up was killed") != std::string::npos);
                told = true, ++failed;
            }
            if (auto* e = std::get_if<ExecExited>(&event)) {
                CHECK((e->code == 5 || e->code == 137));
                told = true, ++done;
            }
        }
    }
    CHECK(done > 0);
    auto end = std::chrono::steady_clock::now() + limit;
    while (children_of(shim).size() > 1) REQUIRE(std::chrono::steady_clock::now() < end);
    CHECK(box.exec({"echo", "fine"}).out == "fine\n");
    MESSAGE("killed before the program was there: " << failed);

    for (int i = 0; i < 10; ++i) {
        Box dying({"sleep", "1000"});
        dying.launch();
        const Started init = dying.wait_started();
        auto connection = ShimConnection::connect(dying.start.run_dir);
        REQUIRE(connection);
        UniqueFd steps = memfd_of(compile_exec(shell(dying, "sleep 1000"), host(), {"/tmp/bpf"}));
        ExecRequest request;
        request.steps_fd = steps.get();
        if (i % 2) ::kill(init.pid, SIGKILL);
        connection->exec(request);
        if (i % 2 == 0) ::kill(init.pid, SIGKILL);
        try {
            for (bool told = false; !told;) {
                ShimEvent event = connection->wait_any(limit);
                if (auto* e = std::get_if<ExecFailed>(&event))
                    CHECK(std::string(e->error.what()) == "the container is not running (any more)");
                told = std::holds_alternative<ExecFailed>(event) || std::holds_alternative<ExecExited>(event);
            }
        } catch (const Error& e) {
            CHECK(std::string(e.what()) == "the container ended, or its shim was killed"); // with the container
        }
        CHECK(dying.wait_exited().code == 137);
    }
}

TEST_CASE("a signal that comes before the program is there reaches it") {
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    for (int i = 0; i < 20; ++i) {
        auto connection = ShimConnection::connect(box.start.run_dir);
        REQUIRE(connection);
        UniqueFd steps = memfd_of(compile_exec(shell(box, "exec sleep 1000"), host(), {"/tmp/bpf"}));
        ExecRequest request;
        request.steps_fd = steps.get();
        const std::uint32_t id = connection->exec(request);
        connection->signal_exec(id, i % 2 ? SIGKILL : SIGTERM);
        for (bool told = false; !told;) {
            ShimEvent event = connection->wait_any(limit);
            if (auto* e = std::get_if<ExecExited>(&event)) CHECK(e->signal == (i % 2 ? SIGKILL : SIGTERM));
            told = std::holds_alternative<ExecExited>(event) || std::holds_alternative<ExecFailed>(event);
        }
    }
}

#include "lab.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/host_facts.hpp"
#include "supervisor/helper/helper.hpp"

#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <filesystem>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace davit;
using namespace davit::test;

namespace {

// What a project may change on the host. The roots themselves stay.
std::string traces() {
    return shell(
        "ip -o link | grep -v ' lo:' | cut -d: -f2; nft list ruleset; find /sys/fs/cgroup -path '*davit/*' -type d;"
        "find /run/davit /var/lib/davit -mindepth 2 ! -path '/run/davit/net/lock' ! -path '/run/davit/net/projects'"
        " ! -path '/var/lib/davit/events/*' ! -path '/var/lib/davit/names/.*';"
        "ps -e -o comm= | grep '^davit'; cat /proc/sys/net/ipv4/ip_forward; true");
}

// The supervisor's processes end a moment after they gave up its lock.
std::string traces_when(const std::string& wanted) {
    std::string now = traces();
    for (int i = 0; i < 100 && now != wanted; ++i, now = traces())
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return now;
}

} // namespace

TEST_CASE("a container is created, started, stopped and removed, and nothing stays") {
    std::string before = traces();
    {
        Lab lab("life");
        std::string id = lab.add("web", "echo hello; exec sleep 1000");
        lab.up();
        CHECK(lab.status(id).state == ContainerState::running);
        CHECK(lab.status(id).pid > 0);
        CHECK(lab.status(id).endpoints.at(0).interface == "eth0");
        CHECK(lab.record(id).desired == DesiredState::running);
        CHECK(lab.saw(EventKind::container_started, id));
        CHECK(lab.saw(EventKind::network_created));
        lab.until("its output in the log", [&] { return lab.log(id).find("hello") != std::string::npos; });
        CHECK(lab.supervisor_pid() > 0);
        lab.one(OpKind::stop_container, id);
        CHECK(lab.status(id).state == ContainerState::exited);
        CHECK(lab.status(id).exit_code == 137);
        CHECK(lab.record(id).desired == DesiredState::stopped);
        lab.one(OpKind::start_container, id);
        CHECK(lab.status(id).state == ContainerState::running);
        lab.down();
        CHECK(lab.saw(EventKind::container_removed, id));
        CHECK(lab.supervisor_pid() == 0);
    }
    CHECK(traces_when(before) == before);
}

TEST_CASE("exit codes are kept, and a stop signal that is handled ends early") {
    Lab lab("codes");
    std::string three = lab.add("three", "exit 3", Lab::on_no_network());
    std::string trap = lab.add("trap", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done",
                               [](ContainerRecord& r, runtime::Spec& s) {
                                   Lab::on_no_network()(r, s);
                                   r.stop_grace = 20'000'000'000;
                               });
    lab.up();
    lab.until("exit 3", [&] { return lab.status(three).state == ContainerState::exited; });
    CHECK(lab.status(three).exit_code == 3);
    lab.until("the trap", [&] { return lab.log(trap).find("ready") != std::string::npos; });
    auto begin = std::chrono::steady_clock::now();
    lab.one(OpKind::stop_container, trap);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
    CHECK(lab.status(trap).exit_code == 5);
}

TEST_CASE("a command that is not in the image fails the start, names it, and leaves the container created") {
    Lab lab("missing");
    std::string id = lab.add("web", "", [](ContainerRecord& r, runtime::Spec& s) {
        r.network_mode = "none";
        r.endpoints.clear();
        s.process.args = {"no-such-program"};
    });
    try {
        lab.up();
        FAIL("started");
    } catch (const Error& e) {
        CHECK(e.exit_code() == 127);
        CHECK(e.describe().find("no-such-program") != std::string::npos);
        CHECK(e.describe().find("missing-web-1") != std::string::npos);
    }
    CHECK(lab.status(id).state == ContainerState::created);
    CHECK_FALSE(lab.status(id).error.empty());
}

TEST_CASE("pause and unpause are refused the second time") {
    Lab lab("pausing");
    std::string id = lab.add("a", "exec sleep 1000", Lab::on_no_network());
    lab.up();
    lab.one(OpKind::pause_container, id);
    CHECK(lab.status(id).state == ContainerState::paused);
    CHECK_THROWS_WITH_AS(lab.one(OpKind::pause_container, id), ("container " + id + " is already paused").c_str(),
                         Error);
    lab.one(OpKind::unpause_container, id);
    CHECK(lab.status(id).state == ContainerState::running);
    CHECK_THROWS_WITH_AS(lab.one(OpKind::unpause_container, id), "container pausing-a-1 is not paused", Error);
    lab.one(OpKind::pause_container, id);
    lab.one(OpKind::stop_container, id);
    CHECK(lab.status(id).state == ContainerState::exited);
    CHECK(lab.status(id).exit_code == 137);
}

TEST_CASE("a running container is removed only by force") {
    Lab lab("forcing");
    std::string id = lab.add("a", "exec sleep 1000", Lab::on_no_network());
    lab.up();
    CHECK_THROWS_AS(lab.one(OpKind::remove_container, id), Error);
    lab.one(OpKind::remove_container, id, [](Operation& op) { op.force = true; });
    CHECK_FALSE(lab.store.container("forcing", id));
    CHECK_FALSE(exists(lab.paths.container(id)));
    CHECK_FALSE(exists(lab.paths.run_container(id)));
    lab.one(OpKind::remove_container, id); // missing is fine
}

TEST_CASE("a container that removes itself is gone after its end") {
    Lab lab("auto");
    std::string id = lab.add("job", "exit 0", [](ContainerRecord& r, runtime::Spec& s) {
        Lab::on_no_network()(r, s);
        r.auto_remove = true;
    });
    lab.up();
    lab.until("its removal", [&] { return !lab.store.container("auto", id) && !exists(lab.paths.run_container(id)); });
}

TEST_CASE("a shim that could not be replaced at once is replaced later") {
    Lab lab("orphan");
    const std::string id = lab.add("web", "exec sleep 1000", Lab::on_no_network());
    lab.up();
    const int shim = lab.shim_pid(id);
    const std::string steps = lab.paths.steps(id);
    std::filesystem::rename(steps, steps + ".away"); // as where there is no descriptor or memory for a moment
    ::kill(shim, SIGKILL);
    lab.until("the first attempt", [&] {
        return read_file(lab.paths.run + "/supervisor.log").find("replacing the shim") != std::string::npos;
    });
    std::filesystem::rename(steps + ".away", steps);
    lab.until("another shim", [&] { return lab.shim_pid(id) != 0 && lab.shim_pid(id) != shim; });
    lab.one(OpKind::stop_container, id);
    CHECK(lab.status(id).state == ContainerState::exited);
}

TEST_CASE("what a killed shim has left in its control group goes with the group") {
    const auto host = runtime::HostFacts::probe();
    const std::string group = "davit/left/behind";
    const pid_t left = ::fork();
    if (left == 0) {
        runtime::join_cgroup(host, group);
        for (;;) ::pause();
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (runtime::cgroup_processes(host, group).empty() && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    supervisor::HelperJob job;
    job.kind = supervisor::HelperJob::Kind::remove_cgroups;
    job.paths = {group};
    CHECK_THROWS_AS(supervisor::perform(job), Error); // as with the group of one that runs
    job.text = supervisor::kill_first;
    supervisor::perform(job);
    int status = 0;
    CHECK(::waitpid(left, &status, WNOHANG) == left);
    CHECK(WTERMSIG(status) == SIGKILL);
    CHECK(runtime::cgroup_children(host, "davit/left").empty());
    runtime::remove_cgroup(host, "davit/left");
    runtime::remove_empty_cgroup(host, "davit");
}

TEST_CASE("kill sends its signal, and SIGKILL keeps a restart policy from starting it again") {
    Lab lab("killing");
    std::string id = lab.add("a", "trap 'echo usr1' USR1; echo ready; while :; do sleep 0.01; done",
                             [](ContainerRecord& r, runtime::Spec& s) {
                                 Lab::on_no_network()(r, s);
                                 r.restart.kind = RestartKind::always;
                             });
    lab.up();
    lab.until("the trap", [&] { return lab.log(id).find("ready") != std::string::npos; });
    lab.one(OpKind::kill_container, id, [](Operation& op) { op.signal = "USR1"; });
    lab.until("the signal", [&] { return lab.log(id).find("usr1") != std::string::npos; });
    lab.one(OpKind::kill_container, id);
    CHECK(lab.status(id).state == ContainerState::exited);
    CHECK(lab.status(id).exit_code == 137);
    CHECK_THROWS_AS(lab.one(OpKind::kill_container, id, [](Operation& op) { op.signal = "SIGNOPE"; }), Error);
}

TEST_CASE("a restart by policy keeps the container, its files and its count") {
    Lab lab("policy");
    std::string id = lab.add("a", "echo x >> /tmp/n; [ $(wc -l < /tmp/n) -ge 3 ] && exec sleep 1000; exit 1",
                             [](ContainerRecord& r, runtime::Spec&) { r.restart.kind = RestartKind::on_failure; });
    lab.up();
    // Running means that the shell was exec'd; its first line of script comes later.
    lab.until("the third run", [&] {
        auto s = lab.status(id);
        return s.state == ContainerState::running && s.restart_count == 2 && lab.out(id, "/tmp/n") == "x\nx\nx\n";
    });
    CHECK(lab.status(id).restart_delay == 200'000'000);
}

TEST_CASE("on-failure:2 runs three times in all and a stop ends the waiting for the next") {
    Lab lab("limits");
    auto policy = [](RestartKind kind, int max) {
        return [=](ContainerRecord& r, runtime::Spec& s) {
            Lab::on_no_network()(r, s);
            r.restart = {kind, max};
        };
    };
    std::string two = lab.add("two", "echo x >> /tmp/n; exit 1", policy(RestartKind::on_failure, 2));
    std::string always = lab.add("always", "exit 1", policy(RestartKind::always, 0));
    lab.up();
    lab.until("the end of the retries", [&] {
        auto s = lab.status(two);
        return s.state == ContainerState::exited && s.restart_count == 2;
    });
    CHECK(lab.out(two, "/tmp/n") == "x\nx\nx\n");
    lab.until("waiting for a restart", [&] {
        auto s = lab.status(always);
        return s.state == ContainerState::restarting && s.next_restart != 0 && s.restart_delay >= 400'000'000;
    });
    lab.one(OpKind::stop_container, always);
    CHECK(lab.status(always).state == ContainerState::exited);
    CHECK(lab.status(always).next_restart == 0);
}

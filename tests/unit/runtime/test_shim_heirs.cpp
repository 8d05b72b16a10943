// The shim: killed, orphaned and twice; who comes after it, and after its supervisor.
#include "unit/runtime/shim_talk.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "project/store.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

TEST_CASE("descriptors parked with the shim come back to the next supervisor") {
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    FdPair pipe = sys::pipe();
    CHECK(reply_to(box.shim.control, box.shim.control.park("dns", {pipe.first.get(), pipe.second.get()})) == 0);
    pipe = FdPair{};
    box.shim.control = ShimConnection(UniqueFd()); // the supervisor is gone
    auto next = ShimConnection::connect(box.start.run_dir, ShimConnection::Role::supervisor);
    REQUIRE(next);
    box.shim.control = std::move(*next);
    CHECK(box.shim.control.wait_for<StdioFds>(limit).stdout_read);
    CHECK(box.shim.control.wait_for<Started>(limit).pid > 0);
    box.shim.control.get_parked();
    ParkedFds parked = box.shim.control.wait_for<ParkedFds>(limit);
    CHECK(parked.tag == "dns");
    REQUIRE(parked.fds.size() == 2);
    sys::write_all(parked.fds[1].get(), "x");
    CHECK(read_until(parked.fds[0].get(), "x") == "x");
    CHECK(box.shim.control.wait_for<ParkedFds>(limit).last);
    CHECK(reply_to(box.shim.control, box.shim.control.park("dns", {})) == 0);
    box.shim.control.get_parked();
    CHECK(box.shim.control.wait_for<ParkedFds>(limit).last);
}

TEST_CASE("a killed shim costs nothing: the container goes on, a new shim loses no line") {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Box box;
    box.sh("i=0; while [ $i -lt 300 ]; do echo line-$i || echo broken; sleep 0.002; i=$((i+1)); done; exit 9").launch();
    StdioFds stdio;
    std::optional<Started> started;
    while (!started) {
        ShimEvent event = box.shim.control.wait_any(limit);
        if (auto* s = std::get_if<StdioFds>(&event)) stdio = std::move(*s);
        if (auto* s = std::get_if<Started>(&event)) started = *s;
    }
    wait_for_line(box, "line-50\n");
    box.shim.process.kill(SIGKILL);
    box.shim.process.wait();
    CHECK(sys::start_time(started->pid) == started->start_time);
    box.start.adopt =
        Adopted{started->pid, started->start_time, -1, stdio.stdout_read.get(), stdio.stderr_read.get(), -1};
    box.shim = start_shim(box.start);
    CHECK(box.wait_started().pid == started->pid);
    // We are the reaper now, as the supervisor would be.
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(started->pid), &info, WEXITED) == 0);
    try {
        box.shim.control.report_exit(info.si_status, 0);
    } catch (const Error&) { // from Linux 6.15 on the shim may know already, and be gone
    }
    Exited end = box.wait_exited();
    CHECK(end.code == 9);
    CHECK(end.known);
    std::string text = box.log_text("stdout");
    for (int i = 0; i < 300; ++i) CHECK_MESSAGE(text.find("line-" + std::to_string(i) + "\n") != std::string::npos, i);
    CHECK(text.find("broken") == std::string::npos);
}

TEST_CASE("even when all descriptors are lost a new shim finds the container's output") {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    Box box;
    box.sh("echo one; while [ ! -e /go ]; do sleep 0.01; done; echo two; exit 2").launch();
    Started started = box.wait_started();
    wait_for_line(box, "one");
    box.shim.process.kill(SIGKILL);
    box.shim.process.wait();
    box.start.adopt = Adopted{started.pid, started.start_time, -1, -1, -1, -1};
    box.shim = start_shim(box.start);
    box.wait_started();
    write_file_in_place("/proc/" + std::to_string(started.pid) + "/root/go", "");
    siginfo_t info{};
    REQUIRE(::waitid(P_PID, static_cast<id_t>(started.pid), &info, WEXITED) == 0);
    Exited end = box.wait_exited();
    // Between them the log may say that lines can be missing.
    const std::string text = box.log_text();
    CHECK(text.starts_with("one\n"));
    CHECK(text.ends_with("two\n"));
    if (end.known) CHECK(end.code == 2); // PIDFD_INFO_EXIT, Linux 6.15
}

TEST_CASE("when the supervisor is gone the shim takes its lock and starts another") {
    Box box({"sleep", "1000"});
    box.start.supervisor_lock = box.dir() + "/lock";
    box.start.supervisor_argv = {"/bin/busybox", "sh", "-c", "echo $@ > " + box.dir() + "/told; exec sleep 1000 <&3",
                                 "sh"};
    box.launch();
    box.wait_started();
    {
        FileLock held = FileLock::acquire(box.start.supervisor_lock);
        box.shim.control = ShimConnection(UniqueFd());
        auto status = ShimConnection::connect(box.start.run_dir);
        REQUIRE(status);
        status->status();
        status->wait_for<ShimStatus>(limit); // it has tried by now and goes on trying
        CHECK_FALSE(exists(box.dir() + "/told"));
    }
    auto end = std::chrono::steady_clock::now() + limit;
    while (read_file_if_exists(box.dir() + "/told").value_or("").empty()) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        ::usleep(500);
    }
    CHECK(read_file(box.dir() + "/told") == "--lock-fd 3\n");
    CHECK_FALSE(FileLock::try_acquire(box.start.supervisor_lock)); // held by the new one
    auto next = ShimConnection::connect(box.start.run_dir, ShimConnection::Role::supervisor);
    REQUIRE(next);
    box.shim.control = std::move(*next);
    CHECK(box.shim.control.wait_for<Started>(limit).pid > 0);
}

TEST_CASE("an end that nobody heard is told to the next supervisor") {
    Box box;
    box.start.supervisor_lock = box.dir() + "/lock";
    box.start.supervisor_argv = {"/bin/true"};
    FileLock held = FileLock::acquire(box.start.supervisor_lock);
    box.sh("while [ ! -e /go ]; do sleep 0.01; done; exit 6").launch();
    Started started = box.wait_started();
    box.shim.control = ShimConnection(UniqueFd());
    write_file_in_place("/proc/" + std::to_string(started.pid) + "/root/go", "");
    auto end = std::chrono::steady_clock::now() + limit;
    while (!exit_record(box.start.run_dir + "/exit.json")) REQUIRE(std::chrono::steady_clock::now() < end);
    auto next = ShimConnection::connect(box.start.run_dir, ShimConnection::Role::supervisor);
    REQUIRE(next);
    box.shim.control = std::move(*next);
    CHECK(box.wait_exited().code == 6);
}

TEST_CASE("of two shims for one container the later one leaves and touches nothing") {
    Box box;
    box.sh("read go; echo done");
    box.spec.process.stdin_open = true;
    CHECK_FALSE(shim_lives(box.start.run_dir));
    box.launch();
    box.wait_started();
    CHECK(shim_lives(box.start.run_dir));
    Shim second = start_shim(box.start);
    bool left = false;
    while (!left) {
        pollfd p{second.control.fd(), POLLIN, 0};
        REQUIRE(::poll(&p, 1, static_cast<int>(limit.count())) > 0);
        auto event = second.control.receive();
        if (!event) continue;
        REQUIRE(std::holds_alternative<Disconnected>(*event)); // no word about a start
        left = true;
    }
    auto client = ShimConnection::connect(box.start.run_dir);
    REQUIRE(client);
    AttachRequest attach;
    attach.input = true;
    client->attach(attach);
    client->send_input("go\n");
    CHECK(listen(*client, box).out == "done\n");
    pollfd ended{box.shim.process.pidfd(), POLLIN, 0};
    CHECK(::poll(&ended, 1, static_cast<int>(limit.count())) == 1);
    CHECK_FALSE(shim_lives(box.start.run_dir));
}

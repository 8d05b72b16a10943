// The shim: more processes in its container, and terminals.
#include "unit/runtime/shim_talk.hpp"

#include "base/file.hpp"
#include "runtime/cgroup.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

namespace {

bool is_frozen(const std::string& cgroup) {
    for (const CgroupHierarchy& h : host().cgroups) {
        const auto legacy = read_file_if_exists(h.mount_point + "/" + cgroup + "/freezer.state");
        const auto unified = read_file_if_exists(h.mount_point + "/" + cgroup + "/cgroup.freeze");
        if (legacy && legacy->starts_with("FR")) return true; // FROZEN, FREEZING
        if (unified && unified->starts_with("1")) return true;
    }
    return false;
}

} // namespace

TEST_CASE("exec runs in the container with its environment, user, cgroup and filter") {
    Box box({"sleep", "1000"});
    box.spec.process.env.push_back("MARK=here");
    box.spec.resources.pids = 50;
    box.launch();
    box.wait_started();
    auto r = box.exec({"sh", "-c",
                       "echo $MARK; cat " + in_cgroup("pids", "pids.max") +
                           "; cut -d: -f3 /proc/self/cgroup | sort -u | wc -l; "
                           "grep -E '^(Seccomp:|CapEff)' /proc/self/status; cat; echo err >&2; ls /proc/self/fd | tr "
                           "'\\n' ' '; exit 3"},
                      "input\n");
    CHECK(r.code == 3);
    CHECK(r.out == "here\n50\n1\nCapEff:\t00000000a80425fb\nSeccomp:\t2\ninput\n0 1 2 3 ");
    CHECK(r.err == "err\n");
    ExecSpec as_user = exec_spec(box.spec);
    as_user.process.args = {"id"};
    as_user.process.user.name = "web";
    CHECK(box.exec(as_user).out == "uid=1000(web) gid=1000(web) groups=4(adm),77(extra),1000(web)\n");
    ExecSpec privileged = exec_spec(box.spec, true);
    privileged.process.args = {"grep", "Seccomp:", "/proc/self/status"};
    CHECK(box.exec(privileged).out == "Seccomp:\t2\n");
    CHECK(box.exec({"nosuchprog"}).code == 127);
    CHECK(box.exec({"/etc/passwd"}).code == 126);
    CHECK(box.exec({"sh", "-c", "kill -9 $$"}).code == 137);
    ExecSpec cwd = exec_spec(box.spec);
    cwd.process.args = {"pwd"};
    cwd.process.cwd = "/tmp";
    CHECK(box.exec(cwd).out == "/tmp\n");
    cwd.process.cwd = "/nowhere";
    CHECK(box.exec(cwd).error.find("while entering the working directory /nowhere") == 0);
}

TEST_CASE("a running exec does not keep the container from ending") {
    Box box;
    box.sh("while [ ! -e /go ]; do sleep 0.01; done").launch();
    Started started = box.wait_started();
    auto connection = ShimConnection::connect(box.start.run_dir);
    REQUIRE(connection);
    ExecSpec e = exec_spec(box.spec);
    e.process.args = {"sleep", "1000"};
    UniqueFd steps = memfd_of(compile_exec(e, host())), null = sys::open("/dev/null", O_RDWR);
    connection->exec({steps.get(), null.get(), null.get(), null.get()});
    CHECK(connection->wait_for<ExecStarted>(limit).pid > 0);
    write_file_in_place("/proc/" + std::to_string(started.pid) + "/root/go", "");
    CHECK(connection->wait_for<ExecExited>(limit).code == 137);
    CHECK(box.wait_exited().code == 0);
}

TEST_CASE("exec can be signalled, and a paused container refuses it") {
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    auto connection = ShimConnection::connect(box.start.run_dir);
    REQUIRE(connection);
    ExecSpec e = exec_spec(box.spec);
    e.process.args = {"sleep", "1000"};
    UniqueFd steps = memfd_of(compile_exec(e, host())), null = sys::open("/dev/null", O_RDWR);
    std::uint32_t number = connection->exec({steps.get(), null.get(), null.get(), null.get()});
    connection->wait_for<ExecStarted>(limit);
    connection->signal_exec(number, SIGTERM);
    CHECK(connection->wait_for<ExecExited>(limit).code == 143);
    CHECK(reply_to(*connection, connection->pause()) == 0);
    CHECK(is_frozen(box.spec.cgroup));
    connection->status();
    CHECK(connection->wait_for<ShimStatus>(limit).paused);
    CHECK(box.exec({"true"}).error == "the container is paused; unpause it first");
    CHECK(reply_to(*connection, connection->unpause()) == 0);
    CHECK(box.exec({"true"}).code == 0);
    CHECK(reply_to(*connection, connection->pause()) == 0);
    connection->signal(SIGKILL);
    CHECK(box.wait_exited().code == 137);
}

TEST_CASE("a container with a terminal has one, of the asked size, and its output is the log") {
    Box box;
    box.spec.process.terminal = true;
    box.spec.process.rows = 33, box.spec.process.columns = 99;
    CHECK(box.sh("test -t 0 && echo in; test -t 1 && echo out; tty; stty size; stat -c %F /dev/console; ls -l "
                 "/proc/self/fd/0 | sed 's/.*-> //'")
              .output() == "in\r\nout\r\n/dev/pts/0\r\n33 99\r\ncharacter special file\r\n/dev/pts/0\r\n");
}

TEST_CASE("exec with a terminal hands its master over") {
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    auto connection = ShimConnection::connect(box.start.run_dir);
    REQUIRE(connection);
    ExecSpec e = exec_spec(box.spec);
    e.process.args = {"sh", "-c", "tty; stty size; read x; echo got-$x; exit 4"};
    e.process.terminal = true;
    UniqueFd steps = memfd_of(compile_exec(e, host()));
    ExecRequest request;
    request.steps_fd = steps.get();
    request.rows = 10, request.columns = 20;
    connection->exec(request);
    ExecStarted started = connection->wait_for<ExecStarted>(limit);
    REQUIRE(started.console);
    CHECK(read_until(started.console.get(), "10 20").find("/dev/pts/0\r\n10 20") != std::string::npos);
    sys::write_all(started.console.get(), "word\n");
    CHECK(read_until(started.console.get(), "got-word").find("got-word") != std::string::npos);
    CHECK(connection->wait_for<ExecExited>(limit).code == 4);
}

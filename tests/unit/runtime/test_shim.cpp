// The shim: how its container starts, is steered and ends.
#include "unit/runtime/shim_talk.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "project/store.hpp"
#include "runtime/cgroup.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <sys/socket.h>
#include <sys/stat.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

TEST_CASE("missing and unusable programs are told apart, others start and end with 255") {
    struct Row {
        const char* program;
        const char* message;
        int code;
    };
    for (const Row& row : {Row{"nosuchprog", "exec: \"nosuchprog\": executable file not found in $PATH", 127},
                           Row{"/no/such", "exec: \"/no/such\": stat /no/such: no such file or directory", 127},
                           Row{"/etc/passwd", "exec: \"/etc/passwd\": permission denied", 126},
                           Row{"/etc", "exec: \"/etc\": is a directory: permission denied", 126}}) {
        Box box({row.program});
        box.launch();
        try {
            box.wait_started();
            FAIL("it started");
        } catch (const Error& e) {
            CHECK(std::string(e.what()) == row.message);
            CHECK(e.exit_code() == row.code);
        }
        CHECK_FALSE(exists(box.start.run_dir + "/exit.json"));
    }
    Box box({"/s"});
    write_file_in_place(box.dir() + "/upper/s", "#!/no/interpreter\n", 0755);
    ::chmod((box.dir() + "/upper/s").c_str(), 0755);
    CHECK(box.run() == 255);
    CHECK(box.log_text() == "exec /s: no such file or directory\n");
}

TEST_CASE("a failed start leaves no cgroup, socket or process behind") {
    Box box({"nosuchprog"});
    CHECK(box.start_error() != "");
    box.shim.process.wait();
    CHECK_FALSE(exists(box.start.run_dir + "/shim.sock"));
    for (const CgroupHierarchy& h : host().cgroups) CHECK_FALSE(exists(h.mount_point + "/" + box.spec.cgroup));
}

TEST_CASE("after the end nothing is left but the exit record and the log") {
    Box box;
    CHECK(box.run() == 0);
    box.shim.process.wait();
    for (const CgroupHierarchy& h : host().cgroups) CHECK_FALSE(exists(h.mount_point + "/" + box.spec.cgroup));
    std::vector<std::string> left;
    for (const auto& e : std::filesystem::directory_iterator(box.start.run_dir)) left.push_back(e.path().filename());
    CHECK(left == std::vector<std::string>{"exit.json"});
}

TEST_CASE("signals reach pid 1, and the record tells which one ended it") {
    Box box;
    box.sh("trap 'echo got-usr1' USR1; echo ready; while :; do sleep 0.02; done").launch();
    box.wait_started();
    wait_for_line(box, "ready");
    CHECK(reply_to(box.shim.control, box.shim.control.signal(SIGUSR1)) == 0);
    wait_for_line(box, "got-usr1");
    box.shim.control.signal(SIGKILL);
    Exited end = box.wait_exited();
    CHECK(end.code == 137);
    CHECK(end.signal == SIGKILL);
}

TEST_CASE("an orphan that writes on does not hide the end of its container") {
    Box box;
    box.spec.ns.pid.mode = NsMode::host;
    box.start.log.max_size = 1 << 20; // it would be long
    box.sh("for i in 1 2 3 4; do cat /dev/zero & done; sleep 0.1; exit 3").launch();
    box.wait_started();
    CHECK(box.wait_exited().code == 3);
    CHECK(cgroup_processes(host(), box.spec.cgroup).empty());
}

TEST_CASE("init: true reaps orphans, passes signals on and ends as its program") {
    Box box;
    box.spec.init = true;
    box.sh("test $$ -gt 1 && echo below; cat /proc/1/comm; tr '\\0' ' ' < /proc/1/cmdline; echo; grep CapEff "
           "/proc/1/status; (sleep 0.01 & exec true); sleep 0.1; "
           "grep -l '^State:.*zombie' /proc/[0-9]*/status 2>/dev/null | wc -l; ls /proc/1/fd | tr '\\n' ' '; exit 3")
        .launch();
    CHECK(box.wait_exited().code == 3);
    CHECK(box.log_text() == "below\ndocker-init\n/sbin/docker-init -- sh -c " + box.spec.process.args[2] +
                                " \nCapEff:\t00000000a80425fb\n0\n0 1 2 ");
    Box stopped;
    stopped.spec.init = true;
    stopped.sh("trap 'echo term; exit 4' TERM; echo ready; while :; do sleep 0.01; done").launch();
    stopped.wait_started();
    wait_for_line(stopped, "ready");
    stopped.shim.control.signal(SIGTERM);
    CHECK(stopped.wait_exited().code == 4);
    Box missing({"nosuchprog"});
    missing.spec.init = true;
    CHECK(missing.run() == 127);
}

TEST_CASE("containers can share namespaces and /dev/shm") {
    Box a;
    a.sh("echo hi > /dev/shm/f; sleep 1000").launch();
    Started first = a.wait_started();
    std::string ns = "/proc/" + std::to_string(first.pid) + "/ns/";
    UniqueFd net = sys::open(ns + "net", O_RDONLY), pid = sys::open(ns + "pid", O_RDONLY),
             ipc = sys::open(ns + "ipc", O_RDONLY);
    UniqueFd peer = sys::pidfd_open(first.pid);
    Box b;
    b.spec.ns.net.mode = b.spec.ns.pid.mode = b.spec.ns.ipc.mode = NsMode::passed;
    b.start.net_ns = net.get(), b.start.pid_ns = pid.get(), b.start.ipc_ns = ipc.get(),
    b.start.peer_pidfd = b.start.pid_peer_pidfd = peer.get();
    Mount shm;
    shm.kind = Mount::Kind::peer;
    shm.source = "/dev/shm";
    shm.destination = "/dev/shm";
    shm.nosuid = shm.nodev = shm.noexec = true;
    add_mount(b.spec, shm);
    b.sh("cat /dev/shm/f; for n in net pid ipc mnt uts; do test $(readlink /proc/1/ns/$n) = $(readlink "
         "/proc/self/ns/$n) && echo $n; done; echo bye > /dev/shm/g")
        .launch();
    CHECK(b.wait_exited().code == 0);
    CHECK(b.log_text() == "hi\nnet\npid\nipc\n");
    CHECK(a.exec({"cat", "/dev/shm/g"}).out == "bye\n");
}

TEST_CASE("limits of a running container can be changed") {
    Box box({"sleep", "1000"});
    box.spec.resources.memory = 64 << 20;
    box.launch();
    box.wait_started();
    for (std::int64_t memory : {32 << 20, 128 << 20}) {
        Resources r;
        r.memory = memory;
        r.pids = 77;
        UniqueFd steps = memfd_of(compile_update(box.spec.cgroup, r, host()));
        CHECK(reply_to(box.shim.control, box.shim.control.update_limits(steps.get())) == 0);
        CHECK(
            box.exec({"cat", in_cgroup("memory", "memory.limit_in_bytes", "memory.max"), in_cgroup("pids", "pids.max")})
                .out == std::to_string(memory) + "\n77\n");
    }
}

TEST_CASE("a nonsense message costs its sender the connection and nobody else anything") {
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    for (const std::string& junk : {std::string("x"), std::string(4000, '\xff'), std::string(16, '\0')}) {
        UniqueFd s = sys::connect_unix(box.start.run_dir + "/shim.sock", SOCK_SEQPACKET);
        sys::send_with_fds(s.get(), junk, {});
        CHECK(sys::receive_with_fds(s.get(), 100).eof);
    }
    CHECK(box.exec({"echo", "fine"}).out == "fine\n");
}

// The shim: exec, terminals, attach, signals, logs, crashes.
#include "unit/runtime/box.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "project/store.hpp"
#include "runtime/cgroup.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sstream>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

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

// Reads events of one kind from an attached client until the container's end.
struct Heard {
    std::string out, err;
    std::optional<Exited> end;
};
// The supervisor's connection is read as well: it holds a copy of stdin until it is told to drop it.
Heard listen(ShimConnection& c, Box& box) {
    Heard h;
    while (!h.end) {
        pollfd p[2] = {{c.fd(), POLLIN, 0}, {box.shim.control.fd(), POLLIN, 0}};
        REQUIRE(::poll(p, 2, static_cast<int>(limit.count())) > 0);
        if (auto event = p[1].revents ? box.shim.control.receive() : std::nullopt)
            if (auto* e = std::get_if<Exited>(&*event)) box.exited = *e;
        auto event = p[0].revents ? c.receive() : std::nullopt;
        if (!event) continue;
        if (auto* o = std::get_if<runtime::Output>(&*event)) (o->stream == 2 ? h.err : h.out) += o->data;
        if (auto* e = std::get_if<Exited>(&*event)) h.end = *e;
        REQUIRE_FALSE(std::holds_alternative<Disconnected>(*event));
    }
    if (!box.exited) box.wait_exited();
    return h;
}

int reply_to(ShimConnection& c, std::uint32_t request) {
    for (;;) {
        Reply r = c.wait_for<Reply>(limit);
        if (r.request == request) return r.errnum;
    }
}

// Reads a terminal until the text has come.
std::string read_until(int fd, const std::string& wanted) {
    std::string text;
    while (text.find(wanted) == std::string::npos) {
        pollfd p{fd, POLLIN, 0};
        REQUIRE(::poll(&p, 1, static_cast<int>(limit.count())) == 1);
        char buffer[512];
        ssize_t n = ::read(fd, buffer, sizeof buffer);
        if (n <= 0) break;
        text.append(buffer, static_cast<std::size_t>(n));
    }
    return text;
}

void wait_for_line(const Box& box, const std::string& text) {
    auto end = std::chrono::steady_clock::now() + limit;
    while (box.log_text().find(text) == std::string::npos) {
        REQUIRE(std::chrono::steady_clock::now() < end);
        ::usleep(500);
    }
}

} // namespace

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

TEST_CASE("an attached client hears everything and can speak") {
    Box box;
    box.spec.process.stdin_open = true;
    box.start.hold_for_attach = true;
    box.start.stdin_once = true;
    box.sh("echo first; cat; echo last >&2; exit 5").launch();
    box.shim.control.wait_for<Held>(limit);
    auto client = ShimConnection::connect(box.start.run_dir);
    REQUIRE(client);
    AttachRequest attach;
    attach.input = true;
    client->attach(attach);
    client->wait_for<Started>(limit);
    CHECK(client->send_input("one\n"));
    CHECK(client->send_input("two\n"));
    client->close_input();
    Heard heard = listen(*client, box);
    CHECK(heard.out == "first\none\ntwo\n");
    CHECK(heard.err == "last\n");
    CHECK(heard.end->code == 5);
    CHECK(box.log_text("stdout") == "first\none\ntwo\n");
}

TEST_CASE("the end of a client's input is the container's only where it has but one client") {
    Box box;
    box.spec.process.stdin_open = true;
    box.start.hold_for_attach = true;
    box.sh("read x; echo 1-$x; read x; echo 2-$x; read x || echo over").launch();
    box.shim.control.wait_for<Held>(limit);
    AttachRequest attach;
    attach.input = true;
    auto first = ShimConnection::connect(box.start.run_dir);
    REQUIRE(first);
    first->attach(attach);
    first->wait_for<Started>(limit);
    CHECK(first->send_input("one\n"));
    first->close_input();
    wait_for_line(box, "1-one");
    auto second = ShimConnection::connect(box.start.run_dir);
    REQUIRE(second);
    second->attach(attach);
    CHECK(second->send_input("two\n"));
    wait_for_line(box, "2-two");
    CHECK(box.log_text("stdout") == "1-one\n2-two\n"); // the third read waits
    second->signal(SIGKILL);
    CHECK(listen(*second, box).end->code == 137);
}

TEST_CASE("a lossless client that reads late gets every byte; the log has them too") {
    Box box;
    box.start.hold_for_attach = true;
    box.sh("i=0; while [ $i -lt 20000 ]; do echo line-$i-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; i=$((i+1)); "
           "done")
        .launch();
    box.shim.control.wait_for<Held>(limit);
    auto client = ShimConnection::connect(box.start.run_dir);
    REQUIRE(client);
    client->attach({});
    client->wait_for<Started>(limit);
    wait_for_line(box, "line-100-"); // it has written more than fits into the socket before we read on
    Heard heard = listen(*client, box);
    CHECK(heard.out == box.log_text("stdout"));
    CHECK(heard.out.ends_with("line-19999-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"));
}

TEST_CASE("a client that only wants what it can take is cut off and slows nobody") {
    Box box;
    box.start.hold_for_attach = true;
    box.sh("head -c 3000000 /dev/zero | tr '\\0' 'x' | fold -w 100").launch();
    box.shim.control.wait_for<Held>(limit);
    auto client = ShimConnection::connect(box.start.run_dir);
    REQUIRE(client);
    AttachRequest lossy;
    lossy.lossless = false;
    client->attach(lossy);
    CHECK(box.wait_exited().code == 0);
    CHECK(box.log_text().size() > 3000000);
}

TEST_CASE("the json-file log is Docker's, byte for byte") {
    Box box;
    box.sh("printf 'a\\tb\"\\\\<&>\\001\\303\\244\\377\\n'; head -c 20000 /dev/zero | tr '\\0' 'y'; echo; printf tail")
        .launch();
    box.wait_exited();
    std::istringstream lines(box.log());
    std::string line;
    std::getline(lines, line);
    CHECK(line.substr(0, line.find("\"stream\"")) ==
          "{\"log\":\"a\\u0009b\\\"\\\\\\u003c\\u0026\\u003e\\u0001\xc3\xa4\\ufffd\\n\",");
    std::vector<std::string> logs, times;
    while (std::getline(lines, line)) {
        auto j = nlohmann::json::parse(line);
        logs.push_back(j["log"]);
        times.push_back(j["time"]);
    }
    REQUIRE(logs.size() == 3);
    CHECK(logs[0] == std::string(16384, 'y'));
    CHECK(logs[1] == std::string(20000 - 16384, 'y') + "\n");
    CHECK(times[0] == times[1]);
    CHECK(logs[2] == "tail");
    CHECK(times[2].size() >= 20);
    CHECK(times[2].back() == 'Z');
    CHECK(times[2][10] == 'T');
}

TEST_CASE("a piece of a long line ends with a whole character") {
    Box box;
    box.sh("printf y; for i in $(seq 3000); do printf '\\360\\237\\232\\242\\303\\244'; done; echo").launch();
    box.wait_exited();
    std::istringstream lines(box.log());
    std::string whole;
    for (std::string line; std::getline(lines, line);) whole += nlohmann::json::parse(line)["log"].get<std::string>();
    CHECK(whole.size() == 1 + 3000 * 6 + 1);
    CHECK(whole.find("\xef\xbf\xbd") == std::string::npos);
}

TEST_CASE("logs rotate by size, and driver none keeps nothing") {
    Box box;
    box.start.log.max_size = 2000;
    box.start.log.max_files = 3;
    box.sh("i=0; while [ $i -lt 200 ]; do echo line-$i; i=$((i+1)); done").run();
    for (const char* suffix : {"", ".1", ".2"}) {
        struct stat st {};
        REQUIRE(::stat((box.start.log.path + suffix).c_str(), &st) == 0);
        CHECK(st.st_size < 2200);
    }
    CHECK_FALSE(exists(box.start.log.path + ".3"));
    CHECK(box.log_text().ends_with("line-199\n"));
    Box none;
    none.start.log.driver = ShimLog::Driver::none;
    CHECK(none.sh("echo lost").run() == 0);
    CHECK_FALSE(exists(none.start.log.path));
}

namespace {

// A small disk for the log, until remount() makes it larger.
class LogDisk {
public:
    LogDisk(Box& box, const std::string& options) : path_(box.dir() + "/log-disk") {
        ::mkdir(path_.c_str(), 0700);
        REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", 0, options.c_str()) == 0);
        box.start.log.path = path_ + "/log";
    }
    ~LogDisk() { ::umount2(path_.c_str(), MNT_DETACH); }
    LogDisk(const LogDisk&) = delete;
    void remount(const std::string& options) {
        REQUIRE(::mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT, options.c_str()) == 0);
    }

private:
    std::string path_;
};

void go_on(const Started& started) { write_file_in_place("/proc/" + std::to_string(started.pid) + "/root/go", ""); }

} // namespace

TEST_CASE("a log whose disk was full loses nothing of what comes after") {
    Box box;
    LogDisk disk(box, "size=64k");
    box.sh("i=0; while [ $i -lt 2000 ]; do echo line-$i; i=$((i+1)); done; while [ ! -e /go ]; do sleep 0.01; done;"
           "for i in 1 2 3; do echo after-$i; sleep 0.02; done")
        .launch();
    const Started started = box.wait_started();
    const LogTruncated lost = box.shim.control.wait_for<LogTruncated>(limit);
    CHECK(lost.bytes > 0);
    CHECK(lost.errnum == ENOSPC);
    disk.remount("size=1m");
    go_on(started);
    box.wait_exited();
    std::istringstream lines(box.log());
    int torn = 0;
    std::string after;
    for (std::string line; std::getline(lines, line);) {
        const auto entry = nlohmann::json::parse(line, nullptr, false);
        if (entry.is_discarded()) {
            ++torn;
            CHECK(line.find("{\"log\"", 1) == std::string::npos); // half of one, and nothing behind it
        } else if (const auto text = entry["log"].get<std::string>(); text.starts_with("after")) after += text;
    }
    CHECK(torn <= 1);
    CHECK(after == "after-1\nafter-2\nafter-3\n");
}

TEST_CASE("a rotation that finds no room for a new file costs no old one") {
    Box box;
    LogDisk disk(box, "size=1m,nr_inodes=3"); // with its root: two files, and the third fails
    box.start.log.max_size = 2000;
    box.start.log.max_files = 3;
    box.sh("i=0; while [ $i -lt 100 ]; do echo line-$i; i=$((i+1)); [ $i -lt 60 ] || sleep 0.005; done;"
           "while [ ! -e /go ]; do sleep 0.01; done; echo after")
        .launch();
    const Started started = box.wait_started();
    const LogTruncated lost = box.shim.control.wait_for<LogTruncated>(limit);
    CHECK(lost.errnum == ENOSPC);
    box.shim.control.wait_for<LogTruncated>(limit); // the next line finds none either
    CHECK(read_file(box.start.log.path + ".2").find("line-0\\n") != std::string::npos);
    CHECK(exists(box.start.log.path + ".1"));
    disk.remount("size=1m,nr_inodes=10");
    go_on(started);
    box.wait_exited();
    CHECK(box.log().find("after") != std::string::npos);
}

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

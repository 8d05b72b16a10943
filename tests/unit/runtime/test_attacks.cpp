// What broke container runtimes in the past years (CVE numbers in the names), tried on this one.
// CVE-2016-9962 needs a faster attacker than a shell: test_births.cpp.
#include "unit/runtime/box.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "runtime/host_devices.hpp"

#include <atomic>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>
#include <unistd.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;
namespace fs = std::filesystem;

namespace {

// A layer above the image with what an attacker ships.
std::string layer(const std::string& name, const std::function<void(const std::string&)>& fill) {
    std::string dir = "/tmp/layer-" + name;
    fs::remove_all(dir);
    sys::make_dirs(dir, 0755);
    fill(dir);
    return dir;
}

void ship(Box& box, const std::string& name, const std::function<void(const std::string&)>& fill) {
    box.spec.root.overlay.lower = {layer(name, fill), image()};
}

// A directory of the host that no container may reach, with one file.
struct Victim {
    std::string dir = "/tmp/victim";
    Victim() {
        fs::remove_all(dir);
        sys::make_dirs(dir, 0755);
        write_file_in_place(dir + "/file", "untouched\n");
    }
    bool untouched() const {
        struct stat st {};
        return std::distance(fs::directory_iterator(dir), fs::directory_iterator()) == 1 &&
               read_file(dir + "/file") == "untouched\n" && ::lstat((dir + "/file").c_str(), &st) == 0 &&
               S_ISREG(st.st_mode);
    }
};

Mount bind_mount(const std::string& source, const std::string& destination) {
    Mount m;
    m.source = source;
    m.destination = destination;
    return m;
}

ExecSpec exec_of(const Box& box, std::vector<std::string> args, const std::string& cwd = "/") {
    ExecSpec e = exec_spec(box.spec);
    e.process.args = std::move(args);
    e.process.cwd = cwd;
    return e;
}

} // namespace

TEST_CASE("CVE-2019-5736: neither pid 1 nor exec lets a container write or disable davit's program") {
    Box box;
    box.spec.init = true;
    ship(box, "shebang", [](const std::string& dir) {
        write_file_in_place(dir + "/evil", "#!/proc/self/exe\n");
        ::chmod((dir + "/evil").c_str(), 0755);
    });
    std::string before = read_file(fmt::format("/proc/self/fd/{}", shim_exe()));
    box.sh("exec 9</proc/1/exe; for f in /proc/1/exe /proc/self/fd/9; do (echo x > $f) 2>/dev/null && echo written; "
           "truncate -s 0 $f 2>/dev/null && echo cut; chmod 0 $f 2>/dev/null; done; "
           "while :; do for p in /proc/[0-9]*; do (echo x >> $p/exe) 2>/dev/null && echo written $p; done; done")
        .launch();
    box.wait_started();
    for (int i = 0; i < 20; ++i) CHECK(box.exec({"/evil"}).code == 125); // our own program, with a usage text
    CHECK(box.log_text() == "");
    CHECK(read_file(fmt::format("/proc/self/fd/{}", shim_exe())) == before);
    Box next;
    next.spec.init = true;
    CHECK(next.run() == 0);
}

TEST_CASE("CVE-2024-21626: no working directory leads out through a descriptor") {
    for (int fd = 0; fd < 80; fd += fd < 16 ? 1 : 16) {
        Box box;
        box.spec.process.cwd = fmt::format("/proc/self/fd/{}", fd);
        CHECK_MESSAGE(box.start_error() != "", fd);
        Box linked;
        ship(linked, "cwd",
             [&](const std::string& dir) { fs::create_symlink(fmt::format("/proc/self/fd/{}", fd), dir + "/work"); });
        linked.spec.process.cwd = "/work";
        CHECK_MESSAGE(linked.start_error() != "", fd);
    }
    Box box({"sleep", "1000"});
    ship(box, "cwd", [](const std::string& dir) { fs::create_symlink("/proc/self/fd", dir + "/fds"); });
    box.launch();
    box.wait_started();
    for (int fd = 0; fd < 80; ++fd)
        for (const char* base : {"/proc/self/fd", "/proc/1/fd", "/fds"}) {
            auto r = box.exec(exec_of(box, {"sh", "-c", "ls / ../../.. "}, fmt::format("{}/{}", base, fd)));
            CHECK_MESSAGE(r.code != 0, base << "/" << fd);
        }
}

TEST_CASE("links in an image keep mount points, devices, files and directories inside") {
    Victim victim;
    struct Row {
        const char* link; // in the image, to the host's /tmp/victim
        std::function<void(Spec&)> use;
    };
    const Row rows[] = {
        {"/data", [](Spec& s) { add_mount(s, bind_mount("/tmp/source", "/data/made")); }},
        {"/data", [](Spec& s) { add_mount(s, bind_mount("/tmp/source", "/data")); }},
        {"/data", [](Spec& s) { add_mount(s, tmpfs_mount("/data/deep/er", "")); }},
        {"/data", [](Spec& s) { add_devices(s, host_devices("/dev/null"), "/dev/null", "/data/null", "rwm"); }},
        {"/data", [](Spec& s) { s.process.cwd = "/data/cwd"; }},
        {"/data", [](Spec& s) { s.symlinks.emplace_back("/data/link", "/etc"); }},
        {"/etc", [](Spec& s) { add_mount(s, bind_mount("/tmp/source", "/etc/hosts")); }},
        {"/dev", [](Spec&) {}},
        {"/sys", [](Spec&) {}},
        {"/proc", [](Spec&) {}},
    };
    write_file_in_place("/tmp/source", "source\n");
    for (const Row& row : rows)
        for (const char* target :
             {"/tmp/victim", "../../../../../../tmp/victim", "/proc/1/root/tmp/victim", "/proc/self/cwd"}) {
            Box box;
            ship(box, "links", [&](const std::string& dir) { fs::create_symlink(target, dir + row.link); });
            row.use(box.spec);
            box.start_error(); // either way
            CHECK_MESSAGE(victim.untouched(), row.link << " -> " << target);
        }
    Box file;
    ship(file, "file", [](const std::string& dir) {
        sys::make_dirs(dir + "/etc", 0755);
        fs::create_symlink("/../../tmp/victim/file", dir + "/etc/hosts");
    });
    add_mount(file.spec, bind_mount("/tmp/source", "/etc/hosts"));
    CHECK(file.sh("cat /etc/hosts /tmp/victim/file").output() == "source\nsource\n");
    CHECK(victim.untouched());
}

TEST_CASE("CVE-2019-16884, 2023-27561: nothing can stand in for /proc, by name or by link") {
    Victim victim;
    for (const char* place : {"/proc", "/proc/sys/kernel", "/proc/self/attr", "/x/../proc/1", "/proc/net"}) {
        Box box;
        add_mount(box.spec, bind_mount("/tmp/victim", place));
        CHECK_THROWS_WITH_AS(box.launch(), doctest::Contains("cannot be mounted because it is"), Error);
    }
    Box linked;
    ship(linked, "proc", [](const std::string& dir) { fs::create_symlink("/proc/sys", dir + "/place"); });
    add_mount(linked.spec, bind_mount("/tmp/victim", "/place/kernel"));
    CHECK(linked.start_error().find("\"/place/kernel\" cannot be mounted because it leads into /proc") !=
          std::string::npos);
    Box allowed;
    write_file_in_place("/tmp/uptime", "1.00 1.00\n");
    add_mount(allowed.spec, bind_mount("/tmp/uptime", "/proc/uptime"));
    CHECK(allowed.sh("cat /proc/uptime").output() == "1.00 1.00\n");
    CHECK(victim.untouched());
}

TEST_CASE("CVE-2025-31133, 52881: masks and sysctls hold while a volume on /dev is changed from outside") {
    Victim victim;
    std::string dev = "/tmp/evil-dev";
    fs::remove_all(dev);
    sys::make_dirs(dev, 0755);
    std::atomic<bool> stop = false;
    std::thread racer([&] { // /dev/null: now a device, now a link to what an attacker wants to open
        const std::string null = dev + "/null", other = dev + "/other";
        while (!stop) {
            std::error_code ignored; // the race is about who comes first; a link that is there serves as well
            fs::create_symlink("/proc/sys/kernel/core_pattern", other, ignored);
            ::rename(other.c_str(), null.c_str());
            ::mknod(other.c_str(), S_IFCHR | 0666, makedev(1, 3));
            ::rename(other.c_str(), null.c_str());
        }
    });
    int started = 0;
    for (int i = 0; i < 40; ++i) {
        Box box;
        box.spec.sysctls = {{"net.core.somaxconn", "321"}};
        add_mount(box.spec, bind_mount(dev, "/dev"));
        box.sh("stat -c %t:%T /proc/keys /proc/timer_list; cat /proc/sys/net/core/somaxconn; grep -c core_pattern "
               "/proc/self/mountinfo");
        try {
            std::string out = box.output();
            ++started;
            CHECK(out == "1:3\n1:3\n321\n0\n");
        } catch (const Error&) { // refused: the link was there at that moment
        }
    }
    stop = true;
    racer.join();
    CHECK(started > 0);
    CHECK(victim.untouched());
}

TEST_CASE("CVE-2025-52565: a link at /dev/console does not get the terminal") {
    std::string dev = "/tmp/console-dev";
    fs::remove_all(dev);
    sys::make_dirs(dev, 0755);
    fs::create_symlink("/etc/passwd", dev + "/console");
    Box box;
    box.spec.process.terminal = true;
    add_mount(box.spec, bind_mount(dev, "/dev"));
    try {
        CHECK(box.sh("head -n1 /etc/passwd; awk '{print $5}' /proc/self/mountinfo | grep -c passwd").output() ==
              "root:x:0:0:root:/root:/bin/sh\r\n0\r\n");
    } catch (const Error& e) {
        CHECK(std::string(e.what()).find("/dev/console") != std::string::npos);
    }
}

TEST_CASE("a container that never reads its input, or writes while nobody listens, harms itself only") {
    Box deaf({"sleep", "1000"});
    deaf.spec.process.stdin_open = true;
    deaf.launch();
    deaf.wait_started();
    auto client = ShimConnection::connect(deaf.start.run_dir);
    REQUIRE(client);
    AttachRequest attach;
    attach.input = true;
    client->attach(attach);
    int sent = 0;
    while (sent < 1000 && client->send_input(std::string(30000, 'x'))) ++sent;
    CHECK(sent < 1000); // the socket is full: the shim has stopped reading
    CHECK(deaf.exec({"echo", "fine"}).out == "fine\n");

    Box loud;
    loud.sh("while [ ! -e /go ]; do sleep 0.01; done; head -c 400000 /dev/zero | tr '\\0' 'x' | fold -w 1000; echo; "
            "echo end")
        .launch();
    Started started = loud.wait_started();
    loud.shim.control.status();
    pid_t shim = loud.shim.control.wait_for<ShimStatus>(limit).shim_pid;
    ::kill(shim, SIGSTOP);
    std::string process = "/proc/" + std::to_string(started.pid);
    UniqueFd pipe = sys::open(process + "/fd/1", O_RDWR | O_NONBLOCK);
    write_file_in_place(process + "/root/go", "");
    auto end = std::chrono::steady_clock::now() + limit;
    for (int filled = 0; filled < 65536; ::ioctl(pipe.get(), FIONREAD, &filled))
        REQUIRE(std::chrono::steady_clock::now() < end);
    pipe.reset();
    ::kill(shim, SIGCONT); // the container has waited for it
    CHECK(loud.wait_exited().code == 0);
    CHECK(loud.log_text().size() == 400000 + 400 + 4);
}

TEST_CASE("garbage on a shim's socket, too many clients and stolen descriptors change nothing") {
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    std::string socket = box.start.run_dir + "/shim.sock";
    auto descriptors = [&] {
        box.shim.control.status();
        ShimStatus status = box.shim.control.wait_for<ShimStatus>(limit);
        CHECK(status.running);
        return std::distance(fs::directory_iterator(fmt::format("/proc/{}/fd", status.shim_pid)),
                             fs::directory_iterator());
    };
    const auto before = descriptors();
    std::string head("HSVD", 4); // another byte order
    std::uint64_t seed = 42;
    for (int i = 0; i < 300; ++i) {
        std::string junk(static_cast<std::size_t>(i), '\0');
        for (char& c : junk) c = static_cast<char>((seed = seed * 6364136223846793005U + 1442695040888963407U) >> 56);
        if (i % 3 == 0) junk = std::string("DVSH\x01\x00", 6) + junk; // the right magic and protocol
        UniqueFd s = sys::connect_unix(socket, SOCK_SEQPACKET), null = sys::open("/dev/null", O_RDONLY);
        sys::send_with_fds(s.get(), junk.empty() ? head : junk,
                           i % 2 ? std::vector<int>{null.get(), null.get()} : std::vector<int>{});
    }
    {
        std::vector<UniqueFd> crowd;
        for (int i = 0; i < 60; ++i) crowd.push_back(sys::connect_unix(socket, SOCK_SEQPACKET));
    }
    CHECK(box.exec({"echo", "fine"}).out == "fine\n");
    auto end = std::chrono::steady_clock::now() + limit;
    while (descriptors() > before) REQUIRE(std::chrono::steady_clock::now() < end);
}

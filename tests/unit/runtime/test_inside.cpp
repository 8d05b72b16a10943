// What a process finds inside: the recorded behaviour of Docker (conformance group "inside").
#include "unit/runtime/box.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "project/store.hpp"
#include "runtime/host_devices.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <filesystem>
#include <fmt/format.h>
#include <sstream>
#include <sys/resource.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

namespace {

// A node the default rules forbid, one they allow, and a block device.
constexpr char use_devices[] =
    "mknod /tmp/mem c 1 1 && head -c1 /tmp/mem 2>&1; mknod /tmp/n c 1 3 && echo x > /tmp/n && echo null-ok; "
    "mknod /tmp/blk b 254 0 && head -c1 /tmp/blk 2>&1; echo $?";
constexpr char devices_as_ruled[] =
    "head: /tmp/mem: Operation not permitted\nnull-ok\nhead: /tmp/blk: Operation not permitted\n1\n";

std::string inside(
    const std::string& script, void (*change)(Spec&) = [](Spec&) {}) {
    Box box;
    change(box.spec);
    arrange_mounts(box.spec);
    return box.sh(script).output();
}

} // namespace

TEST_CASE("capabilities, seccomp and no_new_privs are Docker's") {
    const char* script = "grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr '\\n' ' '";
    CHECK(inside(script) ==
          "CapInh:\t0000000000000000 CapPrm:\t00000000a80425fb CapEff:\t00000000a80425fb CapBnd:\t00000000a80425fb "
          "CapAmb:\t0000000000000000 NoNewPrivs:\t0 Seccomp:\t2 ");
    CHECK(inside(script, [](Spec& s) { s.process.user.name = "1000"; }) ==
          "CapInh:\t0000000000000000 CapPrm:\t0000000000000000 CapEff:\t0000000000000000 CapBnd:\t00000000a80425fb "
          "CapAmb:\t0000000000000000 NoNewPrivs:\t0 Seccomp:\t2 ");
    CHECK(inside(script, [](Spec& s) { s.process.no_new_privileges = true, set_capabilities(s.process, 0x401); }) ==
          "CapInh:\t0000000000000000 CapPrm:\t0000000000000401 CapEff:\t0000000000000401 CapBnd:\t0000000000000401 "
          "CapAmb:\t0000000000000000 NoNewPrivs:\t1 Seccomp:\t2 ");
    CHECK(inside("grep Seccomp: /proc/self/status", [](Spec& s) { s.seccomp.kind = Seccomp::Kind::unconfined; }) ==
          "Seccomp:\t0\n");
}

TEST_CASE("users and groups are looked up in the container's own files") {
    const char* script = "grep -E '^(Uid|Gid|Groups):' /proc/self/status | sed 's/^[A-Za-z]*:.//' | cut -f1,2 | tr "
                         "'\\n' '|'; echo $HOME";
    struct Row {
        const char* user;
        std::vector<std::string> groups;
        const char* expected;
    };
    const Row rows[] = {
        {"", {}, "0\t0|0\t0|0 |/root\n"},
        {"daemon", {}, "1\t1|1\t1|1 |/usr/sbin\n"},
        {"1234", {}, "1234\t1234|0\t0|0 |/\n"},
        {"1234:4321", {}, "1234\t1234|4321\t4321|4321 |/\n"},
        {"nobody:adm", {}, "65534\t65534|4\t4|4 |/\n"},
        {"1000", {}, "1000\t1000|1000\t1000|4 77 1000 |/home/web\n"},
        {"web", {}, "1000\t1000|1000\t1000|4 77 1000 |/home/web\n"},
        {"1000:1000", {"2000", "daemon"}, "1000\t1000|1000\t1000|1 1000 2000 |/home/web\n"},
        {"", {"adm", "2000", "77"}, "0\t0|0\t0|0 4 77 2000 |/root\n"},
    };
    for (const Row& row : rows) {
        Box box;
        box.spec.process.user = {row.user, row.groups};
        CHECK(box.sh(script).output() == row.expected);
    }
    Box unknown;
    unknown.spec.process.user.name = "nosuchuser";
    CHECK(unknown.start_error() == "unable to find user nosuchuser: no matching entries in passwd file");
    Box group;
    group.spec.process.user.name = "web:nosuchgroup";
    CHECK(group.start_error() == "unable to find group nosuchgroup: no matching entries in group file");
}

TEST_CASE(
    "groups are Docker's for init and exec alike: a given group leaves the user's own aside, numbers are never names") {
    write_file_in_place(
        "/tmp/passwd",
        "root:x:0:0:root:/root:/bin/sh\n1000:x:2000:2000::/home/trap:/bin/sh\nweb:x:1000:50::/home/web:/bin/sh\n"
        "again:x:1000:51::/home/again:/bin/sh\n");
    write_file_in_place("/tmp/group", "root:x:0:\n50:x:99:\nstaff:x:50:\nadm:x:4:web,again\nwheel:x:10:root\ntrap:x:66:"
                                      "1000\nextra:x:77:web\n77:x:88:\n");
    struct Row {
        const char* user;
        std::vector<std::string> groups;
        const char* expected; // uid, gid, all groups, home
    };
    const Row rows[] = {
        {"", {}, "0 0 0 10 /root"},
        {"0:0", {}, "0 0 0 /root"},
        {":50", {}, "0 50 50 /root"},
        {"1000", {}, "1000 50 4 50 77 /home/web"}, // the first of that number, not the one of that name
        {"web", {}, "1000 50 4 50 77 /home/web"},
        {"again", {}, "1000 51 4 51 /home/again"},
        {"1000:50", {}, "1000 50 50 /home/web"}, // a number: not the group called 50
        {"1000:50", {"adm"}, "1000 50 4 50 /home/web"},
        {"web:staff", {"77"}, "1000 50 50 77 /home/web"}, // group_add: the first of that name or number
        {"web:50", {"50"}, "1000 50 50 99 /home/web"},
        {"1000:1234", {"2000"}, "1000 1234 1234 2000 /home/web"},
        {"3000:50", {}, "3000 50 50 /"},
        {"3000", {"extra"}, "3000 0 0 77 /"},
    };
    auto bind = [](Spec& spec, const char* source, const char* target) {
        Mount m;
        m.source = source;
        m.destination = target;
        add_mount(spec, m);
    };
    for (const Row& row : rows) {
        CAPTURE(row.user);
        const std::string script = "s=/proc/self/status; echo $(grep ^Uid: $s | cut -f2) $(grep ^Gid: $s | cut -f2) "
                                   "$(grep ^Groups: $s | cut -d: -f2) $HOME";
        Box init;
        bind(init.spec, "/tmp/passwd", "/etc/passwd"), bind(init.spec, "/tmp/group", "/etc/group");
        init.spec.process.user = {row.user, row.groups};
        CHECK(init.sh(script).output() == std::string(row.expected) + "\n");
        Box box({"sleep", "1000"});
        bind(box.spec, "/tmp/passwd", "/etc/passwd"), bind(box.spec, "/tmp/group", "/etc/group");
        box.launch();
        box.wait_started();
        ExecSpec e = exec_spec(box.spec);
        e.process.args = {"sh", "-c", script};
        e.process.user = {row.user, row.groups};
        CHECK(box.exec(e).out == std::string(row.expected) + "\n");
    }
}

TEST_CASE("numbers that are not numbers are names") {
    for (const char* user : {"1x", "-1", " 1", "2147483648", "4294967295", "99999999999", "0x0"}) {
        Box box;
        box.spec.process.user.name = user;
        CHECK_MESSAGE(box.start_error().find("unable to find user") == 0, user);
    }
}

namespace {

// "/dev tmpfs rw,nosuid rw,mode=755", sorted: mount point, type, flags, options of the instance without its size.
std::vector<std::string> mounts_inside(void (*change)(Spec&)) {
    std::string found =
        inside("awk '{n=0; for(i=7;i<=NF;i++) if($i==\"-\"){n=i;break}; o=$(n+3); t=$(n+1); m=$6; "
               "gsub(/,?(size|nr_inodes|nr_blocks|inode64|nsdelegate|memory_recursiveprot)(=[0-9a-z]*)?/,\"\",o); "
               "if(t==\"overlay\")o=\"-\"; print $5, t, m, o}' /proc/self/mountinfo | grep -v -e /sys/fs/cgroup/",
               change);
    std::vector<std::string> lines;
    std::istringstream in(found);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
}

} // namespace

TEST_CASE("mounts have Docker's types and options, with a writable root and with a read-only one") {
    for (bool readonly : {false, true}) {
        CAPTURE(readonly);
        const std::string root = readonly ? "ro" : "rw";
        std::vector<std::string> expected = {
            "/ overlay " + root + ",relatime -",
            "/dev tmpfs rw,nosuid rw,mode=755",
            "/dev/mqueue mqueue rw,nosuid,nodev,noexec,relatime rw",
            "/dev/pts devpts rw,nosuid,noexec,relatime rw,gid=5,mode=620,ptmxmode=666",
            "/dev/shm tmpfs rw,nosuid,nodev,noexec,relatime rw",
            "/proc proc rw,nosuid,nodev,noexec,relatime rw",
            "/sys sysfs ro,nosuid,nodev,noexec,relatime ro",
            host().cgroup_v2_only ? "/sys/fs/cgroup cgroup2 ro,nosuid,nodev,noexec,relatime rw"
                                  : "/sys/fs/cgroup tmpfs " + root + ",nosuid,nodev,noexec,relatime rw,mode=755"};
        const Spec defaults = default_spec();
        for (const std::string& path : defaults.readonly_paths)
            if (exists(path)) expected.push_back(path + " proc ro,nosuid,nodev,noexec,relatime rw");
        for (const std::string& path : defaults.masked_paths) {
            if (!exists(path)) continue;
            bool directory = std::filesystem::is_directory(path);
            expected.push_back(path + (directory ? " tmpfs ro,relatime ro" : " tmpfs rw,nosuid rw,mode=755"));
        }
        std::sort(expected.begin(), expected.end());
        CHECK(mounts_inside(readonly ? [](Spec& s) { s.root.readonly = true; } : [](Spec&) {}) == expected);
    }
    CHECK(inside("grep -cE 'shared:|master:' /proc/self/mountinfo; true") == "0\n");
    CHECK(inside("stat -c '%a %u:%g' / /etc /proc /sys /dev") == "755 0:0\n755 0:0\n555 0:0\n555 0:0\n755 0:0\n");
}

TEST_CASE("no mount of davit's own lets a container without limits fill the machine's memory") {
    CHECK(inside("for m in /dev /dev/shm; do df -k $m | awk 'NR>1{print $2}'; done") == "65536\n65536\n");
    // What else is a tmpfs takes nothing: masks are read-only, and the place of v1's hierarchies has one page.
    const char* fill =
        "for m in $(awk '{for(i=7;$i!=\"-\";i++); if($(i+1)==\"tmpfs\") print $5}' /proc/self/mountinfo); do "
        "[ -d $m ] && [ $m != /dev ] && [ $m != /dev/shm ] && { dd if=/dev/zero of=$m/big bs=64k count=4 2>/dev/null; "
        "[ \"$(cat $m/big 2>/dev/null | wc -c)\" -gt 4096 ] && echo $m takes it; }; done; echo end";
    CHECK(inside(fill) == "end\n");
    CHECK(inside(fill, [](Spec& s) { s.root.readonly = true; }) == "end\n");
    CHECK(inside("touch /sys/fs/cgroup/x 2>&1", [](Spec& s) { s.root.readonly = true; }) ==
          "touch: /sys/fs/cgroup/x: Read-only file system\n");
    CHECK(inside(fill, [](Spec& s) { make_privileged(s, host_devices("/dev")); }) == "end\n");
    const char* inodes = "i=0; while [ $i -lt 2000 ]; do mkdir /sys/fs/cgroup/d$i 2>/dev/null || break; i=$((i+1)); "
                         "done; test $i -lt 2000 && echo bounded";
    CHECK(inside(inodes) == "bounded\n");
}

TEST_CASE("the container's cgroups can be read and not written") {
    std::string memory = in_cgroup("memory", "");
    CHECK(inside("awk '$5==\"" + memory + "\"{print $6}' /proc/self/mountinfo; mkdir " + memory + "/x 2>&1; echo $?") ==
          "ro,nosuid,nodev,noexec,relatime\nmkdir: can't create directory '" + memory +
              "/x': Read-only file system\n1\n");
    CHECK(inside("grep -c . " + memory + "/cgroup.procs") != "0\n");
}

TEST_CASE("any user may read the container's limits, as a JVM does that sizes its heap by them") {
    auto limits = [](Spec& s) {
        s.process.user.name = "1000:1000", s.resources.memory = 64 << 20, s.resources.pids = 33;
    };
    CHECK(inside("cat " + in_cgroup("memory", "memory.limit_in_bytes", "memory.max") + " " +
                     in_cgroup("pids", "pids.max") + " 2>&1",
                 limits) == "67108864\n33\n");
    // Every level that is made, in every hierarchy: as the machine's own are.
    Box box({"sleep", "1000"});
    box.launch();
    box.wait_started();
    for (const CgroupHierarchy& h : host().cgroups) {
        std::string at = h.mount_point;
        for (const char* part : {"/davit", "/test", "/"}) {
            at += part == std::string("/") ? "/" + box.spec.id : part;
            CAPTURE(at);
            CHECK((std::filesystem::status(at).permissions() & std::filesystem::perms::mask) ==
                  std::filesystem::perms(0755));
        }
    }
}

TEST_CASE("device nodes and links are Docker's, and the device cgroup holds") {
    CHECK(inside("cd /dev; rm -f core; for f in *; do if [ -L $f ]; then echo \"$f -> $(readlink $f)\"; elif [ -c $f "
                 "]; then stat -c '%n %F %a %u:%g %t:%T' $f; "
                 "else stat -c '%n %F %a %u:%g' $f; fi; done | sort") ==
          "fd -> /proc/self/fd\nfull character special file 666 0:0 1:7\nmqueue directory 1777 0:0\nnull character "
          "special file 666 0:0 1:3\n"
          "ptmx -> pts/ptmx\npts directory 755 0:0\nrandom character special file 666 0:0 1:8\nshm directory 1777 "
          "0:0\nstderr -> /proc/self/fd/2\n"
          "stdin -> /proc/self/fd/0\nstdout -> /proc/self/fd/1\ntty character special file 666 0:0 5:0\nurandom "
          "character special file 666 0:0 1:9\n"
          "zero character special file 666 0:0 1:5\n");
    CHECK(inside("readlink /dev/core; true") == (exists("/proc/kcore") ? "/proc/kcore\n" : ""));
    CHECK(inside(use_devices) == devices_as_ruled);
    CHECK(inside("echo x > /dev/null && echo null-ok; head -c 4 /dev/zero | wc -c; (echo x > /dev/full) 2>&1 | sed "
                 "'s/.*: //'; tty; ls /dev/pts") == "null-ok\n4\nNo space left on device\nnot a tty\nptmx\n");
    CHECK(inside("stat -c '%n %F %a %t:%T' /dev/a/xnull; echo x > /dev/a/xnull && echo ok", [](Spec& s) {
              add_devices(s, host_devices("/dev/null"), "/dev/null", "/dev/a/xnull", "rw");
          }) == "/dev/a/xnull character special file 666 1:3\nok\n");
}

TEST_CASE("kernel files that are masked are empty, and those that are read-only cannot be written") {
    CHECK(inside("wc -c < /proc/keys; ls -A /proc/acpi | wc -l; (echo x > /proc/sys/kernel/hostname) 2>&1 | sed 's/.*: "
                 "//'; touch /sys/x 2>&1") == "0\n0\nRead-only file system\ntouch: /sys/x: Read-only file system\n");
}

TEST_CASE("a process starts clean: streams, signals, umask, session, nothing else open") {
    CHECK(inside("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/1/fd/1 | cut -d: -f1; readlink /proc/1/fd/0") ==
          "0 1 2 3 pipe\n/dev/null\n");
    Box box({"grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"});
    CHECK(box.output() == "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n");
    CHECK(inside("umask; touch /tmp/f; mkdir /tmp/d; stat -c %a /tmp/f /tmp/d") == "0022\n644\n755\n");
    CHECK(inside("awk '{print ($1==$5 && $1==$6) ? \"leader\" : \"no\"}' /proc/1/stat; cat /proc/1/oom_score_adj; awk "
                 "'{print $19}' /proc/1/stat") == fmt::format("leader\n0\n{}\n", ::getpriority(PRIO_PROCESS, 0)));
    CHECK(inside("env | sed 's/^HOSTNAME=.*/HOSTNAME/' | sort") ==
          "HOME=/root\nHOSTNAME\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\nSHLVL=1\n");
    CHECK(inside("cat /proc/self/oom_score_adj", [](Spec& s) { s.process.oom_score_adj = 300; }) == "300\n");
    CHECK(inside("set -- /proc/[0-9]*; echo $#; cat /proc/1/comm; true") == "1\nsh\n");
    CHECK(inside("ulimit -n; ulimit -Hn | grep -c .") == "1024\n1\n");
}

TEST_CASE("the working directory is made, and a file in its place is told") {
    CHECK(inside("pwd; stat -c '%a %u:%g %F' /srv/a/b; stat -c '%a %u:%g' /srv/a; id -u", [](Spec& s) {
              s.process.cwd = "/srv/a/b", s.process.user.name = "65534";
          }) == "/srv/a/b\n755 0:0 directory\n755 0:0\n65534\n");
    Box box;
    box.spec.process.cwd = "/etc/passwd";
    CHECK(box.start_error() == "while entering the working directory /etc/passwd: Not a directory");
}

TEST_CASE("limits are in force") {
    CHECK(inside("cat " + in_cgroup("memory", "memory.limit_in_bytes", "memory.max") + " " +
                     in_cgroup("pids", "pids.max") + " " + in_cgroup("cpu", "cpu.cfs_quota_us", "cpu.max") + " " +
                     in_cgroup("cpu", "cpu.shares", "cpu.weight") + " " + in_cgroup("cpuset", "cpuset.cpus") +
                     "; nproc",
                 [](Spec& s) {
                     s.resources.memory = 64 << 20, s.resources.pids = 33, s.resources.cpu_quota = 150000,
                     s.resources.cpu_shares = 512, s.resources.cpuset_cpus = "1";
                 }) ==
          (host().cgroup_v2_only ? "67108864\n33\n150000 100000\n59\n1\n1\n" : "67108864\n33\n150000\n512\n1\n1\n"));
    CHECK(inside("i=0; while [ $i -lt 12 ]; do sleep 1 & i=$((i+1)); done", [](Spec& s) { s.resources.pids = 8; }) ==
          "sh: can't fork: Resource temporarily unavailable\n");
    CHECK(inside("for l in n u c; do echo $l $(ulimit -S$l) $(ulimit -H$l); done", [](Spec& s) {
              s.process.rlimits = {{RLIMIT_NOFILE, 1000, 2000}, {RLIMIT_NPROC, 512, 512}, {RLIMIT_CORE, 0, 0}};
          }) == "n 1000 2000\nu 512 512\nc 0 0\n");
    CHECK(inside("ulimit -n; ulimit -Hn; echo", [](Spec& s) {
              s.process.rlimits = {{RLIMIT_NOFILE, 10, 20}};
          }) == "10\n20\n\n");
    Box inverted;
    inverted.spec.process.rlimits = {{RLIMIT_NOFILE, 200, 100}};
    CHECK(inverted.start_error() == "while setting the ulimit nofile: Invalid argument");
}

TEST_CASE("a container that eats more memory than it may is killed, and the record says so") {
    Box box;
    box.spec.resources.memory = 16 << 20;
    box.sh("head -c 100000000 /dev/zero | tail");
    box.launch();
    Exited end = box.wait_exited();
    CHECK(end.oom);
    CHECK(exit_record(box.start.run_dir + "/exit.json")->oom);
}

TEST_CASE("the cgroup seen inside is the own one: by its path, or / with a private namespace") {
    const char* script = "awk -F: '{print ($3==\"/\") ? \"root\" : \"deep\"}' /proc/self/cgroup | sort -u";
    CHECK(inside(script) == (host().cgroup_v2_only ? "root\n" : "deep\n"));
    CHECK(inside(script, [](Spec& s) { s.ns.private_cgroup = false; }) == "deep\n");
    CHECK(inside(script, [](Spec& s) { s.ns.private_cgroup = true; }) == "root\n");
}

TEST_CASE("namespaces are the container's own, and sysctls are set in them") {
    CHECK(inside("hostname; cat /proc/sys/kernel/domainname; ls /sys/class/net; cat /sys/class/net/lo/operstate",
                 [](Spec& s) { s.hostname = "box2", s.domainname = "example.test"; }) ==
          "box2\nexample.test\nlo\nunknown\n");
    CHECK(inside("cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax "
                 "/proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range",
                 [](Spec& s) {
                     s.sysctls = {{"net.core.somaxconn", "777"}, {"kernel.msgmax", "5555"}};
                 }) == "777\n5555\n0\n0\t2147483647\n");
    // What is given wins over what any container gets, however it is spelled.
    const char* defaults = "cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range";
    CHECK(inside(defaults, [](Spec& s) {
              s.sysctls = {{"net.ipv4.ip_unprivileged_port_start", "1024"}};
          }) == "1024\n0\t2147483647\n");
    CHECK(inside(defaults, [](Spec& s) {
              s.sysctls = {{"net/ipv4/ip_unprivileged_port_start", "99"}, {"net.ipv4.ping_group_range", "1 0"}};
          }) == "99\n1\t0\n");
    CHECK(inside("set -- /proc/[0-9]*; test $# -gt 1 && test $$ -gt 1 && echo many",
                 [](Spec& s) { s.ns.pid.mode = NsMode::host; }) == "many\n");
}

TEST_CASE("mounting and the calls that lead to it are refused") {
    CHECK(inside("mount -t tmpfs t /tmp 2>&1; mount --bind / /tmp 2>&1; umount /proc/keys 2>&1; unshare -m true 2>&1; "
                 "echo $?") == "mount: permission denied (are you root?)\nmount: permission denied (are you root?)\n"
                               "umount: can't unmount /proc/keys: Operation not permitted\nunshare: unshare(0x20000): "
                               "Operation not permitted\n1\n");
    CHECK(inside("mkdir /m; mount -t tmpfs t /m && echo ok; (echo x > /proc/sys/kernel/hostname) 2>&1", [](Spec& s) {
              set_capabilities(s.process, resolve_capabilities({"SYS_ADMIN"}, {}));
          }) == "ok\nsh: can't create /proc/sys/kernel/hostname: Read-only file system\n");
}

TEST_CASE("tmpfs, read-only roots and binds are as asked for") {
    CHECK(inside("mount | grep ' /t1 ' | sed 's/tmpfs on //; s/,inode64//'; stat -c '%a %u:%g' /t1; df -k /t1 | awk "
                 "'NR==2{print $2}'",
                 [](Spec& s) { add_mount(s, tmpfs_mount("/t1", "size=2m,mode=0750,uid=10,gid=20,exec")); }) ==
          "/t1 type tmpfs (rw,nosuid,nodev,relatime,size=2048k,mode=750,uid=10,gid=20)\n750 10:20\n2048\n");
    CHECK(inside("stat -c '%a %u:%g' /tmp /root /new", [](Spec& s) {
              for (const char* at : {"/tmp", "/root", "/new"}) add_mount(s, tmpfs_mount(at, ""));
          }) == "1777 0:0\n755 0:0\n1777 0:0\n");
    CHECK(inside("touch /x 2>&1; touch /tmp/x && echo ok; touch /dev/shm/y && echo shm-ok; mount | grep ' on / ' | "
                 "grep -o '(r[ow]'",
                 [](Spec& s) {
                     s.root.readonly = true;
                     add_mount(s, tmpfs_mount("/tmp", ""));
                 }) == "touch: /x: Read-only file system\nok\nshm-ok\n(ro\n");
    write_file_in_place("/tmp/source", "text\n");
    CHECK(inside("cat /a/b/file; stat -c '%a %F' /a/b; echo x > /a/b/file", [](Spec& s) {
              Mount m;
              m.source = "/tmp/source";
              m.destination = "/a/b/file";
              m.readonly = true;
              add_mount(s, m);
          }) == "text\n755 directory\nsh: can't create /a/b/file: Read-only file system\n");
}

TEST_CASE("privileged means all that this machine has") {
    CHECK(
        inside("grep -E '^(CapInh|CapAmb|NoNewPrivs|Seccomp:)' /proc/self/status | tr '\\n' ' '; a=$(awk "
               "'/CapEff/{print $2}' /proc/self/status); "
               "b=$(awk '/CapBnd/{print $2}' /proc/self/status); test $a = $b && echo full; mount | grep -c '/proc/'; "
               "mount | grep ' on /sys type' | grep -c rw; ls /dev/kmsg",
               [](Spec& s) { make_privileged(s, host_devices("/dev")); }) ==
        "CapInh:\t0000000000000000 CapAmb:\t0000000000000000 NoNewPrivs:\t0 Seccomp:\t0 full\n0\n1\n/dev/kmsg\n");
}

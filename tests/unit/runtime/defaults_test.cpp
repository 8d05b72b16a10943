#include "runtime/defaults.hpp"

#include "davit/error.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <linux/capability.h>
#include <sys/resource.h>

using namespace davit;
using namespace davit::runtime;

TEST_CASE("capabilities add and drop as in Docker") {
    CHECK(default_capabilities() == 0xa80425fb);
    CHECK(resolve_capabilities({"CAP_SYS_TIME", "net_admin"}, {}) == 0xaa0435fb);
    CHECK(resolve_capabilities({"NET_BIND_SERVICE", "CHOWN"}, {"ALL"}) == 0x401);
    CHECK(resolve_capabilities({}, {"ALL"}) == 0);
    CHECK(resolve_capabilities({}, {"CAP_CHOWN", "mknod", "NET_RAW"}) == 0xa00405fa);
    CapSet nearly = resolve_capabilities({"ALL"}, {"NET_RAW"});
    CHECK((nearly >> CAP_NET_RAW & 1) == 0);
    CHECK((nearly >> CAP_SYS_ADMIN & 1) == 1);
    CHECK_THROWS_AS(resolve_capabilities({"FLY"}, {}), Error);
    auto told = [](const char* name) {
        try {
            resolve_capabilities({}, {name});
        } catch (const Error& e) {
            return e.describe();
        }
        return std::string();
    };
    CHECK(told("NET_ADMN") == "invalid CapDrop: unknown capability: \"CAP_NET_ADMN\"\n  hint: did you mean NET_ADMIN?");
    CHECK(told("cap_sys_timer") ==
          "invalid CapDrop: unknown capability: \"CAP_SYS_TIMER\"\n  hint: did you mean SYS_TIME?");
    CHECK(told("SOMETHING_ELSE") == "invalid CapDrop: unknown capability: \"CAP_SOMETHING_ELSE\"");
}

TEST_CASE("names become numbers, and nothing else does") {
    CHECK(capability_from_name("cap_chown") == CAP_CHOWN);
    CHECK(capability_from_name("CHECKPOINT_RESTORE") == 40);
    CHECK_FALSE(capability_from_name("ALL"));
    CHECK_FALSE(capability_from_name(""));
    CHECK(rlimit_from_name("nofile") == RLIMIT_NOFILE);
    CHECK(rlimit_from_name("RLIMIT_STACK") == RLIMIT_STACK);
    CHECK_FALSE(rlimit_from_name("files"));
    CHECK(signal_from_name("TERM") == SIGTERM);
    CHECK(signal_from_name("sigkill") == SIGKILL);
    CHECK(signal_from_name("15") == SIGTERM);
    CHECK(signal_from_name("RTMIN") == 34);
    CHECK(signal_from_name("SIGRTMIN+3") == 37);
    CHECK(signal_from_name("RTMAX-1") == 63);
    for (const char* bad : {"", "0", "65", "-1", "15x", "SIG", "RTMIN+", "RTMIN-1", "RTMIN+99", "NOPE"})
        CHECK_FALSE(signal_from_name(bad));
}

TEST_CASE("tmpfs options override Docker's defaults") {
    Mount m = tmpfs_mount("/t", "size=2m,mode=0750,uid=10,exec,ro");
    CHECK(m.data == "size=2m,mode=0750,uid=10");
    CHECK(m.nosuid);
    CHECK(m.nodev);
    CHECK_FALSE(m.noexec);
    CHECK(m.readonly);
    CHECK_THROWS_AS(tmpfs_mount("/t", "size=2m,bogus"), Error);
}

TEST_CASE("device rules are read strictly") {
    DeviceRule r = device_rule_from_text("c 10:* rw");
    CHECK(r.allow);
    CHECK(r.type == 'c');
    CHECK(r.major == 10U);
    CHECK_FALSE(r.minor);
    CHECK(r.access == "rw");
    for (const char* bad :
         {"", "c", "c 10:1", "x 1:1 r", "c 1:1 q", "c 1 r", "c 1:1x r", "c 1:1 ", "cc 1:1 r", "c -1:1 r"})
        CHECK_THROWS_AS(device_rule_from_text(bad), Error);
}

TEST_CASE("mounts are arranged parents first, and a user's takes the place of a default") {
    Spec s = default_spec();
    std::size_t before = s.mounts.size();
    Mount deep;
    deep.source = "/a";
    deep.destination = "/x/y/z";
    add_mount(s, deep);
    Mount shallow = deep;
    shallow.destination = "/x";
    add_mount(s, shallow);
    add_mount(s, tmpfs_mount("/dev/shm", "size=1m"));
    arrange_mounts(s);
    CHECK(s.mounts.size() == before + 2);
    CHECK(find_mount(s, "/dev/shm")->data == "size=1m");
    CHECK(find_mount(s, "/x") < find_mount(s, "/x/y/z"));
    CHECK(find_mount(s, "/dev") < find_mount(s, "/dev/pts"));
    CHECK(find_mount(s, "/nowhere") == nullptr);
}

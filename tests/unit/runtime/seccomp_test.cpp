#include "runtime/seccomp.hpp"

#include "davit/error.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace davit;
using namespace davit::runtime;

namespace {

constexpr CapSet docker_caps = 0xa80425fb;

// The errno of one call made under the filter by a child; 0 when it succeeds.
int errno_under(const std::string& program, long number, long a = 0, long b = 0, long c = 0) {
    pid_t pid = ::fork();
    if (pid == 0) {
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        sock_fprog filter{static_cast<unsigned short>(program.size() / sizeof(sock_filter)),
                          reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()))};
        if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) ::_exit(254);
        errno = 0;
        long rc = ::syscall(number, a, b, c);
        ::_exit(rc >= 0 ? 0 : errno);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) != 254);
    return WEXITSTATUS(status);
}

std::string custom(const std::string& json) {
    return compile_seccomp({Seccomp::Kind::profile, json, "profile.json"}, docker_caps, "");
}

} // namespace

TEST_SUITE("seccomp") {

    TEST_CASE("the default profile refuses what Docker's refuses, with the same errno") {
        std::string program = compile_seccomp({}, docker_caps, "");
        CHECK(errno_under(program, SYS_unshare, 0x10000000) == EPERM);
        CHECK(errno_under(program, SYS_clone3) == ENOSYS);
        CHECK(errno_under(program, SYS_kcmp) == EPERM);
        CHECK(errno_under(program, SYS_socket, 38, SOCK_SEQPACKET) == EPERM); // AF_ALG
        CHECK(errno_under(program, SYS_socket, 40, SOCK_STREAM) == EPERM);    // AF_VSOCK
        CHECK(errno_under(program, SYS_socket, AF_NETLINK, SOCK_RAW) == 0);
        CHECK(errno_under(program, SYS_personality, 0xffffffff) == 0);
        CHECK(errno_under(program, SYS_personality, 0x40000) == EPERM);
        CHECK(errno_under(program, 9999) == ENOSYS);
    }

    TEST_CASE("the default profile knows the calls that are newer than libseccomp") {
        std::string program = compile_seccomp({}, docker_caps, "");
        // Called wrongly on purpose: EPERM would be the filter, anything else is the kernel's own answer.
        for (long number : {451L, 452L, 454L, 457L, 458L, 462L, 463L, 464L, 465L, 466L}) {
            CAPTURE(number);
            CHECK(errno_under(program, number, -1, -1, -1) != EPERM);
        }
        constexpr long lsm_get_self_attr = 459;
        CHECK(errno_under(program, lsm_get_self_attr) == EPERM);
        std::string admin = compile_seccomp({}, docker_caps | CapSet{1} << CAP_SYS_ADMIN, "");
        CHECK(errno_under(admin, lsm_get_self_attr) != EPERM);
    }

    TEST_CASE("a user's profile decides by name, argument and errno") {
        std::string program = custom(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[
        {"names":["getppid"],"action":"SCMP_ACT_ERRNO","errnoRet":28},
        {"names":["socket"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":16,"op":"SCMP_CMP_EQ"}]}]})");
        CHECK(errno_under(program, SYS_getppid) == ENOSPC);
        CHECK(errno_under(program, SYS_socket, AF_NETLINK, SOCK_RAW) == EPERM);
        CHECK(errno_under(program, SYS_socket, AF_UNIX, SOCK_STREAM) == 0);
    }

    TEST_CASE("a wrong profile is an error that names the file and the word") {
        auto message = [](const std::string& json) {
            try {
                custom(json);
            } catch (const Error& e) {
                return e.describe();
            }
            return std::string("accepted");
        };
        CHECK(message("[").find("profile.json") != std::string::npos);
        CHECK(message(R"({"defaultAction":"SCMP_ACT_ALOW"})").find("SCMP_ACT_ALOW") != std::string::npos);
        CHECK(message(R"({"defaultAction":"SCMP_ACT_NOTIFY"})").find("agent") != std::string::npos);
        CHECK(
            message(
                R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":6,"op":"SCMP_CMP_EQ"}]}]})")
                .find("argument 6") != std::string::npos);
        CHECK(message(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":7}]})").find("profile.json") !=
              std::string::npos);
    }

    TEST_CASE("a profile that moby's engine refuses is refused with its words, and what it takes is taken") {
        auto message = [](const std::string& json) {
            try {
                custom(json);
            } catch (const Error& e) {
                return e.describe();
            }
            return std::string("accepted");
        };
        CHECK(
            message(
                R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_X86_64"],"archMap":[{"architecture":"SCMP_ARCH_X86_64"}]})")
                .find("use either 'architectures' or 'archMap'") != std::string::npos);
        CHECK(
            message(
                R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"read","names":["write"],"action":"SCMP_ACT_ERRNO"}]})")
                .find("use either 'name' or 'names'") != std::string::npos);
        CHECK(message(R"({"defaultAction":"SCMP_ACT_ALLOW","flags":["SECCOMP_FILTER_FLAG_X"]})")
                  .find("SECCOMP_FILTER_FLAG_X") != std::string::npos);
        CHECK(
            message(
                R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","includes":{"minKernel":"new"}}]})")
                .find("invalid kernel version") != std::string::npos);
        // Machines and capabilities of tomorrow, and empty lists, are no errors.
        CHECK(
            message(
                R"({"defaultAction":"SCMP_ACT_ALLOW","archMap":[{"architecture":"SCMP_ARCH_TOMORROW","subArchitectures":["SCMP_ARCH_X"]}],
        "architectures":null,"syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":null,"includes":{"caps":["CAP_TOMORROW"]},"excludes":{}}]})") ==
            "accepted");
        CHECK(custom("{}").empty());
        CHECK(custom(R"({"syscalls":[]})").empty());
    }

    TEST_CASE("conditions of a rule: capabilities, kernel and machine, for and against") {
        auto refused = [](const std::string& conditions) {
            return errno_under(
                       custom(
                           R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["getppid","mseal"],"action":"SCMP_ACT_ERRNO","errnoRet":99,)" +
                           conditions + "}]}"),
                       SYS_getppid) == 99;
        };
        CHECK(refused(R"("includes":{}, "excludes":{})"));
        CHECK(refused(R"("includes":{"caps":["CAP_CHOWN"]})"));
        CHECK_FALSE(refused(R"("includes":{"caps":["CAP_CHOWN","CAP_SYS_ADMIN"]})"));
        CHECK_FALSE(refused(R"("includes":{"caps":["CAP_TOMORROW"]})"));
        CHECK_FALSE(refused(R"("excludes":{"caps":["CAP_CHOWN"]})"));
        CHECK(refused(R"("excludes":{"caps":["CAP_SYS_ADMIN","CAP_TOMORROW"]})"));
        CHECK(refused(R"("includes":{"minKernel":"4.8"})"));
        CHECK_FALSE(refused(R"("includes":{"minKernel":"99.0"})"));
        CHECK_FALSE(refused(R"("excludes":{"minKernel":"4.8"})"));
        CHECK(refused(R"("excludes":{"minKernel":"99.0"})"));
        CHECK_FALSE(refused(R"("includes":{"arches":["sparc"]})"));
        CHECK(refused(R"("excludes":{"arches":["sparc"]})"));
    }

    TEST_CASE("a name that nobody knows is told where it was to refuse something") {
        auto unknown = [](const std::string& json) {
            return unknown_refused_calls(seccomp_profile_from_json(json, "p.json"));
        };
        CHECK(
            unknown(
                R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["nosuchcall","mseal","read","listns"],"action":"SCMP_ACT_ERRNO"},{"names":["nosuch2"],"action":"SCMP_ACT_LOG"}]})") ==
            std::vector<std::string>{"nosuchcall"});
        CHECK(
            unknown(
                R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["nosuchcall"],"action":"SCMP_ACT_ALLOW"}]})")
                .empty());
    }

    TEST_CASE("unconfined is no filter") {
        CHECK(compile_seccomp({Seccomp::Kind::unconfined, "", ""}, docker_caps, "").empty());
    }
}

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

TEST_CASE("calls newer than libseccomp are decided by the prologue") {
    std::string program = compile_seccomp({}, docker_caps, "");
    // Called wrongly on purpose: EPERM would be the filter, anything else is the kernel's own answer.
    for (const char* name : {"cachestat", "fchmodat2", "futex_wake", "statmount", "listmount", "mseal", "setxattrat",
                             "getxattrat", "listxattrat", "removexattrat"}) {
        CAPTURE(name);
        CHECK(errno_under(program, static_cast<long>(*recent_syscall(name)), -1, -1, -1) != EPERM);
    }
    CHECK(errno_under(program, static_cast<long>(*recent_syscall("lsm_get_self_attr"))) == EPERM);
    std::string admin = compile_seccomp({}, docker_caps | CapSet{1} << CAP_SYS_ADMIN, "");
    CHECK(errno_under(admin, static_cast<long>(*recent_syscall("lsm_get_self_attr"))) != EPERM);
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
    CHECK(message(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_ERRNO","args":[{"index":6,"op":"SCMP_CMP_EQ"}]}]})").find("argument 6") != std::string::npos);
    CHECK(message(R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":7}]})").find("profile.json") != std::string::npos);
}

TEST_CASE("unconfined is no filter") {
    CHECK(compile_seccomp({Seccomp::Kind::unconfined, "", ""}, docker_caps, "").empty());
}
}

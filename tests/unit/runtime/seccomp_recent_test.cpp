// Calls newer than libseccomp, on each ABI of this processor: made for real, under the filter.
#include "runtime/seccomp.hpp"

#include "base/sys.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <fmt/format.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

using namespace davit;
using namespace davit::runtime;

namespace {

constexpr int marked = 99; // no call here answers with this by itself

struct NewCall {
    const char* name;
    long number;
};
constexpr NewCall new_calls[] = {{"cachestat", 451},         {"fchmodat2", 452},        {"map_shadow_stack", 453},
                                 {"futex_wake", 454},        {"futex_wait", 455},       {"futex_requeue", 456},
                                 {"statmount", 457},         {"listmount", 458},        {"lsm_get_self_attr", 459},
                                 {"lsm_set_self_attr", 460}, {"lsm_list_modules", 461}, {"mseal", 462},
                                 {"setxattrat", 463},        {"getxattrat", 464},       {"listxattrat", 465},
                                 {"removexattrat", 466},     {"open_tree_attr", 467},   {"file_getattr", 468},
                                 {"file_setattr", 469},      {"listns", 470},           {"rseq_slice_yield", 471}};

enum class Abi { native, int80, x32 };
using Args = std::array<std::uint64_t, 3>;

long call(Abi abi, long number, const Args& a) {
    if (abi == Abi::native) return ::syscall(number, a[0], a[1], a[2]) < 0 ? -errno : 0;
#if defined(__x86_64__)
    if (abi == Abi::x32) return ::syscall(number | 0x40000000, a[0], a[1], a[2]) < 0 ? -errno : 0;
    long result = 0;
    __asm__ volatile("int $0x80"
                     : "=a"(result)
                     : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2])
                     : "memory", "r8", "r9", "r10", "r11");
    return static_cast<int>(result);
#else
    return -ENOSYS;
#endif
}

std::vector<Abi> abis() {
#if defined(__x86_64__)
    std::vector<Abi> all{Abi::native, Abi::x32};
    pid_t pid = ::fork(); // a kernel without 32-bit programs ends this one
    if (pid == 0) {
        constexpr long i386_getpid = 20;
        ::_exit(call(Abi::int80, i386_getpid, {}) > 0 ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    if (status == 0) all.push_back(Abi::int80);
    return all;
#else
    return {Abi::native};
#endif
}

std::string compiled(const std::string& json) {
    return compile_seccomp({Seccomp::Kind::profile, json, "p.json"}, 0, "");
}

void load(const std::string& program) {
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    sock_fprog filter{static_cast<unsigned short>(program.size() / sizeof(sock_filter)),
                      reinterpret_cast<sock_filter*>(const_cast<char*>(program.data()))};
    if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) ::_exit(254);
}

// What each call answers, made one after the other by one child.
std::vector<long> answers(const std::string& program, Abi abi, long number, const std::vector<Args>& all) {
    FdPair pipe = sys::pipe();
    pid_t pid = ::fork();
    if (pid == 0) {
        load(program);
        for (const Args& a : all) {
            long answer = call(abi, number, a);
            if (::write(pipe.second.get(), &answer, sizeof answer) != sizeof answer) ::_exit(253);
        }
        ::_exit(0);
    }
    pipe.second.reset();
    std::vector<long> out;
    for (long answer = 0; ::read(pipe.first.get(), &answer, sizeof answer) == sizeof answer;) out.push_back(answer);
    int status = 0;
    ::waitpid(pid, &status, 0);
    CHECK(status == 0);
    out.resize(all.size(), -1000);
    return out;
}

std::string rule(const std::string& names, const std::string& args, const std::string& action = "SCMP_ACT_ERRNO") {
    return R"({"names":[)" + names + R"(],"action":")" + action + R"(","errnoRet":99)" +
           (args.empty() ? "" : R"(,"args":[)" + args + "]") + "}";
}
std::string allowing(const std::string& rules) {
    return R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[)" + rules + "]}";
}
std::string arg(unsigned index, const std::string& op, std::uint64_t value, std::uint64_t two = 0) {
    return fmt::format(R"({{"index":{},"op":"SCMP_CMP_{}","value":{},"valueTwo":{}}})", index, op, value, two);
}

} // namespace

TEST_SUITE("seccomp") {

    TEST_CASE("a deny-list holds for every new call on every ABI, and a condition decides on each") {
        for (const NewCall& c : new_calls) {
            const std::string name = fmt::format("\"{}\"", c.name);
            CAPTURE(name);
            const std::string plain = compiled(allowing(rule(name, "")));
            const std::string with_args = compiled(allowing(rule(name, arg(0, "EQ", 7) + "," + arg(1, "EQ", 5))));
            for (Abi abi : abis()) {
                if (abi == Abi::x32 && c.name == std::string("map_shadow_stack")) continue; // not a call of x32
                CAPTURE(static_cast<int>(abi));
                CHECK(answers(plain, abi, c.number, {{~0ull, ~0ull, 0}, {7, 5, 0}}) ==
                      std::vector<long>{-marked, -marked});
                std::vector<long> got = answers(with_args, abi, c.number, {{7, 5, 0}, {7, 6, 0}, {8, 5, 0}});
                CHECK(got[0] == -marked);
                CHECK(got[1] != -marked);
                CHECK(got[2] != -marked);
            }
        }
    }

    // membarrier is as old as libseccomp: what its compiler makes of a condition is the measure.
    TEST_CASE("each comparison decides as libseccomp's does, in 64 bits and in 32") {
        const std::vector<std::uint64_t> values{0,           1,           0x7fffffff,  0x80000000,         0xffffffff,
                                                0x100000000, 0x100000001, 0x1ffffffff, 0x8000000000000000, ~0ull};
        std::vector<Args> calls;
        for (std::uint64_t v : values) calls.push_back({v, 0, 0});
        for (const char* op : {"NE", "LT", "LE", "EQ", "GE", "GT", "MASKED_EQ"})
            for (std::uint64_t v : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x80000000},
                                    std::uint64_t{0xffffffff}, std::uint64_t{0x100000001}, ~std::uint64_t{0}}) {
                CAPTURE(op);
                CAPTURE(v);
                const bool masked = op == std::string("MASKED_EQ");
                const std::string program = compiled(allowing(
                    rule("\"membarrier\",\"mseal\"", masked ? arg(0, op, v, v & 0x180000001) : arg(0, op, v))));
                for (Abi abi : abis()) {
                    CAPTURE(static_cast<int>(abi));
                    auto verdicts = [&](long number) {
                        std::vector<bool> out;
                        for (long answer : answers(program, abi, number, calls)) out.push_back(answer == -marked);
                        return out;
                    };
                    constexpr long mseal = 462;
                    CHECK(verdicts(abi == Abi::int80 ? 375 : 324) == verdicts(mseal));
                }
            }
    }

    TEST_CASE("several rules for one call: all are there, and one without conditions wins") {
        constexpr long mseal = 462;
        const std::string two =
            compiled(allowing(rule("\"mseal\"", arg(0, "EQ", 1)) + "," + rule("\"mseal\"", arg(0, "EQ", 2)) + "," +
                              rule("\"listmount\"", arg(2, "GT", 9))));
        // One argument tested twice: each condition is a rule of its own, as for runc.
        const std::string twice =
            compiled(allowing(rule("\"mseal\",\"getppid\"", arg(0, "EQ", 1) + "," + arg(0, "EQ", 2))));
        const std::string both = compiled(allowing(rule("\"mseal\"", arg(0, "EQ", 1)) + "," + rule("\"mseal\"", "")));
        for (Abi abi : abis()) {
            CAPTURE(static_cast<int>(abi));
            auto refused = [&](const std::string& program, long number, const Args& a) {
                return answers(program, abi, number, {a})[0] == -marked;
            };
            for (const std::string& program : {two, twice}) {
                CHECK(refused(program, mseal, {1, 0, 0}));
                CHECK(refused(program, mseal, {2, 0, 0}));
                CHECK_FALSE(refused(program, mseal, {3, 0, 0}));
            }
            CHECK(refused(two, 458, {0, 0, 10}));
            CHECK_FALSE(refused(two, 458, {0, 0, 9}));
            CHECK(refused(both, mseal, {1, 0, 0}));
            CHECK(refused(both, mseal, {5, 0, 0}));
        }
    }

    TEST_CASE("an allow-list lets new calls through where it names them, and unknown numbers get ENOSYS on every ABI") {
        const std::string allow_all = R"("exit_group","write","rt_sigreturn")";
        auto list = [&](const std::string& more) {
            return compiled(R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":99,"syscalls":[{"names":[)" +
                            allow_all + R"(],"action":"SCMP_ACT_ALLOW"})" + more + "]}");
        };
        const std::string with = list(
            R"(,{"names":["mseal"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"op":"SCMP_CMP_EQ","value":1}]},{"names":["file_setattr"],"action":"SCMP_ACT_ALLOW"})");
        for (Abi abi : abis()) {
            CAPTURE(static_cast<int>(abi));
            std::vector<long> got = answers(with, abi, 462, {{1, 0, 0}, {2, 0, 0}});
            CHECK(got[0] != -marked);
            CHECK(got[1] == -marked);
            CHECK(answers(with, abi, 457, {{0, 0, 0}})[0] == -marked); // statmount: known and not named
            CHECK(answers(with, abi, 469, {{0, 0, 0}})[0] != -marked);
            CHECK(answers(with, abi, 4000, {{0, 0, 0}})[0] == -ENOSYS);
        }
    }

    TEST_CASE("every action of a rule acts on a new call as on an old one") {
        auto end_of = [](const std::string& program, long number) {
            pid_t pid = ::fork();
            if (pid == 0) {
                load(program);
                ::_exit(::syscall(number, -1, -1, -1) < 0 ? errno : 0);
            }
            int status = 0;
            ::waitpid(pid, &status, 0);
            return status;
        };
        for (long number : {462L, long{SYS_getppid}}) {
            CAPTURE(number);
            auto with = [&](const std::string& action) {
                return end_of(compiled(allowing(rule("\"mseal\",\"getppid\"", "", action))), number);
            };
            for (const char* action :
                 {"SCMP_ACT_KILL", "SCMP_ACT_KILL_THREAD", "SCMP_ACT_KILL_PROCESS", "SCMP_ACT_TRAP"}) {
                CAPTURE(action);
                int status = with(action);
                CHECK(WIFSIGNALED(status));
                CHECK(WTERMSIG(status) == SIGSYS);
            }
            CHECK(WEXITSTATUS(with("SCMP_ACT_ERRNO")) == marked);
            CHECK(WEXITSTATUS(with("SCMP_ACT_TRACE")) == ENOSYS); // nobody traces
            CHECK(WEXITSTATUS(with("SCMP_ACT_LOG")) == (number == 462 ? EINVAL : 0));
        }
    }
}

#include "base/error.hpp"
#include "base/process.hpp"
#include "base/sys.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <optional>
#include <stop_token>
#include <sys/resource.h>
#include <sys/wait.h>
#include <thread>

using namespace davit;

namespace {
SpawnOptions shell(const std::string& script) {
    SpawnOptions o;
    o.argv = {"sh", "-c", script};
    return o;
}
} // namespace

TEST_CASE("process: an exit code and a signal come back apart") {
    CHECK(Child::spawn(shell("exit 7")).wait().code == 7);
    ExitStatus killed = Child::spawn(shell("kill -TERM $$")).wait();
    CHECK(killed.signal == SIGTERM);
    CHECK(killed.code == 128 + SIGTERM);
}

TEST_CASE("process: a stop kills the program that is waited for") {
    std::stop_source enough;
    std::jthread later([&] { enough.request_stop(); });
    const auto began = std::chrono::steady_clock::now();
    try {
        run(shell("sleep 1000"), {}, enough.get_token());
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::interrupted);
    }
    // Also when it has closed its output and goes on.
    std::stop_source late;
    std::jthread end([&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        late.request_stop();
    });
    CHECK_THROWS_WITH(run(shell("exec >/dev/null 2>&1; sleep 1000"), {}, late.get_token()), "interrupted");
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(30));
    CHECK(run(shell("cat; echo done"), "in ", std::stop_source().get_token()).out == "in done\n");
}

TEST_CASE("process: a program that does not exist is an error that names it") {
    SpawnOptions o;
    o.argv = {"/nowhere/program"};
    try {
        Child::spawn(o);
        FAIL("nothing was thrown");
    } catch (const Error& e) {
        CHECK(e.kind() == Errc::not_found);
        CHECK(std::string(e.what()).find("/nowhere/program") != std::string::npos);
    }
}

TEST_CASE("process: the child has the environment, directory and descriptor it was given") {
    SpawnOptions o = shell("pwd; echo $A; cat <&7");
    FdPair pipe = sys::pipe();
    sys::write_all(pipe.second.get(), "through 7");
    pipe.second.reset();
    o.env = {"A=b", "PATH=/usr/bin:/bin"};
    o.cwd = "/usr";
    o.fds = {{pipe.first.get(), 7}};
    Output out = run(o);
    CHECK(out.out == "/usr\nb\nthrough 7");
    CHECK(out.status.code == 0);
}

TEST_CASE("process: nothing but standard streams and named descriptors passes, whatever its flags") {
    UniqueFd low(::fcntl(0, F_DUPFD, 4)), high(::fcntl(0, F_DUPFD, 300)); // without close-on-exec
    FdPair pipe = sys::pipe();
    SpawnOptions o;
    o.argv = {"ls", "/proc/self/fd"};
    o.fds = {{pipe.first.get(), 7}};
    CHECK(run(o).out == "0\n1\n2\n3\n7\n"); // 3 is the directory that ls itself reads
}

TEST_CASE("process: one that there is no descriptor for is ended, not left to nobody") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const UniqueFd next = sys::open("/dev/null", O_RDONLY);
    const rlimit few{static_cast<rlim_t>(next.get()) + 1, before.rlim_max}; // and none is left
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    std::optional<Error> refused;
    try {
        Child::spawn(shell("exec sleep 1000"));
    } catch (const Error& e) {
        refused = e;
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    REQUIRE(refused);
    CHECK(refused->os().value() == EMFILE);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1); // no child is left
    CHECK(errno == ECHILD);
}

TEST_CASE("process: descriptors may swap their numbers") {
    FdPair a = sys::pipe(), b = sys::pipe();
    sys::write_all(a.second.get(), "A");
    sys::write_all(b.second.get(), "B");
    a.second.reset();
    b.second.reset();
    UniqueFd five(::fcntl(a.first.get(), F_DUPFD_CLOEXEC, 50)),
        six(::fcntl(b.first.get(), F_DUPFD_CLOEXEC, five.get() + 1));
    SpawnOptions o;
    o.argv = {"sh", "-c",
              "cat /proc/self/fd/" + std::to_string(five.get()) + " /proc/self/fd/" + std::to_string(six.get())};
    o.fds = {{five.get(), six.get()}, {six.get(), five.get()}};
    CHECK(run(o).out == "BA");
}

TEST_CASE("process: run feeds input and reads both outputs, more than a pipe holds") {
    std::string big(1 << 20, 'x');
    Output out = run(shell("tee /dev/stderr"), big);
    CHECK(out.out == big);
    CHECK(out.err == big);
}

TEST_CASE("process: run survives a program that does not read its input") {
    CHECK(run(shell("exit 3"), std::string(1 << 20, 'x')).status.code == 3);
}

TEST_CASE("process: a child that is dropped is killed and reaped") {
    UniqueFd pidfd;
    {
        Child child = Child::spawn(shell("exec sleep 600"));
        pidfd = sys::pidfd_open(child.pid());
        CHECK_FALSE(child.try_wait().has_value());
    }
    CHECK_FALSE(sys::pidfd_send_signal(pidfd.get(), 0));
}

TEST_CASE("process: a blocked signal of the caller is not blocked in the child") {
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, &old);
    CHECK(Child::spawn(shell("kill -TERM $$; exit 9")).wait().signal == SIGTERM);
    ::sigprocmask(SIG_SETMASK, &old, nullptr);
}

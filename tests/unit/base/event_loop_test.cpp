#include "base/event_loop.hpp"
#include "base/sys.hpp"

#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdexcept>
#include <sys/epoll.h>
#include <unistd.h>

using namespace davit;
using namespace std::chrono_literals;

TEST_CASE("event loop: a readable descriptor calls back, level triggered, until its watch ends") {
    EventLoop loop;
    FdPair pipe = sys::pipe();
    sys::write_all(pipe.second.get(), "ab");
    int calls = 0;
    EventLoop::Watch watch = loop.watch_fd(pipe.first.get(), EPOLLIN, [&](std::uint32_t events) {
        CHECK((events & EPOLLIN) != 0);
        char c;
        REQUIRE(::read(pipe.first.get(), &c, 1) == 1);
        if (++calls == 2) loop.stop();
    });
    loop.run();
    CHECK(calls == 2);
    watch.reset();
    sys::write_all(pipe.second.get(), "c");
    loop.run_once(0ms);
    CHECK(calls == 2);
}

TEST_CASE("event loop: timers run in the order of their times, and an ended one never") {
    EventLoop loop;
    std::string order;
    auto b = loop.after(2ms, [&] { order += 'b'; });
    auto a = loop.after(1ms, [&] { order += 'a'; });
    auto dropped = loop.after(1ms, [&] { order += 'x'; });
    auto end = loop.after(3ms, [&] { loop.stop(); });
    dropped.reset();
    loop.run();
    CHECK(order == "ab");
}

TEST_CASE("event loop: a callback may end its own watch and another's") {
    EventLoop loop;
    FdPair one = sys::pipe(), two = sys::pipe();
    sys::write_all(one.second.get(), "x");
    sys::write_all(two.second.get(), "x");
    int calls = 0;
    EventLoop::Watch first, second;
    auto end_both = [&](std::uint32_t) {
        ++calls;
        first.reset();
        second.reset();
    };
    first = loop.watch_fd(one.first.get(), EPOLLIN, end_both);
    second = loop.watch_fd(two.first.get(), EPOLLIN, end_both);
    loop.run_once(100ms);
    loop.run_once(0ms);
    CHECK(calls == 1);
}

TEST_CASE("event loop: an event of a closed descriptor is not told to the next one with its number") {
    EventLoop loop;
    FdPair one = sys::pipe(), two = sys::pipe();
    sys::write_all(one.second.get(), "x");
    sys::write_all(two.second.get(), "x");
    int stale = 0;
    EventLoop::Watch first, second, fresh;
    UniqueFd silent;
    FdPair other = sys::pipe(); // nothing is to be read there
    // Whichever is called first closes the other's descriptor, and another one takes its number.
    const auto replace = [&](UniqueFd& fd, EventLoop::Watch& watch) {
        const int number = fd.get();
        watch.reset();
        fd.reset();
        silent.reset(::fcntl(other.first.get(), F_DUPFD_CLOEXEC, number));
        REQUIRE(silent.get() == number);
        fresh = loop.watch_fd(number, EPOLLIN, [&](std::uint32_t) { ++stale; });
    };
    first = loop.watch_fd(one.first.get(), EPOLLIN, [&](std::uint32_t) {
        if (!silent) replace(two.first, second);
    });
    second = loop.watch_fd(two.first.get(), EPOLLIN, [&](std::uint32_t) {
        if (!silent) replace(one.first, first);
    });
    loop.run_once(100ms);
    REQUIRE(static_cast<bool>(silent));
    CHECK(stale == 0);
    sys::write_all(other.second.get(), "y"); // what is its own comes
    loop.run_once(100ms);
    CHECK(stale > 0);
}

TEST_CASE("event loop: a signal is delivered to its callback with the sender's pid") {
    EventLoop loop;
    int sender = 0;
    auto watch = loop.watch_signal(SIGUSR1, [&](int pid) {
        sender = pid;
        loop.stop();
    });
    ::kill(::getpid(), SIGUSR1);
    loop.run();
    CHECK(sender == ::getpid());
}

TEST_CASE("event loop: posted work runs once, at the end of the turn") {
    EventLoop loop;
    int runs = 0;
    loop.post([&] {
        ++runs;
        loop.post([&] {
            ++runs;
            loop.stop();
        });
    });
    loop.run_once(0ms);
    CHECK(runs == 1);
    loop.run();
    CHECK(runs == 2);
}

TEST_CASE("event loop: an exception of a callback leaves run, and the loop goes on after it") {
    EventLoop loop;
    auto bad = loop.after(0ms, [] { throw std::runtime_error("callback"); });
    CHECK_THROWS_WITH(loop.run(), "callback");
    auto good = loop.after(0ms, [&] { loop.stop(); });
    loop.run();
}

TEST_CASE("event loop: what one posted callback throws loses none of the others") {
    EventLoop loop;
    std::string ran;
    loop.post([&] { ran += 'a'; });
    loop.post([] { throw std::runtime_error("posted"); });
    loop.post([&] { ran += 'b'; });
    loop.post([&] { ran += 'c', loop.stop(); });
    CHECK_THROWS_WITH(loop.run(), "posted");
    CHECK(ran == "a");
    loop.run();
    CHECK(ran == "abc");
}

TEST_CASE("event loop: a watch may outlive its loop") {
    EventLoop::Watch watch;
    {
        EventLoop loop;
        watch = loop.after(1h, [] {});
        CHECK(static_cast<bool>(watch));
    }
    watch.reset();
    CHECK_FALSE(static_cast<bool>(watch));
}

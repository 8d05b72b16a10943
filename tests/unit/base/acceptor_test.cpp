#include "base/acceptor.hpp"
#include "base/sys.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

using namespace davit;
using namespace std::chrono_literals;

namespace {

// A listener on an abstract name that the kernel picks, and who connects to it.
struct Listener {
    UniqueFd socket{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    sockaddr_un address{};
    socklen_t size = sizeof address;
    Listener() {
        const sockaddr_un any{AF_UNIX, {}};
        REQUIRE(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&any), sizeof(sa_family_t)) == 0);
        REQUIRE(::listen(socket.get(), 64) == 0);
        REQUIRE(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    }
    UniqueFd connect() const {
        UniqueFd s(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
        REQUIRE(::connect(s.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
        return s;
    }
};

} // namespace

TEST_CASE("acceptor: all who wait are taken, until it ends") {
    EventLoop loop;
    Listener listener;
    int taken = 0;
    Acceptor acceptor;
    acceptor.start(loop, listener.socket.get(), [&](UniqueFd fd) {
        CHECK((::fcntl(fd.get(), F_GETFL) & O_NONBLOCK) != 0);
        ++taken;
    });
    UniqueFd a = listener.connect(), b = listener.connect();
    loop.run_once(0ms);
    CHECK(taken == 2);
    acceptor.reset();
    UniqueFd c = listener.connect();
    loop.run_once(0ms);
    CHECK(taken == 2);
}

TEST_CASE("acceptor: without a descriptor it sleeps, and takes who waits when there is one") {
    EventLoop loop;
    Listener listener;
    int taken = 0;
    Acceptor acceptor;
    acceptor.start(loop, listener.socket.get(), [&](UniqueFd) {
        ++taken;
        loop.stop();
    });
    UniqueFd waiting = listener.connect();
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const UniqueFd next = sys::open("/dev/null", O_RDONLY);
    const rlimit few{static_cast<rlim_t>(next.get()) + 1, before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    auto over = loop.after(400ms, [&] { ::setrlimit(RLIMIT_NOFILE, &before); });
    unsigned turns = 0;
    for (; !taken && turns < 1000; ++turns) loop.run_once(1s);
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(taken == 1);
    CHECK(turns < 100); // one that spins makes a thousand at once
}

#include "davit/version.hpp"
#include "engine/streams/follower.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <poll.h>
#include <stdexcept>
#include <string>

using namespace davit;

namespace {

bool readable(int fd) {
    pollfd ready{fd, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 1;
}

bool becomes_readable(int fd) {
    pollfd ready{fd, POLLIN, 0};
    return ::poll(&ready, 1, 30'000) == 1;
}

} // namespace

TEST_CASE("a channel is readable while something is in it, and for good after its end") {
    Channel<int> channel(100);
    CHECK_FALSE(readable(channel.fd()));
    CHECK_FALSE(channel.take());
    channel.push(1, 1);
    channel.push(2, 1);
    CHECK(readable(channel.fd()));
    CHECK(channel.take() == 1);
    CHECK(readable(channel.fd()));
    CHECK(channel.take() == 2);
    CHECK_FALSE(readable(channel.fd()));
    channel.push(3, 1);
    channel.end();
    CHECK_FALSE(channel.done());
    CHECK(channel.take() == 3);
    CHECK(readable(channel.fd()));
    CHECK(channel.done());
    CHECK_FALSE(channel.take());
}

TEST_CASE("what ended a channel is thrown once, after all before it was taken") {
    Channel<int> channel(100);
    channel.push(1, 1);
    channel.end(std::make_exception_ptr(std::runtime_error("why")));
    CHECK(channel.take() == 1);
    CHECK_FALSE(channel.done());
    CHECK_THROWS_WITH(channel.take(), "why");
    CHECK(channel.done());
    CHECK_FALSE(channel.take());
}

TEST_CASE("who fills a channel waits for who takes, and is let go when nobody does") {
    auto pushed = std::make_shared<std::atomic<int>>(0);
    {
        Follower<std::string> endless([pushed](const auto& push, std::stop_token) {
            while (push(std::string(1000, 'x'), 1000)) ++*pushed;
        });
        Channel<std::string>& channel = endless.channel();
        std::size_t taken = 0;
        for (; taken < 1000; ++taken) {
            REQUIRE(becomes_readable(channel.fd()));
            REQUIRE(channel.take().value().size() == 1000);
            CHECK(*pushed <= static_cast<int>(taken) + 300); // 256 KiB ahead, no more
        }
    }
    CHECK(*pushed >= 1000); // the thread is gone: it was joined
}

TEST_CASE("a library serves programs of its own version and before, of the same line") {
    CHECK(version_serves());
    CHECK(version_serves(DAVIT_VERSION_MAJOR, DAVIT_VERSION_MINOR, DAVIT_VERSION_PATCH));
    CHECK_FALSE(version_serves(DAVIT_VERSION_MAJOR, DAVIT_VERSION_MINOR, DAVIT_VERSION_PATCH + 1));
    CHECK_FALSE(version_serves(DAVIT_VERSION_MAJOR, DAVIT_VERSION_MINOR + 1, 0));
    CHECK_FALSE(version_serves(DAVIT_VERSION_MAJOR + 1, 0, 0));
    CHECK(DAVIT_VERSION_AT_LEAST(DAVIT_VERSION_MAJOR, DAVIT_VERSION_MINOR, 0));
    CHECK_FALSE(DAVIT_VERSION_AT_LEAST(DAVIT_VERSION_MAJOR, DAVIT_VERSION_MINOR, DAVIT_VERSION_PATCH + 1));
}

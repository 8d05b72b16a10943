#include "davit/error.hpp"
#include "image/room.hpp"

#include <doctest/doctest.h>

#include <cerrno>
#include <sys/statvfs.h>

using namespace davit;

TEST_CASE("room is asked for by what comes and by what stays free, together") {
    struct statvfs disk {};
    REQUIRE(::statvfs("/", &disk) == 0);
    const std::uint64_t free = std::uint64_t{disk.f_bavail} * disk.f_frsize;
    constexpr std::uint64_t slack = 1u << 30; // others write meanwhile
    const auto refused = [](std::uint64_t bytes, std::uint64_t keep) {
        try {
            image::require_room("/", bytes, keep, "the image");
            return false;
        } catch (const Error& e) {
            CHECK(e.os().value() == ENOSPC);
            CHECK(e.kind() == Errc::failed);
            return true;
        }
    };
    CHECK_FALSE(refused(0, 0));
    CHECK(refused(0, free + slack));
    CHECK(refused(free + slack, 0));
    CHECK(refused(UINT64_MAX, UINT64_MAX)); // no sum that wraps around
    if (free > 2 * slack) {
        CHECK_FALSE(refused(free / 4, free / 4));
        CHECK(refused(free / 2 + slack, free / 2 + slack));
    }
}

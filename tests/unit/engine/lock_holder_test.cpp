#include "engine/lock_holder.hpp"

#include "base/fd.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

using namespace davit;

TEST_CASE("lock holder: the process that has the lock, not one that waits for it or for another file") {
    const std::string locks = "1: POSIX  ADVISORY  WRITE 11 fd:01:77 0 EOF\n"
                              "2: FLOCK  ADVISORY  WRITE 12 fd:01:7 0 EOF\n"
                              "3: FLOCK  ADVISORY  WRITE 13 fd:01:77 0 EOF\n"
                              "3: -> FLOCK  ADVISORY  WRITE 14 fd:01:77 0 EOF\n";
    CHECK(holder_pid(locks, 0xfd, 1, 77) == "13");
    CHECK(holder_pid(locks, 0xfd, 2, 77).empty());
    CHECK(holder_pid("", 0xfd, 1, 77).empty());
}

TEST_CASE("lock holder: a held file leads to its process, or to nobody known") {
    char name[] = "/tmp/lock-holder-XXXXXX";
    const UniqueFd held(::mkstemp(name)), other(::open(name, O_RDONLY | O_CLOEXEC));
    ::unlink(name);
    REQUIRE(held);
    CHECK(lock_holder(other.get()) == "another process");
    REQUIRE(::flock(held.get(), LOCK_EX) == 0);
    const std::string found = lock_holder(other.get());
    // Where the kernel's device numbers do not lead back (overlay), it says so.
    const bool known = found.ends_with("(pid " + std::to_string(::getpid()) + ")") && found.find('/') != 0;
    CHECK_MESSAGE((known || found == "another process"), found);
}

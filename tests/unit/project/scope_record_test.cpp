// Whose end is a project's end: the record, and whether that process lives.
#include "base/error.hpp"
#include "base/sys.hpp"
#include "project/scope_record.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fstream>
#include <unistd.h>

using namespace davit;

namespace {

ScopeRecord mine() {
    ScopeRecord r;
    r.owner = ::getpid();
    r.owner_start = sys::start_time(r.owner);
    r.boot_id = sys::boot_id();
    r.grace = 5;
    r.volumes = {"p_a", "p_b"};
    r.unique = true;
    return r;
}

} // namespace

TEST_CASE("a scope's record comes back as it was written") {
    test::TempDir directory;
    const ProjectPaths paths(Roots{directory / "state", directory / "run"}, "p");
    CHECK_FALSE(read_scope(paths));
    write_scope(paths, mine());
    CHECK(read_scope(paths) == mine());
    std::ofstream(paths.scope()) << "";
    CHECK_FALSE(read_scope(paths)); // the power failed
    std::ofstream(paths.scope()) << "{\"format\": 99}";
    CHECK_THROWS_AS(read_scope(paths), Error);
}

TEST_CASE("an owner is a process of this boot with that start time") {
    CHECK(owner_lives(mine()));
    ScopeRecord other = mine();
    other.owner_start += 1; // the number is another process's by now
    CHECK_FALSE(owner_lives(other));
    ScopeRecord before = mine();
    before.boot_id = "another";
    CHECK_FALSE(owner_lives(before));
    CHECK_FALSE(owner_lives(ScopeRecord()));
}

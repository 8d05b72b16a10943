#include "base/file.hpp"
#include "davit/error.hpp"
#include "supervisor/footprint.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace davit;

namespace {
// In kB; smaps_rollup, proc(5).
long resident_file_pages() {
    const std::string text = read_file("/proc/self/smaps_rollup");
    const auto at = text.find("\nPss_File:");
    return at == std::string::npos ? -1 : std::stol(text.substr(at + 10));
}
} // namespace

TEST_CASE("code that is given back is no longer resident, and runs all the same") {
    const long before = resident_file_pages();
    REQUIRE(before > 0);
    supervisor::shrink_footprint();
    CHECK(resident_file_pages() < before);
    CHECK_THROWS_AS(read_file("/nowhere"), Error); // unwinding reads what was given back
}

// Containers through the whole road: spec, steps, shim, kernel.
#include "unit/runtime/box.hpp"

#include "base/file.hpp"
#include "davit/error.hpp"
#include "project/store.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::runtime;
using namespace davit::runtime::test;

TEST_CASE("a container says hello, ends with its exit code, and the log has the line") {
    Box box;
    CHECK(box.sh("echo hello; echo oops >&2; exit 7").run() == 7);
    CHECK(box.log_text("stdout") == "hello\n");
    CHECK(box.log_text("stderr") == "oops\n");
    auto record = exit_record(box.start.run_dir + "/exit.json");
    REQUIRE(record);
    CHECK(record->code == 7);
    CHECK(record->known);
    CHECK_FALSE(record->oom);
}

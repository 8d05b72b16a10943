#include "archive/archive_files.hpp"
#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

using namespace davit;

TEST_CASE("archive files: what documents of a directory name stands below it, as in a tar") {
    const test::TempDir dir;
    sys::make_dirs(dir / "image/blobs");
    write_file_atomic(dir / "secret", "of the machine");
    write_file_atomic(dir / "image/blobs/one", "1");
    const auto files = archive::open_directory(dir / "image");
    CHECK(files->read("blobs/one") == "1");
    CHECK(files->read("/blobs/../blobs/one") == "1");
    CHECK_FALSE(files->read("blobs/two"));
    for (const char* outside : {"../secret", "blobs/../../secret"}) {
        CHECK_THROWS_AS(files->read(outside), Error);
        CHECK_THROWS_AS(files->open(outside, 0), Error);
        CHECK_THROWS_AS(files->size(outside), Error);
    }
}

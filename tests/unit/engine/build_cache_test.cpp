#include "davit/build_cache.hpp"

#include "base/error.hpp"
#include "build/files/http_memory.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>

using namespace davit;

TEST_CASE("what a build keeps of a URL is shown without its password") {
    const test::TempDir state;
    EngineOptions options;
    options.state_dir = state.path();
    options.run_dir = state.path();
    Engine engine(options);
    build::HttpFile file;
    file.sha256 = std::string(64, '0');
    file.etag = "\"1\"";
    build::HttpMemory(state / "cache/build/urls").keep("https://u:secret@h/f", file);
    const auto all = build_cache(engine);
    REQUIRE(all.size() == 1);
    CHECK(all.front().description == "https://xxxxx:xxxxx@h/f");
}

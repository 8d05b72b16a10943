#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "build/outputs.hpp"
#include "build/stale_files.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

using namespace davit;
using namespace davit::build;
using Type = BuildOutput::Type;

namespace {

std::string refusal(const BuildRequest& request) {
    try {
        check_outputs(request);
    } catch (const Error& e) {
        return e.what();
    }
    return "";
}

BuildRequest with(Type type, std::map<std::string, std::string> attributes, std::string destination = "") {
    BuildRequest out;
    out.outputs = {{type, std::move(destination), std::move(attributes)}};
    return out;
}

UniqueFd opened(const std::string& directory) { return sys::open(directory, O_RDONLY | O_DIRECTORY); }

void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    write_file_atomic(path, text, 0644);
}

} // namespace

TEST_CASE("what is pushed has a name: a tag, or the output's own") {
    for (const char* yes : {"true", "1", "TRUE", "t"})
        CHECK(refusal(with(Type::image, {{"push", yes}})) == "tag is needed when pushing to registry");
    CHECK(refusal(with(Type::image, {{"push", "true"}, {"name", ""}})) == "tag is needed when pushing to registry");
    CHECK(refusal(with(Type::image, {{"push", "false"}})).empty());
    CHECK(refusal(with(Type::image, {{"push", "true"}, {"name", "localhost:1/app"}})).empty());
    BuildRequest tagged = with(Type::image, {{"push", "true"}});
    tagged.tags = {"localhost:1/app"};
    CHECK(refusal(tagged).empty());
    CHECK(refusal(with(Type::image, {{"push-by-digest", "true"}})).find("push-by-digest") == 0);
}

TEST_CASE("cacheonly needs no destination") { CHECK(refusal(with(Type::cacheonly, {})).empty()); }

TEST_CASE("mode=delete is for directories below the one at hand, or allowed") {
    CHECK(refusal(with(Type::local, {{"mode", "delete"}}, "out/deeper")).empty());
    CHECK(refusal(with(Type::local, {{"mode", "Copy"}}, "/")).empty());
    CHECK(refusal(with(Type::local, {{"mode", "erase"}}, "out")) == "invalid local exporter mode \"erase\"");
    for (const char* outside : {".", "..", "out/../..", "/", "/usr"}) {
        CAPTURE(outside);
        BuildRequest request = with(Type::local, {{"mode", "delete"}}, outside);
        CHECK(refusal(request).find("requires --allow=buildx.local.delete") != std::string::npos);
        request.entitlements = {"buildx.local.delete"};
        CHECK(refusal(request).empty());
    }
    // A link leads out of it, whatever its name.
    test::TempDir dir, elsewhere;
    REQUIRE(::symlink(elsewhere.path().c_str(), (dir / "out").c_str()) == 0);
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(dir.path());
    const std::string said = refusal(with(Type::local, {{"mode", "delete"}}, "out/deeper"));
    std::filesystem::current_path(before);
    CHECK(said.find("requires") != std::string::npos);
}

TEST_CASE("a layout is named by its directory, a tag and a digest") {
    const std::string digest = "sha256:" + std::string(64, 'a');
    CHECK(parse_layout("/l") == LayoutName{"/l", "", ""});
    CHECK(parse_layout("l:1.2_x") == LayoutName{"l", "1.2_x", ""});
    CHECK(parse_layout("/l@" + digest) == LayoutName{"/l", "", digest});
    CHECK(parse_layout("/l:t@" + digest) == LayoutName{"/l", "t", digest});
    CHECK(parse_layout("/a:b/l") == LayoutName{"/a:b/l", "", ""});
    CHECK(parse_layout("/l@sha256:short") == LayoutName{"/l@sha256", "short", ""});
    test::TempDir dir;
    put(dir / "odd:name/index.json", "{}");
    CHECK(parse_layout(dir / "odd:name") == LayoutName{dir / "odd:name", "", ""});
}

TEST_CASE("stale files go, and nothing that links lead to") {
    test::TempDir dir;
    put(dir / "built/app/new", "new");
    put(dir / "built/kept", "built");
    put(dir / "built/became-file", "file");
    put(dir / "built/became-directory/a", "a");
    put(dir / "outside/precious", "precious");
    put(dir / "out/kept", "old");
    put(dir / "out/stale/deep/er", "stale");
    put(dir / "out/app/stale", "stale");
    put(dir / "out/became-file/x", "x");
    REQUIRE(::symlink("../outside", (dir / "out/became-directory").c_str()) == 0);
    REQUIRE(::symlink("../../outside", (dir / "out/app/link").c_str()) == 0);
    remove_stale(opened(dir / "out").get(), opened(dir / "built").get());
    CHECK(exists(dir / "out/kept"));
    CHECK(exists(dir / "out/app"));
    for (const char* gone : {"stale", "app/stale", "app/link", "became-file", "became-directory"}) {
        CAPTURE(gone);
        CHECK_FALSE(std::filesystem::exists(std::filesystem::symlink_status(dir / ("out/" + std::string(gone)))));
    }
    CHECK(read_file(dir / "outside/precious") == "precious");
}

TEST_CASE("of several platforms only their own directories stay") {
    test::TempDir dir;
    put(dir / "linux_amd64/a", "a");
    put(dir / "linux_arm64", "a file in a directory's place");
    put(dir / "other/x", "x");
    remove_others(opened(dir.path()).get(), {"linux_amd64", "linux_arm64"});
    CHECK(exists(dir / "linux_amd64/a"));
    CHECK_FALSE(exists(dir / "linux_arm64"));
    CHECK_FALSE(exists(dir / "other"));
}

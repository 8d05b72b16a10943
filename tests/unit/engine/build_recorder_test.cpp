#include "engine/build_recorder.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "davit/build_history.hpp"
#include "tests/support/temp_dir.hpp"

#include <doctest/doctest.h>
#include <filesystem>

using namespace davit;

namespace {

BuildEvent told(BuildEvent::Kind kind, int vertex, const std::string& text) {
    BuildEvent out;
    out.kind = kind;
    out.vertex = vertex;
    (kind == BuildEvent::Kind::started || kind == BuildEvent::Kind::cached ? out.name : out.text) = text;
    out.time_ns = 1;
    return out;
}

void record(const std::string& directory, const std::string& context) {
    BuildRequest request;
    request.context = context;
    request.args = {{"A", "b"}, {"NONE", std::nullopt}};
    BuildRecorder recorder(directory, request);
    recorder.see(told(BuildEvent::Kind::cached, 1, "one"));
    recorder.see(told(BuildEvent::Kind::started, 2, "two"));
    recorder.see(told(BuildEvent::Kind::log, 2, "said\n"));
    recorder.failed(error(Errc::failed, "why"));
}

} // namespace

TEST_CASE("builds are remembered with what they told, the newest first, the last fifty") {
    const test::TempDir state;
    EngineOptions options;
    options.state_dir = state.path();
    options.run_dir = state.path();
    Engine engine(options);
    CHECK(build_records(engine).empty());
    for (int i = 0; i < 52; ++i) record(state / "builds", std::to_string(i));
    const auto all = build_records(engine);
    REQUIRE(all.size() == 50);
    CHECK(all.front().context == "51");
    CHECK(all.back().context == "2");
    const BuildRecord& newest = all.front();
    CHECK(newest.id.size() == 25);
    CHECK(newest.status == BuildRecord::Status::error);
    CHECK(newest.error == "why");
    CHECK(newest.args == std::vector<std::pair<std::string, std::string>>{{"A", "b"}});
    CHECK((newest.steps == 2 && newest.done == 1 && newest.cached == 1));
    std::string text;
    replay_build(engine, newest.id, [&](const BuildEvent& e) { text += e.name + e.text; });
    CHECK(text == "onetwosaid\n");
    remove_build_record(engine, newest.id);
    CHECK(build_records(engine).front().context == "50");
    CHECK_THROWS_AS(remove_build_record(engine, newest.id), Error);
}

TEST_CASE("no password of a URL gets into a record") {
    const test::TempDir state;
    EngineOptions options;
    options.state_dir = state.path();
    options.run_dir = state.path();
    Engine engine(options);
    BuildRequest request;
    request.context = "https://u:secret@h/r.git";
    request.dockerfile = "https://secret@h/Dockerfile";
    BuildRecorder recorder(state / "builds", request);
    recorder.see(told(BuildEvent::Kind::started, 1, "ADD https://u:secret@h/f /"));
    recorder.see(told(BuildEvent::Kind::failed, 1, "https://u:secret@h/f: no"));
    recorder.failed(error(Errc::failed, "https://u:secret@h/f: no"));
    for (const auto& entry : std::filesystem::directory_iterator(state / "builds"))
        CHECK(read_file(entry.path().string()).find("secret") == std::string::npos);
    REQUIRE(build_records(engine).size() == 1);
    CHECK(build_records(engine).front().context == "https://xxxxx:xxxxx@h/r.git");
    CHECK(build_records(engine).front().error == "https://xxxxx:xxxxx@h/f: no");
}

TEST_CASE("records that cannot be read or removed are no empty history") {
    const test::TempDir state;
    EngineOptions options;
    options.state_dir = state.path();
    options.run_dir = state.path();
    Engine engine(options);
    std::filesystem::create_directories(state / "builds/1-abc.build");
    CHECK_THROWS_AS(remove_build_record(engine, "abc"), Error);
    std::filesystem::remove_all(state / "builds");
    write_file_making(state / "builds", "", 0600, false);
    CHECK_THROWS_AS(build_records(engine), Error);
    record(state / "builds", "x"); // no fault of the build
}

TEST_CASE("a build that only checks leaves no record") {
    const test::TempDir state;
    BuildRequest request;
    request.check_only = true;
    BuildRecorder(state / "builds", request).completed({});
    CHECK(std::filesystem::is_empty(state.path()));
}

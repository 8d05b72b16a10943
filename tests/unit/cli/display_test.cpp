#include "base/date.hpp"
#include "cli/diagnostics.hpp"
#include "cli/display/block.hpp"
#include "cli/display/build_status.hpp"
#include "cli/display/display.hpp"
#include "cli/display/dry_run.hpp"

#include <cstdlib>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::cli;
using namespace std::chrono_literals;

namespace {

Event event(EventKind kind, OpKind op, const std::string& name, const std::string& text = {}) {
    Event e;
    e.kind = kind;
    e.op = op;
    if (op == OpKind::create_network || op == OpKind::remove_network) e.resource = "network:" + name;
    else if (op == OpKind::pull_image) e.resource = "image:" + name;
    else e.container_name = name;
    e.text = text;
    return e;
}

Event warned(const std::string& text) {
    Event e;
    e.kind = EventKind::warning;
    e.text = text;
    return e;
}

// A small up: one container is made anew, another one waited for, a pull, and something that fails.
std::vector<Event> small_up() {
    using enum EventKind;
    std::vector<Event> all{
        event(operation_done, OpKind::start_container, "shop-cache-1", "Running"),
        event(operation_started, OpKind::pull_image, "redis:7"),
        event(operation_progress, OpKind::pull_image, "redis:7", "3b7db6bf01f1 Downloading"),
        event(operation_done, OpKind::pull_image, "redis:7"),
        event(operation_started, OpKind::create_network, "shop_default"),
        event(operation_done, OpKind::create_network, "shop_default"),
        event(operation_started, OpKind::stage_container, "0123456789ab_shop-web-1"),
        event(operation_done, OpKind::stage_container, "0123456789ab_shop-web-1"),
        event(operation_started, OpKind::create_container, "0123456789ab_shop-web-1"),
        event(operation_done, OpKind::create_container, "0123456789ab_shop-web-1"),
        event(operation_started, OpKind::wait_container, "shop-db-1"),
        event(operation_done, OpKind::wait_container, "shop-db-1", "Healthy"),
        event(operation_started, OpKind::stop_container, "shop-web-1"),
        event(operation_done, OpKind::stop_container, "shop-web-1"),
        event(operation_started, OpKind::remove_container, "shop-web-1"),
        event(operation_done, OpKind::remove_container, "shop-web-1"),
        event(operation_started, OpKind::rename_container, "0123456789ab_shop-web-1"),
        event(operation_done, OpKind::rename_container, "0123456789ab_shop-web-1"),
        warned("the volume is old"),
        event(operation_started, OpKind::start_container, "shop-web-1"),
        event(operation_failed, OpKind::start_container, "shop-web-1", "port 80 is taken"),
        event(operation_skipped, OpKind::create_container, "shop-proxy-1"),
        event(operation_skipped, OpKind::start_container, "shop-proxy-1"),
        event(operation_started, OpKind::create_network, ".bridge"), // of network_mode: bridge: not told
        event(operation_done, OpKind::create_network, ".bridge"),
    };
    all[2].current = 10'000'000;
    all[2].total = 40'000'000;
    return all;
}

// What a display writes for these events.
template <typename Make>
std::string shown(Make make, const std::vector<Event>& events) {
    char* text = nullptr;
    std::size_t size = 0;
    FILE* out = ::open_memstream(&text, &size);
    {
        auto display = make(out);
        for (const Event& e : events) display->on(e);
    }
    std::fclose(out);
    std::string result(text, size);
    std::free(text);
    return result;
}

Step step(const std::string& id, Step::State state, const std::string& text) { return {id, state, text, {}, 0, 0}; }

std::string frame(const Block& block, TerminalSize size, Block::Clock::time_point now) {
    return fmt::format("{}\n", fmt::join(block.lines(size, now, false), "\n"));
}

const Block::Clock::time_point begin{};

} // namespace

TEST_CASE(
    "plain progress: a line for each step, in docker's words, a new container in place of an old one as one matter") {
    CHECK(shown([](FILE* out) { return make_plain_display(out, false); }, small_up()) ==
          " Container shop-cache-1 Running\n"
          " Image redis:7 Pulling\n"
          " Image redis:7 Pulling 3b7db6bf01f1 Downloading\n"
          " Image redis:7 Pulled\n"
          " Network shop_default Creating\n"
          " Network shop_default Created\n"
          " Container shop-web-1 Recreate\n"
          " Container shop-db-1 Waiting\n"
          " Container shop-db-1 Healthy\n"
          " Container shop-web-1 Stopping\n"
          " Container shop-web-1 Recreated\n"
          "warning: the volume is old\n"
          " Container shop-web-1 Starting\n"
          " Container shop-web-1 Error port 80 is taken\n"
          " Container shop-proxy-1 Skipped\n");
}

TEST_CASE("plain progress: a dry run says so on every line") {
    CHECK(shown([](FILE* out) { return make_plain_display(out, true); }, {small_up()[0]}) ==
          " DRY-RUN MODE - Container shop-cache-1 Running\n");
}

TEST_CASE("json progress: a line of JSON for each step") {
    const auto all = small_up();
    CHECK(
        shown([](FILE* out) { return make_json_display(out, false); }, {all[1], all[2], all[3], all[20]}) ==
        R"({"id":"Image redis:7","status":"Working","text":"Pulling"})"
        "\n"
        R"({"id":"3b7db6bf01f1","parent_id":"Image redis:7","status":"Working","text":"Downloading","details":"10MB","current":10000000,"total":40000000,"percent":25})"
        "\n"
        R"({"id":"Image redis:7","status":"Done","text":"Pulled"})"
        "\n"
        R"({"id":"Container shop-web-1","status":"Error","text":"Error","details":"port 80 is taken"})"
        "\n");
    CHECK(shown([](FILE* out) { return make_json_display(out, true); }, {all[3]}) ==
          R"({"dry-run":true,"id":"Image redis:7","status":"Done","text":"Pulled"})"
          "\n");
}

TEST_CASE("json progress: a layer that is there is done, and no image without layers") {
    Event there = event(EventKind::operation_progress, OpKind::pull_image, "redis:7", "3b7db6bf01f1 Already exists");
    there.current = there.total = 100;
    Event resolving = event(EventKind::operation_progress, OpKind::pull_image, "redis:7", "Resolving");
    CHECK(
        shown([](FILE* out) { return make_json_display(out, false); }, {there, resolving}) ==
        R"({"id":"3b7db6bf01f1","parent_id":"Image redis:7","status":"Done","text":"Already exists","details":"100B","percent":100})"
        "\n"
        R"({"id":"Image redis:7","status":"Working","text":"Pulling","details":"Resolving"})"
        "\n");
}

TEST_CASE("json progress: a warning is a line of docker compose's logger") {
    const auto line = nlohmann::json::parse(
        shown([](FILE* out) { return make_json_display(out, false); }, {warned("the volume is old")}));
    CHECK(line["level"] == "warning");
    CHECK(line["msg"] == "the volume is old");
    CHECK(parse_rfc3339(line["time"].get<std::string>()));
    const auto nothing = nlohmann::json::parse(shown([](FILE* out) { return make_json_display(out, false); },
                                                     {warned("No resource found to remove for project \"shop\".")}));
    CHECK(nothing["msg"] == "Warning: No resource found to remove for project \"shop\".");
}

TEST_CASE("diagnostics: a warning has docker compose's keys and its place, an error none of them") {
    Diagnostic found;
    found.severity = Diagnostic::Severity::warning;
    found.message = "the attribute `version` is obsolete";
    found.at = {"/x/compose.yaml", 1, 1};
    const auto warning = nlohmann::json::parse(json_line(found));
    CHECK(warning["level"] == "warning");
    CHECK(warning["msg"] == found.message);
    CHECK(warning["file"] == "/x/compose.yaml");
    CHECK(warning["line"] == 1);
    found.severity = Diagnostic::Severity::error;
    const auto error = nlohmann::json::parse(json_line(found));
    CHECK(error["error"] == true);
    CHECK_FALSE(error.contains("level"));
}

TEST_CASE("steps: an image that need not be pulled is done, a container that could not be started is not") {
    StepReader reader;
    const auto image = reader.read(event(EventKind::operation_skipped, OpKind::pull_image, "redis:7"));
    REQUIRE(image);
    CHECK(image->state == Step::State::done);
    CHECK(reader.read(event(EventKind::operation_skipped, OpKind::start_container, "shop-web-1"))->state ==
          Step::State::warning);
    Event nameless = event(EventKind::operation_skipped, OpKind::pull_image, "", "No image to be pulled");
    nameless.resource = "web";
    CHECK(reader.read(nameless)->id == "web");
}

TEST_CASE("dry run: a plan is told as if it had run, without what it would have waited for") {
    Plan plan;
    plan.project = "shop";
    const auto add = [&](OpKind kind, const char* resource) -> Operation& {
        Operation op;
        op.id = static_cast<int>(plan.operations.size()) + 1;
        op.kind = kind;
        op.resource = resource;
        return plan.operations.emplace_back(op);
    };
    add(OpKind::pull_image, "image:redis:7");
    add(OpKind::create_network, "network:default").network = "shop_default";
    add(OpKind::stage_container, "service:web:1").container_name = "shop-web-1";
    add(OpKind::create_container, "service:web:1").container_name = "shop-web-1";
    add(OpKind::wait_container, "service:db");
    add(OpKind::start_container, "service:web:1").container_name = "shop-web-1";
    CHECK(shown([](FILE* out) { return make_plain_display(out, false); }, events_of(plan)) ==
          " Image redis:7 Pulling\n Image redis:7 Pulled\n Network shop_default Creating\n"
          " Network shop_default Created\n Container shop-web-1 Creating\n Container shop-web-1 Created\n"
          " Container shop-web-1 Starting\n Container shop-web-1 Started\n");
    CHECK(events_of(Plan()).empty());
}

TEST_CASE("plain progress: a build begins and ends") {
    Event build = event(EventKind::operation_started, OpKind::build_image, "");
    build.resource = "image:shop-web";
    Event built = build;
    built.kind = EventKind::operation_done;
    CHECK(shown([](FILE* out) { return make_plain_display(out, false); }, {build, built}) ==
          " Image shop-web Building\n Image shop-web Built\n");
}

TEST_CASE("terminal progress: a frame has a line for each step, aligned, with the time at the right") {
    Block block;
    block.update(step("Network shop_default", Step::State::working, "Creating"), begin);
    block.update(step("Network shop_default", Step::State::done, "Created"), begin + 140ms);
    Step pull = step("Image redis:7", Step::State::working, "Pulling");
    pull.details = "3b7db6bf01f1 Downloading";
    pull.current = 10'000'000;
    pull.total = 40'000'000;
    block.update(pull, begin + 200ms);
    block.update(step("Container shop-web-1", Step::State::warning, "Skipped"), begin + 300ms);
    CHECK(block.working());
    CHECK(frame(block, {24, 80}, begin + 1500ms) ==
          "[+] 2/3\n"
          " ✔ Network shop_default Created                                            0.1s\n"
          " ⠸ Image redis:7        Pulling 3b7db6bf01f1 Downloading 10MB / 40MB       1.3s\n"
          " ! Container shop-web-1 Skipped                                            0.0s\n");
    Step failed = step("Image redis:7", Step::State::error, "Error");
    failed.details = "no such image\nand more";
    block.update(failed, begin + 2s);
    CHECK_FALSE(block.working());
    CHECK(frame(block, {24, 60}, begin + 9s) == "[+] 3/3\n"
                                                " ✔ Network shop_default Created                        0.1s\n"
                                                " ✘ Image redis:7        Error no such image and more   1.8s\n"
                                                " ! Container shop-web-1 Skipped                        0.0s\n");
}

TEST_CASE("terminal progress: no line is wider than the terminal, however narrow, and the block not higher") {
    Block block;
    for (int i = 0; i < 40; ++i)
        block.update(step(fmt::format("Container a-rather-long-name-of-a-project-web-{}", i),
                          i % 2 ? Step::State::done : Step::State::working, "Creating"),
                     begin);
    for (const std::uint16_t columns : std::initializer_list<std::uint16_t>{1, 5, 9, 17, 20, 40, 79, 80, 200})
        for (const std::uint16_t rows : std::initializer_list<std::uint16_t>{4, 5, 24, 60}) {
            const auto lines = block.lines({rows, columns}, begin + 100s, false);
            CHECK(lines.size() < rows);
            for (const std::string& line : lines) {
                int width = 0;
                for (const char c : line) width += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
                CHECK_MESSAGE(width <= std::max<int>(columns, 4), line);
            }
        }
    // Those at work are seen first.
    const auto lines = block.lines({6, 60}, begin, false);
    REQUIRE(lines.size() == 5);
    CHECK(lines[1].find("web-0 ") != std::string::npos);
    CHECK(lines[2].find("web-2 ") != std::string::npos);
    CHECK(lines[4] == " ... 37 more");
}

TEST_CASE("terminal progress: a step that begins again counts its time anew") {
    Block block;
    block.update(step("Container a", Step::State::working, "Stopping"), begin);
    block.update(step("Container a", Step::State::done, "Stopped"), begin + 1s);
    block.update(step("Container a", Step::State::working, "Starting"), begin + 5s);
    CHECK(frame(block, {24, 40}, begin + 5500ms) == "[+] 0/1\n ⠴ Container a Starting            0.5s\n");
}

TEST_CASE("terminal progress: colours are escape sequences around the sign alone") {
    Block block;
    block.update(step("Container a", Step::State::done, "Started"), begin);
    CHECK(block.lines({24, 30}, begin, true).at(1) == " \x1b[32m✔\x1b[0m Container a Started   0.0s");
}

TEST_CASE("terminal progress: output beside it goes above what is at work, and below what is done") {
    using enum EventKind;
    char* text = nullptr;
    std::size_t size = 0;
    FILE* out = ::open_memstream(&text, &size);
    std::string at_work, done;
    {
        auto display = make_tty_display(out, false, false);
        const auto said = [&] { // nothing else draws while this runs
            std::fflush(out);
            return std::string(text, size);
        };
        display->on(event(operation_started, OpKind::start_container, "a"));
        display->beside([&] { std::fputs("<log 1>\n", out); });
        display->beside([&] {
            at_work = said();
            std::fputs("<log 2>\n", out);
        });
        display->on(event(operation_done, OpKind::start_container, "a"));
        display->beside([&] {
            done = said();
            std::fputs("<log 3>\n", out);
        });
    }
    std::fclose(out);
    const std::string all(text, size);
    std::free(text);
    // The block of two lines was taken away before the second line of output, and drawn again after it.
    CHECK(at_work.ends_with("\x1b[2A\r\x1b[J"));
    const std::size_t second = all.find("<log 2>\n");
    CHECK(all.find("Container a Starting", second) != std::string::npos);
    // What is done stays, above the third line, and is not drawn again.
    CHECK(done.ends_with("\x1b[J\x1b[?25h"));
    CHECK(all.find("Container a", all.find("<log 3>\n")) == std::string::npos);
}

TEST_CASE("a build's events are lines of BuildKit's status") {
    SolveStatusLines lines;
    BuildEvent e;
    e.kind = BuildEvent::Kind::started;
    e.vertex = 1;
    e.name = "[1/1] RUN x";
    e.time_ns = 1'500'000'000;
    const std::string first = lines.line(e);
    CHECK(first.starts_with("{\"vertexes\":[{\"digest\":\"sha256:"));
    CHECK(first.ends_with("\"name\":\"[1/1] RUN x\",\"started\":\"1970-01-01T00:00:01.5Z\"}]}"));
    e.kind = BuildEvent::Kind::log;
    e.text = "hi\n";
    e.stream = 1;
    CHECK(lines.line(e).find("\"stream\":1,\"data\":\"aGkK\"") != std::string::npos);
    e.kind = BuildEvent::Kind::failed;
    e.text = "why";
    CHECK(lines.line(e).ends_with("\"completed\":\"1970-01-01T00:00:01.5Z\",\"error\":\"why\"}]}"));
    e.kind = BuildEvent::Kind::warning;
    CHECK(lines.line(e) == "{\"warnings\":[{\"level\":1,\"short\":\"d2h5\"}]}");
}

#include "cli/display/display.hpp"
#include "cli/display/step.hpp"

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

using namespace davit;
using namespace davit::cli;

namespace {

Event step_event(EventKind kind, OpKind op, const std::string& resource) {
    Event e;
    e.kind = kind;
    e.op = op;
    e.resource = resource;
    return e;
}

} // namespace

TEST_CASE("steps: operations in docker's words") {
    using enum EventKind;
    struct Row {
        EventKind kind;
        OpKind op;
        const char* resource;
        const char* id;
        const char* text;
    };
    const Row rows[] = {
        {operation_started, OpKind::create_network, "network:shop_default", "Network shop_default", "Creating"},
        {operation_done, OpKind::remove_volume, "volume:shop_data", "Volume shop_data", "Removed"},
        {operation_started, OpKind::pull_image, "image:redis:7", "Image redis:7", "Pulling"},
        {operation_done, OpKind::pull_image, "image:host:5000/x:1", "Image host:5000/x:1", "Pulled"},
        {operation_done, OpKind::push_image, "image:host:5000/x:1", "Image host:5000/x:1", "Pushed"},
        {operation_done, OpKind::restart_container, "service:web:1", "Container web:1", "Started"},
        {operation_started, OpKind::wait_container, "service:db", "Service db", "Waiting"},
        {operation_failed, OpKind::stage_container, "service:web:1", "Container web:1", "Error"},
    };
    for (const Row& row : rows) {
        const auto step = StepReader().read(step_event(row.kind, row.op, row.resource));
        REQUIRE(step);
        CHECK(step->id == row.id);
        CHECK(step->text == row.text);
    }
}

TEST_CASE("steps: a container is named as the machine knows it") {
    Event e = step_event(EventKind::operation_done, OpKind::start_container, "service:web:1");
    e.container_name = "shop-web-1";
    CHECK(StepReader().read(e)->id == "Container shop-web-1");
    CHECK(StepReader().read(e)->state == Step::State::done);
}

TEST_CASE("steps: what only prepares is seen when it fails, and what is no progress never") {
    CHECK_FALSE(StepReader().read(step_event(EventKind::operation_started, OpKind::stage_container, "service:web:1")));
    CHECK_FALSE(StepReader().read(step_event(EventKind::operation_done, OpKind::rename_container, "service:web:1")));
    CHECK_FALSE(StepReader().read(step_event(EventKind::container_started, OpKind::start_container, "service:web:1")));
}

TEST_CASE("steps: bytes and texts of a pull pass through") {
    Event e = step_event(EventKind::operation_progress, OpKind::pull_image, "image:x");
    e.text = "3 of 5 layers";
    e.current = 10;
    e.total = 20;
    const auto step = StepReader().read(e);
    REQUIRE(step);
    CHECK(step->details == "3 of 5 layers");
    CHECK(step->current == 10);
    CHECK(step->total == 20);
    CHECK(step->state == Step::State::working);
}

TEST_CASE("progress: an unknown mode is a usage error, a known one is taken") {
    Globals globals;
    globals.progress = "fancy";
    CHECK_THROWS_AS(progress_mode(globals), Error);
    globals.progress = "json";
    CHECK(progress_mode(globals) == ProgressMode::json);
    globals.progress = "quiet";
    CHECK(progress_mode(globals) == ProgressMode::quiet);
}

TEST_CASE("progress: an error as JSON is one line whatever its text holds") {
    const std::string line = json_error_line("two\nlines \"quoted\" \xff");
    CHECK(line.find('\n') == std::string::npos);
    const auto parsed = nlohmann::json::parse(line);
    CHECK(parsed["error"] == true);
    CHECK(parsed["message"].get<std::string>().starts_with("two\nlines \"quoted\""));
}

#include "supervisor/client/frame.hpp"
#include "supervisor/client/wire.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::supervisor;

TEST_CASE("frames come out as they went in, however the bytes are cut") {
    std::string stream = encode_frame("one") + encode_frame("") + encode_frame(std::string(100'000, 'x'));
    for (std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{4096}, stream.size()}) {
        FrameReader r;
        std::vector<std::string> got;
        for (std::size_t at = 0; at < stream.size(); at += step) {
            r.feed(std::string_view(stream).substr(at, step));
            while (auto f = r.next()) got.push_back(*f);
        }
        REQUIRE(got.size() == 3);
        CHECK(got[0] == "one");
        CHECK(got[1].empty());
        CHECK(got[2].size() == 100'000);
    }
}

TEST_CASE("a frame over the limit is refused before its bytes arrive") {
    FrameReader r;
    CHECK_THROWS_AS(r.feed(std::string("\xff\xff\xff\xff", 4)), Error);
    FrameReader other;
    other.feed(encode_frame("fine") + std::string("\x01\x00\x00\x01", 4));
    CHECK(other.next() == "fine");
    CHECK_THROWS_AS(other.next(), Error);
    CHECK_THROWS_AS(encode_frame(std::string(frame_limit + 1, 'x')), Error);
}

TEST_CASE("an error crosses the socket with all that it knows") {
    Error e(Errc::conflict, "port 80 is taken");
    e.with_os({98, std::generic_category()}).with_context("starting web").with_hint("stop nginx").with_exit_code(125);
    e.with_at({"compose.yaml", 3, 7});
    Error back = error_from_json(json::Value::parse(error_to_json(e).dump()));
    CHECK(back.describe() == e.describe());
    CHECK(back.kind() == e.kind());
    CHECK(back.os() == e.os());
    CHECK(back.exit_code() == 125);
    CHECK_FALSE(optional_error({{"error", nullptr}}, "error"));
    CHECK_FALSE(optional_error(json::Value::object(), "error"));
}

TEST_CASE("an event crosses the socket as it was, each kind under a name of its own") {
    for (int i = 0; i <= static_cast<int>(EventKind::warning); ++i) {
        Event e;
        e.kind = static_cast<EventKind>(i);
        e.time_ns = 1'790'000'000'123'456'789;
        e.container_name = "shop-web-1";
        e.text = "healthy";
        e.total = 18446744073709551615u;
        Event back = event_from_json(json::Value::parse(event_to_json(e).dump()));
        CHECK(back.kind == e.kind);
        CHECK(back.time_ns == e.time_ns);
        CHECK(back.container_name == e.container_name);
        CHECK(back.total == e.total);
    }
}

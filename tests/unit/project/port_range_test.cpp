#include "base/error.hpp"
#include "project/record.hpp"
#include "project/store.hpp"

#include <doctest/doctest.h>

using namespace davit;

TEST_CASE("port range: one port, a range, any; nothing else") {
    CHECK(parse_port_range("8080") == PortRange{8080, 8080});
    CHECK(parse_port_range("8000-8010") == PortRange{8000, 8010});
    CHECK(parse_port_range("0") == PortRange{});
    for (const char* text : {"", "-", "80-", "-80", "80-70", "65536", "80/tcp", " 80", "+80", "8O", "1-2-3"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_port_range(text));
    }
    for (const char* text : {"0", "8080", "8000-8010"}) CHECK(to_string(*parse_port_range(text)) == text);
}

TEST_CASE("port range: what overlaps and what it contains") {
    const PortRange low{8000, 8010}, high{8010, 8020}, one{8011, 8011}, any;
    CHECK(low.overlaps(high));
    CHECK_FALSE(low.overlaps(one));
    CHECK_FALSE(any.overlaps(low)); // it moves aside
    CHECK(low.contains(8010));
    CHECK_FALSE(low.contains(8011));
    CHECK(any.contains(1));
}

TEST_CASE("port range: the record of a container has it as a text, as the first format had") {
    ContainerRecord record;
    record.id = std::string(64, 'a');
    record.ports = {{"127.0.0.1", PortRange{8000, 8010}, 80, "udp"}, {"", std::nullopt, 81, "tcp"}};
    const std::string text = to_json(record);
    CHECK(text.find(R"("published":"8000-8010")") != std::string::npos);
    CHECK(container_record_from_json(text, "record.json").ports == record.ports);
    std::string bad = text;
    bad.replace(bad.find("8000-8010"), 9, "8000-what");
    CHECK_THROWS_WITH_AS(container_record_from_json(bad, "record.json"), doctest::Contains("'8000-what'"), Error);
}

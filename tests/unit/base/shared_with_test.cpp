#include "base/shared_with.hpp"

#include <doctest/doctest.h>

using namespace davit;

TEST_CASE("whose namespace it is") {
    using Kind = SharedWith::Kind;
    CHECK(SharedWith::parse("service:web") == SharedWith{Kind::service, "web"});
    CHECK(SharedWith::parse("container:a1") == SharedWith{Kind::container, "a1"});
    CHECK(SharedWith::parse("service:") == SharedWith{Kind::service, ""});
    for (const char* other : {"", "host", "none", "private", "shareable", "bridge", "service", "Service:x"})
        CHECK(SharedWith::parse(other) == SharedWith{});
    CHECK(SharedWith::parse(mode_of_container("a1")) == SharedWith{Kind::container, "a1"});
}

TEST_CASE("whose volumes they are") {
    using Kind = SharedWith::Kind;
    struct Row {
        const char* text;
        SharedWith of;
        const char* mode;
    };
    for (const Row& row :
         {Row{"web", {Kind::service, "web"}, ""}, Row{"web:ro", {Kind::service, "web"}, "ro"},
          Row{"container:a", {Kind::container, "a"}, ""}, Row{"container:a:ro", {Kind::container, "a"}, "ro"},
          Row{"service:ro", {Kind::service, "service"}, "ro"}}) {
        INFO(row.text);
        CHECK(VolumesFrom::parse(row.text).of == row.of);
        CHECK(VolumesFrom::parse(row.text).mode == row.mode);
    }
}

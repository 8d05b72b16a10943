#include "base/error.hpp"
#include "registry/reference.hpp"

#include <doctest/doctest.h>

using davit::registry::Reference;

TEST_CASE("names are completed as Docker completes them") {
    struct Row {
        const char *text, *canonical, *familiar;
    };
    const std::string digest = "sha256:" + std::string(64, 'a');
    const Row rows[] = {
        {"redis", "docker.io/library/redis:latest", "redis:latest"},
        {"redis:7", "docker.io/library/redis:7", "redis:7"},
        {"grafana/grafana", "docker.io/grafana/grafana:latest", "grafana/grafana:latest"},
        {"docker.io/redis", "docker.io/library/redis:latest", "redis:latest"},
        {"index.docker.io/library/redis:7", "docker.io/library/redis:7", "redis:7"},
        {"docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"},
        {"localhost/x", "localhost/x:latest", "localhost/x:latest"},
        {"localhost:5000/x:1", "localhost:5000/x:1", "localhost:5000/x:1"},
        {"ghcr.io/a/b-c__d.e:V1_x", "ghcr.io/a/b-c__d.e:V1_x", "ghcr.io/a/b-c__d.e:V1_x"},
        {"[::1]:5000/x", "[::1]:5000/x:latest", "[::1]:5000/x:latest"},
        {"Upper/x", "Upper/x:latest", "Upper/x:latest"},  // an upper-case letter makes it a host
        {"a:5000", "docker.io/library/a:5000", "a:5000"}, // a single word is never a host
        {"foo---bar/x", "docker.io/foo---bar/x:latest", "foo---bar/x:latest"},
    };
    for (const Row& row : rows) {
        CAPTURE(row.text);
        auto r = Reference::parse(row.text);
        CHECK(r.canonical() == row.canonical);
        CHECK(r.familiar() == row.familiar);
        CHECK(Reference::parse(r.canonical()) == r);
    }
    auto pinned = Reference::parse("redis@" + digest);
    CHECK(pinned.tag().empty());
    CHECK(pinned.selector() == digest);
    auto both = Reference::parse("redis:7@" + digest);
    CHECK(both.tag() == "7");
    CHECK(both.selector() == digest);
    CHECK(both.with_digest(digest).canonical() == "docker.io/library/redis@" + digest);
}

TEST_CASE("what is no reference is refused with the reason") {
    const std::string hex(64, 'a');
    const std::pair<std::string, const char*> rows[] = {
        {"", "empty"},
        {hex, "image id"},
        {"redis@sha256:12", "digest"},
        {"redis@md5:" + hex, "digest"},
        {"Redis", "must be lowercase"},
        {"redis:", "tag"},
        {"redis:.x", "tag"},
        {"redis:" + std::string(129, 'x'), "tag"},
        {"a..b", "repository"},
        {"a___b", "repository"},
        {"-a", "repository"},
        {"a/", "repository"},
        {"/a", "repository"},
        {"a//b", "repository"},
        {"-x.io/a", "registry host"},
        {"x.io:port/a", "registry host"},
        {"a b", "repository"},
        {"x.io/" + std::string(255, 'a'), "longer"},
        {"redis@" + hex, "digest"},
    };
    for (const auto& [text, why] : rows) {
        CAPTURE(text);
        CHECK_FALSE(Reference::try_parse(text));
        try {
            Reference::parse(text);
            FAIL("was taken");
        } catch (const davit::Error& e) {
            CHECK((e.what() + e.hint()).find(why) != std::string::npos);
            CHECK(std::string(e.what()).starts_with("invalid reference format"));
        }
    }
}

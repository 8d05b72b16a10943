#include "registry/challenge.hpp"
#include "registry/url.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace davit::registry;

TEST_CASE("authentication challenges: several, quoted commas, bare values, rubbish") {
    auto two = parse_challenges(
        R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push", Basic realm="x \"y\"")");
    REQUIRE(two.size() == 2);
    CHECK(two[0].scheme == "bearer");
    CHECK(two[0].get("realm") == "https://auth.docker.io/token");
    CHECK(two[0].get("scope") == "repository:a/b:pull,push");
    CHECK(two[1].scheme == "basic");
    CHECK(two[1].get("realm") == "x \"y\"");
    CHECK(parse_challenges("BEARER Realm=https://x/y,error=\"insufficient_scope\"").at(0).get("error") ==
          "insufficient_scope");
    CHECK(parse_challenges("Bearer realm=https://x/y").at(0).get("realm") == "https://x/y");
    CHECK(parse_challenges("Negotiate, Basic").size() == 2);
    CHECK(parse_challenges("").empty());
    CHECK(parse_challenges("=,\"(,").empty());
    CHECK(parse_challenges("Bearer realm=\"unterminated").at(0).get("realm") == "unterminated");
}

TEST_CASE("redirect targets are resolved against where they came from") {
    const Url base = *parse_url("https://r.io:5000/v2/a/blobs/x?q=1");
    CHECK(base.host == "r.io:5000");
    CHECK(resolve_url(base, "https://s3.example/x?sig=a://b")->text() == "https://s3.example/x?sig=a://b");
    CHECK(resolve_url(base, "/other")->text() == "https://r.io:5000/other");
    CHECK(resolve_url(base, "//cdn.io/x")->text() == "https://cdn.io/x");
    CHECK(resolve_url(base, "y")->text() == "https://r.io:5000/v2/a/blobs/y");
    CHECK_FALSE(resolve_url(base, "file:///etc/passwd"));
    CHECK_FALSE(parse_url("https://user@host/"));
    CHECK_FALSE(parse_url("https://"));
    CHECK(is_loopback("127.0.0.1:5000"));
    CHECK(is_loopback("localhost"));
    CHECK(is_loopback("[::1]:80"));
    CHECK_FALSE(is_loopback("127.evil.example"));
    CHECK_FALSE(is_loopback("localhost.example"));
}

// Test cases with a database of their own, with Catch2: version 3, or the one header of version 2.
#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
#endif
#include <davit/testing.hpp>

TEST_CASE_METHOD(davit::testing::RedisCase<>, "a key is kept") {
    server().run({"set", "colour", "red"});
    CHECK(server().run({"get", "colour"}) == "red\n");
}

TEST_CASE_METHOD(davit::testing::RedisCase<>, "the next case begins with no key") {
    CHECK(server().run({"dbsize"}) == "0\n");
}

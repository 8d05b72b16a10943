// Test cases with a database of their own, with doctest. Build: see CMakeLists.txt beside.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <davit/testing.hpp>
#include <doctest/doctest.h>

namespace {

struct Shop {
    static davit::testing::PostgresOptions options() {
        davit::testing::PostgresOptions options;
        options.schema = "create table orders (id serial, item text not null)";
        return options;
    }
};
using Orders = davit::testing::PostgresCase<Shop>;

} // namespace

TEST_CASE_FIXTURE(Orders, "an order is kept") {
    sql("insert into orders (item) values ('book')");
    CHECK(sql("select item from orders") == "book\n");
}

TEST_CASE_FIXTURE(Orders, "the next case begins with none") {
    CHECK(sql("select count(*) from orders") == "0\n");
    CHECK_THROWS_AS(sql("insert into orders (item) values (null)"), davit::Error);
}

TEST_CASE_FIXTURE(davit::testing::RedisCase<>, "a key is kept") {
    server().run({"set", "colour", "red"});
    CHECK(server().run({"get", "colour"}) == "red\n");
}

TEST_CASE_FIXTURE(davit::testing::RedisCase<>, "the next case begins with no key") {
    CHECK(server().run({"dbsize"}) == "0\n");
    CHECK(url().starts_with("redis://127.0.0.1:"));
}

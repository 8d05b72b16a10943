// Test cases with a database of their own, with GoogleTest.
#include <davit/testing.hpp>
#include <gtest/gtest.h>

namespace {

struct Orders : ::testing::Test, davit::testing::PostgresCase<> {
    Orders() { sql("create table orders (item text)"); }
};

TEST_F(Orders, AreKept) {
    sql("insert into orders values ('book')");
    EXPECT_EQ(sql("select item from orders"), "book\n");
}

TEST_F(Orders, BeginWithNone) { EXPECT_EQ(sql("select count(*) from orders"), "0\n"); }

} // namespace

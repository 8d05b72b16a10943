#include "tables.hpp"

using namespace davit;
using namespace davit::baking;

TEST_CASE("bake: numbers as buildx has them") {
    check_values({
        {R"~(modulo(-10,3))~", R"~(-1)~"},
        {R"~(negate(3))~", R"~(-3)~"},
        {R"~(ceil(1.2))~", R"~(2)~"},
        {R"~(floor(-1.2))~", R"~(-2)~"},
        {R"~(pow(2,10))~", R"~(1024)~"},
        {R"~(pow(2,0.5))~", R"~(1.4142135623730951)~"},
        {R"~(pow(2,100))~", R"~(1267650600228229400000000000000)~"},
        {R"~(log(16,2))~", R"~(4)~"},
        {R"~(signum(-3))~", R"~(-1)~"},
        {R"~(parseint("ff",16))~", R"~(255)~"},
        {R"~(parseint("-7b",16))~", R"~(-123)~"},
        {R"~(parseint("Z",62))~", R"~(61)~"},
        {R"~(greaterthanorequalto(1,1))~", R"~(true)~"},
        {R"~(lessthanorequalto(2,1))~", R"~(false)~"},
        {R"~(absolute(-3.5))~", R"~(3.5)~"},
        {R"~(int(3.9))~", R"~(3)~"},
        {R"~(int(-3.9))~", R"~(-3)~"},
        {R"~(max(1,2,3))~", R"~(3)~"},
        {R"~(min(3,"2"))~", R"~(2)~"},
        {R"~(max([1,2,3]...))~", R"~(3)~"},
        {R"~(not("true"))~", R"~(false)~"},
        {R"~(and(true,"false"))~", R"~(false)~"},
        {R"~(equal(1,"1"))~", R"~(false)~"},
        {R"~(equal("a",null))~", R"~(false)~"},
        {R"~(add("1",2))~", R"~(3)~"},
        {R"~(parseint("+5",10))~", R"~(5)~"},
        {R"~(parseint("ABC",16))~", R"~(2748)~"},
        {R"~(parseint("a",37))~", R"~(10)~"},
        {R"~(log(100,10))~", R"~(2)~"},
        {R"~(pow(0,0))~", R"~(1)~"},
        {R"~(pow("2",3))~", R"~(8)~"},
        {R"~(ceil("1.5"))~", R"~(2)~"},
        {R"~(floor(2))~", R"~(2)~"},
        {R"~(signum(0))~", R"~(0)~"},
        {R"~(int("12.7"))~", R"~(12)~"},
        {R"~(int(1e30))~", R"~(1000000000000000000000000000000)~"},
        {R"~(modulo(5,-3))~", R"~(2)~"},
        {R"~(modulo(-5.5,2))~", R"~(-1.5)~"},
        {R"~(negate("1"))~", R"~(-1)~"},
        {R"~(absolute("-1"))~", R"~(1)~"},
        {R"~(subtract(1,3))~", R"~(-2)~"},
        {R"~(divide(10,4))~", R"~(2.5)~"},
    });
}

TEST_CASE("bake: mistakes with numbers") {
    check_mistakes({
        R"~(signum(-0.5))~",
        R"~(parseint("zz",10))~",
        R"~(parseint("1",63))~",
        R"~(parseint(12,10))~",
        R"~(max())~",
        R"~(max([]...))~",
        R"~(or(null,true))~",
        R"~(add("x",2))~",
        R"~(parseint("0x1f",16))~",
        R"~(parseint("1.5",10))~",
    });
}

TEST_CASE("bake: convert as buildx has it; what has no end") {
    check_values({
        {R"~(convert([1,2],list(string)))~", R"~(["1","2"])~"},
        {R"~(convert({a="1"},object({a=number})))~", R"~({"a":1})~"},
        {R"~(convert([1,"2"],tuple([string,number])))~", R"~(["1",2])~"},
        {R"~(convert(["a","a"],set(string)))~", R"~(["a"])~"},
        {R"~(convert({a=[1]},map(list(string))))~", R"~({"a":["1"]})~"},
        {R"~("a${1/0}")~", R"~("a+Inf")~"},
        {R"~(10 % 0)~", R"~(10)~"},
    });
    check_mistakes(
        {R"~(convert("x",foo))~", R"~(convert("a",list(string)))~", R"~(jsonencode(1/0))~", R"~(log(-1,2))~"});
}

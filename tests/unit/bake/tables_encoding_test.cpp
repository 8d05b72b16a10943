#include "tables.hpp"

using namespace davit;
using namespace davit::baking;

TEST_CASE("bake: encoding as buildx has them") {
    check_values({
        {R"~(jsonencode({a=[1,"x",true,null],b={c="<&>"}}))~",
         R"~("{\"a\":[1,\"x\",true,null],\"b\":{\"c\":\"\\u003c\\u0026\\u003e\"}}")~"},
        {R"~(jsonencode("ä\n\"\u0001"))~", R"~("\"ä\\n\\\"\\u0001\"")~"},
        {R"~(jsondecode("{\"a\":[1,2.5,\"x\",null,true]}"))~", R"~({"a":[1,2.5,"x",null,true]})~"},
        {R"~(csvdecode("a,b\n1,2\n3,\"x,y\""))~", R"~([{"a":"1","b":"2"},{"a":"3","b":"x,y"}])~"},
        {R"~(csvdecode("a,b"))~", R"~([])~"},
        {R"~(base64encode("äöx"))~", R"~("w6TDtng=")~"},
        {R"~(base64decode("w6TDtng="))~", R"~("äöx")~"},
        {R"~(urlencode("a b/ä?&=+~*-._"))~", R"~("a+b%2F%C3%A4%3F%26%3D%2B~%2A-._")~"},
        {R"~(md5("a"))~", R"~("0cc175b9c0f1b6a831c399e269772661")~"},
        {R"~(sha1("a"))~", R"~("86f7e437faa5a7fce15d1ddcb9eaeaea377667b8")~"},
        {R"~(sha256("a"))~", R"~("ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb")~"},
        {R"~(sha512("a"))~",
         R"~("1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75")~"},
        {R"~(uuidv5("dns","example.com"))~", R"~("cfbff0d1-9375-5685-968c-48ce8b15ae17")~"},
        {R"~(uuidv5("url","x"))~", R"~("4cd605e7-afa2-5360-b5b9-c5e9fb5c76f4")~"},
        {R"~(uuidv5("oid","1.2"))~", R"~("b4fe3335-a2ae-5c75-889c-b1247a0f6f02")~"},
        {R"~(uuidv5("x500","a"))~", R"~("54a0a790-c611-5b5b-b50e-ff01490ecdfa")~"},
        {R"~(uuidv5("6ba7b810-9dad-11d1-80b4-00c04fd430c8","example.com"))~",
         R"~("cfbff0d1-9375-5685-968c-48ce8b15ae17")~"},
        {R"~(jsonencode(1.5))~", R"~("1.5")~"},
        {R"~(jsonencode(100000000000000000000))~", R"~("100000000000000000000")~"},
        {R"~(jsonencode(1e30))~", R"~("1000000000000000000000000000000")~"},
        {R"~(jsonencode(null))~", R"~("null")~"},
        {R"~(jsonencode("\u2028</a>"))~", R"~("\"\\u2028\\u003c/a\\u003e\"")~"},
        {R"~(jsonencode({b=1,a=2}))~", R"~("{\"a\":2,\"b\":1}")~"},
        {R"~(jsondecode("{\"b\":1,\"a\":0.1}"))~", R"~({"a":0.1,"b":1})~"},
        {R"~(csvdecode("a,b\n\"x\ny\",\"q\"\"z\"\n\n"))~", R"~([{"a":"x\ny","b":"q\"z"}])~"},
        {R"~(csvdecode("a, b\r\n1, 2\r\n"))~", R"~([{" b":" 2","a":"1"}])~"},
        {R"~(base64decode("YQ==\n"))~", R"~("a")~"},
        {R"~(urlencode(""))~", R"~("")~"},
        {R"~(sha256("ä"))~", R"~("33e6d73fee82904c8d7afb78de1154d1e8dc2a0edb08120e63df5b9385c2d9cc")~"},
    });
}

TEST_CASE("bake: mistakes with encoding") {
    check_mistakes({
        R"~(jsondecode("{"))~",
        R"~(jsondecode("1 2"))~",
        R"~(csvdecode("a,b\n1"))~",
        R"~(csvdecode("a,a\n1,2"))~",
        R"~(csvdecode(""))~",
        R"~(base64decode("!!"))~",
        R"~(base64decode("/w=="))~",
        R"~(uuidv5("bad","example.com"))~",
        R"~(jsondecode(""))~",
        R"~(jsondecode("[1"))~",
        R"~(jsondecode("nul"))~",
        R"~(csvdecode("a\n\"x"))~",
        R"~(csvdecode("a\nx\"y"))~",
        R"~(base64decode("YQ"))~",
        R"~(base64decode("_w=="))~",
        R"~(uuidv5("","x"))~",
        R"~(uuidv5("DNS","x"))~",
    });
}

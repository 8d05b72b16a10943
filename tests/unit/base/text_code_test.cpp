#include "base/text_code.hpp"

#include <doctest/doctest.h>
#include <string>

using namespace davit;

TEST_CASE("base64 and percent codes go both ways") {
    for (const std::string& text :
         {std::string(), std::string("a"), std::string("ab"), std::string("abc"), std::string("\0\xff\x80", 3)})
        CHECK(base64_decode(base64_encode(text)) == text);
    CHECK(base64_encode("user:pass") == "dXNlcjpwYXNz");
    CHECK(base64_decode("dXNlcjpwYXNz\n") == "user:pass");
    CHECK(base64_decode("_-8") == "\xff\xef");
    CHECK_FALSE(base64_decode("a"));
    CHECK_FALSE(base64_decode("a b!"));
    CHECK(percent_encode("a b/ü") == "a%20b%2F%C3%BC");
    CHECK(percent_decode("a%20b%2F%zz%4") == "a b/%zz%4");
}

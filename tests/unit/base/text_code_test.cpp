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

TEST_CASE("users and passwords of URLs are hidden in what is told") {
    struct Row {
        const char *text, *told;
    };
    for (const Row& row : {
             Row{"https://user:word@h/r.git#v1", "https://xxxxx:xxxxx@h/r.git#v1"},
             Row{"https://token@h:8080/r.git", "https://xxxxx@h:8080/r.git"},
             Row{"https://:word@h/", "https://:xxxxx@h/"},
             Row{"https://u:a@b@h", "https://xxxxx:xxxxx@h"},
             Row{"[2/3] ADD http://a:b@h/f http://c@h/g /d", "[2/3] ADD http://xxxxx:xxxxx@h/f http://xxxxx@h/g /d"},
             Row{"the repository \"ssh://git@h/r\": no", "the repository \"ssh://xxxxx@h/r\": no"},
             Row{"https://h/a@b?c@d#e@f", "https://h/a@b?c@d#e@f"},
             Row{"https://h?a@b", "https://h?a@b"},
             Row{"https://@h/", "https://@h/"},
             Row{"git@h:r.git, a@b and ://", "git@h:r.git, a@b and ://"},
             Row{"", ""},
         })
        CHECK(hide_userinfo(row.text) == row.told);
}

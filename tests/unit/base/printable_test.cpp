#include "base/printable.hpp"

#include <doctest/doctest.h>

using namespace davit;
using namespace std::string_view_literals;

TEST_CASE("printable: what people write stays as it is") {
    for (auto text : {""sv, "api-1"sv, "C:\\dir \"quoted\" 'x' `y` $z"sv, "Grüße, 世界, 🐳, é"sv, "~\x20"sv,
                      "\xc2\xa0"sv, "\xf4\x8f\xbf\xbd"sv})
        CHECK(printable(text) == text);
}

TEST_CASE("printable: each control character becomes visible, and none is left") {
    CHECK(printable("\x1b]0;PWN\x07\x1b[2J") == "\\x1b]0;PWN\\a\\x1b[2J");
    CHECK(printable("red\nFAKE LINE\r\t\b\v\f") == "red\\nFAKE LINE\\r\\t\\b\\v\\f");
    CHECK(printable("a\0b\x7f"sv) == "a\\x00b\\x7f");
    CHECK(printable("\xc2\x9b"
                    "31m") == "\\u009b31m"); // CSI as one character
    for (int c = 0; c < 256; ++c) {
        std::string text(1, static_cast<char>(c));
        bool plain = c >= 0x20 && c < 0x7f;
        CAPTURE(c);
        CHECK((printable(text) == text) == plain);
        for (char left : printable(text)) CHECK((left >= 0x20 && left < 0x7f));
    }
}

TEST_CASE("printable: bytes that are no UTF-8 are shown as bytes, and what follows is read again") {
    CHECK(printable("\xff\xfe") == "\\xff\\xfe");
    CHECK(printable("\xc3(") == "\\xc3(");
    CHECK(printable("\xe4\xb8") == "\\xe4\\xb8");
    CHECK(printable("\xe4\x1b[m") == "\\xe4\\x1b[m");
    CHECK(printable("\xc0\x9b") == "\\xc0\\x9b"); // overlong ESC-like forms
    CHECK(printable("\xe0\x80\x9b") == "\\xe0\\x80\\x9b");
    CHECK(printable("\xf0\x80\x80\x9b") == "\\xf0\\x80\\x80\\x9b");
    CHECK(printable("\xed\xa0\x80") == "\\xed\\xa0\\x80");          // a surrogate
    CHECK(printable("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80"); // above U+10FFFF
    CHECK(printable("\x9b"
                    "31m") == "\\x9b31m"); // CSI of an 8-bit terminal
}

TEST_CASE("printable: characters that turn the text or hide in it") {
    CHECK(printable("user\u202e gpj.exe") == "user\\u202e gpj.exe");
    CHECK(printable("\u061c\u200e\u200f\u202a\u2066\u2069") == "\\u061c\\u200e\\u200f\\u202a\\u2066\\u2069");
    CHECK(printable("a\u2028b\u2029\ufeff") == "a\\u2028b\\u2029\\ufeff");
    CHECK(printable("\U000e0041") == "\\U000e0041");
    CHECK(printable("👩\u200d💻") == "👩\u200d💻"); // a joiner makes one picture of two
}

TEST_CASE("printable: text of several lines keeps its lines") {
    CHECK(printable("a\n\tb\x1b[m\r\n", "\n\t") == "a\n\tb\\x1b[m\\r\n");
}

// How texts and keys stand in YAML output: as Docker Compose 5.5 prints them.
#include "yaml/natural_order.hpp"
#include "yaml/scalar_style.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace davit;

namespace {

std::string written(std::string_view text) {
    std::string out = "    k: ";
    yaml::write_scalar(out, text, out.size(), 6, false);
    return out.substr(7);
}

} // namespace

TEST_CASE("a text is in quotes where it would be read as something else") {
    struct Row {
        const char *text, *yaml;
    };
    for (const Row& row : std::vector<Row>{{"", "\"\""},
                                           {"yes", "'yes'"},
                                           {"Off", "'Off'"},
                                           {"oFF", "oFF"},
                                           {"true", "\"true\""},
                                           {"~", "\"~\""},
                                           {"0x10", "\"0x10\""},
                                           {"1_000", "\"1_000\""},
                                           {"1.e", "1.e"},
                                           {"0xg", "0xg"},
                                           {"1e3", "\"1e3\""},
                                           {"18446744073709551616", "\"18446744073709551616\""},
                                           {"1:30", "'1:30'"},
                                           {"80:80", "80:80"},
                                           {"a\xef\xbf\xbe", "\"a\\uFFFE\""},
                                           {"a\xef\xbf\xbd", "a\xef\xbf\xbd"},
                                           {"1000:1000", "1000:1000"},
                                           {"2020-01-01", "\"2020-01-01\""},
                                           {"8.8.8.8", "8.8.8.8"},
                                           {"0-3", "0-3"},
                                           {"-", "'-'"},
                                           {"--", "--"},
                                           {"- x", "'- x'"},
                                           {"?x", "?x"},
                                           {"a:", "'a:'"},
                                           {"a:b", "a:b"},
                                           {"a #b", "'a #b'"},
                                           {"a#", "a#"},
                                           {"[a", "'[a'"},
                                           {"a]", "a]"},
                                           {"<<", "'<<'"},
                                           {"=", "="},
                                           {"'", "''''"},
                                           {"a'b", "a'b"},
                                           {" a", "' a'"},
                                           {"a\tb", "\"a\\tb\""},
                                           {"a\x01", "\"a\\x01\""},
                                           {"---", "'---'"},
                                           {".", "."},
                                           {"a\nb", "|-\n      a\n      b"},
                                           {"a\n\n", "|+\n      a\n"},
                                           {" a\nb", "|2-\n       a\n      b"},
                                           {"a \nb", "\"a \\nb\""},
                                           {"a\n\tb", "|-\n      a\n      \tb"},
                                           {"é", "é"},
                                           {"\xf0\x9f\x98\x80", "\"\\U0001F600\""}})
        CHECK_MESSAGE(written(row.text) == row.yaml, row.text);
}

TEST_CASE("long lines are folded where a blank stands alone") {
    const std::string word(40, 'w');
    CHECK(written(word + " " + word + " x y") == word + " " + word + "\n      x y");
    CHECK(written(word + " " + word + "  x y") == word + " " + word + "  x\n      y");
    CHECK(written("[" + word + " " + word + " x") == "'[" + word + " " + word + "\n      x'");
    CHECK(written("\t" + word + " " + word + "  x") == "\"\\t" + word + " " + word + "\n      \\ x\"");
    std::string key;
    yaml::write_scalar(key, word + " " + word + " x", 0, 2, true);
    CHECK(key == word + " " + word + " x");
}

TEST_CASE("keys stand in natural order") {
    const std::vector<std::string> sorted = {"-",  "1.5", "9",   "10",    "A",   "a",     "a-1",  "a.b", "a_b", "a0",
                                             "a1", "a2",  "a2b", "a007x", "a10", "a15x0", "a105", "ab",  "é"};
    for (std::size_t i = 0; i + 1 < sorted.size(); ++i) {
        CHECK_MESSAGE(yaml::comes_before(sorted[i], sorted[i + 1]), sorted[i]);
        CHECK_FALSE(yaml::comes_before(sorted[i + 1], sorted[i]));
        CHECK_FALSE(yaml::comes_before(sorted[i], sorted[i]));
    }
}

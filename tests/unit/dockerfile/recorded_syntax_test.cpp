#include "recorded.hpp"
#include "tree_text.hpp"

#include "base/error.hpp"
#include "dockerfile/words.hpp"

#include <doctest/doctest.h>
#include <optional>
#include <sstream>

using namespace davit;
using namespace davit::dockerfile;

TEST_CASE("trees: every recorded Dockerfile has the tree that the reference parser prints") {
    int count = 0;
    for (const auto& folder : recorded::entries(recorded::root() / "dockerfile/parser")) {
        CAPTURE(folder.filename().string());
        CHECK(tree_text(parse(recorded::read(folder / "Dockerfile"), "Dockerfile")) ==
              recorded::read(folder / "result"));
        ++count;
    }
    CHECK(count > 30);
}

TEST_CASE("trees: what must be refused is, with its line") {
    for (const auto& folder : recorded::entries(recorded::root() / "dockerfile/parser-negative")) {
        CAPTURE(folder.filename().string());
        try {
            parse(recorded::read(folder / "Dockerfile"), "Dockerfile");
            FAIL("was read");
        } catch (const Error& e) {
            CHECK(e.at().file == "Dockerfile");
            CHECK(e.at().line >= 1);
        }
    }
}

namespace {

std::string stripped(const std::string& text) { return std::string(trim(text)); }

std::optional<std::string> expanded(std::string_view word, const Variables& variables) {
    try {
        return expand(word, variables).text;
    } catch (const Error&) {
        return std::nullopt;
    }
}

} // namespace

TEST_CASE("words: the recorded rows of expansion") {
    Variables variables;
    variables.set("PWD", "/home");
    variables.set("SHELL", "bash");
    variables.set("KOREAN", "한국어");
    variables.set("NULL", "");
    std::istringstream rows(recorded::read(recorded::root() / "dockerfile/envVarTest"));
    int count = 0;
    for (std::string row; std::getline(rows, row);) {
        if (row.empty() || row[0] == '#') continue;
        auto fields = split(row, '|');
        REQUIRE(fields.size() == 3);
        if (fields[0] == "W") continue; // Windows
        CAPTURE(row);
        const std::string expected = stripped(fields[2]);
        auto result = expanded(stripped(fields[1]), variables);
        CHECK(result.value_or("error") == expected);
        ++count;
    }
    CHECK(count > 150);
}

TEST_CASE("words: the recorded rows of splitting") {
    Variables variables;
    std::istringstream rows(recorded::read(recorded::root() / "dockerfile/wordsTest"));
    int count = 0;
    for (std::string row; std::getline(rows, row);) {
        if (row.empty() || row[0] == '#') continue;
        CAPTURE(row);
        if (row.starts_with("ENV ")) {
            auto equals = row.find('=');
            variables.set(row.substr(4, equals - 4), row.substr(equals + 1));
            continue;
        }
        auto fields = split(row, '|');
        REQUIRE(fields.size() == 2);
        // A quoted blank counts, so only the blank of the table itself is taken off.
        const std::string word = stripped(fields[0]);
        std::string expected = std::string(trim_left(fields[1])), result;
        try {
            result = join(expand(word, variables).words, ",");
        } catch (const Error&) {
            result = "error";
        }
        CHECK(result == expected);
        ++count;
    }
    CHECK(count > 20);
}

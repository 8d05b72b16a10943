// Expressions with what buildx v0.36.1 makes of them, as JSON.
#pragma once

#include "bake/expression_parser.hpp"

#include <doctest/doctest.h>
#include <initializer_list>
#include <string>

namespace davit::baking {

inline Value evaluated(const std::string& text) {
    TextReader in(text, "f.hcl");
    const Expression parsed = parse_expression(in);
    in.skip(true);
    if (!in.at_end()) in.fail("more stands behind the expression");
    return evaluate(parsed, {});
}

struct Row {
    const char* expression;
    const char* json;
};

inline void check_values(std::initializer_list<Row> rows) {
    for (const Row& row : rows) {
        CAPTURE(row.expression);
        std::string json;
        try {
            json = call_builtin("jsonencode", {evaluated(row.expression)})->text;
        } catch (const Error& e) {
            json = e.what();
        }
        CHECK(json == row.json);
    }
}

inline void check_mistakes(std::initializer_list<const char*> expressions) {
    for (const char* expression : expressions) {
        CAPTURE(expression);
        CHECK_THROWS_AS(evaluated(expression), Error);
    }
}

} // namespace davit::baking

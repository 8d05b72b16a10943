// The comments at the top of a Dockerfile that mean something: # syntax=, # escape=, # check=.
#pragma once

#include "dockerfile/steps.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace davit::dockerfile {

struct Directive {
    std::string value;
    Place place;
};

struct Directives {
    std::optional<Directive>
        syntax; // also from "// syntax=" and {"syntax": …}, as frontends of other languages have it
    std::optional<Directive> check;
    char escape = '\\';
    int lines = 0; // that they take at the top of the file: no comments of the first instruction
};

// text: without a byte order mark. Throws Errc::invalid_project: a directive twice, an escape character that is neither
// \ nor `.
Directives read_directives(std::string_view text, const std::string& file);

// This library is the frontend: a syntax line, or BUILDKIT_SYNTAX, that names another one is refused,
// Errc::unsupported.
void require_own_frontend(const Directive& syntax);

} // namespace davit::dockerfile

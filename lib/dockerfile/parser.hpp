// Text → lines of instructions, with the reference's rules for continuations, comments, JSON forms and heredocs. What
// an instruction means is not known here: instructions.hpp.
#pragma once

#include "dockerfile/directives.hpp"
#include "dockerfile/heredoc.hpp"
#include "dockerfile/steps.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

struct Node {
    std::string keyword;            // as written
    std::vector<std::string> flags; // "--name=value", quotes removed
    // Words; one text for shell forms, MAINTAINER, USER …; name, value and separator ("=" or "") for each pair of ENV
    // and LABEL; the type first for HEALTHCHECK.
    std::vector<std::string> args;
    bool json = false; // args were a JSON array
    std::vector<Heredoc> heredocs;
    std::string original;              // the instruction on one line: continuations joined, comments dropped
    std::string source;                // its lines as they stand in the file, without heredocs
    std::vector<std::string> comments; // of the lines right above
    Place place;
    std::vector<Node> trigger; // of ONBUILD, at most one

    // Where `piece` stands in the source; the instruction's place if it does not stand there word for word.
    Place place_of(std::string_view piece) const;
};

struct Syntax {
    Directives directives;
    std::vector<Node> nodes;
    std::vector<Place> empty_continuations; // instructions with empty lines inside, each at its last line
};

// file: its name in messages. Throws Errc::invalid_project with the place: a line that is too long, a heredoc without
// its end, ENV without a value, JSON of something else than strings, a file without instructions.
Syntax parse(std::string_view text, const std::string& file);

// One instruction, not of a file: a trigger of an image. place: that of the FROM.
Node parse_trigger(std::string_view text, const Place& place);

} // namespace davit::dockerfile

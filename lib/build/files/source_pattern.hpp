// A pattern among the sources of COPY and ADD, matched one name at a time, so that only directories that
// can hold a match are read.
#pragma once

#include "dockerfile/path_pattern.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace davit::build {

class SourcePattern {
public:
    // double_star: "**" matches any number of components, none as well; else it is like "*".
    // Throws Error(invalid_project) for a set that is not closed, Error(usage) for more than 62 components.
    SourcePattern(std::string_view pattern, bool double_star);

    // How far the names given so far match, every way at once. 0: nothing below can match any more.
    using State = std::uint64_t;
    State start() const { return closed(1); }
    State next(State state, std::string_view name) const;
    bool complete(State state) const { return (state >> parts_.size()) & 1; }
    // When only these names can go on: appends them; false when it takes a look at all names.
    bool names(State state, std::vector<std::string>& to) const;

private:
    State closed(State state) const;

    struct Part {
        std::string text;
        bool any_depth = false;                         // "**"
        std::optional<dockerfile::PathPattern> pattern; // else a name as it is
    };
    std::vector<Part> parts_;
};

} // namespace davit::build

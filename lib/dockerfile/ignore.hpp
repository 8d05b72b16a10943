// What .dockerignore and --exclude leave out.
#pragma once

#include "dockerfile/path_pattern.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

// The lines of a .dockerignore that are patterns: comments, blanks, a byte order mark and leading slashes taken off.
std::vector<std::string> ignore_patterns(std::string_view text);

class IgnoreList {
public:
    IgnoreList() = default;
    // In order: the last that matches counts, one with "!" takes back. Throws Errc::invalid_project: a malformed
    // pattern, a "!" alone.
    explicit IgnoreList(const std::vector<std::string>& patterns);

    bool empty() const { return patterns_.empty(); }
    bool has_exceptions() const; // patterns with "!"

    // Paths are relative, without "./" and without a slash at either end. What matches a directory matches all below
    // it.
    bool ignored(std::string_view path) const;

    // The same for walkers, that need not look at all directories above again: `above` is what this gave for the
    // directory that path is in; empty at the root.
    struct Matched {
        std::vector<char> patterns;
    };
    bool ignored(std::string_view path, const Matched& above, Matched& own) const;

    // Of an ignored directory: whether a pattern with "!" can reach into it. It need not be entered else.
    bool may_hold_taken(std::string_view directory) const;

    // A pattern that leaves out everything at the top: *, **, **/*.
    bool ignores_root() const;

private:
    struct Pattern {
        std::string text;
        bool takes_back;
        PathPattern compiled;
    };
    std::vector<Pattern> patterns_;
};

} // namespace davit::dockerfile

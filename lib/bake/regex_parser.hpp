// The text of a regular expression → a tree. Pure.
#pragma once

#include <string>
#include <vector>

namespace davit::baking {

// Characters from..to, or those of a Unicode property ('L', 'u' for Lu …).
struct CharacterRange {
    unsigned from = 0, to = 0;
    char property = 0;
    bool negated = false;
};

struct CharacterSet {
    std::vector<CharacterRange> ranges;
    bool negated = false;
    bool any_case = false;
    bool has(unsigned character) const;
};

struct RegexNode {
    enum class Kind {
        empty,
        one,
        text_begin,
        text_end,
        line_begin,
        line_end,
        word_edge,
        no_word_edge,
        group,
        row,
        either,
        repeat
    };
    Kind kind = Kind::empty;
    CharacterSet set;
    int group = 0;           // of a group that is remembered; 0: it is not
    int least = 0, most = 0; // of a repeat; most -1: any number
    bool greedy = true;
    std::vector<RegexNode> children;
};

struct ParsedRegex {
    RegexNode root;
    std::vector<std::string> groups; // names, the first of the match itself
};

// Throws Error(usage).
ParsedRegex parse_regex(const std::string& pattern);

} // namespace davit::baking

// Words of a Dockerfile: variables and their modifiers, quotes, escapes, splitting.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::dockerfile {

// Names with values, in the order in which they were set; one that is set again goes to the end.
class Variables {
public:
    using Entry = std::pair<std::string, std::string>;
    const std::string* find(std::string_view name) const; // null: not set
    void set(std::string_view name, std::string value);
    const std::vector<Entry>& entries() const { return entries_; }

private:
    std::vector<Entry> entries_;
};

struct WordRules {
    char escape = '\\';
    bool keep_quotes = false;                  // quotes stay in the text
    bool keep_escapes = false;                 // escape characters too
    bool keep_unset = false;                   // "$X" stays where X is not set
    bool ignore_quotes = false;                // they are ordinary characters
    std::vector<std::string>* unset = nullptr; // where it throws: the names that were not set until then
};

struct Expansion {
    std::string text;                            // one word, whatever blanks it holds
    std::vector<std::string> words;              // the same split at blanks outside quotes, those of values too
    std::vector<std::string> matched, unmatched; // names, each once
};

// $x ${x} ${x:-w} ${x-w} ${x:+w} ${x+w} ${x:?w} ${x?w} ${x#p} ${x##p} ${x%p} ${x%%p} ${x/p/r} ${x//p/r}; in p, * and ?
// are wildcards. Blanks behind "<<" part no words, as the name of a heredoc may stand behind them. Throws
// Errc::invalid_project without a place: an open quote or brace, an unknown modifier, a variable that ? demands, a
// result of more than a mebibyte.
Expansion expand(std::string_view word, const Variables& variables, const WordRules& rules = {});

} // namespace davit::dockerfile

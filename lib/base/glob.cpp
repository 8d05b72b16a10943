#include "base/glob.hpp"

namespace davit {

namespace {

// Takes one [class] at the front of pattern; 1 match, 0 no match, -1 malformed.
int match_class(std::string_view& pattern, char c) {
    std::size_t i = 1;
    bool negate = i < pattern.size() && pattern[i] == '^';
    if (negate) ++i;
    bool found = false;
    bool first = true;
    auto take = [&](char& out) {
        if (i < pattern.size() && pattern[i] == '\\') ++i;
        if (i >= pattern.size()) return false;
        out = pattern[i++];
        return true;
    };
    while (true) {
        if (i >= pattern.size()) return -1;
        if (pattern[i] == ']' && !first) break;
        first = false;
        char low = 0;
        if (!take(low)) return -1;
        char high = low;
        if (i < pattern.size() && pattern[i] == '-') {
            ++i;
            if (!take(high)) return -1;
        }
        if (low <= c && c <= high) found = true;
    }
    pattern.remove_prefix(i + 1);
    return found != negate ? 1 : 0;
}

// One element that is not '*'; false if it does not match.
bool match_one(std::string_view& pattern, char c) {
    switch (pattern.front()) {
    case '?': pattern.remove_prefix(1); return c != '/';
    case '[': return match_class(pattern, c) == 1;
    case '\\':
        if (pattern.size() < 2) return false;
        pattern.remove_prefix(1);
        [[fallthrough]];
    default:
        if (pattern.front() != c) return false;
        pattern.remove_prefix(1);
        return true;
    }
}

} // namespace

bool glob_match(std::string_view pattern, std::string_view name) noexcept {
    std::string_view star_pattern;
    std::string_view star_name;
    bool star = false;
    while (true) {
        if (!pattern.empty() && pattern.front() == '*') {
            pattern.remove_prefix(1);
            star = true;
            star_pattern = pattern;
            star_name = name;
            continue;
        }
        if (pattern.empty() && name.empty()) return true;
        if (!pattern.empty() && !name.empty()) {
            std::string_view rest = pattern;
            if (match_one(rest, name.front())) {
                pattern = rest;
                name.remove_prefix(1);
                continue;
            }
        }
        if (!star || star_name.empty() || star_name.front() == '/') return false;
        star_name.remove_prefix(1);
        name = star_name;
        pattern = star_pattern;
    }
}

} // namespace davit

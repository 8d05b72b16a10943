#include "build/files/path_pattern.hpp"

#include "archive/layer_tree.hpp"
#include "base/error.hpp"
#include "base/glob.hpp"

#include <algorithm>

namespace davit::build {

namespace {

constexpr std::size_t most_parts = 62;

// As filepath.Match reads them: a set must be closed, a backslash must escape something.
bool well_formed(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\' && ++i == text.size()) return false;
        if (text[i] != '[' || (i > 0 && text[i - 1] == '\\')) continue;
        std::size_t at = i + 1;
        if (at < text.size() && text[at] == '^') ++at;
        const std::size_t first = at;
        while (at < text.size() && (text[at] != ']' || at == first)) at += text[at] == '\\' ? 2 : 1;
        if (at >= text.size()) return false;
        i = at;
    }
    return true;
}

} // namespace

bool has_wildcards(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') ++i;
        else if (text[i] == '*' || text[i] == '?' || text[i] == '[') return true;
    }
    return false;
}

PathPattern::PathPattern(std::string_view pattern, bool double_star) {
    for (const std::string& part : archive::split_path(pattern)) {
        if (!well_formed(part)) throw error(Errc::usage, "syntax error in the pattern '{}'", pattern);
        const bool plain = !has_wildcards(part) && part.find('\\') == std::string::npos;
        parts_.push_back({part, double_star && part == "**", plain});
    }
    if (parts_.size() > most_parts)
        throw error(Errc::usage, "the pattern '{}' has more than {} parts", pattern, most_parts);
}

PathPattern::State PathPattern::closed(State state) const {
    for (std::size_t i = 0; i < parts_.size(); ++i)
        if (((state >> i) & 1) && parts_[i].any_depth) state |= State{1} << (i + 1);
    return state;
}

PathPattern::State PathPattern::next(State state, std::string_view name) const {
    State out = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (!((state >> i) & 1)) continue;
        const Part& part = parts_[i];
        if (part.any_depth) out |= State{1} << i;
        else if (part.plain ? part.text == name : glob_match(part.text, name)) out |= State{1} << (i + 1);
    }
    return closed(out);
}

bool PathPattern::names(State state, std::vector<std::string>& to) const {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (!((state >> i) & 1)) continue;
        if (!parts_[i].plain) return false;
        to.push_back(parts_[i].text);
    }
    std::sort(to.begin(), to.end());
    return true;
}

} // namespace davit::build

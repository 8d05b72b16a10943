#include "build/files/source_pattern.hpp"

#include "archive/layer_tree.hpp"
#include "base/error.hpp"

#include <algorithm>

namespace davit::build {

namespace {
constexpr std::size_t most_parts = 62;
}

SourcePattern::SourcePattern(std::string_view pattern, bool double_star) {
    for (const std::string& text : archive::split_path(pattern)) {
        Part part{text, double_star && text == "**", {}};
        if (!part.any_depth && (dockerfile::has_wildcards(text) || text.find('\\') != std::string::npos))
            part.pattern.emplace(text, dockerfile::PathPattern::Stars::single);
        parts_.push_back(std::move(part));
    }
    if (parts_.size() > most_parts)
        throw error(Errc::usage, "the pattern '{}' has more than {} parts", pattern, most_parts);
}

SourcePattern::State SourcePattern::closed(State state) const {
    for (std::size_t i = 0; i < parts_.size(); ++i)
        if (((state >> i) & 1) && parts_[i].any_depth) state |= State{1} << (i + 1);
    return state;
}

SourcePattern::State SourcePattern::next(State state, std::string_view name) const {
    State out = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (!((state >> i) & 1)) continue;
        const Part& part = parts_[i];
        if (part.any_depth) out |= State{1} << i;
        else if (part.pattern ? part.pattern->matches(name) : part.text == name) out |= State{1} << (i + 1);
    }
    return closed(out);
}

bool SourcePattern::names(State state, std::vector<std::string>& to) const {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
        if (!((state >> i) & 1)) continue;
        if (parts_[i].any_depth || parts_[i].pattern) return false;
        to.push_back(parts_[i].text);
    }
    std::sort(to.begin(), to.end());
    return true;
}

} // namespace davit::build

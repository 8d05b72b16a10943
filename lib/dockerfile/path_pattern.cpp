#include "dockerfile/path_pattern.hpp"

#include "base/error.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

namespace davit::dockerfile {

namespace {

Error malformed(std::string_view pattern, std::string_view why) {
    return error(Errc::invalid_project, "the pattern '{}' is malformed: {}", pattern, why)
        .with_hint("write \\[ or \\* for the characters themselves");
}

} // namespace

PathPattern::PathPattern(std::string_view pattern, Stars stars) {
    using Kind = Element::Kind;
    for (std::string_view rest = pattern; !rest.empty();) {
        if (rest.starts_with("**") && stars == Stars::across) {
            const bool first = elements_.empty();
            rest.remove_prefix(2);
            const bool slash = rest.starts_with('/');
            if (slash) rest.remove_prefix(1);
            // "**x" without a slash and without other wildcards matches any end of a name.
            const bool any_end =
                rest.empty() || (first && !slash && rest.find_first_of("*?[\\") == std::string_view::npos);
            elements_.push_back({any_end ? Kind::everything : Kind::directories});
        } else if (rest.front() == '[') {
            add_set(rest, pattern);
        } else {
            char32_t c = next_character(rest);
            auto kind = c == '*' ? Kind::star : c == '?' ? Kind::any : Kind::one;
            if (c == '\\') {
                if (rest.empty()) throw malformed(pattern, "it ends in a backslash");
                c = next_character(rest);
            }
            elements_.push_back({kind, c});
        }
    }
    // What most paths are told apart by, without looking at each element.
    const auto plain = [](const Element& e) { return e.kind == Kind::one && e.character < 0x80; };
    for (auto e = elements_.begin(); e != elements_.end() && plain(*e); ++e) begin_ += static_cast<char>(e->character);
    if (begin_.size() == elements_.size()) return;
    for (auto e = elements_.rbegin(); plain(*e); ++e) end_.insert(0, 1, static_cast<char>(e->character));
}

void PathPattern::add_set(std::string_view& rest, std::string_view pattern) {
    Element set{Element::Kind::set};
    rest.remove_prefix(1);
    set.negated = rest.starts_with('^');
    if (set.negated) rest.remove_prefix(1);
    const auto character = [&] {
        if (rest.empty() || rest.front() == '-' || rest.front() == ']')
            throw malformed(pattern, "a set is not complete");
        if (rest.front() == '\\') rest.remove_prefix(1);
        if (rest.empty()) throw malformed(pattern, "a set is not closed");
        return next_character(rest);
    };
    do {
        const char32_t low = character();
        char32_t high = low;
        if (rest.starts_with('-')) {
            rest.remove_prefix(1);
            high = character();
        }
        set.ranges.emplace_back(low, high);
        if (rest.empty()) throw malformed(pattern, "a set is not closed");
    } while (rest.front() != ']');
    rest.remove_prefix(1);
    elements_.push_back(std::move(set));
}

bool PathPattern::Element::takes(char32_t c) const {
    switch (kind) {
    case Kind::one: return c == character;
    case Kind::any:
    case Kind::star: return c != '/';
    case Kind::set:
        return negated != std::any_of(ranges.begin(), ranges.end(),
                                      [&](const auto& range) { return range.first <= c && c <= range.second; });
    case Kind::directories:
    case Kind::everything: return true;
    }
    return false;
}

// All states at once: a state is the element that comes next. Elements that repeat can be left where they are entered;
// `directories` else only behind a slash.
bool PathPattern::matches(std::string_view path) const {
    if (begin_.size() == elements_.size()) return path == begin_;
    if (path.size() < begin_.size() + end_.size() || !path.starts_with(begin_) || !path.ends_with(end_)) return false;
    std::vector<char> at(elements_.size() + 1), next(elements_.size() + 1);
    const auto enter = [&](std::vector<char>& states, std::size_t e) {
        states[e] = 1;
        while (e < elements_.size() && elements_[e].repeats()) states[++e] = 1;
    };
    enter(at, 0);
    while (!path.empty()) {
        const char32_t c = next_character(path);
        std::fill(next.begin(), next.end(), 0);
        bool alive = false;
        for (std::size_t e = 0; e < elements_.size(); ++e) {
            if (!at[e] || !elements_[e].takes(c)) continue;
            alive = true;
            if (!elements_[e].repeats()) enter(next, e + 1);
            else if (elements_[e].kind != Element::Kind::directories || c == '/') enter(next, e);
            else next[e] = 1;
        }
        if (!alive) return false;
        at.swap(next);
    }
    return at.back() != 0;
}

bool has_wildcards(std::string_view path) {
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (path[i] == '\\') ++i;
        else if (path[i] == '*' || path[i] == '?' || path[i] == '[') return true;
    }
    return false;
}

} // namespace davit::dockerfile

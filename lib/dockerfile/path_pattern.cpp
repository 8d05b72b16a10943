#include "dockerfile/path_pattern.hpp"

#include "base/error.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <optional>

namespace davit::dockerfile {

namespace {

Error malformed(std::string_view pattern, std::string_view why) {
    return error(Errc::invalid_project, "the pattern '{}' is malformed: {}", pattern, why)
        .with_hint("write \\[ or \\* for the characters themselves");
}

using Ranges = std::vector<std::pair<char32_t, char32_t>>;

constexpr char32_t last_character = 0x10ffff;

// \d, \s, \w and, as their contrary, \D, \S, \W. None: no class.
Ranges class_of(char32_t letter) {
    switch (letter) {
    case 'd': return {{'0', '9'}};
    case 's': return {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
    case 'w': return {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
    case 'D':
    case 'S':
    case 'W': break;
    default: return {};
    }
    Ranges out;
    char32_t next = 0;
    for (const auto& [first, last] : class_of(letter + ('a' - 'A'))) {
        if (first > next) out.emplace_back(next, first - 1);
        next = last + 1;
    }
    out.emplace_back(next, last_character);
    return out;
}

// Up to `most` digits from the front of rest; nullopt: there is none, or they are no character.
std::optional<char32_t> digits(std::string_view& rest, unsigned base, std::size_t most) {
    char32_t out = 0;
    std::size_t count = 0;
    for (; count < most && count < rest.size(); ++count) {
        const char c = rest[count];
        const unsigned digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                               : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10
                               : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10
                                                      : base;
        if (digit >= base || out > last_character) break;
        out = out * base + digit;
    }
    if (count == 0 || out > last_character) return std::nullopt;
    rest.remove_prefix(count);
    return out;
}

// \x41, \x{41}, \012: what stands behind the letter or digit.
std::optional<char32_t> numbered(char32_t letter, std::string_view& rest) {
    if (letter != 'x') { // one digit alone would name a group
        char32_t value = letter - '0';
        const bool more = !rest.empty() && rest.front() >= '0' && rest.front() <= '7';
        if (!more) return letter == '0' ? std::optional<char32_t>(0) : std::nullopt;
        std::string_view tail = rest.substr(0, 2);
        const std::size_t before = tail.size();
        const auto low = digits(tail, 8, 2);
        const std::size_t taken = before - tail.size();
        rest.remove_prefix(taken);
        return (value << (3 * taken)) | *low;
    }
    if (!rest.starts_with('{')) return rest.size() < 2 ? std::nullopt : digits(rest, 16, 2);
    rest.remove_prefix(1);
    const auto value = digits(rest, 16, 8);
    if (!rest.starts_with('}')) return std::nullopt;
    rest.remove_prefix(1);
    return value;
}

// What a backslash and the letter behind it mean to the reference, which hands both to Go's regular expressions. One
// range of one character: that character. None: a place, not a character (\b), or a class of Unicode, so that nothing
// matches here. nullopt: no such thing.
std::optional<Ranges> regular_escape(char32_t c, std::string_view& rest) {
    constexpr std::string_view controls = "afnrtv", values = "\a\f\n\r\t\v", places = "AbBzQ", kinds = "CLMNPSZ";
    const auto one = [](char32_t character) { return Ranges{{character, character}}; };
    if (Ranges known = class_of(c); !known.empty()) return known;
    if (c >= 0x80) return std::nullopt;
    const char letter = static_cast<char>(c);
    if (const auto at = controls.find(letter); at != std::string_view::npos)
        return one(static_cast<unsigned char>(values[at]));
    if (letter == 'x' || (letter >= '0' && letter <= '7')) {
        const auto value = numbered(c, rest);
        return value ? std::optional(one(*value)) : std::nullopt;
    }
    if (places.find(letter) != std::string_view::npos) return Ranges{};
    if ((letter == 'p' || letter == 'P') && !rest.empty() && kinds.find(rest.front()) != std::string_view::npos) {
        rest.remove_prefix(1);
        return Ranges{};
    }
    const bool alphanumeric =
        (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
    return alphanumeric ? std::nullopt : std::optional(one(c));
}

} // namespace

namespace {

// Whether the reference makes a regular expression of it: not of a plain path, nor of one with ** at one end alone.
bool is_expression(std::string_view pattern) {
    bool plain = true; // so far
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (std::string_view("?[]").find(pattern[at]) != std::string_view::npos) return true;
        if (pattern[at] == '\\' && at + 1 < pattern.size()) return true;
        if (pattern[at] != '*') continue;
        if (!pattern.substr(at).starts_with("**")) return true;
        const bool first = at == 0;
        at += pattern.substr(at + 2).starts_with('/') ? 2 : 1;
        if (!first && (!plain || at + 1 < pattern.size())) return true;
        plain = false;
    }
    return false;
}

} // namespace

PathPattern::PathPattern(std::string_view pattern, Stars stars) {
    using Kind = Element::Kind;
    const bool expression = stars == Stars::across && is_expression(pattern);
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
            add_set(rest, pattern, stars);
        } else if (rest.front() == '\\' && stars == Stars::across && rest.size() > 1) {
            add_escape(rest, pattern);
        } else {
            char32_t c = next_character(rest);
            auto kind = c == '*' ? Kind::star : c == '?' ? Kind::any : Kind::one;
            if (c == '^' && expression) kind = Kind::start;
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

void PathPattern::add_escape(std::string_view& rest, std::string_view pattern) {
    rest.remove_prefix(1);
    const char32_t c = next_character(rest);
    auto ranges = regular_escape(c, rest);
    if (!ranges) throw malformed(pattern, "a backslash before this letter means nothing");
    if (ranges->size() == 1 && ranges->front().first == ranges->front().second)
        elements_.push_back({Element::Kind::one, ranges->front().first});
    else elements_.push_back({Element::Kind::set, 0, false, std::move(*ranges)});
}

void PathPattern::add_set(std::string_view& rest, std::string_view pattern, Stars stars) {
    Element set{Element::Kind::set};
    rest.remove_prefix(1);
    set.negated = rest.starts_with('^');
    if (set.negated) rest.remove_prefix(1);
    const auto character = [&] {
        if (rest.empty() || rest.front() == '-' || rest.front() == ']')
            throw malformed(pattern, "a set is not complete");
        const bool escaped = rest.front() == '\\';
        if (escaped) rest.remove_prefix(1);
        if (rest.empty()) throw malformed(pattern, "a set is not closed");
        const char32_t c = next_character(rest);
        if (!escaped || stars != Stars::across) return Ranges{{c, c}};
        auto ranges = regular_escape(c, rest);
        if (!ranges || ranges->empty()) throw malformed(pattern, "a backslash before this letter means nothing");
        return std::move(*ranges);
    };
    do {
        const Ranges begin = character();
        if (begin.size() > 1 || begin.front().first != begin.front().second) { // a class
            set.ranges.insert(set.ranges.end(), begin.begin(), begin.end());
            if (rest.empty()) throw malformed(pattern, "a set is not closed");
            continue;
        }
        const char32_t low = begin.front().first;
        char32_t high = low;
        if (rest.starts_with('-')) {
            rest.remove_prefix(1);
            const Ranges end = character();
            if (end.size() > 1 || end.front().first != end.front().second)
                throw malformed(pattern, "a class ends no range");
            high = end.front().first;
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
    case Kind::start: break; // takes nothing
    }
    return false;
}

// All states at once: a state is the element that comes next. Elements that repeat can be left where they are entered;
// `directories` else only behind a slash.
bool PathPattern::matches(std::string_view path) const {
    if (begin_.size() == elements_.size()) return path == begin_;
    if (path.size() < begin_.size() + end_.size() || !path.starts_with(begin_) || !path.ends_with(end_)) return false;
    std::vector<char> at(elements_.size() + 1), next(elements_.size() + 1);
    const auto enter = [&](std::vector<char>& states, std::size_t e, bool at_start = false) {
        states[e] = 1;
        while (e < elements_.size() &&
               (elements_[e].repeats() || (at_start && elements_[e].kind == Element::Kind::start)))
            states[++e] = 1;
    };
    enter(at, 0, true);
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

#include "dockerfile/word_pattern.hpp"

#include "base/error.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <optional>

namespace davit::dockerfile {

namespace {

struct Characters {
    std::vector<char32_t> codes;
    std::vector<std::size_t> offsets; // of each in the text, and the end
};

Characters characters_of(std::string_view text) {
    Characters out;
    for (std::string_view rest = text; !rest.empty();) {
        out.offsets.push_back(text.size() - rest.size());
        out.codes.push_back(next_character(rest));
    }
    out.offsets.push_back(text.size());
    return out;
}

} // namespace

WordPattern::WordPattern(std::string_view pattern) {
    for (std::string_view rest = pattern; !rest.empty();) {
        char32_t c = next_character(rest);
        if (c == '\\') {
            if (rest.empty()) throw error(Errc::invalid_project, "pattern '{}' ends in a backslash", pattern);
            std::string_view escaped = rest;
            c = next_character(rest);
            escaped.remove_suffix(rest.size());
            if (std::u32string_view(U"*?\\/}").find(c) == std::u32string_view::npos)
                throw error(Errc::invalid_project, "invalid escape '\\{}' in pattern '{}'", escaped, pattern)
                    .with_hint("a backslash stands before * ? \\ / or } only");
            elements_.push_back({Element::Kind::one, c});
        } else {
            auto kind = c == '*' ? Element::Kind::star : c == '?' ? Element::Kind::any : Element::Kind::one;
            elements_.push_back({kind, c});
        }
    }
    reversed_.assign(elements_.rbegin(), elements_.rend());
}

// Wildcards stop at line ends, as those of the reference do.
bool WordPattern::takes(const Element& element, char32_t c) {
    return element.kind == Element::Kind::one ? element.character == c : c != '\n';
}

// All states at once. found(end) is called for each end of a match that starts at `from`, or anywhere behind it, in
// rising order.
template <typename Found>
void WordPattern::walk(const Elements& elements, const Text& text, std::size_t from, bool anywhere, Found&& found) {
    std::vector<char> at(elements.size() + 1), next(elements.size() + 1);
    const auto skip_stars = [&](std::vector<char>& states) {
        for (std::size_t i = 0; i < elements.size(); ++i)
            if (states[i] && elements[i].kind == Element::Kind::star) states[i + 1] = 1;
    };
    at[0] = 1;
    for (std::size_t i = from;; ++i) {
        if (anywhere) at[0] = 1;
        skip_stars(at);
        if (at.back()) found(i);
        if (i == text.size()) return;
        std::fill(next.begin(), next.end(), 0);
        bool alive = anywhere;
        for (std::size_t e = 0; e < elements.size(); ++e) {
            if (!at[e] || !takes(elements[e], text[i])) continue;
            next[elements[e].kind == Element::Kind::star ? e : e + 1] = 1;
            alive = true;
        }
        if (!alive) return;
        at.swap(next);
    }
}

std::string WordPattern::without_prefix(std::string_view text, bool longest) const {
    const Characters chars = characters_of(text);
    std::optional<std::size_t> end;
    walk(elements_, chars.codes, 0, false, [&](std::size_t i) {
        if (!end || longest) end = i;
    });
    return std::string(text.substr(end ? chars.offsets[*end] : 0));
}

std::string WordPattern::without_suffix(std::string_view text, bool longest) const {
    Characters chars = characters_of(text);
    std::reverse(chars.codes.begin(), chars.codes.end());
    std::optional<std::size_t> length;
    walk(reversed_, chars.codes, 0, false, [&](std::size_t i) {
        if (!length || longest) length = i;
    });
    return std::string(text.substr(0, chars.offsets[chars.codes.size() - length.value_or(0)]));
}

std::string WordPattern::replaced(std::string_view text, std::string_view by, bool all) const {
    const Characters chars = characters_of(text);
    const std::size_t size = chars.codes.size();
    // Where matches start: where matches of the reversed pattern end in the reversed text.
    std::vector<char> starts(size + 1);
    Text backwards(chars.codes.rbegin(), chars.codes.rend());
    walk(reversed_, backwards, 0, true, [&](std::size_t i) { starts[size - i] = 1; });

    std::string out;
    std::optional<std::size_t> last_end;
    for (std::size_t i = 0; i <= size;) {
        std::size_t end = i;
        const bool matches = starts[i] && (all || !last_end);
        if (matches) walk(elements_, chars.codes, i, false, [&](std::size_t e) { end = e; });
        // An empty match right behind another is none.
        if (matches && !(end == i && last_end == i)) {
            out += by;
            last_end = end;
        }
        if (end == i) {
            if (i < size) out += text.substr(chars.offsets[i], chars.offsets[i + 1] - chars.offsets[i]);
            ++i;
        } else {
            i = end;
        }
    }
    return out;
}

} // namespace davit::dockerfile

#include "bake/regex_parser.hpp"

#include "bake/functions/function.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <utility>

namespace davit::baking {

namespace {

using Kind = RegexNode::Kind;
constexpr int deepest = 200;
constexpr int most_repeats = 1000;
constexpr unsigned last_character = 0x10ffff;

using Ranges = std::vector<CharacterRange>;

const std::pair<std::string_view, Ranges>* named_class(std::string_view name) {
    static const std::pair<std::string_view, Ranges> all[] = {
        {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
        {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
        {"ascii", {{0, 0x7f}}},
        {"blank", {{'\t', '\t'}, {' ', ' '}}},
        {"cntrl", {{0, 0x1f}, {0x7f, 0x7f}}},
        {"digit", {{'0', '9'}}},
        {"graph", {{'!', '~'}}},
        {"lower", {{'a', 'z'}}},
        {"print", {{' ', '~'}}},
        {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
        {"space", {{'\t', '\r'}, {' ', ' '}}},
        {"upper", {{'A', 'Z'}}},
        {"word", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}}},
        {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}};
    const auto* found =
        std::find_if(std::begin(all), std::end(all), [&](const auto& one) { return one.first == name; });
    return found == std::end(all) ? nullptr : found;
}

bool has_property(unsigned c, char property) {
    switch (property) {
    case 'L': return is_letter_or_digit(c) && c != '_' && !(c >= '0' && c <= '9');
    case 'u': return cased(c, false) != c;
    case 'l': return cased(c, true) != c;
    default: return c >= '0' && c <= '9';
    }
}

Ranges without(const Ranges& ranges) {
    Ranges sorted = ranges, out;
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.from < b.from; });
    unsigned next = 0;
    for (const CharacterRange& r : sorted) {
        if (r.from > next) out.push_back({next, r.from - 1});
        next = std::max(next, r.to + 1);
    }
    out.push_back({next, last_character});
    return out;
}

class Parser {
public:
    explicit Parser(const std::string& pattern) : text_(pattern) {}

    ParsedRegex run() {
        ParsedRegex out;
        groups_.push_back("");
        out.root = either(0);
        if (at_ < text_.size()) fail("a ')' has no '('");
        out.groups = std::move(groups_);
        return out;
    }

private:
    struct Flags {
        bool any_case = false, lines = false, dot_takes_lines = false, swaps_greed = false;
    };

    [[noreturn]] void fail(const std::string& what) const {
        throw error(Errc::usage, "the regular expression \"{}\" is wrong: {}", text_, what);
    }
    bool at_end() const { return at_ >= text_.size(); }
    bool take(std::string_view what) {
        if (text_.compare(at_, what.size(), what) != 0) return false;
        at_ += what.size();
        return true;
    }
    static RegexNode made(Kind kind) {
        RegexNode out;
        out.kind = kind;
        return out;
    }
    RegexNode one(Ranges ranges, bool negated = false) const {
        RegexNode out = made(Kind::one);
        out.set = {std::move(ranges), negated, flags_.any_case};
        return out;
    }

    RegexNode either(int depth) {
        if (depth > deepest) fail("it is nested too deep");
        RegexNode out = made(Kind::either);
        do out.children.push_back(row(depth));
        while (take("|"));
        return out;
    }

    RegexNode row(int depth) {
        RegexNode out = made(Kind::row);
        while (!at_end() && text_[at_] != '|' && text_[at_] != ')') {
            if (take("\\Q")) {
                while (!at_end() && !take("\\E")) {
                    const unsigned c = take_code_point(text_, at_);
                    out.children.push_back(one({{c, c}}));
                }
                continue;
            }
            out.children.push_back(repeated(atom(depth)));
        }
        return out;
    }

    RegexNode repeated(RegexNode of) {
        int least = 0, most = 0;
        if (!repeat(least, most)) return of;
        RegexNode out = made(Kind::repeat);
        out.least = least;
        out.most = most;
        out.greedy = take("?") == flags_.swaps_greed;
        out.children.push_back(std::move(of));
        if (repeat(least, most)) fail("one repetition stands behind another");
        return out;
    }

    bool repeat(int& least, int& most) {
        if (take("*")) return least = 0, most = -1, true;
        if (take("+")) return least = 1, most = -1, true;
        if (take("?")) return least = 0, most = 1, true;
        const std::size_t saved = at_;
        if (!take("{")) return false;
        const int from = number();
        int to = from;
        if (from >= 0 && take(","))
            to = at_ < text_.size() && text_[at_] == '}' ? -1 : number() == -1 ? -2 : last_number_;
        if (from < 0 || to == -2 || !take("}")) {
            at_ = saved; // a brace alone is itself
            return false;
        }
        if (from > most_repeats || to > most_repeats || (to >= 0 && to < from)) fail("the numbers in { } are wrong");
        least = from;
        most = to;
        return true;
    }

    // -1: none
    int number() {
        int out = -1;
        for (; !at_end() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_)
            out = std::min(std::max(out, 0) * 10 + (text_[at_] - '0'), most_repeats + 1);
        return last_number_ = out;
    }

    RegexNode atom(int depth) {
        if (take("(")) return group(depth);
        if (take("[")) return bracket();
        if (take(".")) return flags_.dot_takes_lines ? one({{0, last_character}}) : one({{'\n', '\n'}}, true);
        if (take("^")) return made(flags_.lines ? Kind::line_begin : Kind::text_begin);
        if (take("$")) return made(flags_.lines ? Kind::line_end : Kind::text_end);
        if (take("\\A")) return made(Kind::text_begin);
        if (take("\\z")) return made(Kind::text_end);
        if (take("\\b")) return made(Kind::word_edge);
        if (take("\\B")) return made(Kind::no_word_edge);
        int least = 0, most = 0;
        if (repeat(least, most)) fail("nothing stands before a repetition");
        if (take("\\")) return one(escaped());
        const unsigned c = take_code_point(text_, at_);
        return one({{c, c}});
    }

    RegexNode group(int depth) {
        const Flags saved = flags_;
        RegexNode out = made(Kind::group);
        if (take("?P<") || take("?<")) {
            const std::size_t end = text_.find('>', at_);
            const std::string name = text_.substr(at_, end == std::string::npos ? end : end - at_);
            if (end == std::string::npos || name.empty() ||
                !std::all_of(name.begin(), name.end(), [](unsigned char c) { return is_letter_or_digit(c); }))
                fail("a group's name is letters and digits in < >");
            if (std::find(groups_.begin(), groups_.end(), name) != groups_.end()) fail("two groups are named " + name);
            at_ = end + 1;
            out.group = static_cast<int>(groups_.size());
            groups_.push_back(name);
        } else if (take("?")) {
            if (take_flags()) return made(Kind::empty); // (?i): up to the end of the group around it
        } else {
            out.group = static_cast<int>(groups_.size());
            groups_.push_back("");
        }
        out.children.push_back(either(depth + 1));
        if (!take(")")) fail("a ')' is missing");
        flags_ = saved;
        return out;
    }

    // True: they end with ')', false: with ':'.
    bool take_flags() {
        for (bool on = true;;) {
            if (at_end()) fail("a ')' is missing");
            switch (text_[at_++]) {
            case 'i': flags_.any_case = on; break;
            case 'm': flags_.lines = on; break;
            case 's': flags_.dot_takes_lines = on; break;
            case 'U': flags_.swaps_greed = on; break;
            case '-': on = false; break;
            case ':': return false;
            case ')': return true;
            default: fail("(?…) has i, m, s, U, P<name> and ':' alone");
            }
        }
    }

    unsigned hexadecimal() {
        const bool braces = take("{");
        const std::size_t end = braces ? text_.find('}', at_) : at_ + 2;
        const std::string digits = end == std::string::npos ? "" : text_.substr(at_, end - at_);
        if (digits.empty() || digits.size() > 6 || (!braces && digits.size() != 2) ||
            digits.find_first_not_of("0123456789abcdefABCDEF") != std::string::npos)
            fail("\\x needs hexadecimal digits");
        at_ = end + braces;
        return static_cast<unsigned>(std::stoul(digits, nullptr, 16));
    }

    Ranges property(bool negated) {
        std::string name;
        if (at_end()) fail("a property's name is needed behind \\p");
        if (take("{")) {
            const std::size_t end = std::min(text_.find('}', at_), text_.size());
            name = text_.substr(at_, end - at_);
            at_ = std::min(end + 1, text_.size());
        } else name = text_[at_++];
        const char known = name == "L"                   ? 'L'
                           : name == "Lu"                ? 'u'
                           : name == "Ll"                ? 'l'
                           : name == "N" || name == "Nd" ? 'N'
                                                         : 0;
        if (!known) fail("\\p has L, Lu, Ll, N and Nd alone here");
        return {{0, 0, known, negated}};
    }

    // Behind a backslash.
    Ranges escaped() {
        if (at_end()) fail("it ends with a backslash");
        const char c = text_[at_++];
        const auto alone = [](unsigned character) { return Ranges{{character, character}}; };
        switch (c) {
        case 'd': return named_class("digit")->second;
        case 'w': return named_class("word")->second;
        case 's': return {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
        case 'D': return without(named_class("digit")->second);
        case 'W': return without(named_class("word")->second);
        case 'S': return without({{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}});
        case 'p':
        case 'P': return property(c == 'P');
        case 'a': return alone('\a');
        case 'f': return alone('\f');
        case 'n': return alone('\n');
        case 'r': return alone('\r');
        case 't': return alone('\t');
        case 'v': return alone('\v');
        case 'x': return alone(hexadecimal());
        default: break;
        }
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x80 || is_letter_or_digit(byte)) fail(std::string("there is no \\") + c);
        return alone(byte);
    }

    RegexNode bracket() {
        const bool negated = take("^");
        Ranges all;
        for (bool first = true;; first = false) {
            if (at_end()) fail("a ']' is missing");
            if (!first && take("]")) break;
            const Ranges begun = member();
            all.insert(all.end(), begun.begin(), begun.end());
            const bool single = begun.size() == 1 && begun[0].from == begun[0].to && !begun[0].property;
            if (!single || at_ + 1 >= text_.size() || text_[at_] != '-' || text_[at_ + 1] == ']') continue;
            ++at_;
            const Ranges end = member();
            if (end.size() != 1 || end[0].from != end[0].to || end[0].from < begun[0].from)
                fail("a range in [ ] is wrong");
            all.back().to = end[0].to;
        }
        return one(std::move(all), negated);
    }

    Ranges member() {
        if (take("\\")) return escaped();
        if (take("[:")) {
            const bool negated = take("^");
            const std::size_t end = text_.find(":]", at_);
            const auto* found = end == std::string::npos ? nullptr : named_class(text_.substr(at_, end - at_));
            if (!found) fail("there is no such class in [: :]");
            at_ = end + 2;
            return negated ? without(found->second) : found->second;
        }
        const unsigned c = take_code_point(text_, at_);
        return {{c, c}};
    }

    const std::string& text_;
    std::size_t at_ = 0;
    int last_number_ = -1;
    Flags flags_;
    std::vector<std::string> groups_;
};

} // namespace

bool CharacterSet::has(unsigned character) const {
    const auto is_in = [&](unsigned c) {
        return std::any_of(ranges.begin(), ranges.end(), [&](const CharacterRange& r) {
            return r.property ? has_property(c, r.property) != r.negated : c >= r.from && c <= r.to;
        });
    };
    const bool found =
        is_in(character) || (any_case && (is_in(cased(character, true)) || is_in(cased(character, false))));
    return found != negated;
}

ParsedRegex parse_regex(const std::string& pattern) { return Parser(pattern).run(); }

} // namespace davit::baking

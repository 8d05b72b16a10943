// semvercmp: versions and what constrains them.
#include "bake/functions/function.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <compare>

namespace davit::baking {

namespace {

struct Version {
    std::array<std::uint64_t, 3> numbers{};
    int given = 0; // of the three; the rest is open
    std::string pre;
};

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

std::vector<std::string_view> parts_of(std::string_view text, char by) {
    std::vector<std::string_view> out;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(by, at), text.size());
        out.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    return out;
}

// v1.2.3-rc.1+build; open: 1.x and * too.
std::optional<Version> parse(std::string_view text, bool open) {
    constexpr std::string_view word = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-.";
    Version out;
    if (text.starts_with('v')) text.remove_prefix(1);
    text = text.substr(0, text.find('+'));
    const std::size_t dash = text.find('-');
    if (dash != std::string_view::npos) out.pre = text.substr(dash + 1);
    if (dash != std::string_view::npos && (out.pre.empty() || out.pre.find_first_not_of(word) != std::string::npos))
        return std::nullopt;
    const auto parts = parts_of(text.substr(0, dash), '.');
    if (parts.size() > 3) return std::nullopt;
    bool ended = false;
    for (const std::string_view part : parts) {
        if (open && (part == "x" || part == "X" || part == "*")) ended = true;
        else if (!is_number(part)) return std::nullopt;
        if (ended) continue;
        auto& number = out.numbers[static_cast<std::size_t>(out.given++)];
        if (std::from_chars(part.data(), part.data() + part.size(), number).ec != std::errc{}) return std::nullopt;
    }
    return out;
}

std::strong_ordering compare_words(std::string_view a, std::string_view b) {
    if (is_number(a) && is_number(b) && a.size() != b.size()) return a.size() <=> b.size();
    if (is_number(a) != is_number(b)) return is_number(a) ? std::strong_ordering::less : std::strong_ordering::greater;
    return a.compare(b) <=> 0;
}

std::strong_ordering compare(const Version& a, const Version& b) {
    if (const auto order = a.numbers <=> b.numbers; order != 0) return order;
    if (a.pre.empty() || b.pre.empty()) return a.pre.empty() <=> b.pre.empty();
    const auto x = parts_of(a.pre, '.'), y = parts_of(b.pre, '.');
    for (std::size_t i = 0; i < std::min(x.size(), y.size()); ++i)
        if (const auto order = compare_words(x[i], y[i]); order != 0) return order;
    return x.size() <=> y.size();
}

// The first `count` numbers.
bool shares(const Version& a, const Version& b, int count) {
    return std::equal(a.numbers.begin(), a.numbers.begin() + count, b.numbers.begin());
}

bool tilde(const Version& v, const Version& c) { return compare(v, c) >= 0 && shares(v, c, std::min(c.given, 2)); }

// No change left of the first number that is not zero.
bool caret(const Version& v, const Version& c) {
    int fixed = 1;
    while (fixed < c.given && c.numbers[static_cast<std::size_t>(fixed - 1)] == 0) ++fixed;
    return compare(v, c) >= 0 && shares(v, c, std::min(c.given, fixed));
}

bool holds(const std::string& op, const Version& v, const Version& c) {
    const bool whole = c.given == 3;
    if (!v.pre.empty() && c.pre.empty()) return false; // a constraint that names no prerelease takes none
    if (op.empty() || op == "=") return whole ? compare(v, c) == 0 : tilde(v, c);
    if (op == "!=") return whole ? compare(v, c) != 0 : !shares(v, c, c.given);
    if (op == ">") return compare(v, c) > 0 && (whole || !shares(v, c, c.given));
    if (op == "<") return compare(v, c) < 0;
    if (op == ">=" || op == "=>") return compare(v, c) >= 0;
    if (op == "<=" || op == "=<") return compare(v, c) <= 0 || (!whole && shares(v, c, c.given));
    return op == "^" ? caret(v, c) : tilde(v, c);
}

// One after the other, with blanks or commas between them: ">=1.2 <2, !=1.5". "1.2 - 1.4" is a range.
bool all_hold(const std::string& text, const Version& v, const std::string& whole) {
    bool out = true, any = false;
    const auto fail = [&] { return error(Errc::usage, "\"{}\" is no constraint of versions", whole); };
    for (std::size_t at = 0;;) {
        at = text.find_first_not_of(" ,\t", at);
        if (at == std::string::npos) break;
        std::size_t end = std::min(text.find_first_not_of("=!<>~^", at), text.size());
        std::string op = text.substr(at, end - at);
        const auto word = [&] {
            at = std::min(text.find_first_not_of(" \t", end), text.size());
            end = std::min(text.find_first_of(" ,\t", at), text.size());
            const auto found = parse(text.substr(at, end - at), true);
            if (!found) throw fail();
            return *found;
        };
        constexpr std::array<std::string_view, 11> known{"", "=", "!=", ">", "<", ">=", "=>", "<=", "=<", "~", "~>"};
        if (op != "^" && std::find(known.begin(), known.end(), op) == known.end()) throw fail();
        const Version c = word();
        if (op.empty() && text.compare(end, 3, " - ") == 0) {
            end += 3;
            const Version last = word();
            out = out && holds(">=", v, c) && holds("<=", v, last);
        } else out = out && holds(op, v, c);
        any = true;
        at = end;
    }
    if (!any) throw fail();
    return out;
}

Value semver_compare(const Arguments& a) {
    const std::string text = text_of(a[0]), constraint = text_of(a[1]);
    const auto version = parse(text, false);
    if (!version) throw error(Errc::usage, "\"{}\" is no version as 1.2.3", text);
    bool out = false;
    for (std::size_t at = 0; at <= constraint.size();) {
        const std::size_t end = std::min(constraint.find("||", at), constraint.size());
        const bool one = all_hold(constraint.substr(at, end - at), *version, constraint);
        out = out || one;
        at = end + 2;
    }
    return Value::of(out);
}

const Function functions[] = {{"semvercmp", 2, 2, semver_compare}};

} // namespace

std::span<const Function> version_functions() { return functions; }

} // namespace davit::baking

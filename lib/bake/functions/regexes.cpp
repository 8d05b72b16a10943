// Functions of regular expressions.
#include "bake/functions/function.hpp"
#include "bake/regex.hpp"
#include "base/error.hpp"

#include <algorithm>

namespace davit::baking {

namespace {

constexpr std::size_t most_matches = 100'000;

Value part(const std::string& text, const Regex::Match& match, std::size_t group) {
    if (!match[group]) return {};
    return Value::of(text.substr(match[group]->first, match[group]->second - match[group]->first));
}

// Without groups the text, with names an object, else a list.
Value result(const std::string& text, const Regex& regex, const Regex::Match& match) {
    const auto& names = regex.groups();
    if (names.size() == 1) return part(text, match, 0);
    Value out;
    out.kind = names[1].empty() ? Value::Kind::list : Value::Kind::object;
    for (std::size_t i = 1; i < names.size(); ++i) {
        if (names[1].empty()) out.list.push_back(part(text, match, i));
        else out.set(names[i], part(text, match, i));
    }
    return out;
}

Regex regex_of(const Value& v) {
    const std::string pattern = text_of(v);
    Regex out(pattern);
    const auto& names = out.groups();
    const auto unnamed = static_cast<std::size_t>(std::count(names.begin() + 1, names.end(), ""));
    if (unnamed != 0 && unnamed + 1 != names.size())
        throw error(Errc::usage, "the regular expression \"{}\" has groups with and without names", pattern);
    return out;
}

Value regex(const Arguments& a) {
    const Regex wanted = regex_of(a[0]);
    const std::string text = text_of(a[1]);
    const auto found = wanted.find(text, 1);
    if (found.empty()) throw error(Errc::usage, "regex: \"{}\" matches nothing of the text", text_of(a[0]));
    return result(text, wanted, found[0]);
}

Value regex_all(const Arguments& a) {
    const Regex wanted = regex_of(a[0]);
    const std::string text = text_of(a[1]);
    std::vector<Value> out;
    for (const auto& match : wanted.find(text, most_matches)) out.push_back(result(text, wanted, match));
    return Value::of(std::move(out));
}

// $1, ${1} and $name are groups, $$ is "$"; a name is as long as it can be.
std::string expanded(const std::string& shape, const std::string& text, const Regex& regex, const Regex::Match& match) {
    std::string out;
    for (std::size_t at = 0; at < shape.size();) {
        if (shape[at] != '$') {
            out += shape[at++];
            continue;
        }
        if (shape.compare(at, 2, "$$") == 0) {
            out += '$';
            at += 2;
            continue;
        }
        const bool braces = shape.compare(at, 2, "${") == 0;
        const std::size_t begin = at + (braces ? 2 : 1);
        std::size_t end = begin;
        while (end < shape.size() && static_cast<unsigned char>(shape[end]) < 0x80 &&
               is_letter_or_digit(static_cast<unsigned char>(shape[end])))
            ++end;
        const std::string name = shape.substr(begin, end - begin);
        if (name.empty() || (braces && (end == shape.size() || shape[end] != '}'))) {
            out += shape[at++];
            continue;
        }
        at = end + braces;
        const auto& names = regex.groups();
        const bool is_number = name.size() < 4 && name.find_first_not_of("0123456789") == std::string::npos;
        const std::size_t group =
            is_number ? static_cast<std::size_t>(std::stoi(name))
                      : static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
        if (group < match.size() && match[group]) out += part(text, match, group).text;
    }
    return out;
}

Value regex_replace(const Arguments& a) {
    const std::string text = text_of(a[0]), shape = text_of(a[2]);
    const Regex wanted(text_of(a[1]));
    std::string out;
    std::size_t at = 0;
    for (const auto& match : wanted.find(text, most_matches)) {
        out += text.substr(at, match[0]->first - at) + expanded(shape, text, wanted, match);
        at = match[0]->second;
    }
    return Value::of(out + text.substr(at));
}

const Function functions[] = {
    {"regex", 2, 2, regex},
    {"regex_replace", 3, 3, regex_replace},
    {"regexall", 2, 2, regex_all},
};

} // namespace

std::span<const Function> regex_functions() { return functions; }

} // namespace davit::baking

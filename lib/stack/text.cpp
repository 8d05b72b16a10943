#include "stack/text.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/units.hpp"
#include "compose/short_forms.hpp"

#include <algorithm>
#include <set>

namespace davit::stack {

std::optional<std::int64_t> go_duration(std::string_view text) {
    if (text.find_first_of("dw") != std::string_view::npos) return std::nullopt;
    return parse_duration(text);
}

std::optional<std::int64_t> nano_cpus(std::string_view text) {
    const bool negative = !text.empty() && text.front() == '-';
    std::string_view digits = negative ? text.substr(1) : text;
    const std::size_t dot = std::min(digits.find('.'), digits.size());
    std::string number(digits.substr(0, dot));
    std::string_view fraction = dot < digits.size() ? digits.substr(dot + 1) : std::string_view();
    while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);
    if (digits.empty() || digits == "." || fraction.size() > 9) return std::nullopt;
    number.append(fraction).append(9 - fraction.size(), '0');
    if (number.find_first_not_of("0123456789") != std::string::npos) return std::nullopt;
    const auto value = parse_int(number);
    return value && negative ? -*value : value;
}

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// What stands in quotes from `at` on, behind the opening one; false: they never close.
bool take_quoted(std::string_view text, std::size_t& at, std::string& word) {
    const char quote = text[at++];
    for (; at < text.size() && text[at] != quote; ++at) {
        if (quote == '"' && text[at] == '\\' && ++at == text.size()) return false;
        word += text[at];
    }
    return at++ < text.size();
}

} // namespace

std::optional<std::vector<std::string>> shell_words(std::string_view text) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < text.size();) {
        if (is_space(text[i])) {
            ++i;
            continue;
        }
        if (text[i] == '#') {
            i = std::min(text.find('\n', i), text.size());
            continue;
        }
        std::string word;
        while (i < text.size() && !is_space(text[i])) {
            if (text[i] == '\'' || text[i] == '"') {
                if (!take_quoted(text, i, word)) return std::nullopt;
            } else {
                if (text[i] == '\\' && ++i == text.size()) return std::nullopt;
                word += text[i++];
            }
        }
        out.push_back(std::move(word));
    }
    return out;
}

KeyValue split_pair(std::string_view text) {
    const std::size_t at = text.find('=');
    if (at == std::string_view::npos) return {std::string(text), std::nullopt};
    return {std::string(text.substr(0, at)), std::string(text.substr(at + 1))};
}

std::vector<std::string> read_env_lines(const std::string& text, const std::string& file,
                                        const LookupEnvironment& lookup) {
    std::vector<std::string> out;
    std::string_view rest = text;
    if (rest.substr(0, 3) == "\xef\xbb\xbf") rest.remove_prefix(3);
    for (int number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        std::string_view line = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        line.remove_prefix(std::min(line.find_first_not_of(" \t\v\f"), line.size()));
        if (line.empty() || line.front() == '#') continue;
        const KeyValue pair = split_pair(line);
        auto fail = [&](std::string why) {
            return error(Errc::invalid_project, "invalid env file ({}): {}", file, why).with_at({file, number, 1});
        };
        if (pair.key.empty()) throw fail(fmt::format("no variable name on line '{}'", line));
        if (pair.key.find_first_of(" \t\v\f") != std::string::npos)
            throw fail(fmt::format("variable '{}' contains whitespaces", pair.key));
        if (pair.value) out.push_back(pair.key + "=" + *pair.value);
        else if (const std::string* value = lookup(pair.key)) out.push_back(pair.key + "=" + *value);
    }
    return out;
}

std::string read_named_file(const std::string& path) {
    try {
        return read_file(path);
    } catch (Error& e) {
        if (e.kind() == Errc::not_found) throw error(Errc::not_found, "open {}: no such file or directory", path);
        if (e.os() == std::errc::is_a_directory) throw error(Errc::invalid_project, "read {}: is a directory", path);
        throw;
    }
}

std::vector<std::string> sorted_set(std::vector<std::string> list) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
    return list;
}

std::string capability(std::string_view name) {
    std::string out;
    for (char c : name) out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    while (!out.empty() && out.front() == ' ') out.erase(0, 1);
    while (!out.empty() && out.back() == ' ') out.pop_back();
    if (out == "ALL" || out == "RESET" || out.starts_with("CAP_")) return out;
    return "CAP_" + out;
}

void effective_capabilities(std::vector<std::string>& add, std::vector<std::string>& drop) {
    auto names = [](const std::vector<std::string>& list) {
        std::set<std::string> out;
        for (const std::string& name : list) out.insert(capability(name));
        if (out.count("ALL")) out = {"ALL"};
        return out;
    };
    std::set<std::string> added = names(add), dropped = names(drop);
    for (const std::string& name : added) dropped.erase(name);
    added.erase("RESET");
    dropped.erase("RESET");
    add.assign(added.begin(), added.end());
    drop.assign(dropped.begin(), dropped.end());
}

} // namespace davit::stack

// Functions of strings and of paths.
#include "bake/functions/function.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <pwd.h>
#include <unistd.h>

namespace davit::baking {

namespace {

bool is_space(unsigned c) {
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
           c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

Value in_case(const Arguments& a, bool upper) {
    const std::string text = text_of(a[0]);
    std::string out;
    for (std::size_t at = 0; at < text.size();) append_utf8(out, cased(take_code_point(text, at), upper));
    return Value::of(std::move(out));
}

Value title(const Arguments& a) {
    const std::string text = text_of(a[0]);
    std::string out;
    bool begins = true;
    for (std::size_t at = 0; at < text.size();) {
        const unsigned c = take_code_point(text, at);
        append_utf8(out, begins ? cased(c, true) : c);
        begins = !is_letter_or_digit(c);
    }
    return Value::of(std::move(out));
}

Value replace(const Arguments& a) {
    const std::string text = text_of(a[0]), from = text_of(a[1]), to = text_of(a[2]);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t next = at;
        if (from.empty()) {
            take_code_point(text, at);
            out += to + text.substr(next, at - next);
        } else if (text.compare(at, from.size(), from) == 0) {
            out += to;
            at += from.size();
        } else out += text[at++];
    }
    return Value::of(from.empty() ? out + to : out);
}

template <typename Drop>
std::string trimmed(const std::string& text, Drop drop) {
    std::size_t from = 0, end = 0;
    bool begun = false;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t start = at;
        if (drop(take_code_point(text, at))) continue;
        if (!std::exchange(begun, true)) from = start;
        end = at;
    }
    return text.substr(from, end - from);
}

Value trim(const Arguments& a) {
    const std::string what = text_of(a[1]);
    std::vector<unsigned> set;
    for (std::size_t at = 0; at < what.size();) set.push_back(take_code_point(what, at));
    return Value::of(
        trimmed(text_of(a[0]), [&](unsigned c) { return std::find(set.begin(), set.end(), c) != set.end(); }));
}

Value split(const Arguments& a) {
    const std::string by = text_of(a[0]), text = text_of(a[1]);
    std::vector<Value> out;
    if (by.empty()) {
        for (std::size_t at = 0, from = 0; at < text.size(); from = at) {
            take_code_point(text, at);
            out.push_back(Value::of(text.substr(from, at - from)));
        }
        return Value::of(std::move(out));
    }
    for (std::size_t at = 0;;) {
        const std::size_t end = text.find(by, at);
        out.push_back(Value::of(text.substr(at, end == std::string::npos ? end : end - at)));
        if (end == std::string::npos) return Value::of(std::move(out));
        at = end + by.size();
    }
}

Value join(const Arguments& a) {
    const std::string by = text_of(a[0]);
    std::string out;
    bool first = true;
    for (std::size_t i = 1; i < a.size(); ++i)
        for (const Value& one : list_of(a[i])) out += (std::exchange(first, false) ? "" : by) + text_of(one);
    return Value::of(std::move(out));
}

// A count below zero is all that follows; an offset below zero counts from the end.
Value substr(const Arguments& a) {
    const std::string text = text_of(a[0]);
    const auto all = characters(text);
    const auto size = static_cast<long long>(all.size());
    long long from = whole_of(a[1]), count = whole_of(a[2]);
    if (from < 0) from = std::max(0LL, from + size);
    std::string out;
    for (long long i = from; i < size && (count < 0 || i - from < count); ++i) out += all[static_cast<std::size_t>(i)];
    return Value::of(std::move(out));
}

Value reverse(const Arguments& a) {
    const std::string text = text_of(a[0]);
    const auto all = characters(text);
    std::string out;
    for (auto one = all.rbegin(); one != all.rend(); ++one) out += *one;
    return Value::of(std::move(out));
}

Value indent(const Arguments& a) {
    constexpr long long widest = 10'000;
    const long long width = whole_of(a[0]);
    if (width < 0 || width > widest) throw error(Errc::usage, "indent needs 0 to {} blanks, not {}", widest, width);
    std::string out;
    for (const char c : text_of(a[1])) {
        out += c;
        if (c == '\n') out.append(static_cast<std::size_t>(width), ' ');
    }
    return Value::of(std::move(out));
}

Value sanitize(const Arguments& a) {
    const std::string text = text_of(a[0]);
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const unsigned c = take_code_point(text, at);
        out += c < 0x80 && (is_letter_or_digit(c) || c == '-') ? static_cast<char>(c) : '_';
    }
    return Value::of(std::move(out));
}

Value base_name(const Arguments& a) {
    std::string path = text_of(a[0]);
    if (path.empty()) return Value::of(".");
    path.erase(path.find_last_not_of('/') + 1);
    return Value::of(path.empty() ? "/" : path.substr(path.rfind('/') + 1));
}

Value directory_name(const Arguments& a) {
    const std::string path = text_of(a[0]);
    const std::size_t slash = path.rfind('/');
    const std::string before = slash == std::string::npos ? "" : path.substr(0, slash + 1);
    std::string out = std::filesystem::path(before).lexically_normal();
    if (out.size() > 1 && out.ends_with('/')) out.pop_back();
    return Value::of(out.empty() ? "." : out.starts_with("//") ? out.substr(1) : out);
}

Value home_directory(const Arguments&) {
    if (const char* home = std::getenv("HOME"); home && *home) return Value::of(home);
    const passwd* user = ::getpwuid(::getuid());
    return Value::of(user ? user->pw_dir : "/");
}

const Function functions[] = {
    {"basename", 1, 1, base_name},
    {"chomp", 1, 1,
     [](const Arguments& a) {
         std::string text = text_of(a[0]);
         text.erase(text.find_last_not_of("\r\n") + 1);
         return Value::of(text);
     }},
    {"dirname", 1, 1, directory_name},
    {"homedir", 0, 0, home_directory},
    {"indent", 2, 2, indent},
    {"join", 2, any_number, join},
    {"lower", 1, 1, [](const Arguments& a) { return in_case(a, false); }},
    {"replace", 3, 3, replace},
    {"reverse", 1, 1, reverse},
    {"sanitize", 1, 1, sanitize},
    {"split", 2, 2, split},
    {"strlen", 1, 1,
     [](const Arguments& a) { return Value::of(static_cast<double>(characters(text_of(a[0])).size())); }},
    {"substr", 3, 3, substr},
    {"title", 1, 1, title},
    {"trim", 2, 2, trim},
    {"trimprefix", 2, 2,
     [](const Arguments& a) {
         const std::string text = text_of(a[0]), prefix = text_of(a[1]);
         return Value::of(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
     }},
    {"trimspace", 1, 1, [](const Arguments& a) { return Value::of(trimmed(text_of(a[0]), is_space)); }},
    {"trimsuffix", 2, 2,
     [](const Arguments& a) {
         const std::string text = text_of(a[0]), suffix = text_of(a[1]);
         return Value::of(text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text);
     }},
    {"upper", 1, 1, [](const Arguments& a) { return in_case(a, true); }},
};

} // namespace

std::span<const Function> string_functions() { return functions; }

} // namespace davit::baking

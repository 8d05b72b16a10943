#include "compose/dotenv.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace davit::compose {

namespace {

constexpr std::string_view kBom = "\xef\xbb\xbf";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r'; }

std::string_view trim_right(std::string_view text) {
    while (!text.empty() && (is_blank(text.back()) || text.back() == '\n')) text.remove_suffix(1);
    return text;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What stands behind \0: three octal digits are a character. Fewer stay, and upstream drops the 0.
std::string character_of(std::string_view digits) {
    unsigned value = 0;
    auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
    if (digits.size() != 3 || code != std::errc() || end != digits.data() + digits.size() || value > 255)
        return fmt::format("\\{}", digits);
    if (value >= 0x80) return {static_cast<char>(0xc0 | value >> 6), static_cast<char>(0x80 | (value & 0x3f))};
    return std::string(value ? 1 : 0, static_cast<char>(value)); // no variable can hold a zero byte
}

// \n, \t, \$, \0101 … in double quotes; \$ becomes $$, the template's dollar.
std::string expand_escapes(std::string_view text) {
    static constexpr std::string_view letters = "abfnrtv";
    static constexpr std::string_view bytes = "\a\b\f\n\r\t\v";
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out += text[i];
            continue;
        }
        char c = text[++i];
        if (std::size_t at = letters.find(c); at != std::string_view::npos) out += bytes[at];
        else if (c == '$') out += "$$";
        else if (c == '"' || c == '\\') out += c;
        else if (c == '0') {
            std::size_t digits = 0;
            while (digits < 3 && i + 1 + digits < text.size() && is_digit(text[i + 1 + digits])) ++digits;
            out += character_of(text.substr(i + 1, digits));
            i += digits;
        } else {
            out += '\\';
            out += c;
        }
    }
    return out;
}

class Parser {
public:
    Parser(std::string_view text, const Lookup& outside, const Lookup& earlier)
        : rest_(text), outside_(outside), earlier_(earlier) {
        if (rest_.substr(0, kBom.size()) == kBom) rest_.remove_prefix(kBom.size());
    }

    DotenvResult run() {
        while (!full_ && to_statement()) statement();
        return std::move(result_);
    }

private:
    void advance(std::size_t n) {
        line_ += static_cast<int>(std::count(rest_.begin(), rest_.begin() + static_cast<std::ptrdiff_t>(n), '\n'));
        rest_.remove_prefix(n);
    }
    std::size_t line_end() const { return std::min(rest_.find('\n'), rest_.size()); }
    void skip_line() { advance(std::min(line_end() + 1, rest_.size())); }
    void skip_blanks() {
        while (!rest_.empty() && is_blank(rest_.front())) rest_.remove_prefix(1);
    }

    // Over empty lines and comments; false at the end.
    bool to_statement() {
        while (!rest_.empty()) {
            if (is_blank(rest_.front()) || rest_.front() == '\n') advance(1);
            else if (rest_.front() == '#') skip_line();
            else return true;
        }
        return false;
    }

    void fail(std::string message, std::string hint = {}) {
        result_.errors.push_back({line_, std::move(message), std::move(hint)});
    }

    void warn(std::string message, std::string hint) {
        result_.warnings.push_back({line_, std::move(message), std::move(hint)});
    }

    static bool is_key_char(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
               c == '-' || c == '[' || c == ']' || static_cast<unsigned char>(c) >= 0x80;
    }

    void statement() {
        if (rest_.substr(0, 6) == "export" && rest_.size() > 6 && is_blank(rest_[6])) {
            rest_.remove_prefix(6);
            skip_blanks();
        }
        std::size_t end = line_end();
        if (end == rest_.size() && rest_.find_first_of("=:") == std::string_view::npos) return last_word();
        std::size_t separator = std::min(rest_.substr(0, end).find_first_of("=:"), end);
        std::string_view key = trim_right(rest_.substr(0, separator));
        if (!check_key(key)) return skip_line();
        if (separator == end) {
            if (const std::string* value = outside_(key)) put(key, *value);
            return skip_line();
        }
        if (key.empty()) warn("this line sets a variable without a name", "write NAME=value");
        rest_.remove_prefix(separator + 1);
        skip_blanks();
        value(key);
    }

    // Upstream ends a name at =, : or the line's end, and takes what has none of them for the value of "".
    void last_word() {
        for (char c : rest_)
            if (!is_key_char(c) && !is_blank(c)) {
                check_key(rest_);
                rest_ = {};
                return;
            }
        warn("this line sets a variable without a name", "write NAME=value, or end the line");
        value({});
    }

    bool check_key(std::string_view key) {
        if (key.find("\xef\xbb\xbf") != std::string_view::npos) {
            fail("a byte order mark cannot be part of a name", "save the file without it");
            return false;
        }
        for (char c : key) {
            if (is_key_char(c)) continue;
            if (is_blank(c))
                fail(fmt::format("the name '{}' has a blank in it", key), "write NAME=value; a comment starts with #");
            else fail(fmt::format("'{}' cannot be part of a name", c), "names have letters, digits and _ . - [ ]");
            return false;
        }
        return true;
    }

    void value(std::string_view key) {
        if (!rest_.empty() && (rest_.front() == '"' || rest_.front() == '\'')) return quoted(key, rest_.front());
        std::string_view text = rest_.substr(0, line_end());
        if (!text.empty() && text.front() == '#')
            warn(fmt::format("the value of {} starts with #: this is no comment", key),
                 "put the comment on a line of its own");
        text = trim_right(text.substr(0, text.find(" #")));
        put_expanded(key, text);
        skip_line();
    }

    void quoted(std::string_view key, char quote) {
        std::string text;
        bool escape = false;
        for (std::size_t i = 1; i < rest_.size(); ++i) {
            char c = rest_[i];
            if (c == quote && !escape) {
                if (quote == '"') put_expanded(key, expand_escapes(text));
                else put(key, text);
                advance(i + 1);
                std::string_view after = trim_right(rest_.substr(0, line_end()));
                if (!after.empty() && !is_blank(after.front()))
                    warn(fmt::format("'{}' after the closing quote of {} does not belong to its value",
                                     after.substr(0, 40), key),
                         "put the whole value in the quotes");
                return;
            }
            if (c == '\\' && !escape) {
                escape = true;
                continue;
            }
            if (escape && c != quote) text += '\\';
            escape = false;
            text += c;
        }
        fail(fmt::format("the quote of {} is not closed", key), fmt::format("add the closing {}", quote));
        rest_ = {};
    }

    // A line may double what is before it, and so may the next.
    void put(std::string_view key, std::string_view text) {
        size_ += text.size();
        if (size_ <= most_size) result_.values.emplace_back(key, text);
        else too_much(key);
    }

    void too_much(std::string_view key) {
        fail(fmt::format("with {} the values of this file have more than {} MiB", key, most_size >> 20));
        full_ = true;
    }

    void put_expanded(std::string_view key, std::string_view text) {
        if (text.find('$') == std::string_view::npos) return put(key, text);
        Expansion expanded = expand(text, [this](std::string_view name) -> const std::string* {
            if (const std::string* v = outside_(name)) return v;
            auto it = std::find_if(result_.values.rbegin(), result_.values.rend(),
                                   [&](const auto& p) { return p.first == name; });
            if (it != result_.values.rend()) return &it->second;
            return earlier_ ? earlier_(name) : nullptr;
        });
        for (auto& unset : expanded.unset) result_.unset.push_back({line_, std::move(unset), {}});
        if (!expanded.error) return put(key, expanded.text);
        if (expanded.error->kind == TemplateError::Kind::too_large) return too_much(key);
        bool invalid = expanded.error->kind == TemplateError::Kind::invalid;
        fail(invalid ? fmt::format("'{}' is no valid variable", expanded.error->message) : expanded.error->message,
             invalid ? "put the value in single quotes if the dollar is meant as such" : "");
    }

    std::string_view rest_;
    const Lookup& outside_;
    const Lookup& earlier_;
    DotenvResult result_;
    static constexpr std::size_t most_size = most_expanded;
    std::size_t size_ = 0;
    bool full_ = false;
    int line_ = 1;
};

} // namespace

DotenvResult parse_dotenv(std::string_view text, const Lookup& outside, const Lookup& earlier) {
    return Parser(text, outside, earlier).run();
}

DotenvResult parse_raw_env(std::string_view text, const Lookup& outside) {
    DotenvResult out;
    if (text.substr(0, kBom.size()) == kBom) text.remove_prefix(kBom.size());
    for (int line = 1; !text.empty(); ++line) {
        std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view current = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!current.empty() && current.back() == '\r') current.remove_suffix(1);
        while (!current.empty() && (current.front() == ' ' || current.front() == '\t')) current.remove_prefix(1);
        if (current.empty() || current.front() == '#') continue;
        std::size_t equals = current.find('=');
        std::string_view key = current.substr(0, equals);
        if (key.empty()) out.errors.push_back({line, "this line has no variable name", "write NAME=value"});
        else if (key.find_first_of(" \t") != std::string_view::npos)
            out.errors.push_back({line, fmt::format("the name '{}' has a blank in it", key), "write NAME=value"});
        else if (equals != std::string_view::npos) out.values.emplace_back(key, current.substr(equals + 1));
        else if (const std::string* value = outside(key)) out.values.emplace_back(key, *value);
    }
    return out;
}

} // namespace davit::compose

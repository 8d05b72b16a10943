#include "cli/format/template_lexer.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

namespace davit::cli {

namespace {

using Token = TemplateToken;

constexpr std::string_view spaces = " \t\r\n";

bool is_space(char c) { return spaces.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
           (static_cast<unsigned char>(c) & 0x80);
}

class Lexer {
public:
    explicit Lexer(const std::string& source) : source_(source) {}

    std::vector<TemplatePiece> run() {
        bool trim_next = false;
        while (at_ < source_.size()) {
            const std::size_t open = std::min(source_.find("{{", at_), source_.size());
            const bool trim_before =
                open + 3 < source_.size() && source_[open + 2] == '-' && is_space(source_[open + 3]);
            add_text(open, trim_next, trim_before);
            if (open == source_.size()) break;
            at_ = open + (trim_before ? 4 : 2);
            trim_next = take_action();
        }
        return std::move(pieces_);
    }

private:
    void add_text(std::size_t end, bool trim_start, bool trim_end) {
        std::string text = source_.substr(at_, end - at_);
        if (trim_start) text.erase(0, std::min(text.find_first_not_of(spaces), text.size()));
        if (trim_end) text.erase(text.find_last_not_of(spaces) + 1);
        if (!text.empty()) pieces_.push_back({false, std::move(text), {}, line_at(at_)});
        at_ = end;
    }

    // From behind the opening braces to behind the closing ones; true: the text that follows is trimmed.
    bool take_action() {
        const int line = line_at(at_);
        bool trim = false;
        if (source_.compare(at_, 2, "/*") == 0) {
            const std::size_t end = source_.find("*/", at_ + 2);
            if (end == std::string::npos) template_mistake(line, "unclosed comment");
            at_ = end + 2;
            if (!closes(trim)) template_mistake(line, "comment ends before closing delimiter");
            return trim;
        }
        TemplatePiece piece{true, {}, {}, line};
        for (;;) {
            const std::size_t before = at_;
            if (closes(trim)) break;
            while (at_ < source_.size() && is_space(source_[at_])) ++at_;
            if (at_ >= source_.size()) template_mistake(line, "unclosed action");
            const bool spaced = at_ > before;
            if (spaced && closes(trim)) break;
            Token token = next();
            token.spaced = spaced;
            piece.tokens.push_back(std::move(token));
        }
        piece.tokens.push_back(at(Token::Kind::end, at_));
        pieces_.push_back(std::move(piece));
        return trim;
    }

    bool closes(bool& trim) {
        std::size_t i = at_;
        while (i < source_.size() && is_space(source_[i])) ++i;
        trim = i > at_ && source_.compare(i, 3, "-}}") == 0;
        if (!trim && source_.compare(at_, 2, "}}") != 0) return false;
        at_ = trim ? i + 3 : at_ + 2;
        return true;
    }

    Token at(Token::Kind kind, std::size_t place, std::string text = {}) const {
        Token token;
        token.kind = kind;
        token.text = std::move(text);
        token.line = line_at(place);
        const std::size_t newline = place == 0 ? std::string::npos : source_.rfind('\n', place - 1);
        token.column = static_cast<int>(newline == std::string::npos ? place : place - newline - 1);
        return token;
    }

    Token next() {
        const std::size_t start = at_;
        const char c = source_[at_];
        if (c == '"' || c == '`') return quoted(c);
        if (c == '\'') return character();
        if (c == '|' || c == '(' || c == ')' || c == ',') {
            ++at_;
            return at(c == '|'   ? Token::Kind::pipe
                      : c == '(' ? Token::Kind::open
                      : c == ')' ? Token::Kind::close
                                 : Token::Kind::comma,
                      start);
        }
        if (source_.compare(at_, 2, ":=") == 0) {
            at_ += 2;
            return at(Token::Kind::declare, start);
        }
        if (c == '=') {
            ++at_;
            return at(Token::Kind::assign, start);
        }
        const bool number = is_digit(c) || ((c == '.' || c == '-' || c == '+') && at_ + 1 < source_.size() &&
                                            is_digit(source_[at_ + 1]));
        if (number) {
            while (++at_ < source_.size() &&
                   (is_word(source_[at_]) || source_[at_] == '.' ||
                    ((source_[at_] == '-' || source_[at_] == '+') && (source_[at_ - 1] | 0x20) == 'e'))) {}
            return at(Token::Kind::number, start, source_.substr(start, at_ - start));
        }
        if (c == '.' || c == '$') {
            ++at_;
            word_end();
            return at(c == '.' ? Token::Kind::field : Token::Kind::variable, start,
                      source_.substr(start + 1, at_ - start - 1));
        }
        if (is_word(c)) {
            word_end();
            return at(Token::Kind::word, start, source_.substr(start, at_ - start));
        }
        template_mistake(line_at(at_), fmt::format("unexpected \"{}\" in command", c));
    }

    void word_end() {
        while (at_ < source_.size() && is_word(source_[at_])) ++at_;
    }

    Token quoted(char quote) {
        const std::size_t start = at_++;
        std::string out;
        for (; at_ < source_.size() && source_[at_] != quote; ++at_) {
            if (source_[at_] == '\n' && quote == '"') break;
            if (source_[at_] == '\\' && quote == '"') out += escape();
            else out += source_[at_];
        }
        if (at_ >= source_.size() || source_[at_] != quote)
            template_mistake(line_at(start),
                             quote == '"' ? "unterminated quoted string" : "unterminated raw quoted string");
        ++at_;
        return at(Token::Kind::text, start, std::move(out));
    }

    // A character in single quotes is its number.
    Token character() {
        const std::size_t start = at_++;
        std::string out;
        for (; at_ < source_.size() && source_[at_] != '\''; ++at_)
            out += source_[at_] == '\\' ? escape() : std::string(1, source_[at_]);
        if (at_ >= source_.size() || out.empty()) template_mistake(line_at(start), "unterminated character constant");
        ++at_;
        return at(Token::Kind::character, start, std::move(out));
    }

    // Go's escapes; at_ stands on the backslash and moves to the last character of it.
    std::string escape() {
        if (at_ + 1 >= source_.size()) return {};
        const char c = source_[++at_];
        const std::size_t known = std::string_view("abfnrtv").find(c);
        if (known != std::string_view::npos) return std::string(1, "\a\b\f\n\r\t\v"[known]);
        const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : c >= '0' && c <= '7' ? 3 : 0;
        if (!digits) return std::string(1, c);
        const std::size_t from = digits == 3 ? at_ : at_ + 1;
        unsigned code = 0;
        const char* first = source_.data() + from;
        const char* last = source_.data() + std::min(from + digits, source_.size());
        if (auto [end, problem] = std::from_chars(first, last, code, digits == 3 ? 8 : 16);
            problem != std::errc{} || end != last)
            template_mistake(line_at(at_), "invalid syntax");
        at_ = from + digits - 1;
        std::string out;
        if (digits <= 3) out += static_cast<char>(code);
        else append_utf8(out, code);
        return out;
    }

    int line_at(std::size_t place) const {
        return 1 + static_cast<int>(std::count(
                       source_.begin(), source_.begin() + static_cast<std::ptrdiff_t>(std::min(place, source_.size())),
                       '\n'));
    }

    const std::string& source_;
    std::size_t at_ = 0;
    std::vector<TemplatePiece> pieces_;
};

} // namespace

void template_mistake(int line, const std::string& what) {
    throw error(Errc::usage, "template parsing error: template: :{}: {}", line, what);
}

std::vector<TemplatePiece> split_template(const std::string& text) { return Lexer(text).run(); }

} // namespace davit::cli

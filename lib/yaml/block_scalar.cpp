#include "yaml/block_scalar.hpp"

#include <algorithm>

namespace davit::yaml {

namespace {

bool is_break(char c) { return c == '\n' || c == '\r'; }
bool is_blank(char c) { return c == ' ' || c == '\t'; }

class Reader {
public:
    Reader(std::string_view text, int parent) : rest_(text), parent_(parent) {}

    std::optional<BlockScalar> read() {
        skip_properties();
        if (rest_.empty() || (rest_.front() != '|' && rest_.front() != '>')) return std::nullopt;
        header();
        blank_lines();
        while (!out_.tab && !rest_.empty() && column_ == indent_) line();
        if (keep_ >= 0) out_.text += leading_;
        if (keep_ > 0) out_.text += trailing_;
        return std::move(out_);
    }

private:
    // "&anchor", "!tag", and what may stand between them and the text.
    void skip_properties() {
        while (!rest_.empty()) {
            const char c = rest_.front();
            if (c == '#') rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_of("\r\n")));
            else if (is_blank(c) || is_break(c)) rest_.remove_prefix(1);
            else if (c == '&' || c == '!') rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_of(" \t\r\n")));
            else return;
        }
    }

    void header() {
        literal_ = rest_.front() == '|';
        rest_.remove_prefix(1);
        for (; !rest_.empty() && !is_blank(rest_.front()) && !is_break(rest_.front()); rest_.remove_prefix(1)) {
            if (rest_.front() == '+') keep_ = 1;
            if (rest_.front() == '-') keep_ = -1;
            if (rest_.front() >= '1' && rest_.front() <= '9') indent_ = std::max(parent_, 0) + (rest_.front() - '0');
        }
        rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_of("\r\n")));
        take_break();
    }

    // "\n" for each kind of it; "" at the end of the file.
    std::string_view take_break() {
        if (rest_.empty()) return {};
        rest_.remove_prefix(rest_.substr(0, 2) == "\r\n" ? 2 : 1);
        ++line_;
        column_ = 0;
        return "\n";
    }

    // Up to the next line of text; the first one says how far the text is indented.
    void blank_lines() {
        int deepest = 0;
        for (;;) {
            while (!rest_.empty() && rest_.front() == ' ' && (indent_ == 0 || column_ < indent_)) eat();
            deepest = std::max(deepest, column_);
            if (!rest_.empty() && rest_.front() == '\t' && (indent_ == 0 || column_ < indent_)) {
                out_.tab.emplace(line_, static_cast<std::size_t>(column_));
                return;
            }
            if (rest_.empty() || !is_break(rest_.front())) break;
            trailing_ += take_break();
        }
        if (indent_ == 0) indent_ = std::max({deepest, parent_ + 1, 1});
    }

    void line() {
        const bool blank = is_blank(rest_.front());
        const bool folds = !literal_ && !leading_.empty() && !leading_blank_ && !blank;
        if (!folds) out_.text += leading_;
        else if (trailing_.empty()) out_.text += ' ';
        out_.text += trailing_;
        leading_.clear();
        trailing_.clear();
        leading_blank_ = blank;
        const std::string_view content = rest_.substr(0, rest_.find_first_of("\r\n"));
        out_.text += content;
        rest_.remove_prefix(content.size());
        leading_ = take_break();
        blank_lines();
    }

    void eat() {
        rest_.remove_prefix(1);
        ++column_;
    }

    std::string_view rest_;
    int parent_;
    bool literal_ = false, leading_blank_ = false;
    int keep_ = 0;                // 1: +, -1: -
    int indent_ = 0, column_ = 0; // 0: not known yet
    std::size_t line_ = 0;
    std::string leading_, trailing_; // breaks: after the last line, and of the blank lines since
    BlockScalar out_;
};

} // namespace

std::optional<BlockScalar> read_block_scalar(std::string_view text, int parent) { return Reader(text, parent).read(); }

} // namespace davit::yaml

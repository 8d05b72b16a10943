// Characters of an HCL text with their places; what is skipped between words.
#pragma once

#include "davit/error.hpp"

#include <string>
#include <string_view>

namespace davit::baking {

class TextReader {
public:
    TextReader(std::string_view text, std::string file, int line = 1)
        : text_(text), file_(std::move(file)), line_(line) {}

    bool at_end() const { return at_ >= text_.size(); }
    char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
    char next();
    bool starts_with(std::string_view what) const { return text_.substr(at_).starts_with(what); }
    // Takes it if it stands here.
    bool take(std::string_view what);
    std::string_view rest_of_line(); // takes it, and the line's end

    // Blanks and comments; the ends of lines too.
    void skip(bool lines);
    std::string identifier(); // empty: none stands here

    SourcePos place() const { return {file_, line_, static_cast<int>(at_ - line_start_) + 1}; }
    const std::string& file() const { return file_; }
    [[noreturn]] void fail(const std::string& what) const;

private:
    std::string_view text_;
    std::string file_;
    int line_;
    std::size_t at_ = 0, line_start_ = 0;
};

} // namespace davit::baking

#include "bake/text_reader.hpp"

#include "base/error.hpp"

#include <algorithm>

namespace davit::baking {

namespace {

bool starts_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_word(char c) { return starts_word(c) || (c >= '0' && c <= '9') || c == '-'; }

} // namespace

char TextReader::next() {
    const char c = peek();
    if (at_ < text_.size()) ++at_;
    if (c == '\n') {
        ++line_;
        line_start_ = at_;
    }
    return c;
}

bool TextReader::take(std::string_view what) {
    if (!starts_with(what)) return false;
    for (std::size_t i = 0; i < what.size(); ++i) next();
    return true;
}

std::string_view TextReader::rest_of_line() {
    const std::size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view out = text_.substr(at_, end - at_);
    while (at_ < end) next();
    next();
    return out.ends_with('\r') ? out.substr(0, out.size() - 1) : out;
}

void TextReader::skip(bool lines) {
    while (!at_end()) {
        const char c = peek();
        if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n')) {
            next();
        } else if (c == '#' || starts_with("//")) {
            while (!at_end() && peek() != '\n') next();
        } else if (take("/*")) {
            while (!at_end() && !starts_with("*/")) next();
            if (!take("*/")) fail("the comment has no end");
        } else {
            return;
        }
    }
}

std::string TextReader::identifier() {
    std::string out;
    if (!starts_word(peek())) return out;
    while (in_word(peek())) out += next();
    return out;
}

void TextReader::fail(const std::string& what) const { throw error(Errc::usage, "{}", what).with_at(place()); }

} // namespace davit::baking

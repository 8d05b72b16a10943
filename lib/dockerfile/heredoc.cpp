#include "dockerfile/heredoc.hpp"

#include "base/error.hpp"
#include "dockerfile/text.hpp"

namespace davit::dockerfile {

namespace {

// The words as they stand: quotes, escapes and variables stay. None where the line is no sequence of words.
std::vector<std::string> raw_words(std::string_view text, bool keep_quotes) {
    const WordRules rules{.keep_quotes = keep_quotes, .keep_escapes = keep_quotes, .keep_unset = true};
    try {
        return expand(text, {}, rules).words;
    } catch (const Error&) {
        return {};
    }
}

} // namespace

std::optional<Heredoc> heredoc_of_word(std::string_view word) {
    while (!word.empty() && word.front() >= '0' && word.front() <= '9') word.remove_prefix(1);
    if (!word.starts_with("<<")) return std::nullopt;
    word.remove_prefix(2);
    Heredoc out;
    out.strip_tabs = word.starts_with('-');
    if (out.strip_tabs) word.remove_prefix(1);
    if (word.empty() || word.find('<') != std::string_view::npos) return std::nullopt;
    auto names = raw_words(word, false), raw = raw_words(word, true);
    if (names.size() != 1 || raw.size() != 1) return std::nullopt;
    out.expand = names[0] == raw[0];
    out.name = std::move(names[0]);
    return out;
}

std::vector<Heredoc> heredocs_of_line(std::string_view line) {
    std::vector<Heredoc> out;
    if (line.find("<<") == std::string_view::npos) return out;
    for (const std::string& word : raw_words(line, true))
        if (auto heredoc = heredoc_of_word(word)) out.push_back(std::move(*heredoc));
    return out;
}

std::string without_tabs(std::string_view content) {
    std::string out;
    bool at_start = true;
    for (char c : content) {
        if (at_start && c == '\t') continue;
        at_start = c == '\n';
        out += c;
    }
    return out;
}

} // namespace davit::dockerfile

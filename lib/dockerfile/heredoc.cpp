#include "dockerfile/heredoc.hpp"

#include "base/error.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

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

std::ptrdiff_t quotes_in(std::string_view text) {
    return std::count_if(text.begin(), text.end(), [](char c) { return c == '\'' || c == '"'; });
}

// "${x:-A}" outside single quotes, and its kin: before one of them the reference's lexer forgets what the word began
// with, so that no "<<" is left. "${x}" alone stays.
bool has_modifier(std::string_view word) {
    bool quoted = false;
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (word[i] == '\'') quoted = !quoted;
        if (quoted || !word.substr(i).starts_with("${")) continue;
        if (const auto end = word.find_first_of("}:+-?#%/", i + 3); end != std::string_view::npos && word[end] != '}')
            return true;
    }
    return false;
}

} // namespace

std::optional<Heredoc> heredoc_of_word(std::string_view word) {
    while (!word.empty() && word.front() >= '0' && word.front() <= '9') word.remove_prefix(1);
    if (!word.starts_with("<<")) return std::nullopt;
    word.remove_prefix(2);
    Heredoc out;
    out.strip_tabs = word.starts_with('-');
    if (out.strip_tabs) word.remove_prefix(1);
    word.remove_prefix(std::min(word.find_first_not_of(" \t\r\n\f"), word.size()));
    if (word.empty() || word.find('<') != std::string_view::npos) return std::nullopt;
    auto names = raw_words(word, false), raw = raw_words(word, true);
    if (names.size() != 1 || raw.size() != 1) return std::nullopt;
    // An escaped character leaves it expanded, unlike in a shell: quotes alone decide.
    out.expand = quotes_in(names[0]) == quotes_in(raw[0]);
    out.name = std::move(names[0]);
    return out;
}

std::vector<Heredoc> heredocs_of_line(std::string_view line) {
    std::vector<Heredoc> out;
    if (line.find("<<") == std::string_view::npos) return out;
    for (const std::string& word : raw_words(line, true))
        if (auto heredoc = has_modifier(word) ? std::nullopt : heredoc_of_word(word))
            out.push_back(std::move(*heredoc));
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

#include "dockerfile/words.hpp"

#include "base/error.hpp"
#include "dockerfile/text.hpp"
#include "dockerfile/word_pattern.hpp"

#include <algorithm>

namespace davit::dockerfile {

const std::string* Variables::find(std::string_view name) const {
    auto it = std::find_if(entries_.begin(), entries_.end(), [&](const Entry& e) { return e.first == name; });
    return it == entries_.end() ? nullptr : &it->second;
}

void Variables::set(std::string_view name, std::string value) {
    std::erase_if(entries_, [&](const Entry& e) { return e.first == name; });
    entries_.emplace_back(name, std::move(value));
}

namespace {

constexpr std::size_t longest_result = 1U << 20U;
constexpr int deepest_nesting = 200;
constexpr char no_stop = '\0';

struct Range {
    char32_t first, last;
};
// Above ASCII nearly all is letters; these blocks are punctuation, symbols and blanks.
constexpr Range no_letters[] = {
    {0x80, 0xa9},     {0xab, 0xb4},     {0xb6, 0xb9},     {0xbb, 0xbf},       {0xd7, 0xd7},
    {0xf7, 0xf7},     {0x2000, 0x206f}, {0x20a0, 0x20cf}, {0x2190, 0x2bff},   {0x3000, 0x3004},
    {0x3008, 0x3030}, {0xfe10, 0xfe6f}, {0xff00, 0xff0f}, {0x1f000, 0x1faff},
};

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

bool is_name_character(char32_t c) {
    if (c < 0x80) return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return std::none_of(std::begin(no_letters), std::end(no_letters),
                        [&](const Range& r) { return c >= r.first && c <= r.last; });
}

void add_once(std::vector<std::string>& names, std::string_view name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

// Text that grows into words: blanks end a word unless they were quoted or escaped.
class WordList {
public:
    void add(std::string_view text) {
        for (char c : text)
            if (!is_space(c)) add_kept({&c, 1});
            else if (!word_.empty()) words_.push_back(std::exchange(word_, {}));
    }
    void add_kept(std::string_view text) { word_ += text; }
    std::vector<std::string> take() {
        if (!word_.empty()) words_.push_back(std::exchange(word_, {}));
        return std::move(words_);
    }

private:
    std::string word_;
    std::vector<std::string> words_;
};

class Expander {
public:
    Expander(std::string_view source, const Variables& variables, const WordRules& rules)
        : rest_(source), variables_(variables), rules_(rules), keep_escapes_(rules.keep_escapes) {}

    Expansion run() {
        Expansion out;
        out.text = until(no_stop, &out.words);
        out.matched = std::move(matched_);
        out.unmatched = std::move(unmatched_);
        return out;
    }

private:
    bool at_end() const { return rest_.empty(); }
    bool at(char c) const { return !rest_.empty() && rest_.front() == c; }
    bool skip(char c) {
        if (!at(c)) return false;
        rest_.remove_prefix(1);
        return true;
    }
    std::string_view next() {
        std::string_view before = rest_;
        next_character(rest_);
        return before.substr(0, before.size() - rest_.size());
    }

    static void add(std::string& out, std::string_view text) {
        if (out.size() + text.size() > longest_result)
            throw error(Errc::invalid_project, "the word expands to more than a mebibyte");
        out += text;
    }

    std::string until(char stop, std::vector<std::string>* words = nullptr) {
        std::string out;
        WordList list;
        while (!at_end()) {
            if (stop != no_stop && skip(stop)) return out;
            if (at('$')) {
                std::string value = dollar();
                add(out, value);
                if (words) list.add(value);
            } else if (!rules_.ignore_quotes && (at('\'') || at('"'))) {
                std::string text = at('"') ? double_quoted() : single_quoted();
                add(out, text);
                if (words) list.add_kept(text);
            } else if (skip(rules_.escape)) {
                std::string text = keep_escapes_ ? std::string(1, rules_.escape) : std::string();
                if (!at_end()) text += next();
                add(out, text);
                if (words) list.add_kept(text);
            } else if (rest_.starts_with("<<")) {
                const std::string_view text = heredoc_sign();
                add(out, text);
                if (words) list.add_kept(text);
            } else {
                std::string_view c = next();
                add(out, c);
                if (words) list.add(c);
            }
        }
        if (stop != no_stop) throw error(Errc::invalid_project, "'{}' is missing", stop);
        if (words) *words = list.take();
        return out;
    }

    // "<<" and the blanks behind it, which part it from no word: "<< EOF" is one.
    std::string_view heredoc_sign() {
        const auto length = std::min(rest_.find_first_not_of(" \t\r", 2), rest_.size());
        const std::string_view out = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return out;
    }

    std::string single_quoted() {
        auto end = rest_.find('\'', 1);
        if (end == std::string_view::npos)
            throw error(Errc::invalid_project, "a single quote is not closed")
                .with_hint("write \\' for the character itself");
        std::string_view text = rules_.keep_quotes ? rest_.substr(0, end + 1) : rest_.substr(1, end - 1);
        rest_.remove_prefix(end + 1);
        return std::string(text);
    }

    std::string double_quoted() {
        std::string out;
        const std::string_view quote = rules_.keep_quotes ? "\"" : "";
        skip('"');
        add(out, quote);
        while (!at_end()) {
            if (skip('"')) {
                add(out, quote);
                return out;
            }
            if (at('$')) {
                add(out, dollar());
            } else if (skip(rules_.escape)) {
                const std::string_view escape(&rules_.escape, 1);
                if (keep_escapes_) add(out, escape);
                // Before all other characters it stands for itself.
                if (at('"') || at('$') || at(rules_.escape)) add(out, next());
                else if (!at_end()) add(out, escape);
            } else {
                add(out, next());
            }
        }
        throw error(Errc::invalid_project, "a double quote is not closed")
            .with_hint("write \\\" for the character itself");
    }

    // A name, a number, or one of the shell's special parameters, which are never set.
    std::string_view name() {
        constexpr std::string_view special = "@*#?-$!";
        std::string_view before = rest_;
        if (at_end()) return {};
        if (special.find(rest_.front()) != std::string_view::npos) return next();
        const bool number = is_digit(static_cast<unsigned char>(rest_.front()));
        while (!at_end()) {
            std::string_view peek = rest_;
            char32_t c = next_character(peek);
            if (number ? !is_digit(c) : !is_name_character(c)) break;
            rest_ = peek;
        }
        return before.substr(0, before.size() - rest_.size());
    }

    const std::string* look_up(std::string_view name) {
        const std::string* value = variables_.find(name);
        add_once(value ? matched_ : unmatched_, name);
        return value;
    }

    std::string dollar() {
        if (++depth_ > deepest_nesting) throw error(Errc::invalid_project, "variables are nested too deeply");
        const std::string_view source = rest_;
        skip('$');
        std::string out = skip('{') ? braced(source) : plain();
        --depth_;
        return out;
    }

    std::string plain() {
        std::string_view variable = name();
        if (variable.empty()) return "$";
        if (const std::string* value = look_up(variable)) return *value;
        return rules_.keep_unset ? "$" + std::string(variable) : "";
    }

    std::string braced(std::string_view source) {
        if (at_end()) throw error(Errc::invalid_project, "'}}' is missing");
        if (at('{') || at('}') || at(':'))
            throw error(Errc::invalid_project, "'{}' names no variable",
                        source.substr(0, source.size() - rest_.size() + 1));
        std::string_view variable = name();
        if (at_end()) throw error(Errc::invalid_project, "'}}' is missing");
        std::string modifier(next());
        std::string out;
        if (modifier == "}") {
            const std::string* value = look_up(variable);
            if (value) out = *value;
            else if (!rules_.keep_unset) return out;
        } else if (modifier == "/") {
            out = replacement(variable);
        } else {
            if (modifier == ":" && !at_end()) modifier += next();
            out = modified(variable, modifier);
        }
        const bool kept = rules_.keep_unset && !variables_.find(variable);
        return kept ? std::string(source.substr(0, source.size() - rest_.size())) : out;
    }

    std::string replacement(std::string_view variable) {
        const bool all = skip('/');
        std::string pattern = raw_until('/');
        std::string by = raw_until('}');
        const std::string* value = look_up(variable);
        std::string out = WordPattern(pattern).replaced(value ? *value : "", by, all);
        add(out, "");
        return out;
    }

    std::string modified(std::string_view variable, const std::string& modifier) {
        const char kind = modifier.back();
        if (std::string_view("+-?#%").find(kind) == std::string_view::npos)
            throw error(Errc::invalid_project, "unsupported modifier '{}' in the substitution of {}", modifier,
                        variable)
                .with_hint("modifiers are :- - :+ + :? ? # ## % %% / //");
        const bool is_pattern = kind == '#' || kind == '%';
        std::string word = is_pattern ? raw_until('}') : until('}');
        const std::string* value = look_up(variable);
        const bool has = value && (modifier.size() == 1 || !value->empty());
        switch (kind) {
        case '-': return has ? *value : word;
        case '+': return has ? word : "";
        case '?':
            if (has || rules_.keep_unset) return value ? *value : "";
            if (word.empty()) word = value ? "is not allowed to be empty" : "is not allowed to be unset";
            throw error(Errc::invalid_project, "{}: {}", variable, word);
        default: break;
        }
        const bool longest = word.starts_with(kind);
        const WordPattern pattern(std::string_view(word).substr(longest ? 1 : 0));
        const std::string text = value ? *value : "";
        return kind == '#' ? pattern.without_prefix(text, longest) : pattern.without_suffix(text, longest);
    }

    std::string raw_until(char stop) {
        const bool before = std::exchange(keep_escapes_, true);
        std::string out = until(stop);
        keep_escapes_ = before;
        return out;
    }

public:
    const std::vector<std::string>& unset() const { return unmatched_; }

private:
    std::string_view rest_;
    const Variables& variables_;
    const WordRules& rules_;
    bool keep_escapes_;
    int depth_ = 0;
    std::vector<std::string> matched_, unmatched_;
};

} // namespace

Expansion expand(std::string_view word, const Variables& variables, const WordRules& rules) {
    Expander expander(word, variables, rules);
    try {
        return expander.run();
    } catch (Error& e) {
        if (rules.unset) *rules.unset = expander.unset();
        throw e.with_context("expanding '" + std::string(word.substr(0, 200)) + "'");
    }
}

} // namespace davit::dockerfile

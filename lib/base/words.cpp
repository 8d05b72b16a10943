#include "base/words.hpp"

#include <algorithm>

namespace davit {

namespace {

class Splitter {
public:
    std::optional<std::vector<std::string>> run(std::string_view line, std::string_view& rest) {
        std::size_t end = 0;
        while (end < line.size() && take(line[end])) ++end;
        rest = line.substr(end);
        if (failed_ || escaped_ || single_ || double_ || backtick_ || dollar_) return std::nullopt;
        finish_word();
        return std::move(words_);
    }

private:
    bool quoted() const { return single_ || double_ || backtick_ || dollar_; }

    void finish_word() {
        if (in_word_) words_.push_back(std::move(word_));
        word_.clear();
        in_word_ = false;
    }

    void append(char c) {
        word_ += c;
        in_word_ = true;
    }

    // A quote that opens or closes; what it encloses is a word even if it is empty.
    bool toggle(bool& quote) {
        if (quote) in_word_ = true;
        quote = !quote;
        return true;
    }

    // False: the command ends here.
    bool take(char c) {
        if (escaped_) {
            escaped_ = false;
            append(c);
            return true;
        }
        if (c == '\\') {
            if (single_) append(c);
            else escaped_ = true;
            return true;
        }
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            if (quoted()) word_ += c;
            else finish_word();
            return true;
        }
        return special(c);
    }

    bool special(char c) {
        switch (c) {
        case '\'':
            if (!double_ && !dollar_) return toggle(single_);
            break;
        case '"':
            if (!single_ && !dollar_) return toggle(double_);
            break;
        case '`':
            if (!single_ && !double_ && !dollar_) backtick_ = !backtick_;
            break;
        case '(':
            if (single_ || double_ || backtick_) break;
            failed_ = dollar_ || word_.empty() || word_.back() != '$';
            if (failed_) return false;
            dollar_ = true;
            break;
        case ')':
            if (!single_ && !double_ && !backtick_) dollar_ = !dollar_;
            break;
        case ';':
        case '&':
        case '|':
        case '<':
        case '>':
            if (quoted()) break;
            // "2>&1": the number belongs to the redirection.
            if (c == '>' && !word_.empty() && word_[0] >= '0' && word_[0] <= '9') in_word_ = false;
            return false;
        default: break;
        }
        append(c);
        return true;
    }

    std::vector<std::string> words_;
    std::string word_;
    bool in_word_ = false, escaped_ = false, single_ = false, double_ = false;
    bool backtick_ = false, dollar_ = false, failed_ = false;
};

} // namespace

std::optional<std::vector<std::string>> split_words(std::string_view line, std::string_view* rest) {
    std::string_view unused;
    return Splitter().run(line, rest ? *rest : unused);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        now[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t same = a[i - 1] == b[j - 1] ? 0 : 1;
            now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + same});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                now[j] = std::min(now[j], before[j - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, now);
    }
    return last[b.size()];
}

std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::size_t best = word.size() < 4 ? 1 : word.size() < 8 ? 2 : 3;
    std::optional<std::string_view> found;
    for (std::string_view c : candidates) {
        std::size_t longer = std::max(c.size(), word.size());
        std::size_t shorter = std::min(c.size(), word.size());
        if (longer - shorter > best || word.size() > 64) continue;
        std::size_t d = edit_distance(word, c);
        if (d <= best && (!found || d < best)) {
            best = d;
            found = c;
        }
    }
    // port → ports, volume → volumes_from is no help: only a prefix with a short rest.
    if (!found)
        for (std::string_view c : candidates)
            if (word.size() > 3 && c.size() > word.size() && c.substr(0, word.size()) == word) return c;
    return found;
}

} // namespace davit

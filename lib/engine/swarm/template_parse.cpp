#include "engine/swarm/template_parse.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace davit {

void wrong_template(const std::string& what) { throw TemplateFault{what, true}; }
void wrong_value(const std::string& what) { throw TemplateFault{what, false}; }

void throw_fault(const TemplateFault& fault, std::string_view source, std::size_t at, std::string_view node) {
    const std::string_view before = source.substr(0, at);
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    if (fault.syntax) throw error(Errc::invalid_project, "template: expansion:{}: {}", line, fault.what);
    const std::size_t column = at - (before.rfind('\n') + 1); // npos + 1 is 0
    throw error(Errc::invalid_project, "template: expansion:{}:{}: executing \"expansion\" at <{}>: {}", line, column,
                node, fault.what);
}

namespace {

constexpr std::string_view blank = " \t\r\n";

std::string_view trimmed(std::string_view text) {
    const auto first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

// The first word, which is taken off. A field or a string is none.
std::string take_word(std::string_view& text) {
    std::size_t end = 0;
    while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end]))) ++end;
    std::string word(text.substr(0, end));
    text = trimmed(text.substr(end));
    return word;
}

class TemplateParser {
public:
    explicit TemplateParser(std::string_view text) : text_(text) {}

    std::vector<TemplateNode> run() {
        try {
            auto out = list();
            if (!ended_by_.empty()) wrong_template(fmt::format("unexpected {{{{{}}}}}", ended_by_));
            return out;
        } catch (const TemplateFault& fault) {
            throw_fault(fault, text_, action_at_, {});
        }
    }

private:
    // Where the action that begins at `from` ends: at its }}, of which strings have none.
    std::size_t action_end(std::size_t from) const {
        char quote = 0;
        for (std::size_t i = from; i < text_.size(); ++i) {
            const char c = text_[i];
            if (quote != 0) {
                if (c == '\\' && quote == '"') ++i;
                else if (c == quote) quote = 0;
            } else if (c == '"' || c == '`') quote = c;
            else if (text_.substr(i).starts_with("}}")) return i;
        }
        wrong_template("unclosed action");
    }

    // The next action, the text before it added to `out`. False: there is none.
    bool next(std::vector<TemplateNode>& out, std::string_view& action) {
        const std::size_t open = text_.find("{{", at_);
        action_at_ = std::min(open, text_.size());
        std::string before(text_.substr(at_, open == std::string_view::npos ? open : open - at_));
        if (open == std::string_view::npos) {
            at_ = text_.size();
            add_text(out, std::move(before));
            return false;
        }
        const bool comment = trimmed(text_.substr(open + 2, 4)).starts_with("/*");
        const std::size_t close = comment ? text_.find("}}", text_.find("*/", open)) : action_end(open + 2);
        if (close == std::string_view::npos) wrong_template("unclosed comment");
        action = text_.substr(open + 2, close - open - 2);
        at_ = close + 2;
        if (action.size() > 1 && action.front() == '-' && blank.find(action[1]) != std::string_view::npos) {
            action.remove_prefix(1);
            before.erase(before.find_last_not_of(blank) + 1);
        }
        if (action.size() > 1 && action.back() == '-' &&
            blank.find(action[action.size() - 2]) != std::string_view::npos) {
            action.remove_suffix(1);
            at_ = std::min(text_.find_first_not_of(blank, at_), text_.size());
        }
        action = trimmed(action);
        add_text(out, std::move(before));
        return true;
    }

    static void add_text(std::vector<TemplateNode>& out, std::string text) {
        if (text.empty()) return;
        TemplateNode& node = out.emplace_back();
        node.text = std::move(text);
    }

    // Up to {{end}} or {{else …}}, which ended_by_ and rest_ tell; empty: the end of the text.
    std::vector<TemplateNode> list() {
        std::vector<TemplateNode> out;
        std::string_view action;
        ended_by_.clear();
        while (next(out, action)) {
            if (action.starts_with("/*")) continue;
            std::string_view rest = action;
            const std::string word = take_word(rest);
            if (word == "end" || word == "else") {
                ended_by_ = word;
                rest_ = rest;
                return out;
            }
            if (word == "if" || word == "range" || word == "with") {
                out.push_back(block(word, rest));
                ended_by_.clear();
                continue;
            }
            for (const char* other : {"define", "template", "block", "break", "continue"})
                if (word == other)
                    throw error(Errc::unsupported, "template: davit expands no '{}' in a service's templates", word);
            TemplateNode& node = out.emplace_back();
            node.kind = TemplateNode::Kind::action;
            declaration(action, node);
            if (!node.variables.empty()) node.kind = TemplateNode::Kind::assign;
            if (node.variables.size() > 1) wrong_template("too many declarations in command");
        }
        return out;
    }

    TemplateNode block(const std::string& word, std::string_view pipeline) {
        if (++depth_ > most_levels) wrong_template("too many levels");
        TemplateNode node;
        node.kind = word == "if"      ? TemplateNode::Kind::if_
                    : word == "range" ? TemplateNode::Kind::range
                                      : TemplateNode::Kind::with;
        if (pipeline.empty()) wrong_template("missing value for " + word);
        declaration(pipeline, node);
        node.then = list();
        if (ended_by_ == "else") {
            std::string_view rest = rest_;
            const std::string again = take_word(rest);
            if (again.empty()) {
                node.otherwise = list();
                if (ended_by_ == "else") wrong_template("unexpected {{else}}");
            } else if (again == "if" || again == "with") {
                node.otherwise.push_back(block(again, rest)); // its end is this one's
            } else wrong_template(fmt::format("unexpected <{}> after else", again));
        }
        if (ended_by_ != "end") wrong_template("unexpected EOF");
        --depth_;
        return node;
    }

    // "$k, $v := PIPELINE".
    void declaration(std::string_view action, TemplateNode& node) const {
        std::string_view rest = action;
        std::vector<std::string> names;
        while (rest.starts_with("$")) {
            std::size_t end = 1;
            while (end < rest.size() && (std::isalnum(static_cast<unsigned char>(rest[end])) || rest[end] == '_'))
                ++end;
            names.emplace_back(rest.substr(0, end));
            rest = trimmed(rest.substr(end));
            if (!rest.starts_with(",")) break;
            rest = trimmed(rest.substr(1));
        }
        const bool declares = rest.starts_with(":="), assigns = rest.starts_with("=");
        if (!names.empty() && (declares || assigns)) {
            node.variables = std::move(names);
            node.declares = declares;
            action = trimmed(rest.substr(declares ? 2 : 1));
        }
        if (action.empty()) wrong_template("missing value for command");
        node.text = action;
        node.at = static_cast<std::size_t>(action.data() - text_.data());
    }

    static constexpr int most_levels = 100;
    std::string_view text_, rest_;
    std::string ended_by_;
    std::size_t at_ = 0, action_at_ = 0; // read so far; where the last action begins
    int depth_ = 0;
};

} // namespace

std::vector<TemplateNode> parse_template(std::string_view text) { return TemplateParser(text).run(); }

} // namespace davit

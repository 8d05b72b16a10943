#include "dockerfile/parser.hpp"

#include "dockerfile/node_args.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>
#include <optional>

namespace davit::dockerfile {

namespace {

constexpr std::size_t longest_line = 65535; // bytes

// Lines with their ends, counted.
class Lines {
public:
    Lines(std::string_view text, const std::string& file) : rest_(text), file_(file) {}

    // The next line with its end.
    std::optional<std::string_view> next() {
        if (rest_.empty()) return std::nullopt;
        ++number_;
        auto end = rest_.find('\n');
        std::string_view line = rest_.substr(0, end == std::string_view::npos ? end : end + 1);
        rest_.remove_prefix(line.size());
        if (line.size() - (end == std::string_view::npos ? 0 : 1) > longest_line)
            throw mistake({file_, number_, number_}, "the line is longer than {} bytes", longest_line)
                .with_hint("continue it with a backslash at the end of a line, or COPY a file");
        return line;
    }
    int number() const { return number_; }

private:
    std::string_view rest_;
    const std::string& file_;
    int number_ = 0;
};

std::string_view without_end(std::string_view line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
    return line;
}

bool is_comment(std::string_view line) { return trim_left(line).starts_with('#'); }

// The escape character as the last of the line, blanks aside, and not itself escaped. Takes it off.
bool take_continuation(std::string_view& line, char escape) {
    std::string_view text = line;
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    if (!text.ends_with(escape) || (text.size() > 1 && text[text.size() - 2] == escape)) return false;
    line = text.substr(0, text.size() - 1);
    return true;
}

bool may_have_heredocs(const Node& node) {
    const std::string keyword = lower(node.keyword);
    if (keyword == "onbuild") return !node.trigger.empty() && may_have_heredocs(node.trigger[0]);
    return !node.json && (keyword == "run" || keyword == "copy" || keyword == "add");
}

class Parser {
public:
    Parser(std::string_view text, const std::string& file) : file_(file), lines_(text, file) {}

    Syntax run(Directives directives) {
        syntax_.directives = std::move(directives);
        while (auto line = lines_.next()) take_line(*line);
        return std::move(syntax_);
    }

private:
    void take_line(std::string_view line) {
        std::string_view text = trim_left(without_end(line));
        if (is_comment(text)) {
            take_comment(trim(text.substr(1)));
            return;
        }
        const auto column = static_cast<int>(without_end(line).size() - text.size()) + 1;
        const bool goes_on = take_continuation(text, syntax_.directives.escape);
        if (!goes_on && text.empty()) return;
        Node node;
        node.comments = std::move(comments_);
        comments_.clear();
        node.place = {file_, lines_.number(), lines_.number(), column};
        node.source = without_end(line);
        node.original = text;
        if (goes_on) take_continued(node);
        node.place.last_line = lines_.number();
        read_arguments(node, node.original, syntax_.directives.escape);
        if (may_have_heredocs(node)) take_heredocs(node);
        node.place.last_line = lines_.number();
        syntax_.nodes.push_back(std::move(node));
    }

    // Empty lines part no comment from its instruction, but a comment without text does.
    void take_comment(std::string_view text) {
        if (text.empty()) comments_.clear();
        else if (lines_.number() > syntax_.directives.lines) comments_.emplace_back(text);
    }

    void take_continued(Node& node) {
        bool empty = false;
        for (bool goes_on = true; goes_on;) {
            auto line = lines_.next();
            if (!line) break;
            std::string_view text = without_end(*line);
            node.source.append("\n").append(text);
            if (is_comment(text)) continue;
            if (trim_left(text).empty()) {
                empty = true;
                continue;
            }
            goes_on = take_continuation(text, syntax_.directives.escape);
            node.original += text;
        }
        if (empty) syntax_.empty_continuations.push_back({file_, lines_.number(), lines_.number()});
    }

    void take_heredocs(Node& node) {
        node.heredocs = heredocs_of_line(node.original);
        for (Heredoc& heredoc : node.heredocs) {
            while (true) {
                auto line = lines_.next();
                if (!line)
                    throw mistake(node.place_of("<<"), "the heredoc '{}' has no end", heredoc.name)
                        .with_hint("it ends with a line of " + heredoc.name + " alone, without blanks around it");
                std::string_view end = without_end(*line);
                while (heredoc.strip_tabs && end.starts_with('\t')) end.remove_prefix(1);
                if (end == heredoc.name) break;
                heredoc.content += *line;
            }
        }
        if (!node.trigger.empty()) node.trigger[0].heredocs = node.heredocs;
    }

    const std::string& file_;
    Lines lines_;
    Syntax syntax_;
    std::vector<std::string> comments_;
};

} // namespace

Place Node::place_of(std::string_view piece) const {
    auto at = source.find(piece);
    if (piece.empty() || at == std::string::npos) return place;
    const auto begin = source.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(at);
    Place out = place;
    out.first_line += static_cast<int>(std::count(begin, end, '\n'));
    auto line_start = source.rfind('\n', at);
    out.column = static_cast<int>(at - (line_start == std::string::npos ? 0 : line_start + 1)) + 1;
    return out;
}

Syntax parse(std::string_view text, const std::string& file) {
    text = without_byte_order_mark(text);
    const Place start{file, 1, 1};
    if (text.empty())
        throw mistake(start, "the Dockerfile is empty").with_hint("the least that makes an image is: FROM IMAGE");
    Syntax syntax = Parser(text, file).run(read_directives(text, file));
    if (syntax.nodes.empty())
        throw mistake(start, "the Dockerfile has no instructions")
            .with_hint("the least that makes an image is: FROM IMAGE");
    return syntax;
}

Node parse_trigger(std::string_view text, const Place& place) {
    Syntax syntax;
    try {
        syntax = parse(text, place.file);
    } catch (Error& e) { // its lines are none of the file
        throw e.with_at(position_of(place)).with_context("reading the ONBUILD trigger '" + std::string(text) + "'");
    }
    if (syntax.nodes.size() != 1)
        throw mistake(place, "the ONBUILD trigger '{}' of the base is more than one instruction", text);
    Node node = std::move(syntax.nodes[0]);
    node.place = place;
    if (!node.trigger.empty()) node.trigger[0].place = place;
    return node;
}

} // namespace davit::dockerfile

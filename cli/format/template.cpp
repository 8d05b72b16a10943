#include "cli/format/template.hpp"

#include "base/error.hpp"
#include "cli/format/table.hpp"
#include "cli/format/template_functions.hpp"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace davit::cli {

using Json = nlohmann::json;

namespace {

[[noreturn]] void fail(const std::string& what) { throw error(Errc::usage, "template parsing error: template: {}", what); }

struct Token {
    enum class Kind { word, field, variable, text, number, pipe, open, close, assign, end } kind = Kind::end;
    std::string text;
};

bool is_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

std::string quoted(const std::string& source, std::size_t& i) {
    const char quote = source[i++];
    std::string out;
    for (; i < source.size() && source[i] != quote; ++i) {
        if (source[i] != '\\' || quote == '`' || i + 1 == source.size()) {
            out += source[i];
            continue;
        }
        const char c = source[++i];
        out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
    }
    if (i == source.size()) fail("unterminated quoted string");
    ++i;
    return out;
}

std::vector<Token> tokens_of(const std::string& source) {
    std::vector<Token> out;
    for (std::size_t i = 0; i < source.size();) {
        const char c = source[i];
        const std::size_t start = i;
        const auto word_end = [&] {
            while (i < source.size() && is_word(source[i])) ++i;
        };
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            ++i;
        } else if (c == '"' || c == '`') {
            out.push_back({Token::Kind::text, quoted(source, i)});
        } else if (c == '|' || c == '(' || c == ')') {
            out.push_back({c == '|' ? Token::Kind::pipe : c == '(' ? Token::Kind::open : Token::Kind::close, {}});
            ++i;
        } else if (c == ':' && source.compare(i, 2, ":=") == 0) {
            out.push_back({Token::Kind::assign, {}});
            i += 2;
        } else if (c == '.' || c == '$') {
            ++i;
            word_end();
            // .A.B and $x.A are chains: one token each link, the later ones without a space before
            out.push_back({c == '.' ? Token::Kind::field : Token::Kind::variable, source.substr(start + 1, i - start - 1)});
            while (i < source.size() && source[i] == '.' && i + 1 < source.size() && is_word(source[i + 1])) {
                const std::size_t link = ++i;
                word_end();
                out.back().text += "." + source.substr(link, i - link);
            }
        } else if ((c >= '0' && c <= '9') || c == '-') {
            ++i;
            while (i < source.size() && (is_word(source[i]) || source[i] == '.')) ++i;
            out.push_back({Token::Kind::number, source.substr(start, i - start)});
        } else if (is_word(c)) {
            word_end();
            out.push_back({Token::Kind::word, source.substr(start, i - start)});
        } else {
            fail(fmt::format("unexpected \"{}\" in command", c));
        }
    }
    out.push_back({});
    return out;
}

} // namespace

// One node of the parsed template; expressions too.
struct Template::Node {
    enum class Kind { list, text, action, if_, with, range, pipeline, command, field, variable, literal, function } kind = Kind::list;
    std::string text;   // text; name of a field chain, variable or function; variable set by a pipeline
    Json value;         // literal
    std::vector<Node> children;  // list, pipeline, command: in order; if, with, range: pipeline, body, else
};

namespace {

using Node = Template::Node;

class Parser {
public:
    explicit Parser(const std::string& text) { split(text); }

    Node parse() {
        Node root = list();
        if (at_ < pieces_.size()) fail("unexpected {{" + keyword() + "}}");
        return root;
    }

private:
    struct Piece {
        bool action;
        std::string text;
    };

    // Text and the insides of {{ }}, with {{- and -}} applied.
    void split(const std::string& text) {
        std::size_t i = 0;
        bool trim_next = false;
        while (i < text.size()) {
            const std::size_t open = text.find("{{", i);
            std::string plain = text.substr(i, open == std::string::npos ? open : open - i);
            if (trim_next) plain.erase(0, plain.find_first_not_of(" \t\r\n"));
            const bool trim_before = open != std::string::npos && text.compare(open, 4, "{{- ") == 0;
            if (trim_before) plain.erase(plain.find_last_not_of(" \t\r\n") + 1);
            if (!plain.empty()) pieces_.push_back({false, plain});
            if (open == std::string::npos) return;
            const std::size_t start = open + (trim_before ? 3 : 2);
            const std::size_t close = text.find("}}", start);
            if (close == std::string::npos) fail(":1: unclosed action");
            trim_next = close > start && text.compare(close - 1, 1, "-") == 0;
            std::string inside = text.substr(start, close - start - (trim_next ? 1 : 0));
            if (inside.find("/*") == std::string::npos) pieces_.push_back({true, std::move(inside)});
            i = close + 2;
        }
    }

    std::string keyword() const {
        if (at_ >= pieces_.size() || !pieces_[at_].action) return {};
        const std::string& text = pieces_[at_].text;
        const std::size_t start = text.find_first_not_of(" \t\n");
        if (start == std::string::npos) fail(":1: missing value for command");
        return text.substr(start, text.find_first_of(" \t\n", start) - start);
    }

    Node list() {
        Node out;
        while (at_ < pieces_.size()) {
            const std::string word = keyword();
            if (word == "end" || word == "else") break;
            if (!pieces_[at_].action) out.children.push_back({Node::Kind::text, pieces_[at_++].text, {}, {}});
            else if (word == "if" || word == "with" || word == "range") out.children.push_back(block(word));
            else out.children.push_back({Node::Kind::action, {}, {}, {expression(pieces_[at_++].text)}});
        }
        return out;
    }

    Node block(const std::string& word) {
        Node out;
        out.kind = word == "if" ? Node::Kind::if_ : word == "with" ? Node::Kind::with : Node::Kind::range;
        const std::string& text = pieces_[at_++].text;
        out.children.push_back(expression(text.substr(text.find(word) + word.size())));
        out.children.push_back(list());
        Node otherwise;
        if (keyword() == "else") {
            std::string& rest = pieces_[at_].text;
            rest.erase(0, rest.find("else") + 4);
            if (rest.find_first_not_of(" \t\n") != std::string::npos) {
                otherwise.children.push_back(block(keyword())); // {{else if}}: its end is ours too
                out.children.push_back(std::move(otherwise));
                return out;
            }
            ++at_;
            otherwise = list();
        }
        if (keyword() != "end") fail(":1: unexpected EOF");
        ++at_;
        out.children.push_back(std::move(otherwise));
        return out;
    }

    Node expression(const std::string& text) {
        tokens_ = tokens_of(text);
        next_ = 0;
        Node out = pipeline();
        if (tokens_[next_].kind != Token::Kind::end) fail(":1: unexpected \")\" in command");
        return out;
    }

    Node pipeline() {
        Node out;
        out.kind = Node::Kind::pipeline;
        if (tokens_[next_].kind == Token::Kind::variable && tokens_[next_ + 1].kind == Token::Kind::assign) {
            out.text = tokens_[next_].text;
            next_ += 2;
        }
        do {
            Node command{Node::Kind::command, {}, {}, {}};
            while (std::optional<Node> operand = this->operand()) command.children.push_back(std::move(*operand));
            if (command.children.empty()) fail(":1: missing value for command");
            out.children.push_back(std::move(command));
        } while (tokens_[next_].kind == Token::Kind::pipe && ++next_);
        return out;
    }

    std::optional<Node> operand() {
        const Token& token = tokens_[next_];
        switch (token.kind) {
        case Token::Kind::field: ++next_; return Node{Node::Kind::field, token.text, {}, {}};
        case Token::Kind::variable: ++next_; return Node{Node::Kind::variable, token.text, {}, {}};
        case Token::Kind::text: ++next_; return Node{Node::Kind::literal, {}, token.text, {}};
        case Token::Kind::number: ++next_; return Node{Node::Kind::literal, {}, Json::parse(token.text, nullptr, false), {}};
        case Token::Kind::word:
            ++next_;
            if (token.text == "true" || token.text == "false") return Node{Node::Kind::literal, {}, token.text == "true", {}};
            if (token.text == "nil") return Node{Node::Kind::literal, {}, nullptr, {}};
            if (!is_template_function(token.text)) fail(fmt::format(":1: function \"{}\" not defined", token.text));
            return Node{Node::Kind::function, token.text, {}, {}};
        case Token::Kind::open: {
            ++next_;
            Node inner = pipeline();
            if (tokens_[next_].kind != Token::Kind::close) fail(":1: unclosed left paren");
            ++next_;
            return inner;
        }
        default: return std::nullopt;
        }
    }

    std::vector<Piece> pieces_;
    std::size_t at_ = 0;
    std::vector<Token> tokens_;
    std::size_t next_ = 0;
};

class Execution {
public:
    explicit Execution(const Json& data) : root_(data) {}

    void run(const Node& node, const Json& dot) {
        switch (node.kind) {
        case Node::Kind::list:
            for (const Node& child : node.children) run(child, dot);
            break;
        case Node::Kind::text: out += node.text; break;
        case Node::Kind::action: {
            const Json value = evaluate(node.children[0], dot);
            if (node.children[0].text.empty()) out += go_text(value);
            break;
        }
        case Node::Kind::if_: run(node.children[go_truth(evaluate(node.children[0], dot)) ? 1 : 2], dot); break;
        case Node::Kind::with: {
            const Json value = evaluate(node.children[0], dot);
            if (go_truth(value)) run(node.children[1], value);
            else run(node.children[2], dot);
            break;
        }
        case Node::Kind::range: {
            const Json values = evaluate(node.children[0], dot);
            if (!go_truth(values)) run(node.children[2], dot);
            else if (!values.is_structured()) fail(":1: range can't iterate over " + go_text(values));
            else
                for (const Json& value : values) run(node.children[1], value);
            break;
        }
        default: break;
        }
    }

    std::string out;

private:
    Json evaluate(const Node& pipeline, const Json& dot) {
        std::optional<Json> value;
        for (const Node& command : pipeline.children) value = call(command, dot, value);
        if (!pipeline.text.empty()) variables_[pipeline.text] = *value;
        return *value;
    }

    Json call(const Node& command, const Json& dot, const std::optional<Json>& piped) {
        const Node& first = command.children[0];
        std::vector<Json> arguments;
        for (std::size_t i = 1; i < command.children.size(); ++i) arguments.push_back(operand(command.children[i], dot));
        if (piped) arguments.push_back(*piped);
        if (first.kind == Node::Kind::function) return call_template_function(first.text, arguments);
        Json value = operand(first, dot);
        if (arguments.empty()) return value;
        // A method with an argument: .Label "key".
        if (value.is_object() && arguments.size() == 1 && arguments[0].is_string()) {
            const auto found = value.find(arguments[0].get<std::string>());
            return found == value.end() ? Json("") : *found;
        }
        fail(fmt::format(":1: executing \"\" at <.{}>: it is not a method but has arguments", first.text));
    }

    Json operand(const Node& node, const Json& dot) {
        switch (node.kind) {
        case Node::Kind::field: return chain(dot, node.text);
        case Node::Kind::variable: {
            const std::size_t end = node.text.find('.');
            const std::string name = node.text.substr(0, end);
            const auto found = variables_.find(name);
            if (!name.empty() && found == variables_.end()) fail(fmt::format(":1: undefined variable \"${}\"", name));
            return chain(name.empty() ? root_ : found->second, end == std::string::npos ? "" : node.text.substr(end + 1));
        }
        case Node::Kind::literal: return node.value;
        case Node::Kind::function: return call_template_function(node.text, {});
        default: return evaluate(node, dot);
        }
    }

    static Json chain(Json value, const std::string& path) {
        for (std::size_t i = 0; i < path.size();) {
            const std::size_t end = std::min(path.find('.', i), path.size());
            const std::string name = path.substr(i, end - i);
            if (!value.is_object() || !value.contains(name))
                fail(fmt::format(":1:2: executing \"\" at <.{}>: can't evaluate field {}", path, name));
            Json next = value[name];
            value = std::move(next);
            i = end + 1;
        }
        return value;
    }

    const Json& root_;
    std::map<std::string, Json> variables_;
};

// Docker takes the two characters \t and \n for tab and newline.
std::string unescaped(std::string text) {
    for (const auto& [from, to] : {std::pair{"\\t", '\t'}, std::pair{"\\n", '\n'}})
        for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; ++at) text.replace(at, 2, 1, to);
    return text;
}

std::vector<std::string> cells_of(const std::string& line) {
    std::vector<std::string> cells(1);
    for (const char c : line) {
        if (c == '\t') cells.emplace_back();
        else cells.back() += c;
    }
    return cells;
}

} // namespace

Template::Template(const std::string& text) : root_(std::make_unique<Node>(Parser(unescaped(text)).parse())) {}
Template::Template(Template&&) noexcept = default;
Template::~Template() = default;

std::string Template::execute(const Json& data) const {
    Execution execution(data);
    execution.run(*root_, data);
    return std::move(execution.out);
}

ListFormat ListFormat::parse(const std::string& option) {
    if (option.empty() || option == "table") return {};
    if (option == "json") return {Kind::json, {}};
    if (option.starts_with("table ") || option.starts_with("table\t")) return {Kind::table_template, option.substr(6)};
    return {Kind::plain_template, option};
}

std::string render_list(const ListFormat& format, const std::vector<Json>& rows, const std::vector<std::string>& columns, const Json& headers) {
    std::string out;
    Table table;
    switch (format.kind) {
    case ListFormat::Kind::json:
        for (const Json& row : rows) out += row.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
        return out;
    case ListFormat::Kind::plain_template: {
        const Template shape(format.text);
        for (const Json& row : rows) out += shape.execute(row) + "\n";
        return out;
    }
    case ListFormat::Kind::table_template: {
        const Template shape(format.text);
        table.header = cells_of(shape.execute(headers));
        for (const Json& row : rows) table.rows.push_back(cells_of(shape.execute(row)));
        return table.to_string();
    }
    case ListFormat::Kind::table:
        for (const std::string& column : columns) table.header.push_back(headers.at(column).get<std::string>());
        for (const Json& row : rows) {
            std::vector<std::string> cells;
            for (const std::string& column : columns) cells.push_back(go_text(row.at(column)));
            table.rows.push_back(std::move(cells));
        }
        return table.to_string();
    }
    return out;
}

} // namespace davit::cli

#include "cli/format/template_parser.hpp"

#include "base/error.hpp"
#include "cli/format/template_functions.hpp"
#include "cli/format/template_lexer.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

namespace davit::cli {

namespace {

using Node = TemplateNode;
using Kind = TemplateNode::Kind;
using Token = TemplateToken;

constexpr int deepest = 100; // blocks and parentheses in one another

class Parser {
public:
    explicit Parser(const std::string& text) : pieces_(split_template(text)) {}

    ParsedTemplate parse() {
        Node root = list();
        if (at_ < pieces_.size()) template_mistake(pieces_[at_].line, "unexpected {{" + keyword() + "}}");
        return {std::move(root), std::move(named_)};
    }

private:
    std::string keyword() const {
        if (at_ >= pieces_.size() || !pieces_[at_].action) return {};
        const Token& first = pieces_[at_].tokens.front();
        if (first.kind == Token::Kind::end) no_value(first, "command");
        return first.kind == Token::Kind::word ? first.text : "";
    }

    [[noreturn]] static void no_value(const Token& at, const std::string& of) {
        template_mistake(at.line, "missing value for " + of);
    }

    Node list() {
        if (++depth_ > deepest) template_mistake(pieces_[at_ < pieces_.size() ? at_ : 0].line, "too deep");
        Node out;
        while (at_ < pieces_.size()) {
            const std::string word = keyword();
            if (word == "end" || word == "else") break;
            const TemplatePiece& piece = pieces_[at_];
            if (!piece.action) {
                Node text;
                text.kind = Kind::text;
                text.text = piece.text;
                out.children.push_back(std::move(text));
                ++at_;
            } else if (word == "if" || word == "with" || word == "range") {
                out.children.push_back(block(word, 1));
            } else if (word == "break" || word == "continue") {
                if (!ranges_) template_mistake(piece.line, "{{" + word + "}} outside {{range}}");
                Node jump;
                jump.kind = word == "break" ? Kind::break_ : Kind::continue_;
                out.children.push_back(std::move(jump));
                ++at_;
            } else if (word == "define") {
                define();
            } else if (word == "template" || word == "block") {
                out.children.push_back(call(word));
            } else {
                Node action;
                action.kind = Kind::action;
                action.children.push_back(expression(0, "command"));
                out.children.push_back(std::move(action));
            }
        }
        --depth_;
        return out;
    }

    const std::string& name_in(const TemplatePiece& piece, const std::string& clause) const {
        const Token& name = piece.tokens[1];
        if (name.kind != Token::Kind::text)
            template_mistake(name.line, fmt::format("unexpected {} in {} clause", shown(name), clause));
        return name.text;
    }

    // Its text is another template's: ranges around it are not its own.
    void name_list(const std::string& name, int line) {
        const int ranges = std::exchange(ranges_, 0);
        auto variables = std::exchange(variables_, {""});
        Node body = list();
        ranges_ = ranges;
        variables_ = std::move(variables);
        if (keyword() != "end") template_mistake(line, at_ < pieces_.size() ? "unexpected {{else}}" : "unexpected EOF");
        ++at_;
        Node& kept = named_[name];
        if (!is_blank(kept) && !is_blank(body))
            template_mistake(line, fmt::format("template: multiple definition of template \"{}\"", name));
        if (is_blank(kept)) kept = std::move(body);
    }

    static bool is_blank(const Node& node) {
        return std::all_of(node.children.begin(), node.children.end(), [](const Node& child) {
            return child.kind == Kind::text && child.text.find_first_not_of(" \t\r\n") == std::string::npos;
        });
    }

    void define() {
        const TemplatePiece& piece = pieces_[at_];
        if (depth_ > 1) template_mistake(piece.line, "unexpected {{define}}");
        const std::string name = name_in(piece, "define");
        if (piece.tokens[2].kind != Token::Kind::end)
            template_mistake(piece.line, fmt::format("unexpected {} in define clause", shown(piece.tokens[2])));
        ++at_;
        name_list(name, piece.line);
    }

    // {{template "name" pipeline}}, {{block "name" pipeline}} … {{end}}
    Node call(const std::string& word) {
        const TemplatePiece& piece = pieces_[at_];
        Node out;
        out.kind = Kind::call;
        out.text = name_in(piece, word == "block" ? "block" : "template");
        out.line = piece.line;
        out.column = piece.tokens[1].column;
        if (piece.tokens[2].kind != Token::Kind::end) out.children.push_back(expression(2, word + " clause"));
        else if (word == "block") no_value(piece.tokens[2], "block clause");
        else ++at_;
        if (word == "block") name_list(out.text, piece.line);
        return out;
    }

    // From its pipeline, which begins at token `from` of this piece, to behind its {{end}}.
    Node block(const std::string& word, std::size_t from) {
        const std::size_t scope = variables_.size();
        Node out = block_in_scope(word, from);
        variables_.resize(scope);
        return out;
    }

    Node block_in_scope(const std::string& word, std::size_t from) {
        Node out;
        out.kind = word == "if" ? Kind::if_ : word == "with" ? Kind::with : Kind::range;
        const int line = pieces_[at_].line;
        out.children.push_back(expression(from, word));
        if (out.kind == Kind::range) ++ranges_;
        out.children.push_back(list());
        if (out.kind == Kind::range) --ranges_;
        Node otherwise;
        if (keyword() == "else") {
            const std::vector<Token>& tokens = pieces_[at_].tokens;
            if (tokens.size() > 2) { // {{else if}}: its end is ours too
                const std::string& next = tokens[1].text;
                if (tokens[1].kind != Token::Kind::word || (next != "if" && next != "with") || next != word)
                    template_mistake(tokens[1].line, "unexpected <" + next + "> in else");
                otherwise.children.push_back(block(next, 2));
                out.children.push_back(std::move(otherwise));
                return out;
            }
            ++at_;
            otherwise = list();
        }
        if (keyword() != "end")
            template_mistake(at_ < pieces_.size() ? pieces_[at_].line : line,
                             at_ < pieces_.size() ? "unexpected {{else}}" : "unexpected EOF");
        ++at_;
        out.children.push_back(std::move(otherwise));
        return out;
    }

    Node expression(std::size_t from, const std::string& of) {
        tokens_ = &pieces_[at_].tokens;
        next_ = from;
        Node out = pipeline(of);
        if (token().kind == Token::Kind::close) template_mistake(token().line, "unexpected right paren");
        if (token().kind != Token::Kind::end)
            template_mistake(token().line, fmt::format("unexpected {} in {}", shown(token()), of));
        ++at_;
        return out;
    }

    static std::string shown(const Token& t) {
        switch (t.kind) {
        case Token::Kind::close: return "right paren";
        case Token::Kind::comma: return "\",\"";
        case Token::Kind::declare: return "\":=\"";
        case Token::Kind::assign: return "\"=\"";
        default: return "\"" + t.text + "\"";
        }
    }

    const Token& token() const { return (*tokens_)[next_]; }

    // "$x := ", "$i, $x := " (range), "$x = "
    void declaration(Node& pipeline, bool of_range) {
        if (token().kind != Token::Kind::variable) return;
        const Token& after = (*tokens_)[next_ + 1];
        std::size_t names = 0;
        if (after.kind == Token::Kind::declare || after.kind == Token::Kind::assign) names = 1;
        else if (of_range && after.kind == Token::Kind::comma && (*tokens_)[next_ + 2].kind == Token::Kind::variable)
            names = 2;
        if (!names) return;
        pipeline.variables.push_back(token().text);
        if (names == 2) pipeline.variables.push_back((*tokens_)[next_ + 2].text);
        next_ += names == 2 ? 3 : 1;
        if (token().kind != Token::Kind::declare && token().kind != Token::Kind::assign)
            template_mistake(token().line, "missing := in range");
        pipeline.declares = token().kind == Token::Kind::declare;
        variables_.insert(variables_.end(), pipeline.variables.begin(), pipeline.variables.end());
        ++next_;
    }

    Node pipeline(const std::string& of) {
        if (++depth_ > deepest) template_mistake(token().line, "too deep");
        Node out;
        out.kind = Kind::pipeline;
        declaration(out, of == "range");
        do {
            Node command;
            command.kind = Kind::command;
            command.line = token().line;
            command.column = token().column;
            for (bool spaced = true; std::optional<Node> operand = this->operand(); spaced = token().spaced) {
                if (!spaced) template_mistake(operand->line, "unexpected operand; a space is missing");
                command.children.push_back(std::move(*operand));
            }
            if (command.children.empty() && out.children.empty()) no_value(token(), of);
            if (command.children.empty()) template_mistake(token().line, "missing value for " + of);
            out.children.push_back(std::move(command));
        } while (token().kind == Token::Kind::pipe && ++next_);
        --depth_;
        return out;
    }

    Node node(Kind kind) const {
        Node out;
        out.kind = kind;
        out.line = token().line;
        out.column = token().column;
        return out;
    }

    std::optional<Node> operand() {
        std::optional<Node> out = term();
        if (!out) return out;
        std::vector<std::string> chain;
        for (; token().kind == Token::Kind::field && !token().spaced && !token().text.empty(); ++next_) {
            if (chain.empty()) out->column = token().column; // of the first of them, as Go's
            chain.push_back(token().text);
        }
        if (chain.empty()) return out;
        if (out->kind == Kind::field && out->chain.empty())
            template_mistake(out->line, "unexpected . after term \".\"");
        if (out->kind == Kind::literal) template_mistake(out->line, "unexpected . after term");
        if (out->kind == Kind::field || out->kind == Kind::variable) {
            out->chain.insert(out->chain.end(), chain.begin(), chain.end());
            return out;
        }
        Node chained = *out;
        chained.kind = Kind::chained;
        chained.children.assign(1, std::move(*out));
        chained.chain = std::move(chain);
        return chained;
    }

    std::optional<Node> term() {
        Node out = node(Kind::literal);
        const Token& t = token();
        switch (t.kind) {
        case Token::Kind::field:
            out.kind = Kind::field;
            if (!t.text.empty()) out.chain.push_back(t.text);
            break;
        case Token::Kind::variable:
            out.kind = Kind::variable;
            out.text = t.text;
            if (std::find(variables_.begin(), variables_.end(), t.text) == variables_.end())
                template_mistake(t.line, fmt::format("undefined variable \"${}\"", t.text));
            break;
        case Token::Kind::text: out.value = literal(t.text); break;
        case Token::Kind::character:
            out.value = literal(static_cast<unsigned char>(t.text[0]));
            out.text = "'" + t.text + "'";
            break;
        case Token::Kind::number:
            out.value = literal(number(t));
            out.text = t.text;
            break;
        case Token::Kind::word:
            if (t.text == "true" || t.text == "false") out.value = literal(t.text == "true");
            else if (t.text == "nil") out.value = literal(nullptr);
            else if (!is_template_function(t.text))
                template_mistake(t.line, fmt::format("function \"{}\" not defined", t.text));
            else out.kind = Kind::function;
            out.text = t.text;
            break;
        case Token::Kind::open: {
            ++next_;
            Node inner = pipeline("parenthesized pipeline");
            if (token().kind != Token::Kind::close) template_mistake(token().line, "unclosed left paren");
            ++next_;
            return inner;
        }
        default: return std::nullopt;
        }
        ++next_;
        return out;
    }

    static std::shared_ptr<const nlohmann::ordered_json> literal(nlohmann::ordered_json value) {
        return std::make_shared<const nlohmann::ordered_json>(std::move(value));
    }

    static nlohmann::ordered_json number(const Token& t) {
        std::string text = t.text;
        std::erase(text, '_');
        const bool negative = text[0] == '-';
        if (text[0] == '-' || text[0] == '+') text.erase(0, 1);
        int base = 10;
        if (text.size() > 2 && text[0] == '0')
            base = (text[1] | 0x20) == 'x' ? 16 : (text[1] | 0x20) == 'b' ? 2 : (text[1] | 0x20) == 'o' ? 8 : 10;
        const char* first = text.data() + (base == 10 ? 0 : 2);
        const char* last = text.data() + text.size();
        std::int64_t whole = 0;
        if (auto [end, problem] = std::from_chars(first, last, whole, base); problem == std::errc{} && end == last)
            return negative ? -whole : whole;
        double real = 0;
        if (auto [end, problem] = std::from_chars(first, last, real);
            base == 10 && problem == std::errc{} && end == last)
            return negative ? -real : real;
        template_mistake(t.line, fmt::format("bad number syntax: \"{}\"", t.text));
    }

    std::vector<TemplatePiece> pieces_;
    std::size_t at_ = 0;
    const std::vector<Token>* tokens_ = nullptr;
    std::size_t next_ = 0;
    int depth_ = 0, ranges_ = 0;
    std::vector<std::string> variables_{""}; // those that may be named here; "" is $
    std::map<std::string, Node> named_;
};

} // namespace

ParsedTemplate parse_template(const std::string& text) { return Parser(text).parse(); }

std::string template_source(const Node& node) {
    const auto joined = [](const std::vector<Node>& nodes, const char* between) {
        std::string out;
        for (const Node& one : nodes) {
            if (&one != nodes.data()) out += between;
            const bool inner = one.kind == Kind::pipeline;
            out += inner ? "(" + template_source(one) + ")" : template_source(one);
        }
        return out;
    };
    std::string chain;
    for (const std::string& name : node.chain) chain += "." + name;
    switch (node.kind) {
    case Kind::field: return chain.empty() ? "." : chain;
    case Kind::variable: return "$" + node.text + chain;
    case Kind::chained: return "(" + template_source(node.children[0]) + ")" + chain;
    case Kind::literal: return node.value->is_string() ? go_quoted(node.value->get<std::string>()) : node.text;
    case Kind::function: return node.text;
    case Kind::command: return joined(node.children, " ");
    case Kind::pipeline: {
        std::string names;
        for (const std::string& name : node.variables) names += (names.empty() ? "$" : ", $") + name;
        return names + (names.empty() ? "" : node.declares ? " := " : " = ") + joined(node.children, " | ");
    }
    case Kind::call:
        return fmt::format("{{{{template {}{}}}}}", go_quoted(node.text),
                           node.children.empty() ? "" : " " + template_source(node.children[0]));
    default: return {};
    }
}

} // namespace davit::cli

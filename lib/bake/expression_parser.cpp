#include "bake/expression_parser.hpp"

#include "base/error.hpp"

#include <array>
#include <string_view>
#include <utility>

namespace davit::baking {

namespace {

using Kind = Expression::Kind;
constexpr int deepest_nesting = 100;

// The operators of each level, the loosest first; the longer of two stands before the other.
using Level = std::array<std::string_view, 4>;
constexpr std::array<Level, 6> levels{
    {{"||"}, {"&&"}, {"==", "!="}, {"<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/", "%"}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
public:
    Parser(TextReader& in, bool lines, int depth) : in_(in), lines_(lines), depth_(depth) {
        if (depth > deepest_nesting) in.fail("the expression is nested too deep");
    }

    Expression expression() {
        Expression condition = binary(0);
        skip();
        if (!in_.take("?")) return condition;
        Expression out = made(Kind::condition);
        out.children.push_back(std::move(condition));
        out.children.push_back(inner());
        skip();
        if (!in_.take(":")) in_.fail("a ':' is needed here");
        out.children.push_back(inner());
        return out;
    }

private:
    void skip() { in_.skip(lines_); }
    Expression inner() { return parse_expression(in_, lines_, depth_ + 1); }
    Expression bracketed() { return parse_expression(in_, true, depth_ + 1); }

    Expression made(Kind kind) const {
        Expression out;
        out.kind = kind;
        out.at = in_.place();
        return out;
    }
    Expression literal(Value value) const {
        Expression out = made(Kind::literal);
        out.value = std::move(value);
        return out;
    }

    Expression binary(std::size_t level) {
        if (level == levels.size()) return unary();
        Expression left = binary(level + 1);
        for (;;) {
            skip();
            std::string_view found;
            for (const std::string_view op : levels[level])
                if (!op.empty() && in_.starts_with(op)) {
                    found = op;
                    break;
                }
            if (found.empty()) return left;
            Expression out = made(Kind::operation);
            in_.take(found);
            out.name = found;
            out.children.push_back(std::move(left));
            out.children.push_back(binary(level + 1));
            left = std::move(out);
        }
    }

    Expression unary() {
        skip();
        const char c = in_.peek();
        if ((c != '!' && c != '-') || in_.peek(1) == '=') return postfix();
        Expression out = made(Kind::operation);
        out.name = std::string(1, in_.next());
        out.children.push_back(Parser(in_, lines_, depth_ + 1).unary());
        return out;
    }

    Expression postfix() {
        Expression out = primary();
        for (;;) {
            if (in_.peek() == '.' && in_.peek(1) != '.') {
                out = in_.starts_with(".*") ? splat(std::move(out), false) : attribute(std::move(out));
            } else if (in_.peek() == '[') {
                out = is_full_splat() ? splat(std::move(out), true) : element(std::move(out));
            } else {
                return out;
            }
        }
    }

    bool is_full_splat() const {
        TextReader ahead = in_;
        ahead.next();
        ahead.skip(true);
        return ahead.peek() == '*';
    }

    // .name or .0
    Expression attribute(Expression of) {
        in_.next();
        Expression key = made(Kind::literal);
        std::string name = in_.identifier();
        while (key.at.line == in_.place().line && is_digit(in_.peek()) && (name.empty() || is_digit(name.front())))
            name += in_.next();
        if (name.empty()) in_.fail("a name is needed behind the '.'");
        key.value = Value::of(name);
        return indexed(std::move(of), std::move(key));
    }

    Expression element(Expression of) {
        in_.next();
        Expression key = bracketed();
        close("]");
        return indexed(std::move(of), std::move(key));
    }

    // What follows is of each element: behind [*] all of it, behind .* the names alone.
    Expression splat(Expression of, bool full) {
        Expression out = made(Kind::splat);
        out.name = each_element;
        in_.next();
        in_.skip(full);
        in_.take("*");
        if (full) close("]");
        Expression each = made(Kind::name);
        each.name = each_element;
        for (;;) {
            if (in_.peek() == '.' && in_.peek(1) != '.' && in_.peek(1) != '*') each = attribute(std::move(each));
            else if (full && in_.peek() == '[' && !is_full_splat()) each = element(std::move(each));
            else break;
        }
        out.children.push_back(std::move(of));
        out.children.push_back(std::move(each));
        return out;
    }

    Expression indexed(Expression of, Expression key) const {
        Expression out = made(Kind::index);
        out.children.push_back(std::move(of));
        out.children.push_back(std::move(key));
        return out;
    }

    void close(std::string_view bracket) {
        in_.skip(true);
        if (!in_.take(bracket)) in_.fail("a '" + std::string(bracket) + "' is needed here");
    }

    Expression primary() {
        skip();
        const char c = in_.peek();
        if (c == '"') {
            in_.next();
            return parse_template(in_, true, depth_ + 1);
        }
        if (is_digit(c)) return number();
        if (in_.take("(")) {
            Expression out = bracketed();
            close(")");
            return out;
        }
        if (in_.take("[")) return list();
        if (in_.take("{")) return object();
        if (in_.take("<<")) return heredoc();
        return word();
    }

    // 12, 1.5, 1e-3
    Expression number() {
        std::string digits;
        const auto take = [&] {
            while (is_digit(in_.peek())) digits += in_.next();
        };
        take();
        if (in_.peek() == '.' && is_digit(in_.peek(1))) {
            digits += in_.next();
            take();
        }
        const bool is_signed = in_.peek(1) == '+' || in_.peek(1) == '-';
        if ((in_.peek() == 'e' || in_.peek() == 'E') && is_digit(in_.peek(is_signed ? 2 : 1))) {
            digits += in_.next();
            digits += in_.next();
            take();
        }
        const auto value = parse_number(digits);
        if (!value) in_.fail("this number is too large or too small");
        return literal(Value::of(*value));
    }

    Expression word() {
        Expression out = made(Kind::name);
        out.name = in_.identifier();
        if (out.name.empty()) in_.fail("a value is needed here");
        if (out.name == "true" || out.name == "false") return literal(Value::of(out.name == "true"));
        if (out.name == "null") return literal({});
        if (!in_.take("(")) return out;
        out.kind = Kind::call;
        for (;;) {
            in_.skip(true);
            if (in_.take(")")) return out;
            out.children.push_back(bracketed());
            in_.skip(true);
            if (in_.take("...")) {
                out.spread = true;
                close(")");
                return out;
            }
            if (!in_.take(",") && in_.peek() != ')') in_.fail("a ',' or ')' is needed here");
        }
    }

    // for [KEY,] VALUE in OF :
    bool loop_head(Expression& out) {
        TextReader saved = in_;
        in_.skip(true);
        if (in_.identifier() != "for") {
            in_ = saved;
            return false;
        }
        in_.skip(true);
        out.name = in_.identifier();
        in_.skip(true);
        if (in_.take(",")) {
            in_.skip(true);
            out.key_name = std::exchange(out.name, in_.identifier());
            in_.skip(true);
        }
        if (out.name.empty() || in_.identifier() != "in") in_.fail("for NAME in LIST : is needed here");
        out.children.push_back(bracketed());
        close(":");
        return true;
    }

    void loop_condition(Expression& out) {
        in_.skip(true);
        TextReader saved = in_;
        if (in_.identifier() == "if") out.children.push_back(bracketed());
        else in_ = saved;
    }

    Expression list() {
        Expression out = made(Kind::for_list);
        if (loop_head(out)) {
            out.children.push_back(bracketed());
            loop_condition(out);
            close("]");
            return out;
        }
        out.kind = Kind::list;
        for (;;) {
            in_.skip(true);
            if (in_.take("]")) return out;
            out.children.push_back(bracketed());
            in_.skip(true);
            if (!in_.take(",") && in_.peek() != ']') in_.fail("a ',' or ']' is needed here");
        }
    }

    Expression object_key() {
        TextReader saved = in_;
        const SourcePos at = in_.place();
        const std::string name = in_.identifier();
        in_.skip(true);
        if (!name.empty() && (in_.peek() == ':' || (in_.peek() == '=' && in_.peek(1) != '='))) {
            Expression out = literal(Value::of(name));
            out.at = at;
            return out;
        }
        in_ = saved;
        return bracketed();
    }

    Expression object() {
        Expression out = made(Kind::for_object);
        if (loop_head(out)) {
            out.children.push_back(bracketed());
            in_.skip(true);
            if (!in_.take("=>")) in_.fail("a '=>' is needed here");
            out.children.push_back(bracketed());
            in_.skip(true);
            out.spread = in_.take("...");
            loop_condition(out);
            close("}");
            return out;
        }
        out.kind = Kind::object;
        for (;;) {
            in_.skip(true);
            if (in_.take("}")) return out;
            out.children.push_back(object_key());
            in_.skip(true);
            if (!in_.take("=") && !in_.take(":")) in_.fail("a '=' or ':' is needed here");
            // An element ends with its line, or a comma.
            out.children.push_back(parse_expression(in_, false, depth_ + 1));
            in_.skip(false);
            if (!in_.take(",") && in_.peek() != '}' && in_.peek() != '\n') in_.fail("a ',' or '}' is needed here");
        }
    }

    // <<END … END, <<-END with the common indentation taken off.
    Expression heredoc() {
        const bool indented = in_.take("-");
        const std::string end = in_.identifier();
        if (end.empty()) in_.fail("a name is needed behind <<");
        in_.rest_of_line();
        const int line = in_.place().line;
        std::vector<std::string> lines;
        for (;;) {
            if (in_.at_end()) in_.fail("the text has no end: " + end);
            const TextReader before = in_;
            std::string text(in_.rest_of_line());
            const std::size_t start = std::min(text.find_first_not_of(" \t"), text.size());
            if (text.substr(start) == end) { // the line's end stays: it ends what the text is the value of
                in_ = before;
                in_.take(text);
                break;
            }
            lines.push_back(std::move(text));
        }
        std::string whole;
        std::size_t common = indented ? std::string::npos : 0;
        for (const std::string& text : lines)
            if (indented && text.find_first_not_of(" \t") != std::string::npos)
                common = std::min(common, text.find_first_not_of(" \t"));
        for (const std::string& text : lines) whole += text.substr(std::min(common, text.size())) + "\n";
        bodies_.push_back(std::move(whole));
        TextReader inside(bodies_.back(), in_.file(), line);
        return parse_template(inside, false, depth_ + 1);
    }

    TextReader& in_;
    bool lines_;
    int depth_;
    std::vector<std::string> bodies_;
};

} // namespace

Expression parse_expression(TextReader& in, bool lines, int depth) { return Parser(in, lines, depth).expression(); }

} // namespace davit::baking

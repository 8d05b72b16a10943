// parse_template(): texts with ${ } and %{ } in them.
#include "bake/expression_parser.hpp"
#include "base/error.hpp"
#include "base/printable.hpp"

#include <utility>

namespace davit::baking {

namespace {

using Kind = Expression::Kind;
constexpr int deepest_directive = 100;
constexpr const char* blanks = " \t\r\n";

unsigned code_point(TextReader& in, int digits) {
    unsigned out = 0;
    for (int i = 0; i < digits; ++i) {
        const char c = in.peek();
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            in.fail("\\" + std::string(digits == 4 ? "u" : "U") + " needs " + std::to_string(digits) +
                    " hexadecimal digits");
        out = out * 16 + static_cast<unsigned>(digit);
        in.next();
    }
    if (out > 0x10ffff || (out >= 0xd800 && out <= 0xdfff)) in.fail("there is no such character");
    return out;
}

void add_escaped(TextReader& in, std::string& to) {
    switch (const char c = in.next()) {
    case 'n': to += '\n'; break;
    case 't': to += '\t'; break;
    case 'r': to += '\r'; break;
    case '"':
    case '\\': to += c; break;
    case 'u': append_utf8(to, code_point(in, 4)); break;
    case 'U': append_utf8(to, code_point(in, 8)); break;
    default: in.fail("this escape is not supported");
    }
}

class Template {
public:
    Template(TextReader& in, bool quoted, int depth) : in_(in), quoted_(quoted), depth_(depth) {}

    Expression run() {
        Expression out = made(Kind::text);
        const std::string end = parts(out, 0);
        if (!end.empty()) in_.fail("%{" + end + "} has no beginning");
        if (out.children.empty()) {
            out.kind = Kind::literal;
            out.value = Value::of("");
        }
        return out;
    }

private:
    Expression made(Kind kind) const {
        Expression out;
        out.kind = kind;
        out.at = in_.place();
        return out;
    }

    void flush(Expression& to) {
        std::string plain = std::exchange(plain_, {});
        if (std::exchange(strips_, false)) plain.erase(0, plain.find_first_not_of(blanks));
        if (plain.empty()) return;
        Expression part = made(Kind::literal);
        part.value = Value::of(std::move(plain));
        to.children.push_back(std::move(part));
    }

    // ${~ and %{~ take the blanks before them away.
    void open(Expression& to) {
        if (in_.take("~")) plain_.erase(plain_.find_last_not_of(blanks) + 1);
        flush(to);
    }

    // ~} takes those behind it.
    void close() {
        in_.skip(true);
        strips_ = in_.take("~");
        if (!in_.take("}")) in_.fail("a '}' is needed here");
    }

    Expression expression() { return parse_expression(in_, true, depth_ + 1); }

    // Up to the end, or a directive that is an outer one's: its word.
    std::string parts(Expression& to, int nested) {
        if (nested > deepest_directive) in_.fail("%{ } are nested too deep");
        for (;;) {
            if (in_.at_end() && !quoted_) break;
            if (in_.at_end() || (quoted_ && in_.peek() == '\n')) in_.fail("the string has no end");
            if (quoted_ && in_.take("\"")) break;
            if (quoted_ && in_.take("\\")) add_escaped(in_, plain_);
            else if (in_.take("$${")) plain_ += "${";
            else if (in_.take("%%{")) plain_ += "%{";
            else if (in_.take("${")) {
                open(to);
                to.children.push_back(expression());
                close();
            } else if (in_.take("%{")) {
                open(to);
                in_.skip(true);
                const std::string word = in_.identifier();
                if (word == "if") to.children.push_back(choice(nested));
                else if (word == "for") to.children.push_back(loop(nested));
                else if (nested > 0 && (word == "else" || word == "endif" || word == "endfor")) return word;
                else in_.fail("if or for is needed behind %{");
            } else plain_ += in_.next();
        }
        flush(to);
        if (nested > 0) in_.fail("a %{ } has no end");
        return "";
    }

    Expression choice(int nested) {
        Expression out = made(Kind::condition);
        out.children.push_back(expression());
        close();
        out.children.push_back(made(Kind::joined));
        out.children.push_back(made(Kind::joined));
        std::string end = parts(out.children[1], nested + 1);
        close();
        if (end == "else") {
            end = parts(out.children[2], nested + 1);
            close();
        }
        if (end != "endif") in_.fail("%{if} ends with %{endif}, not %{" + end + "}");
        return out;
    }

    Expression loop(int nested) {
        Expression out = made(Kind::joined);
        Expression each = made(Kind::for_list);
        in_.skip(true);
        each.name = in_.identifier();
        in_.skip(true);
        if (in_.take(",")) {
            in_.skip(true);
            each.key_name = std::exchange(each.name, in_.identifier());
            in_.skip(true);
        }
        if (each.name.empty() || in_.identifier() != "in") in_.fail("%{for NAME in LIST} is needed here");
        each.children.push_back(expression());
        close();
        each.children.push_back(made(Kind::joined));
        const std::string end = parts(each.children[1], nested + 1);
        close();
        if (end != "endfor") in_.fail("%{for} ends with %{endfor}, not %{" + end + "}");
        out.children.push_back(std::move(each));
        return out;
    }

    TextReader& in_;
    bool quoted_;
    int depth_;
    std::string plain_;
    bool strips_ = false;
};

} // namespace

Expression parse_template(TextReader& in, bool quoted, int depth) { return Template(in, quoted, depth).run(); }

} // namespace davit::baking

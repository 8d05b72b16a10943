#include "bake/expression.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>

namespace davit::baking {

namespace {

using Kind = Expression::Kind;

constexpr int deepest_call = 200; // calls of calls; a file's own functions may call themselves
constexpr std::size_t most_elements = 100'000;
constexpr std::size_t most_text = 16u << 20; // texts of texts: each line of a file may double what is before it

class Evaluation {
public:
    Evaluation(const Scope& scope, int depth) : scope_(scope), depth_(depth) {}

    Value run(const Expression& e) const {
        if (depth_ > deepest_call) throw error(Errc::usage, "the expression leads to itself").with_at(e.at);
        try {
            return step(e);
        } catch (Error& failure) {
            if (failure.at().line == 0) failure.with_at(e.at);
            throw;
        }
    }

private:
    Value below(const Expression& e) const { return Evaluation(scope_, depth_ + 1).run(e); }

    Value step(const Expression& e) const {
        switch (e.kind) {
        case Kind::literal: return e.value;
        case Kind::text: return e.children.size() == 1 ? below(e.children[0]) : joined(e);
        case Kind::joined: return joined(e);
        case Kind::name: return name(e.name);
        case Kind::index:
            if (auto found = of_block(e)) return std::move(*found);
            return index(below(e.children[0]), below(e.children[1]));
        case Kind::call: return call(e);
        case Kind::condition: return condition(e);
        case Kind::operation: return operation(e);
        case Kind::list: {
            std::vector<Value> out;
            for (const Expression& child : e.children) out.push_back(below(child));
            return Value::of(std::move(out));
        }
        case Kind::object: {
            Value out;
            out.kind = Value::Kind::object;
            for (std::size_t i = 0; i + 1 < e.children.size(); i += 2)
                out.set(text_of(below(e.children[i])), below(e.children[i + 1]));
            return out;
        }
        case Kind::for_list:
        case Kind::for_object: return loop(e);
        case Kind::splat: return splat(e);
        }
        return {};
    }

    Value joined(const Expression& e) const {
        std::string out;
        const auto add = [&](const Value& part) {
            out += text_of(part);
            if (out.size() > most_text) throw error(Errc::usage, "the text grows beyond {} MiB", most_text >> 20);
        };
        for (const Expression& child : e.children) {
            const Value part = below(child);
            if (e.kind == Kind::joined && part.is(Value::Kind::list))
                std::for_each(part.list.begin(), part.list.end(), add);
            else add(part);
        }
        return Value::of(std::move(out));
    }

    // Both sides have one type. The other side is not evaluated for it: what its text shows has to do.
    Value condition(const Expression& e) const {
        const bool first = truth_of(below(e.children[0]));
        Value out = below(e.children[first ? 1 : 2]);
        const auto other = shown_kind(e.children[first ? 2 : 1]);
        if (!other || *other == out.kind || *other == Value::Kind::null || out.is(Value::Kind::null)) return out;
        const bool primitive = !is_collection(*other) && !is_collection(out.kind);
        if (primitive && *other == Value::Kind::text) return Value::of(text_of(out));
        if (primitive && out.is(Value::Kind::text)) return out;
        throw error(Errc::usage, "the two sides of a condition have to be of one type, not {} and {}",
                    to_string(out.kind), to_string(*other));
    }

    static bool is_collection(Value::Kind kind) { return kind == Value::Kind::list || kind == Value::Kind::object; }

    static std::optional<Value::Kind> shown_kind(const Expression& e) {
        switch (e.kind) {
        case Kind::literal: return e.value.kind;
        case Kind::text: return e.children.size() == 1 ? shown_kind(e.children[0]) : Value::Kind::text;
        case Kind::joined: return Value::Kind::text;
        case Kind::list:
        case Kind::for_list:
        case Kind::splat: return Value::Kind::list;
        case Kind::object:
        case Kind::for_object: return Value::Kind::object;
        default: return std::nullopt;
        }
    }

    Value name(const std::string& wanted) const {
        if (auto found = scope_.variable ? scope_.variable(wanted) : std::nullopt) return std::move(*found);
        throw error(Errc::usage, "there is no variable named \"{}\"", wanted);
    }

    // Of a block only what is asked for is evaluated: the rest may lead back here.
    std::optional<Value> of_block(const Expression& e) const {
        const Expression& block = e.children[0];
        if (!scope_.attribute || block.kind != Kind::index || block.children[0].kind != Kind::name) return std::nullopt;
        const std::string& type = block.children[0].name;
        if ((type != "target" && type != "group") || (scope_.variable && scope_.variable(type))) return std::nullopt;
        return scope_.attribute(type, text_of(below(block.children[1])), text_of(below(e.children[1])));
    }

    static Value index(const Value& of, const Value& key) {
        if (of.kind == Value::Kind::object) {
            if (const Value* found = of.find(text_of(key))) return *found;
            throw error(Errc::usage, "there is no element \"{}\"", text_of(key));
        }
        if (of.kind != Value::Kind::list) throw error(Errc::usage, "{} has no elements", to_string(of.kind));
        const long long at = whole_of(key);
        if (at < 0 || at >= static_cast<long long>(of.list.size()))
            throw error(Errc::usage, "the list has {} elements, none at {}", of.list.size(), at);
        return of.list[static_cast<std::size_t>(at)];
    }

    Value call(const Expression& e) const {
        // The only ones whose arguments may fail.
        if (e.name == "try" || e.name == "can") return attempt(e);
        if (e.name == "convert") return conversion(e);
        std::vector<Value> arguments;
        for (const Expression& child : e.children) arguments.push_back(below(child));
        if (e.spread) {
            const Value last = std::move(arguments.back());
            if (!last.is(Value::Kind::list))
                throw error(Errc::usage, "\"...\" needs a list, not {}", to_string(last.kind));
            arguments.pop_back();
            arguments.insert(arguments.end(), last.list.begin(), last.list.end());
        }
        if (scope_.function)
            if (auto own = scope_.function(e.name, arguments)) return std::move(*own);
        if (auto known = call_builtin(e.name, arguments)) return std::move(*known);
        throw error(Errc::usage, "there is no function named \"{}\"", e.name);
    }

    Value conversion(const Expression& e) const {
        if (e.children.size() != 2) throw error(Errc::usage, "convert takes a value and a type");
        return converted(below(e.children[0]), e.children[1]);
    }

    Value attempt(const Expression& e) const {
        for (const Expression& child : e.children) {
            try {
                Value out = below(child);
                return e.name == "can" ? Value::of(true) : out;
            } catch (const Error&) {
                continue;
            }
        }
        if (e.name == "can") return Value::of(false);
        throw error(Errc::usage, "none of the arguments of try can be evaluated");
    }

    Value operation(const Expression& e) const {
        const Value left = below(e.children[0]);
        if (e.children.size() == 1) return e.name == "!" ? Value::of(!truth_of(left)) : Value::of(-number_of(left));
        if (e.name == "&&") return Value::of(truth_of(left) && truth_of(below(e.children[1])));
        if (e.name == "||") return Value::of(truth_of(left) || truth_of(below(e.children[1])));
        const Value right = below(e.children[1]);
        if (e.name == "==") return Value::of(same(left, right));
        if (e.name == "!=") return Value::of(!same(left, right));
        const long double a = number_of(left), b = number_of(right);
        if (e.name == "<") return Value::of(a < b);
        if (e.name == ">") return Value::of(a > b);
        if (e.name == "<=") return Value::of(a <= b);
        if (e.name == ">=") return Value::of(a >= b);
        return Value::of(calculate(e.name.front(), a, b));
    }

    Scope with(const Expression& e, const Value& key, const Value& value) const {
        Scope inner = scope_;
        inner.variable = [&, outer = scope_.variable](const std::string& wanted) -> std::optional<Value> {
            if (wanted == e.name) return value;
            if (!e.key_name.empty() && wanted == e.key_name) return key;
            return outer ? outer(wanted) : std::nullopt;
        };
        return inner;
    }

    // What is no list is the one element of one; nothing has none.
    Value splat(const Expression& e) const {
        const Value of = below(e.children[0]);
        std::vector<Value> out;
        const auto turn = [&](const Value& element) {
            const Scope inner = with(e, {}, element);
            out.push_back(Evaluation(inner, depth_ + 1).run(e.children[1]));
        };
        if (of.is(Value::Kind::list)) std::for_each(of.list.begin(), of.list.end(), turn);
        else if (!of.is(Value::Kind::null)) turn(of);
        return Value::of(std::move(out));
    }

    static void put(const Expression& e, Value& to, const std::string& key, Value value) {
        const Value* known = to.find(key);
        if (!e.spread && known)
            throw error(Errc::usage, "the for makes the key \"{}\" twice", key)
                .with_hint("\"...\" behind the value makes a list of each key's values");
        if (!e.spread) return to.set(key, std::move(value));
        Value all = known ? *known : Value::of(std::vector<Value>{});
        all.list.push_back(std::move(value));
        to.set(key, std::move(all));
    }

    Value loop(const Expression& e) const {
        const bool makes_list = e.kind == Kind::for_list;
        const std::size_t condition = makes_list ? 2 : 3;
        const Value of = below(e.children[0]);
        Value out = makes_list ? Value::of(std::vector<Value>{}) : Value{};
        if (!makes_list) out.kind = Value::Kind::object;
        const auto turn = [&](const Value& key, const Value& value) {
            const Scope inner = with(e, key, value);
            const Evaluation there(inner, depth_ + 1);
            if (e.children.size() > condition && !truth_of(there.run(e.children[condition]))) return;
            if (makes_list) out.list.push_back(there.run(e.children[1]));
            else put(e, out, text_of(there.run(e.children[1])), there.run(e.children[2]));
            if (out.list.size() + out.object.size() > most_elements)
                throw error(Errc::usage, "the list grows too long");
        };
        if (of.kind == Value::Kind::object)
            for (const std::string& key : sorted_keys(of)) turn(Value::of(key), *of.find(key));
        else if (of.kind == Value::Kind::list)
            for (std::size_t i = 0; i < of.list.size(); ++i) turn(Value::of(static_cast<double>(i)), of.list[i]);
        else throw error(Errc::usage, "for needs a list or an object, not {}", to_string(of.kind));
        return out;
    }

    const Scope& scope_;
    int depth_;
};

thread_local int running = 0; // a file's own functions and variables evaluate again

struct Running {
    Running() { ++running; }
    ~Running() { --running; }
};

} // namespace

long double calculate(char operation, long double a, long double b) {
    long double out = a;
    switch (operation) {
    case '+': out = a + b; break;
    case '-': out = a - b; break;
    case '*': out = a * b; break;
    case '/': out = a / b; break; // by zero: infinity
    default:
        if (b != 0) out = std::fmod(a, b); // HCL: by zero, the number itself
    }
    if (std::isnan(out) || (operation == '%' && (std::isinf(a) || std::isinf(b))))
        throw error(Errc::usage, "{} {} {} has no result", number_text(a), operation, number_text(b));
    return out;
}

Value evaluate(const Expression& expression, const Scope& scope) {
    const Running here;
    return Evaluation(scope, running * 8).run(expression);
}

} // namespace davit::baking

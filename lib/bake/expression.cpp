#include "bake/expression.hpp"

#include "base/error.hpp"

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
        case Kind::text: return text(e);
        case Kind::name: return name(e.name);
        case Kind::index:
            if (auto found = of_block(e)) return std::move(*found);
            return index(below(e.children[0]), below(e.children[1]));
        case Kind::call: return call(e);
        case Kind::condition: return below(e.children[truth_of(below(e.children[0])) ? 1 : 2]);
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
        }
        return {};
    }

    // One part alone keeps its kind: "${x}" of a number is a number.
    Value text(const Expression& e) const {
        if (e.children.size() == 1) return below(e.children[0]);
        std::string out;
        for (const Expression& child : e.children) {
            out += text_of(below(child));
            if (out.size() > most_text) throw error(Errc::usage, "the text grows beyond {} MiB", most_text >> 20);
        }
        return Value::of(std::move(out));
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
        const double at = number_of(key);
        if (at < 0 || at >= static_cast<double>(of.list.size()))
            throw error(Errc::usage, "the list has {} elements, none at {}", of.list.size(), at);
        return of.list[static_cast<std::size_t>(at)];
    }

    Value call(const Expression& e) const {
        // The only ones whose arguments may fail.
        if (e.name == "try" || e.name == "can") return attempt(e);
        std::vector<Value> arguments;
        for (const Expression& child : e.children) arguments.push_back(below(child));
        if (scope_.function)
            if (auto own = scope_.function(e.name, arguments)) return std::move(*own);
        if (auto known = call_builtin(e.name, arguments)) return std::move(*known);
        throw error(Errc::usage, "there is no function named \"{}\"", e.name);
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
        if (e.name == "==") return Value::of(left == right);
        if (e.name == "!=") return Value::of(!(left == right));
        const double a = number_of(left), b = number_of(right);
        if (e.name == "<") return Value::of(a < b);
        if (e.name == ">") return Value::of(a > b);
        if (e.name == "<=") return Value::of(a <= b);
        if (e.name == ">=") return Value::of(a >= b);
        if (e.name == "+") return Value::of(a + b);
        if (e.name == "-") return Value::of(a - b);
        if (e.name == "*") return Value::of(a * b);
        if (b == 0) throw error(Errc::usage, "division by zero");
        return Value::of(e.name == "/" ? a / b : std::fmod(a, b));
    }

    Value loop(const Expression& e) const {
        const bool makes_list = e.kind == Kind::for_list;
        const std::size_t condition = makes_list ? 2 : 3;
        const Value of = below(e.children[0]);
        Value out = makes_list ? Value::of(std::vector<Value>{}) : Value{};
        if (!makes_list) out.kind = Value::Kind::object;
        const auto turn = [&](const Value& key, const Value& value) {
            Scope inner = scope_;
            inner.variable = [&, outer = scope_.variable](const std::string& wanted) -> std::optional<Value> {
                if (wanted == e.name) return value;
                if (!e.key_name.empty() && wanted == e.key_name) return key;
                return outer ? outer(wanted) : std::nullopt;
            };
            const Evaluation there(inner, depth_ + 1);
            if (e.children.size() > condition && !truth_of(there.run(e.children[condition]))) return;
            if (makes_list) out.list.push_back(there.run(e.children[1]));
            else out.set(text_of(there.run(e.children[1])), there.run(e.children[2]));
            if (out.list.size() + out.object.size() > most_elements)
                throw error(Errc::usage, "the list grows too long");
        };
        if (of.kind == Value::Kind::object)
            for (const auto& [key, value] : of.object) turn(Value::of(key), value);
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

Value evaluate(const Expression& expression, const Scope& scope) {
    const Running here;
    return Evaluation(scope, running * 8).run(expression);
}

} // namespace davit::baking

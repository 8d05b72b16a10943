// Expressions of a bake file, and what they come to. Pure.
#pragma once

#include "bake/value.hpp"
#include "davit/error.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace davit::baking {

struct Expression {
    enum class Kind {
        literal,
        text,       // children one after the other, as one string; one alone keeps its kind
        joined,     // the same, always a string; a child that is a list is each of its elements
        name,       // a variable
        index,      // children: what, key
        call,       // name; children: arguments
        condition,  // children: if, then, else
        operation,  // name: "+", "&&", "!" …; one child or two
        list,       // children
        object,     // children: key, value, key, value …
        for_list,   // names: key (may be empty), value; children: of what, element, condition or none
        for_object, // the same; children: of what, key, value, condition or none
        splat,      // children: of what, what becomes of each element, which is the name each_element
    };
    Kind kind = Kind::literal;
    Value value;
    std::string name;
    std::string key_name; // of a for
    bool spread = false;  // a call's last argument is its arguments; a for_object has lists of what shares a key
    std::vector<Expression> children;
    SourcePos at;
    bool is_name() const { return kind == Kind::name; }
};

// No file can write it as a name.
constexpr const char* each_element = "*";

// What names and functions of the file's own mean. Both give nothing for what they have not.
struct Scope {
    std::function<std::optional<Value>(const std::string& name)> variable;
    std::function<std::optional<Value>(const std::string& name, const std::vector<Value>& arguments)> function;
    // target.NAME.ATTRIBUTE, group.NAME.ATTRIBUTE of the file's blocks.
    std::function<std::optional<Value>(const std::string& type, const std::string& name, const std::string& attribute)>
        attribute = {};
};

// Throws Error(usage) with the expression's place.
Value evaluate(const Expression& expression, const Scope& scope);

// One of + - * / % as HCL computes. Throws Error(usage) for what has no result.
long double calculate(char operation, long double left, long double right);

// The value as a type, written in HCL's way: list(string). Throws Error(usage) for what cannot be one.
Value converted(const Value& value, const Expression& type);

// The functions that every bake file has. Nothing for another name; throws Error(usage) for wrong arguments.
std::optional<Value> call_builtin(const std::string& name, const std::vector<Value>& arguments);

} // namespace davit::baking

// A value of a bake file: what HCL and JSON have in common.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace davit::baking {

struct Value {
    enum class Kind { null, boolean, number, text, list, object };
    Kind kind = Kind::null;
    bool truth = false;
    double number = 0;
    std::string text;
    std::vector<Value> list;
    std::vector<std::pair<std::string, Value>> object; // in the order in which it was written

    static Value of(bool b);
    static Value of(double n);
    static Value of(std::string s);
    static Value of(const char* s) { return of(std::string(s)); }
    static Value of(std::vector<Value> l);
    const Value* find(const std::string& key) const; // nullptr: no object, or it has none
    void set(const std::string& key, Value value);
    bool operator==(const Value&) const = default;
};

const char* to_string(Value::Kind kind); // "text"
// As a template prints it: 3, true, text. Throws Error(usage) for null, lists and objects.
std::string text_of(const Value& value);
// Throw Error(usage) for what cannot be taken for one: "1" is a number, "true" a truth.
double number_of(const Value& value);
bool truth_of(const Value& value);

} // namespace davit::baking

// A value of a bake file: what HCL and JSON have in common.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace davit::baking {

struct Value {
    enum class Kind { null, boolean, number, text, list, object };
    Kind kind = Kind::null;
    bool truth = false;
    long double number = 0; // 18 digits, so that 0.1 + 0.2 prints as 0.3
    std::string text;
    std::vector<Value> list;
    std::vector<std::pair<std::string, Value>> object; // in the order in which it was written

    static Value of(bool b);
    static Value of(long double n);
    static Value of(double n);
    static Value of(std::string s);
    static Value of(const char* s);
    static Value of(std::vector<Value> l);
    const Value* find(const std::string& key) const; // nullptr: no object, or it has none
    void set(const std::string& key, Value value);
    bool is(Kind wanted) const { return kind == wanted; }
    bool operator==(const Value&) const = default; // same() is HCL's
};

const char* to_string(Value::Kind kind);          // "text"
bool same(const Value& left, const Value& right); // keys in any order
// As a template prints it: 3, true, text. Throws Error(usage) for null, lists and objects.
std::string text_of(const Value& value);
// Throw Error(usage) for what cannot be taken for one: "1" is a number, "true" a truth.
long double number_of(const Value& value);
bool truth_of(const Value& value);
// A number without a fraction; throws as number_of().
long long whole_of(const Value& value);
// The number that a text is, all of it; nothing when it is none.
std::optional<long double> parse_number(std::string_view text);
// As people write it, never with an exponent: 100000000000000000000, 0.3.
std::string number_text(long double number);
// Its keys as HCL goes through them: by name.
std::vector<std::string> sorted_keys(const Value& object);

} // namespace davit::baking

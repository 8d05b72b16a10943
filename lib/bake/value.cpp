#include "bake/value.hpp"

#include "base/error.hpp"

#include <charconv>
#include <cmath>

namespace davit::baking {

Value Value::of(bool b) {
    Value out;
    out.kind = Kind::boolean;
    out.truth = b;
    return out;
}
Value Value::of(double n) {
    Value out;
    out.kind = Kind::number;
    out.number = n;
    return out;
}
Value Value::of(std::string s) {
    Value out;
    out.kind = Kind::text;
    out.text = std::move(s);
    return out;
}
Value Value::of(std::vector<Value> l) {
    Value out;
    out.kind = Kind::list;
    out.list = std::move(l);
    return out;
}

const Value* Value::find(const std::string& key) const {
    for (const auto& [name, value] : object)
        if (name == key) return &value;
    return nullptr;
}

void Value::set(const std::string& key, Value value) {
    kind = Kind::object;
    for (auto& [name, old] : object)
        if (name == key) {
            old = std::move(value);
            return;
        }
    object.emplace_back(key, std::move(value));
}

const char* to_string(Value::Kind kind) {
    switch (kind) {
    case Value::Kind::null: return "null";
    case Value::Kind::boolean: return "bool";
    case Value::Kind::number: return "number";
    case Value::Kind::text: return "string";
    case Value::Kind::list: return "list";
    case Value::Kind::object: return "object";
    }
    return "";
}

std::string text_of(const Value& v) {
    constexpr double exact = 9007199254740992.0; // above, a double is no whole number any more
    switch (v.kind) {
    case Value::Kind::text: return v.text;
    case Value::Kind::boolean: return v.truth ? "true" : "false";
    case Value::Kind::number:
        if (std::floor(v.number) == v.number && std::fabs(v.number) < exact)
            return std::to_string(static_cast<long long>(v.number));
        return fmt::format("{}", v.number);
    default: throw error(Errc::usage, "a string is needed, not {}", to_string(v.kind));
    }
}

double number_of(const Value& v) {
    if (v.kind == Value::Kind::number) return v.number;
    double out = 0;
    const char* end = v.text.data() + v.text.size();
    if (v.kind == Value::Kind::text && !v.text.empty() && std::from_chars(v.text.data(), end, out).ptr == end)
        return out;
    throw error(Errc::usage, "a number is needed, not {}",
                v.kind == Value::Kind::text ? "\"" + v.text + "\"" : to_string(v.kind));
}

bool truth_of(const Value& v) {
    if (v.kind == Value::Kind::boolean) return v.truth;
    if (v.kind == Value::Kind::text && (v.text == "true" || v.text == "1")) return true;
    if (v.kind == Value::Kind::text && (v.text == "false" || v.text == "0" || v.text.empty())) return false;
    throw error(Errc::usage, "true or false is needed, not {}",
                v.kind == Value::Kind::text ? "\"" + v.text + "\"" : to_string(v.kind));
}

} // namespace davit::baking

#include "bake/value.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>

namespace davit::baking {

Value Value::of(bool b) {
    Value out;
    out.kind = Kind::boolean;
    out.truth = b;
    return out;
}
Value Value::of(long double n) {
    Value out;
    out.kind = Kind::number;
    out.number = n;
    return out;
}
// What has a double's digits is what its shortest text says: 0.1, not 0.100000000000000005.
Value Value::of(double n) {
    constexpr double exact = 9007199254740992.0; // below, a double has each digit of a whole number
    if (!std::isfinite(n) || (std::floor(n) == n && std::fabs(n) < exact)) return of(static_cast<long double>(n));
    return of(parse_number(fmt::format("{}", n)).value_or(n));
}
Value Value::of(std::string s) {
    Value out;
    out.kind = Kind::text;
    out.text = std::move(s);
    return out;
}
Value Value::of(const char* s) { return of(std::string(s)); }
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

bool same(const Value& left, const Value& right) {
    if (left.kind != right.kind || left.list.size() != right.list.size()) return false;
    if (left.object.size() != right.object.size()) return false;
    const auto same_entry = [&](const auto& entry) {
        const Value* found = right.find(entry.first);
        return found && same(entry.second, *found);
    };
    return left.truth == right.truth && left.number == right.number && left.text == right.text &&
           std::equal(left.list.begin(), left.list.end(), right.list.begin(), same) &&
           std::all_of(left.object.begin(), left.object.end(), same_entry);
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

namespace {

constexpr int digits = 18; // what a long double surely holds

// "1234", exponent 1: 12.34. Digits without zeros at the end.
std::string plain(std::string shown, int exponent) {
    const auto size = static_cast<int>(shown.size());
    if (exponent < 0) return "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + shown;
    if (exponent + 1 >= size) return shown + std::string(static_cast<std::size_t>(exponent + 1 - size), '0');
    return shown.insert(static_cast<std::size_t>(exponent + 1), ".");
}

} // namespace

std::string number_text(long double number) {
    constexpr long double exact = 18446744073709551616.0L; // a whole number below has each of its digits
    if (std::isinf(number)) return number < 0 ? "-Inf" : "+Inf";
    const std::string sign = number < 0 ? "-" : "";
    const long double size = std::fabs(number);
    if (std::floor(size) == size && size < exact) return sign + std::to_string(static_cast<unsigned long long>(size));
    char buffer[64];
    const auto end = std::to_chars(buffer, std::end(buffer), size, std::chars_format::scientific, digits - 1).ptr;
    const std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
    const std::size_t e = text.find('e');
    std::string shown = std::string(text.substr(0, 1)) + std::string(text.substr(2, e - 2));
    shown.erase(shown.find_last_not_of('0') + 1);
    int exponent = 0;
    std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
    return sign + plain(std::move(shown), exponent);
}

std::optional<long double> parse_number(std::string_view text) {
    const std::size_t first = text.starts_with('-') ? 1 : 0;
    if (first >= text.size() || text[first] < '0' || text[first] > '9') return std::nullopt; // from_chars takes "inf"
    long double out = 0;
    const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return out;
}

std::vector<std::string> sorted_keys(const Value& object) {
    std::vector<std::string> out;
    for (const auto& [key, unused] : object.object) out.push_back(key);
    std::sort(out.begin(), out.end());
    return out;
}

std::string text_of(const Value& v) {
    switch (v.kind) {
    case Value::Kind::text: return v.text;
    case Value::Kind::boolean: return v.truth ? "true" : "false";
    case Value::Kind::number: return number_text(v.number);
    default: throw error(Errc::usage, "a string is needed, not {}", to_string(v.kind));
    }
}

long double number_of(const Value& v) {
    if (v.kind == Value::Kind::number) return v.number;
    if (v.kind == Value::Kind::text)
        if (const auto number = parse_number(v.text)) return *number;
    throw error(Errc::usage, "a number is needed, not {}",
                v.kind == Value::Kind::text ? "\"" + v.text + "\"" : to_string(v.kind));
}

long long whole_of(const Value& v) {
    constexpr long double most = 9223372036854775807.0L;
    const long double number = number_of(v);
    if (std::floor(number) != number || std::fabs(number) > most)
        throw error(Errc::usage, "a whole number is needed, not {}", number_text(number));
    return static_cast<long long>(number);
}

bool truth_of(const Value& v) {
    if (v.kind == Value::Kind::boolean) return v.truth;
    if (v.kind == Value::Kind::text && (v.text == "true" || v.text == "1")) return true;
    if (v.kind == Value::Kind::text && (v.text == "false" || v.text == "0")) return false;
    throw error(Errc::usage, "true or false is needed, not {}",
                v.kind == Value::Kind::text ? "\"" + v.text + "\"" : to_string(v.kind));
}

} // namespace davit::baking

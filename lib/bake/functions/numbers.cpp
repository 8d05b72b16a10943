// Functions of numbers.
#include "bake/expression.hpp"
#include "bake/functions/function.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <cmath>

namespace davit::baking {

namespace {

template <char operation>
Value calculated(const Arguments& a) {
    return Value::of(calculate(operation, number_of(a[0]), number_of(a[1])));
}

template <typename Compare>
Value compared(const Arguments& a) {
    return Value::of(Compare()(number_of(a[0]), number_of(a[1])));
}

template <long double (*round)(long double)>
Value rounded(const Arguments& a) {
    return Value::of(round(number_of(a[0])));
}

Value checked(double number, const char* what) {
    if (std::isnan(number)) throw error(Errc::usage, "{} has no result for these numbers", what);
    return Value::of(number);
}

double double_of(const Value& v) { return static_cast<double>(number_of(v)); }

Value logarithm(const Arguments& a) { return checked(std::log(double_of(a[0])) / std::log(double_of(a[1])), "log"); }
Value power(const Arguments& a) { return checked(std::pow(double_of(a[0]), double_of(a[1])), "pow"); }

Value greatest(const Arguments& a, bool most) {
    long double out = number_of(a[0]);
    for (const Value& one : a) out = most ? std::max(out, number_of(one)) : std::min(out, number_of(one));
    return Value::of(out);
}

int digit_of(char c, long long base) {
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 10
                      : c >= 'A' && c <= 'Z' ? c - 'A' + (base <= 36 ? 10 : 36)
                                             : -1;
    return digit < base ? digit : -1;
}

Value parse_int(const Arguments& a) {
    if (!a[0].is(Value::Kind::text)) throw error(Errc::usage, "parseint needs a string, not {}", to_string(a[0].kind));
    const long long base = whole_of(a[1]);
    if (base < 2 || base > 62) throw error(Errc::usage, "parseint has the bases 2 to 62, not {}", base);
    const std::string& text = a[0].text;
    const std::size_t first = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
    long double out = 0;
    for (std::size_t i = first; i < text.size(); ++i) {
        const int digit = digit_of(text[i], base);
        if (digit < 0) throw error(Errc::usage, "\"{}\" is no whole number of the base {}", text, base);
        out = out * static_cast<long double>(base) + digit;
    }
    if (first == text.size()) throw error(Errc::usage, "\"{}\" is no whole number of the base {}", text, base);
    return Value::of(text.starts_with('-') ? -out : out);
}

const Function functions[] = {
    {"absolute", 1, 1, [](const Arguments& a) { return Value::of(std::fabs(number_of(a[0]))); }},
    {"add", 2, 2, calculated<'+'>},
    {"ceil", 1, 1, rounded<std::ceil>},
    {"divide", 2, 2, calculated<'/'>},
    {"floor", 1, 1, rounded<std::floor>},
    {"greaterthan", 2, 2, compared<std::greater<>>},
    {"greaterthanorequalto", 2, 2, compared<std::greater_equal<>>},
    {"int", 1, 1, rounded<std::trunc>},
    {"lessthan", 2, 2, compared<std::less<>>},
    {"lessthanorequalto", 2, 2, compared<std::less_equal<>>},
    {"log", 2, 2, logarithm},
    {"max", 1, any_number, [](const Arguments& a) { return greatest(a, true); }},
    {"min", 1, any_number, [](const Arguments& a) { return greatest(a, false); }},
    {"modulo", 2, 2, calculated<'%'>},
    {"multiply", 2, 2, calculated<'*'>},
    {"negate", 1, 1, [](const Arguments& a) { return Value::of(-number_of(a[0])); }},
    {"parseint", 2, 2, parse_int},
    {"pow", 2, 2, power},
    {"signum", 1, 1,
     [](const Arguments& a) {
         const long long number = whole_of(a[0]);
         return Value::of(static_cast<double>((number > 0) - (number < 0)));
     }},
    {"subtract", 2, 2, calculated<'-'>},
};

} // namespace

std::span<const Function> number_functions() { return functions; }

} // namespace davit::baking

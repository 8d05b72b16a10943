// format and formatlist: "%-10s %[2]d %.2f".
#include "bake/functions/function.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace davit::baking {

namespace {

using Kind = Value::Kind;

constexpr int widest = 10'000;

struct Verb {
    std::string text; // all of it, for messages
    std::size_t at = 0;
    bool zero = false, sharp = false, minus = false, plus = false, blank = false;
    int width = 0, precision = -1, argument = 0;
    char letter = 0;
};

class Scanner {
public:
    explicit Scanner(const std::string& format) : format_(format) {}

    // Nothing for plain text, which goes to `plain`.
    std::optional<Verb> next(std::string& plain) {
        while (at_ < format_.size()) {
            if (format_[at_] != '%') plain += format_[at_++];
            else if (format_.compare(at_, 2, "%%") == 0) {
                plain += '%';
                at_ += 2;
            } else return verb();
        }
        return std::nullopt;
    }

private:
    char peek() const { return at_ < format_.size() ? format_[at_] : '\0'; }

    int number() {
        int out = 0;
        for (; peek() >= '0' && peek() <= '9'; ++at_) {
            out = out * 10 + (peek() - '0');
            if (out > widest) throw error(Errc::usage, "format: the number in \"{}\" is too large", format_);
        }
        return out;
    }

    void flags(Verb& v) {
        for (;; ++at_) {
            switch (peek()) {
            case '0': v.zero = true; break;
            case '#': v.sharp = true; break;
            case '-': v.minus = true; break;
            case '+': v.plus = true; break;
            case ' ': v.blank = true; break;
            default: return;
            }
        }
    }

    Verb verb() {
        Verb out;
        out.at = at_++;
        flags(out);
        out.width = number();
        if (peek() == '.') {
            ++at_;
            out.precision = number();
        }
        if (peek() == '[') {
            ++at_;
            out.argument = number();
            if (out.argument == 0 || peek() != ']')
                throw error(Errc::usage, "format: a number from 1 and a ']' are needed behind '[' in \"{}\"", format_);
            ++at_;
        }
        out.letter = peek();
        if (!((out.letter >= 'a' && out.letter <= 'z') || (out.letter >= 'A' && out.letter <= 'Z')))
            throw error(Errc::usage, "format: the % at {} of \"{}\" has no letter", out.at, format_)
                .with_hint("%% writes a percent sign");
        ++at_;
        out.text = format_.substr(out.at, at_ - out.at);
        return out;
    }

    const std::string& format_;
    std::size_t at_ = 0;
};

std::string padded(const Verb& v, const std::string& text) {
    const auto size = static_cast<int>(characters(text).size());
    if (size >= v.width) return text;
    const auto more = static_cast<std::size_t>(v.width - size);
    if (v.minus) return text + std::string(more, ' ');
    if (!v.zero) return std::string(more, ' ') + text;
    const bool is_signed = std::string_view("sqv").find(v.letter) == std::string_view::npos &&
                           (text.starts_with('-') || text.starts_with('+') || text.starts_with(' '));
    return text.substr(0, is_signed) + std::string(more, '0') + text.substr(is_signed);
}

std::string with_sign(const Verb& v, bool negative, const std::string& digits) {
    return (negative ? "-" : v.plus ? "+" : v.blank ? " " : "") + digits;
}

std::string in_base(const Verb& v, long double number) {
    const bool upper = v.letter == 'X';
    const long double base = v.letter == 'b' ? 2 : v.letter == 'o' ? 8 : v.letter == 'd' ? 10 : 16;
    long double left = std::fabs(number);
    std::string digits = v.letter == 'd' ? number_text(left) : "";
    for (; v.letter != 'd' && left >= 1; left = std::floor(left / base))
        digits.insert(digits.begin(),
                      (upper ? "0123456789ABCDEF" : "0123456789abcdef")[static_cast<int>(std::fmod(left, base))]);
    if (digits.empty()) digits = "0";
    if (static_cast<int>(digits.size()) < v.precision)
        digits.insert(0, static_cast<std::size_t>(v.precision) - digits.size(), '0');
    if (v.sharp)
        digits.insert(0, v.letter == 'b' ? "0b" : v.letter == 'o' ? "0" : upper ? "0X" : v.letter == 'x' ? "0x" : "");
    return with_sign(v, number < 0, digits);
}

std::string printed(char letter, int precision, long double number) {
    const char shape[] = {'%', '.', '*', 'L', letter, '\0'};
    std::string out(static_cast<std::size_t>(std::max(0, std::snprintf(nullptr, 0, shape, precision, number))) + 1,
                    '\0');
    const int size = std::snprintf(out.data(), out.size(), shape, precision, number);
    out.resize(static_cast<std::size_t>(std::max(0, size)));
    return out;
}

// %g without a precision: as few digits as say it, with an exponent from 1e6 or from more digits than that.
std::string shortest(char letter, long double number) {
    const std::string plain = number_text(number);
    std::string digits = plain;
    std::erase(digits, '.');
    digits.erase(0, digits.find_first_not_of('0'));
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.empty()) return "0";
    const int exponent = static_cast<int>(std::floor(std::log10(number)));
    const auto count = static_cast<int>(digits.size());
    if (exponent >= -4 && exponent < 6) return plain;
    return printed(letter == 'G' ? 'E' : 'e', count - 1, number);
}

std::string real(const Verb& v, long double number) {
    const long double size = std::fabs(number);
    if (std::isinf(number)) return with_sign(v, number < 0, number < 0 || v.plus ? "Inf" : "+Inf");
    const bool general = v.letter == 'g' || v.letter == 'G' || v.letter == 'v';
    if (general && (v.precision < 0 || v.letter == 'v')) return with_sign(v, number < 0, shortest(v.letter, size));
    return with_sign(v, number < 0, printed(v.letter, v.precision < 0 ? 6 : v.precision, size));
}

std::string cut(const Verb& v, const std::string& text) {
    const auto all = characters(text);
    if (v.precision < 0 || static_cast<std::size_t>(v.precision) >= all.size()) return text;
    std::string out;
    for (int i = 0; i < v.precision; ++i) out += all[static_cast<std::size_t>(i)];
    return out;
}

[[noreturn]] void refuse(const Verb& v, const char* needed, const Value& value) {
    throw error(Errc::usage, "format: \"{}\" needs {}, not {}", v.text, needed, to_string(value.kind));
}

std::string anything(const Verb& v, const Value& value) {
    if (!v.sharp && value.is(Kind::text)) return padded(v, value.text);
    if (!v.sharp && value.is(Kind::number)) return padded(v, real(v, value.number));
    return padded(v, json_text(value));
}

std::string shown(const Verb& v, const Value& value) {
    if (v.letter == 'v') return anything(v, value);
    if (std::string_view("tbdoxXeEfgGsq").find(v.letter) == std::string_view::npos)
        throw error(Errc::usage, "format has no \"{}\"", v.text).with_hint("%v %t %b %d %o %x %X %e %E %f %g %G %s %q");
    if (value.is(Kind::null)) refuse(v, "a value", value);
    if (value.is(Kind::list) || value.is(Kind::object)) refuse(v, "a string, a number or a truth", value);
    switch (v.letter) {
    case 's': return padded(v, cut(v, text_of(value)));
    case 'q': return padded(v, json_text(Value::of(cut(v, text_of(value)))));
    case 't':
        if (value.is(Kind::number)) refuse(v, "true or false", value);
        return truth_of(value) ? "true" : "false";
    default: break;
    }
    if (value.is(Kind::boolean)) refuse(v, "a number", value);
    const long double number = number_of(value);
    if (std::string_view("eEfgG").find(v.letter) != std::string_view::npos) return padded(v, real(v, number));
    if (std::floor(number) != number || std::isinf(number)) refuse(v, "a whole number", value);
    return padded(v, in_base(v, number));
}

std::string formatted(const std::string& format, const Arguments& a) {
    Scanner scanner(format);
    std::string out;
    std::size_t next = 0, used = 0; // the first has the number 1
    while (const auto verb = scanner.next(out)) {
        next = verb->argument ? static_cast<std::size_t>(verb->argument) : next + 1;
        if (next > a.size())
            throw error(Errc::usage, "format: \"{}\" needs {} arguments, there are {}", verb->text, next, a.size());
        used = std::max(used, next);
        out += shown(*verb, a[next - 1]);
    }
    if (used < a.size())
        throw error(Errc::usage, "format: there are {} arguments, \"{}\" takes {}", a.size(), format, used);
    return out;
}

// One text for each element of the lists; what is no list is the same in all.
Value format_list(const Arguments& a) {
    const std::string format = text_of(a[0]);
    std::optional<std::size_t> count;
    for (std::size_t i = 1; i < a.size(); ++i) {
        if (!a[i].is(Kind::list)) continue;
        if (count && *count != a[i].list.size())
            throw error(Errc::usage, "formatlist: the lists have {} and {} elements", *count, a[i].list.size());
        count = a[i].list.size();
    }
    std::vector<Value> out;
    for (std::size_t turn = 0; turn < count.value_or(1); ++turn) {
        Arguments one;
        for (std::size_t i = 1; i < a.size(); ++i) one.push_back(a[i].is(Kind::list) ? a[i].list[turn] : a[i]);
        out.push_back(Value::of(formatted(format, one)));
    }
    return Value::of(std::move(out));
}

const Function functions[] = {
    {"format", 1, any_number,
     [](const Arguments& a) { return Value::of(formatted(text_of(a[0]), Arguments(a.begin() + 1, a.end()))); }},
    {"formatlist", 1, any_number, format_list},
};

} // namespace

std::span<const Function> format_functions() { return functions; }

} // namespace davit::baking

#include "bake/expression.hpp"

#include "base/date.hpp"
#include "base/error.hpp"
#include "base/sys.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <iterator>

namespace davit::baking {

namespace {

using Arguments = std::vector<Value>;

std::string mapped(std::string text, int (*to)(int)) {
    for (char& c : text) c = static_cast<char>(to(static_cast<unsigned char>(c)));
    return text;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
    if (from.empty()) return text;
    for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
        text.replace(at, from.size(), to);
    return text;
}

std::string trimmed(const std::string& text, const std::string& what, bool front, bool back) {
    const std::size_t from = front ? std::min(text.find_first_not_of(what), text.size()) : 0;
    const std::size_t last = back ? text.find_last_not_of(what) : text.size() - 1;
    return last == std::string::npos || from > last ? "" : text.substr(from, last - from + 1);
}

const std::vector<Value>& list_of(const Value& v) {
    if (v.kind != Value::Kind::list) throw error(Errc::usage, "a list is needed, not {}", to_string(v.kind));
    return v.list;
}

Value split(const Arguments& a) {
    const std::string by = text_of(a[0]), text = text_of(a[1]);
    std::vector<Value> out;
    for (std::size_t at = 0;;) {
        const std::size_t end = by.empty() ? std::string::npos : text.find(by, at);
        out.push_back(Value::of(text.substr(at, end == std::string::npos ? end : end - at)));
        if (end == std::string::npos) return Value::of(std::move(out));
        at = end + by.size();
    }
}

Value join(const Arguments& a) {
    std::string out;
    for (std::size_t i = 1; i < a.size(); ++i)
        for (const Value& one : list_of(a[i])) out += (out.empty() ? "" : text_of(a[0])) + text_of(one);
    return Value::of(std::move(out));
}

Value concat(const Arguments& a) {
    std::vector<Value> out;
    for (const Value& list : a) out.insert(out.end(), list_of(list).begin(), list_of(list).end());
    return Value::of(std::move(out));
}

Value merge(const Arguments& a) {
    Value out;
    out.kind = Value::Kind::object;
    for (const Value& one : a)
        for (const auto& [key, value] : one.object) out.set(key, value);
    return out;
}

Value length(const Arguments& a) {
    const std::size_t size = a[0].kind == Value::Kind::text     ? a[0].text.size()
                             : a[0].kind == Value::Kind::object ? a[0].object.size()
                                                                : list_of(a[0]).size();
    return Value::of(static_cast<double>(size));
}

Value keys_or_values(const Value& of, bool keys) {
    std::vector<Value> out;
    for (const auto& [key, value] : of.object) out.push_back(keys ? Value::of(key) : value);
    return Value::of(std::move(out));
}

Value distinct(const Arguments& a) {
    std::vector<Value> out;
    for (const Value& one : list_of(a[0]))
        if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
    return Value::of(std::move(out));
}

Value compact(const Arguments& a) {
    std::vector<Value> out = list_of(a[0]);
    std::erase_if(out, [](const Value& v) {
        return v.kind == Value::Kind::null || (v.kind == Value::Kind::text && v.text.empty());
    });
    return Value::of(std::move(out));
}

Value flatten(const Value& of) {
    std::vector<Value> out;
    for (const Value& one : list_of(of)) {
        if (one.kind != Value::Kind::list) {
            out.push_back(one);
            continue;
        }
        const Value inner = flatten(one);
        out.insert(out.end(), inner.list.begin(), inner.list.end());
    }
    return Value::of(std::move(out));
}

Value coalesce(const Arguments& a) {
    for (const Value& one : a)
        if (one.kind != Value::Kind::null && !(one.kind == Value::Kind::text && one.text.empty())) return one;
    return {};
}

Value lookup(const Arguments& a) {
    if (const Value* found = a[0].find(text_of(a[1]))) return *found;
    if (a.size() > 2) return a[2];
    throw error(Errc::usage, "there is no element \"{}\"", text_of(a[1]));
}

// The %s and %d that people use for tags.
Value format(const Arguments& a) {
    const std::string shape = text_of(a[0]);
    std::string out;
    std::size_t next = 1;
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (shape[i] != '%' || i + 1 == shape.size()) {
            out += shape[i];
            continue;
        }
        const char verb = shape[++i];
        if (verb == '%') out += '%';
        else if (verb != 's' && verb != 'd' && verb != 'v')
            throw error(Errc::unsupported, "format has no %{} here", verb).with_hint("%s, %d, %v, %%");
        else if (next >= a.size()) throw error(Errc::usage, "format has too few arguments");
        else out += text_of(a[next++]);
    }
    return Value::of(std::move(out));
}

// What a tag and a target's name may not have becomes "_".
Value sanitize(const Arguments& a) {
    std::string out = text_of(a[0]);
    for (char& c : out)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-' && c != '_') c = '_';
    return Value::of(std::move(out));
}

Value sorted(const Arguments& a) {
    std::vector<Value> out = list_of(a[0]);
    std::sort(out.begin(), out.end(), [](const Value& x, const Value& y) { return text_of(x) < text_of(y); });
    return Value::of(std::move(out));
}

struct Function {
    const char* name;
    std::size_t least, most;
    Value (*call)(const Arguments&);
};

constexpr std::size_t any_number = 1000;

const Function functions[] = {
    {"abs", 1, 1, [](const Arguments& a) { return Value::of(std::fabs(number_of(a[0]))); }},
    {"add", 2, 2, [](const Arguments& a) { return Value::of(number_of(a[0]) + number_of(a[1])); }},
    {"and", 2, 2, [](const Arguments& a) { return Value::of(truth_of(a[0]) && truth_of(a[1])); }},
    {"coalesce", 1, any_number, coalesce},
    {"compact", 1, 1, compact},
    {"concat", 1, any_number, concat},
    {"contains", 2, 2,
     [](const Arguments& a) {
         return Value::of(std::find(list_of(a[0]).begin(), list_of(a[0]).end(), a[1]) != a[0].list.end());
     }},
    {"distinct", 1, 1, distinct},
    {"divide", 2, 2,
     [](const Arguments& a) {
         if (number_of(a[1]) == 0) throw error(Errc::usage, "division by zero");
         return Value::of(number_of(a[0]) / number_of(a[1]));
     }},
    {"equal", 2, 2, [](const Arguments& a) { return Value::of(a[0] == a[1]); }},
    {"flatten", 1, 1, [](const Arguments& a) { return flatten(a[0]); }},
    {"format", 1, any_number, format},
    {"greaterthan", 2, 2, [](const Arguments& a) { return Value::of(number_of(a[0]) > number_of(a[1])); }},
    {"int", 1, 1, [](const Arguments& a) { return Value::of(std::trunc(number_of(a[0]))); }},
    {"join", 2, any_number, join},
    {"keys", 1, 1, [](const Arguments& a) { return keys_or_values(a[0], true); }},
    {"length", 1, 1, length},
    {"lessthan", 2, 2, [](const Arguments& a) { return Value::of(number_of(a[0]) < number_of(a[1])); }},
    {"lookup", 2, 3, lookup},
    {"lower", 1, 1, [](const Arguments& a) { return Value::of(mapped(text_of(a[0]), std::tolower)); }},
    {"max", 2, 2, [](const Arguments& a) { return Value::of(std::max(number_of(a[0]), number_of(a[1]))); }},
    {"merge", 1, any_number, merge},
    {"min", 2, 2, [](const Arguments& a) { return Value::of(std::min(number_of(a[0]), number_of(a[1]))); }},
    {"multiply", 2, 2, [](const Arguments& a) { return Value::of(number_of(a[0]) * number_of(a[1])); }},
    {"not", 1, 1, [](const Arguments& a) { return Value::of(!truth_of(a[0])); }},
    {"notequal", 2, 2, [](const Arguments& a) { return Value::of(!(a[0] == a[1])); }},
    {"or", 2, 2, [](const Arguments& a) { return Value::of(truth_of(a[0]) || truth_of(a[1])); }},
    {"replace", 3, 3,
     [](const Arguments& a) { return Value::of(replaced(text_of(a[0]), text_of(a[1]), text_of(a[2]))); }},
    {"reverse", 1, 1,
     [](const Arguments& a) { return Value::of(std::vector<Value>(list_of(a[0]).rbegin(), a[0].list.rend())); }},
    {"sanitize", 1, 1, sanitize},
    {"sort", 1, 1, sorted},
    {"split", 2, 2, split},
    {"strlen", 1, 1, [](const Arguments& a) { return Value::of(static_cast<double>(text_of(a[0]).size())); }},
    {"substr", 3, 3,
     [](const Arguments& a) {
         const std::string text = text_of(a[0]);
         const double from = std::max(0.0, number_of(a[1])), count = number_of(a[2]);
         if (from >= static_cast<double>(text.size())) return Value::of("");
         return Value::of(text.substr(static_cast<std::size_t>(from),
                                      count < 0 ? std::string::npos : static_cast<std::size_t>(count)));
     }},
    {"subtract", 2, 2, [](const Arguments& a) { return Value::of(number_of(a[0]) - number_of(a[1])); }},
    {"timestamp", 0, 0,
     [](const Arguments&) { return Value::of(rfc3339_nano(sys::realtime_ns()).substr(0, 19) + "Z"); }},
    {"trim", 2, 2, [](const Arguments& a) { return Value::of(trimmed(text_of(a[0]), text_of(a[1]), true, true)); }},
    {"trimprefix", 2, 2,
     [](const Arguments& a) {
         const std::string text = text_of(a[0]), prefix = text_of(a[1]);
         return Value::of(text.starts_with(prefix) ? text.substr(prefix.size()) : text);
     }},
    {"trimspace", 1, 1, [](const Arguments& a) { return Value::of(trimmed(text_of(a[0]), " \t\r\n", true, true)); }},
    {"trimsuffix", 2, 2,
     [](const Arguments& a) {
         const std::string text = text_of(a[0]), suffix = text_of(a[1]);
         return Value::of(text.ends_with(suffix) ? text.substr(0, text.size() - suffix.size()) : text);
     }},
    {"upper", 1, 1, [](const Arguments& a) { return Value::of(mapped(text_of(a[0]), std::toupper)); }},
    {"values", 1, 1, [](const Arguments& a) { return keys_or_values(a[0], false); }},
};

} // namespace

std::optional<Value> call_builtin(const std::string& name, const Arguments& arguments) {
    const auto* found =
        std::find_if(std::begin(functions), std::end(functions), [&](const Function& f) { return name == f.name; });
    if (found == std::end(functions)) return std::nullopt;
    if (arguments.size() < found->least || arguments.size() > found->most)
        throw error(Errc::usage, "the function {} does not take {} arguments", name, arguments.size());
    return found->call(arguments);
}

} // namespace davit::baking

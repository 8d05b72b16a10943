// Functions of lists and objects.
#include "bake/functions/function.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <cmath>

namespace davit::baking {

namespace {

using Kind = Value::Kind;

const Value& object_of(const Value& v) {
    if (!v.is(Kind::object)) throw error(Errc::usage, "an object is needed, not {}", to_string(v.kind));
    return v;
}

bool has(const std::vector<Value>& list, const Value& wanted) {
    return std::any_of(list.begin(), list.end(), [&](const Value& one) { return same(one, wanted); });
}

std::size_t size_of(const Value& v) { return v.is(Kind::object) ? v.object.size() : list_of(v).size(); }

Value concat(const Arguments& a) {
    std::vector<Value> out;
    for (const Value& list : a) out.insert(out.end(), list_of(list).begin(), list_of(list).end());
    return Value::of(std::move(out));
}

Value merge(const Arguments& a) {
    Value out;
    out.kind = Kind::object;
    for (const Value& one : a)
        if (!one.is(Kind::null))
            for (const auto& [key, value] : object_of(one).object) out.set(key, value);
    return out;
}

Value keys_or_values(const Value& of, bool keys) {
    std::vector<Value> out;
    for (const std::string& key : sorted_keys(object_of(of))) out.push_back(keys ? Value::of(key) : *of.find(key));
    return Value::of(std::move(out));
}

Value distinct(const Arguments& a) {
    std::vector<Value> out;
    for (const Value& one : of_one_kind(list_of(a[0])))
        if (!has(out, one)) out.push_back(one);
    return Value::of(std::move(out));
}

Value compact(const Arguments& a) {
    std::vector<Value> out;
    for (const Value& one : list_of(a[0]))
        if (!one.is(Kind::null) && !text_of(one).empty()) out.push_back(Value::of(text_of(one)));
    return Value::of(std::move(out));
}

void flatten(const Value& of, std::vector<Value>& to) {
    for (const Value& one : list_of(of)) {
        if (one.is(Kind::list)) flatten(one, to);
        else to.push_back(one);
    }
}

Value coalesce(const Arguments& a) {
    const std::vector<Value> all = of_one_kind(a);
    for (const Value& one : all)
        if (!one.is(Kind::null)) return one;
    throw error(Errc::usage, "coalesce has no argument but null");
}

Value coalesce_list(const Arguments& a) {
    for (const Value& one : a)
        if (!list_of(one).empty()) return one;
    throw error(Errc::usage, "coalescelist has no list with elements");
}

Value lookup(const Arguments& a) {
    const Value* found = object_of(a[0]).find(text_of(a[1]));
    return found ? *found : a[2];
}

Value sorted(const Arguments& a) {
    std::vector<std::string> texts;
    for (const Value& one : list_of(a[0])) texts.push_back(text_of(one));
    std::sort(texts.begin(), texts.end());
    std::vector<Value> out;
    for (std::string& text : texts) out.push_back(Value::of(std::move(text)));
    return Value::of(std::move(out));
}

Value element(const Arguments& a) {
    const auto size = static_cast<long long>(list_of(a[0]).size());
    if (size == 0) throw error(Errc::usage, "element needs a list with elements");
    const long long at = whole_of(a[1]) % size;
    return a[0].list[static_cast<std::size_t>(at < 0 ? at + size : at)];
}

const Value* at_index(const Value& of, const Value& key) {
    if (of.is(Kind::object)) return key.is(Kind::text) ? of.find(key.text) : nullptr;
    const auto& list = list_of(of);
    if (!key.is(Kind::number) || std::floor(key.number) != key.number || key.number < 0) return nullptr;
    return key.number < static_cast<long double>(list.size()) ? &list[static_cast<std::size_t>(key.number)] : nullptr;
}

Value index(const Arguments& a) {
    if (const Value* found = at_index(a[0], a[1])) return *found;
    throw error(Errc::usage, "index finds no element \"{}\" among {}", text_of(a[1]), size_of(a[0]));
}

Value index_of(const Arguments& a) {
    const auto& list = list_of(a[0]);
    for (std::size_t i = 0; i < list.size(); ++i)
        if (same(list[i], a[1])) return Value::of(static_cast<double>(i));
    throw error(Errc::usage, "indexof finds no such element among {}", list.size());
}

// range(end), range(start, end), range(start, end, step)
Value range(const Arguments& a) {
    constexpr std::size_t most = 1024;
    const long double start = a.size() == 1 ? 0 : number_of(a[0]), end = number_of(a[a.size() == 1 ? 0 : 1]);
    const bool down = end < start;
    const long double step = a.size() == 3 ? number_of(a[2]) : down ? -1 : 1;
    if (start != end && step != 0 && (step < 0) != down)
        throw error(Errc::usage, "range from {} to {} is not to be had in steps of {}", number_text(start),
                    number_text(end), number_text(step));
    std::vector<Value> out;
    for (long double at = start; down ? at > end : at < end; at += step) {
        if (out.size() == most) throw error(Errc::usage, "range makes at most {} numbers", most);
        out.push_back(Value::of(at));
    }
    return Value::of(std::move(out));
}

Value slice(const Arguments& a) {
    const auto& list = list_of(a[0]);
    const long long from = whole_of(a[1]), end = whole_of(a[2]);
    if (from < 0 || end < from || end > static_cast<long long>(list.size()))
        throw error(Errc::usage, "the list has {} elements, no slice from {} to {}", list.size(), from, end);
    return Value::of(std::vector<Value>(list.begin() + from, list.begin() + end));
}

Value chunks(const Arguments& a) {
    const std::vector<Value> list = of_one_kind(list_of(a[0]));
    const long long size = whole_of(a[1]);
    if (size < 0) throw error(Errc::usage, "chunklist needs a size of 0 or more, not {}", size);
    std::vector<Value> out;
    for (std::size_t i = 0; i < list.size(); ++i) {
        if (out.empty() || (size > 0 && out.back().list.size() == static_cast<std::size_t>(size)))
            out.push_back(Value::of(std::vector<Value>{}));
        out.back().list.push_back(list[i]);
    }
    return Value::of(std::move(out));
}

Value zipmap(const Arguments& a) {
    const auto &keys = list_of(a[0]), &values = list_of(a[1]);
    if (keys.size() != values.size())
        throw error(Errc::usage, "zipmap has {} keys and {} values", keys.size(), values.size());
    Value out;
    out.kind = Kind::object;
    for (std::size_t i = 0; i < keys.size(); ++i) out.set(text_of(keys[i]), values[i]);
    return out;
}

Value reversed(const Arguments& a) {
    const auto& list = list_of(a[0]);
    return Value::of(std::vector<Value>(list.rbegin(), list.rend()));
}

const Function functions[] = {
    {"chunklist", 2, 2, chunks},
    {"coalesce", 1, any_number, coalesce},
    {"coalescelist", 1, any_number, coalesce_list},
    {"compact", 1, 1, compact},
    {"concat", 1, any_number, concat},
    {"contains", 2, 2, [](const Arguments& a) { return Value::of(has(list_of(a[0]), a[1])); }},
    {"distinct", 1, 1, distinct},
    {"element", 2, 2, element},
    {"flatten", 1, 1,
     [](const Arguments& a) {
         std::vector<Value> out;
         flatten(a[0], out);
         return Value::of(std::move(out));
     }},
    {"hasindex", 2, 2, [](const Arguments& a) { return Value::of(at_index(a[0], a[1]) != nullptr); }},
    {"index", 2, 2, index},
    {"indexof", 2, 2, index_of},
    {"keys", 1, 1, [](const Arguments& a) { return keys_or_values(a[0], true); }},
    {"length", 1, 1, [](const Arguments& a) { return Value::of(static_cast<double>(size_of(a[0]))); }},
    {"lookup", 3, 3, lookup},
    {"merge", 0, any_number, merge},
    {"range", 1, 3, range},
    {"reverselist", 1, 1, reversed},
    {"slice", 3, 3, slice},
    {"sort", 1, 1, sorted},
    {"values", 1, 1, [](const Arguments& a) { return keys_or_values(a[0], false); }},
    {"zipmap", 2, 2, zipmap},
};

} // namespace

std::span<const Function> collection_functions() { return functions; }

} // namespace davit::baking

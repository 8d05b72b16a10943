// Functions of sets: lists that are in order, each element once.
#include "bake/functions/function.hpp"
#include "base/error.hpp"

#include <algorithm>

namespace davit::baking {

namespace {

using Kind = Value::Kind;

bool less(const Value& a, const Value& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    if (a.is(Kind::number)) return a.number < b.number;
    if (a.is(Kind::boolean)) return a.truth < b.truth;
    if (a.is(Kind::text)) return a.text < b.text;
    return json_text(a) < json_text(b);
}

// The sets of a call, of one kind throughout: of [1] and ["a"], "1" and "a".
std::vector<std::vector<Value>> sets_of(const Arguments& a) {
    std::vector<Value> all;
    for (const Value& list : a) all.insert(all.end(), list_of(list).begin(), list_of(list).end());
    all = of_one_kind(std::move(all));
    std::vector<std::vector<Value>> out;
    auto next = all.begin();
    for (const Value& list : a) {
        const auto end = next + static_cast<std::ptrdiff_t>(list.list.size());
        std::vector<Value> set(next, end);
        std::sort(set.begin(), set.end(), less);
        set.erase(std::unique(set.begin(), set.end(), same), set.end());
        out.push_back(std::move(set));
        next = end;
    }
    return out;
}

template <typename Combine>
Value combined(const Arguments& a, Combine combine) {
    auto sets = sets_of(a);
    std::vector<Value> out = std::move(sets.front());
    for (std::size_t i = 1; i < sets.size(); ++i) {
        std::vector<Value> next;
        combine(out, sets[i], std::back_inserter(next));
        out = std::move(next);
    }
    return Value::of(std::move(out));
}

Value set_union(const Arguments& a) {
    return combined(a, [](const auto& x, const auto& y, auto to) {
        std::set_union(x.begin(), x.end(), y.begin(), y.end(), to, less);
    });
}

Value intersection(const Arguments& a) {
    return combined(a, [](const auto& x, const auto& y, auto to) {
        std::set_intersection(x.begin(), x.end(), y.begin(), y.end(), to, less);
    });
}

Value subtract(const Arguments& a) {
    return combined(a, [](const auto& x, const auto& y, auto to) {
        std::set_difference(x.begin(), x.end(), y.begin(), y.end(), to, less);
    });
}

Value symmetric_difference(const Arguments& a) {
    return combined(a, [](const auto& x, const auto& y, auto to) {
        std::set_symmetric_difference(x.begin(), x.end(), y.begin(), y.end(), to, less);
    });
}

// Each with each, the last set the fastest.
Value product(const Arguments& a) {
    constexpr std::size_t most = 100'000;
    std::vector<Value> out{Value::of(std::vector<Value>{})};
    for (const Value& list : a) {
        if (out.size() * list_of(list).size() > most)
            throw error(Errc::usage, "setproduct makes at most {} combinations", most);
        std::vector<Value> longer;
        for (const Value& begun : out)
            for (const Value& one : list.list) {
                longer.push_back(begun);
                longer.back().list.push_back(one);
            }
        out = std::move(longer);
    }
    return Value::of(std::move(out));
}

Value has_element(const Arguments& a) {
    const auto& list = list_of(a[0]);
    return Value::of(std::any_of(list.begin(), list.end(), [&](const Value& one) { return same(one, a[1]); }));
}

const Function functions[] = {
    {"sethaselement", 2, 2, has_element},
    {"setintersection", 1, any_number, intersection},
    {"setproduct", 2, any_number, product},
    {"setsubtract", 2, 2, subtract},
    {"setsymmetricdifference", 1, any_number, symmetric_difference},
    {"setunion", 1, any_number, set_union},
};

} // namespace

std::span<const Function> set_functions() { return functions; }

} // namespace davit::baking

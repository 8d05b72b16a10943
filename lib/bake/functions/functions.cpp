// call_builtin(), and what functions of several nouns need.
#include "bake/expression.hpp"
#include "bake/functions/function.hpp"
#include "base/error.hpp"

#include <algorithm>

namespace davit::baking {

namespace {

const Function logic[] = {
    {"and", 2, 2, [](const Arguments& a) { return Value::of(truth_of(a[0]) && truth_of(a[1])); }},
    {"equal", 2, 2, [](const Arguments& a) { return Value::of(same(a[0], a[1])); }},
    {"not", 1, 1, [](const Arguments& a) { return Value::of(!truth_of(a[0])); }},
    {"notequal", 2, 2, [](const Arguments& a) { return Value::of(!same(a[0], a[1])); }},
    {"or", 2, 2,
     [](const Arguments& a) {
         const bool left = truth_of(a[0]), right = truth_of(a[1]);
         return Value::of(left || right);
     }},
};

const Function* find(const std::string& name) {
    const std::span<const Function> tables[] = {logic,
                                                string_functions(),
                                                regex_functions(),
                                                format_functions(),
                                                number_functions(),
                                                collection_functions(),
                                                set_functions(),
                                                encoding_functions(),
                                                hash_functions(),
                                                time_functions(),
                                                network_functions(),
                                                version_functions()};
    for (const auto& table : tables)
        for (const Function& one : table)
            if (name == one.name) return &one;
    return nullptr;
}

} // namespace

const std::vector<Value>& list_of(const Value& v) {
    if (!v.is(Value::Kind::list)) throw error(Errc::usage, "a list is needed, not {}", to_string(v.kind));
    return v.list;
}

std::vector<Value> of_one_kind(std::vector<Value> list) {
    const auto is_text = [](const Value& v) { return v.is(Value::Kind::text); };
    const auto is_plain = [&](const Value& v) {
        return is_text(v) || v.is(Value::Kind::number) || v.is(Value::Kind::boolean) || v.is(Value::Kind::null);
    };
    if (!std::any_of(list.begin(), list.end(), is_text) || !std::all_of(list.begin(), list.end(), is_plain))
        return list;
    for (Value& one : list)
        if (!one.is(Value::Kind::null)) one = Value::of(text_of(one));
    return list;
}

std::optional<Value> call_builtin(const std::string& name, const Arguments& arguments) {
    const Function* found = find(name);
    if (!found) return std::nullopt;
    if (arguments.size() < found->least || arguments.size() > found->most)
        throw error(Errc::usage, "the function {} does not take {} arguments", name, arguments.size());
    return found->call(arguments);
}

} // namespace davit::baking

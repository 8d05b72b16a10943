// converted(): values as types.
#include "bake/expression.hpp"
#include "bake/functions/function.hpp"
#include "base/error.hpp"

namespace davit::baking {

namespace {

using Kind = Value::Kind;

[[noreturn]] void refuse(const Value& value, const std::string& type) {
    throw error(Errc::usage, "{} cannot be converted to {}", to_string(value.kind), type);
}

const Expression& only_child(const Expression& type) {
    if (type.children.size() != 1) throw error(Errc::usage, "the type {} needs one type in brackets", type.name);
    return type.children[0];
}

Value list_as(const Value& value, const Expression& type) {
    if (!value.is(Kind::list)) refuse(value, type.name);
    std::vector<Value> out;
    for (const Value& one : value.list) out.push_back(converted(one, only_child(type)));
    out = of_one_kind(std::move(out));
    if (type.name == "list") return Value::of(std::move(out));
    return *call_builtin("setunion", {Value::of(std::move(out))});
}

Value tuple_as(const Value& value, const Expression& type) {
    const auto& types = only_child(type).children;
    if (!value.is(Kind::list) || value.list.size() != types.size()) refuse(value, "this tuple");
    std::vector<Value> out;
    for (std::size_t i = 0; i < types.size(); ++i) out.push_back(converted(value.list[i], types[i]));
    return Value::of(std::move(out));
}

Value map_as(const Value& value, const Expression& type) {
    if (!value.is(Kind::object)) refuse(value, "map");
    std::vector<Value> all;
    for (const auto& [key, one] : value.object) all.push_back(converted(one, only_child(type)));
    all = of_one_kind(std::move(all));
    Value out;
    out.kind = Kind::object;
    for (std::size_t i = 0; i < all.size(); ++i) out.set(value.object[i].first, std::move(all[i]));
    return out;
}

// The attributes that the type names, no others.
Value object_as(const Value& value, const Expression& type) {
    if (!value.is(Kind::object)) refuse(value, "object");
    const auto& parts = only_child(type).children;
    Value out;
    out.kind = Kind::object;
    for (std::size_t i = 0; i + 1 < parts.size(); i += 2) {
        const std::string key = parts[i].is_name() ? parts[i].name : text_of(parts[i].value);
        const bool optional = parts[i + 1].name == "optional" && !parts[i + 1].children.empty();
        const Value* found = value.find(key);
        if (!found && !optional) throw error(Errc::usage, "the attribute \"{}\" is needed", key);
        out.set(key, found ? converted(*found, optional ? parts[i + 1].children[0] : parts[i + 1]) : Value{});
    }
    return out;
}

} // namespace

Value converted(const Value& value, const Expression& type) {
    const std::string& name = type.name;
    if (name == "any" || (value.is(Kind::null) && type.is_name())) return value;
    if (name == "string") return Value::of(text_of(value));
    if (name == "bool") {
        if (value.is(Kind::number)) refuse(value, name);
        return Value::of(truth_of(value));
    }
    if (name == "number") return Value::of(number_of(value));
    if (name == "list" || name == "set") return list_as(value, type);
    if (name == "map") return map_as(value, type);
    if (name == "object") return object_as(value, type);
    if (name == "tuple") return tuple_as(value, type);
    throw error(Errc::usage, "there is no type \"{}\"", name)
        .with_hint("string, number, bool, any, list(…), set(…), map(…), object({…}) or tuple([…])");
}

} // namespace davit::baking

#include "bake/typed_text.hpp"

#include "base/build_entries.hpp"
#include "base/csv.hpp"
#include "base/error.hpp"
#include "base/json_depth.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace davit::baking {

std::string type_text(const Expression& type) {
    if (type.kind != Expression::Kind::call) return type.name == "any" ? "any type" : type.name;
    if (type.name == "object" || type.name == "tuple" || type.children.empty()) return type.name;
    if (type.name == "optional") return type_text(type.children.front());
    return type.name + " of " + type_text(type.children.front());
}

namespace {

[[noreturn]] void bad_value(const std::string& why) { throw error(Errc::usage, "Invalid value; {}", why); }

// One of the kinds that are written as one word. Throws with Go's reason.
Value primitive(const std::string& name, const std::string& text, const std::string& kind) {
    if (kind == "string") return Value::of(text);
    if (kind == "bool") {
        if (const auto truth = parse_go_bool(text)) return Value::of(*truth);
        bad_value(
            fmt::format("failed to parse {} as bool: strconv.ParseBool: parsing \"{}\": invalid syntax", name, text));
    }
    if (kind != "number") bad_value(fmt::format("{} of type {} is not a primitive", name, kind));
    const std::string digits = text.starts_with('+') ? text.substr(1) : text;
    if (const auto number = parse_number(digits)) return Value::of(*number);
    bad_value(
        fmt::format("failed to parse {} as number: strconv.ParseFloat: parsing \"{}\": invalid syntax", name, text));
}

bool is_primitive(const Expression& type) {
    return type.is_name() && (type.name == "string" || type.name == "bool" || type.name == "number");
}

std::vector<std::string> pieces(const std::string& text) {
    try {
        return csv_fields(text);
    } catch (const Error& e) {
        throw error(Errc::usage, "failed to parse {} as CSV: {}", text, e.what());
    }
}

// "k:v"
std::pair<std::string, std::string> map_entry(const std::string& field) {
    const std::size_t colon = field.find(':');
    const bool one = colon != std::string::npos && field.find(':', colon + 1) == std::string::npos;
    if (!one)
        throw error(Errc::usage, "expected one k/v pair but got {} pieces from {}",
                    std::count(field.begin(), field.end(), ':') + 1, field);
    return {field.substr(0, colon), field.substr(colon + 1)};
}

// list(…), set(…), map(…), tuple([…]) of single words: they stand in one text with commas between them.
Value of_csv(const std::string& name, const std::string& text, const Expression& type) {
    const std::vector<std::string> fields = pieces(text);
    const auto element = [&](const std::string& field, const Expression& kind) {
        if (!is_primitive(kind)) throw error(Errc::usage, "unsupported type {} for CSV specification", type_text(type));
        try {
            return primitive(name, field, kind.name);
        } catch (const Error& e) {
            throw error(Errc::usage, "failed to parse element of type {}: {}", type_text(type),
                        std::string(e.what()).substr(std::string("Invalid value; ").size()));
        }
    };
    const Expression& inner = type.children.front();
    if (type.name == "map") {
        Value out;
        out.kind = Value::Kind::object;
        for (const std::string& field : fields) {
            const auto [key, value] = map_entry(field);
            out.set(key, element(value, inner));
        }
        return out;
    }
    if (type.name == "tuple" && inner.children.size() != fields.size())
        throw error(Errc::usage, "tuple expects {} elements but only {} provided", inner.children.size(),
                    fields.size());
    std::vector<Value> values;
    for (std::size_t i = 0; i < fields.size(); ++i)
        values.push_back(element(fields[i], type.name == "tuple" ? inner.children[i] : inner));
    return type.name == "set" ? converted(Value::of(std::move(values)), type) : Value::of(std::move(values));
}

Value from_json(const nlohmann::ordered_json& json) {
    if (json.is_boolean()) return Value::of(json.get<bool>());
    if (json.is_number()) return Value::of(json.get<double>());
    if (json.is_string()) return Value::of(json.get<std::string>());
    if (json.is_null()) return {};
    std::vector<Value> list;
    Value object;
    for (const auto& [key, one] : json.items())
        if (json.is_array()) list.push_back(from_json(one));
        else object.set(key, from_json(one));
    if (json.is_array()) return Value::of(std::move(list));
    object.kind = Value::Kind::object;
    return object;
}

} // namespace

Value value_of_json(const std::string& name, const std::string& text, const Expression& type) {
    try {
        if (is_nested_too_deep(text)) throw error(Errc::usage, "it is nested too deep");
        return converted(from_json(nlohmann::ordered_json::parse(text)), type);
    } catch (const std::exception& e) {
        bad_value(fmt::format("failed to convert variable {} from JSON: {}", name, e.what()));
    }
}

Value value_of_text(const std::string& name, const std::string& text, const Expression& type) {
    if (type.name == "any" && type.is_name()) return Value::of(text);
    if (is_primitive(type)) return primitive(name, text, type.name);
    const bool listed = type.name == "list" || type.name == "set" || type.name == "map" || type.name == "tuple";
    if (!listed || type.children.empty())
        bad_value(fmt::format("unsupported type {} for variable {}", type_text(type), name));
    try {
        return of_csv(name, text, type);
    } catch (const Error& e) {
        bad_value(fmt::format("failed to convert variable {} from CSV: {}", name, e.what()));
    }
}

Value value_like(const std::string& name, const std::string& text, const Value& fallback) {
    switch (fallback.kind) {
    case Value::Kind::boolean: return primitive(name, text, "bool");
    case Value::Kind::number: return primitive(name, text, "number");
    case Value::Kind::list:
    case Value::Kind::object:
        bad_value(fmt::format("unsupported type {} for variable {}",
                              fallback.is(Value::Kind::list) ? "tuple" : "object", name));
    default: return Value::of(text);
    }
}

} // namespace davit::baking

// Definition: values of variables, and what a file has of them, of targets and of groups.
#include "bake/definition.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace davit::baking {

namespace {

// Without a type the value of an environment variable has the kind of the default that it replaces.
Value like(const std::string& text, const Value& fallback) {
    if (fallback.kind == Value::Kind::boolean) return Value::of(truth_of(Value::of(text)));
    if (fallback.kind == Value::Kind::number) return Value::of(number_of(Value::of(text)));
    return Value::of(text);
}

// Several values stand in one text with commas between them.
Value of_type(const std::string& text, const Expression& type) {
    if (type.name == "number") return Value::of(number_of(Value::of(text)));
    if (type.name == "bool") return Value::of(text == "1" || (text != "0" && truth_of(Value::of(text))));
    if (type.kind != Expression::Kind::call || type.children.empty()) return Value::of(text);
    if (type.name == "optional") return of_type(text, type.children.front());
    if (type.name != "list" && type.name != "set") return Value::of(text);
    std::vector<std::string> words;
    for (std::size_t at = 0; at <= text.size() && !text.empty();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        words.push_back(text.substr(at, end - at));
        at = end + 1;
    }
    if (type.name == "set") {
        std::sort(words.begin(), words.end());
        words.erase(std::unique(words.begin(), words.end()), words.end());
    }
    std::vector<Value> values;
    for (const std::string& word : words) values.push_back(of_type(word, type.children.front()));
    return Value::of(std::move(values));
}

nlohmann::ordered_json json_of(const Value& value) {
    constexpr double most = 1e15; // exact in a double
    switch (value.kind) {
    case Value::Kind::null: return nullptr;
    case Value::Kind::boolean: return value.truth;
    case Value::Kind::number:
        if (std::abs(value.number) < most && value.number == std::floor(value.number))
            return static_cast<std::int64_t>(value.number);
        return value.number;
    case Value::Kind::text: return value.text;
    case Value::Kind::list:
    case Value::Kind::object: break;
    }
    nlohmann::ordered_json out =
        value.kind == Value::Kind::list ? nlohmann::ordered_json::array() : nlohmann::ordered_json::object();
    for (const Value& one : value.list) out.push_back(json_of(one));
    for (const auto& [key, one] : value.object) out[key] = json_of(one);
    return out;
}

// A type constraint in HCL's words for people: list(string) is "list of string".
std::string type_text(const Expression& type) {
    if (type.kind != Expression::Kind::call) return type.name == "any" ? "any type" : type.name;
    if (type.name == "object" || type.name == "tuple" || type.children.empty()) return type.name;
    if (type.name == "optional") return type_text(type.children.front());
    return type.name + " of " + type_text(type.children.front());
}

} // namespace

std::optional<Value> Definition::variable(const std::string& name) const {
    const auto found = variables_.find(name);
    const auto plain = plain_.find(name);
    if (found == variables_.end() && plain == plain_.end()) {
        if (name == "BAKE_CMD_CONTEXT") return Value::of("cwd://");
        return std::nullopt;
    }
    const auto set = options_.environment ? options_.environment(name) : std::nullopt;
    const Expression* type = found != variables_.end() ? found->second.find("type") : nullptr;
    if (set && type) return of_type(*set, *type);
    const Expression* fallback = found != variables_.end() ? found->second.find("default") : &plain->second;
    if (!evaluating_.insert(name).second) throw error(Errc::usage, "the variable {} needs itself", name);
    struct Leave {
        std::set<std::string>& of;
        const std::string& name;
        ~Leave() { of.erase(name); }
    } const leave{evaluating_, name};
    const Value value = fallback ? evaluate(*fallback, scope()) : type ? Value{} : Value::of("");
    return set ? like(*set, value) : value;
}

std::vector<BakeVariable> Definition::variables() const {
    std::vector<BakeVariable> out;
    for (const auto& [name, body] : variables_) {
        BakeVariable one{name, {}, text_at(body, "description")};
        const Value value = variable(name).value_or(Value{});
        if (value.kind == Value::Kind::list || value.kind == Value::Kind::object)
            one.value = json_of(value).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
        else if (value.kind != Value::Kind::null) one.value = text_of(value);
        if (const Expression* type = body.find("type")) one.type = type_text(*type);
        out.push_back(std::move(one));
    }
    return out;
}

std::string Definition::text_at(const Body& body, const char* key, const std::map<std::string, Value>& own) const {
    const Expression* found = body.find(key);
    return found ? text_of(evaluate(*found, scope(own))) : std::string();
}

std::vector<BakeName> Definition::names() const {
    std::vector<BakeName> out;
    for (const auto& [name, target] : targets_) {
        BakeName one{name, ""};
        for (const Body& body : target.bodies) // its own: what it inherits describes others
            if (std::string text = text_at(body, "description", target.matrix); !text.empty()) one.description = text;
        out.push_back(std::move(one));
    }
    for (const BakeTarget& target : options_.from_compose)
        if (!has_target(target.name)) out.push_back({target.name, target.description});
    for (const auto& [name, body] : groups_) out.push_back({name, text_at(body, "description"), true, members(name)});
    for (const auto& [name, unused] : matrices_)
        if (!groups_.count(name)) out.push_back({name, "", true, members(name)});
    if (!options_.from_compose.empty() && !is_group("default") && !has_target("default")) {
        BakeName all{"default", "", true};
        for (const BakeTarget& target : options_.from_compose) all.targets.push_back(target.name);
        out.push_back(std::move(all));
    }
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

} // namespace davit::baking

// Definition: values of variables, and what a file has of them, of targets and of groups.
#include "bake/definition.hpp"
#include "bake/typed_text.hpp"
#include "base/error.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>

namespace davit::baking {

namespace {

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

} // namespace

// What the environment says: the variable itself, or what NAME_JSON has, which goes first where there is a type.
std::optional<std::string> Definition::set_value(const std::string& name, bool typed, bool& json) const {
    json = false;
    if (!options_.environment) return std::nullopt;
    auto out = options_.environment(name);
    if (out && !typed) return out;
    const std::string other = name + "_JSON";
    if (variables_.count(other)) return out;
    if (auto text = options_.environment(other)) {
        json = true;
        return text;
    }
    return out;
}

std::optional<Value> Definition::variable(const std::string& name) const {
    if (name == "BAKE_CMD_CONTEXT") return Value::of("cwd://");
    if (name == "BAKE_LOCAL_PLATFORM") return Value::of(options_.local_platform);
    const auto found = variables_.find(name);
    const auto plain = plain_.find(name);
    if (found == variables_.end() && plain == plain_.end()) return std::nullopt;
    const Expression* type = found != variables_.end() ? found->second.find("type") : nullptr;
    if (type && type->kind == Expression::Kind::literal && type->value.is(Value::Kind::null)) type = nullptr;
    bool json = false;
    const auto set = found != variables_.end() ? set_value(name, type != nullptr, json) : std::nullopt;
    if (set && type) return json ? value_of_json(name, *set, *type) : value_of_text(name, *set, *type);
    const Expression* fallback = plain != plain_.end() ? &plain->second : found->second.find("default");
    if (!evaluating_.insert(name).second) throw error(Errc::usage, "variable cycle not allowed for {}", name);
    struct Leave {
        std::set<std::string>& of;
        const std::string& name;
        ~Leave() { of.erase(name); }
    } const leave{evaluating_, name};
    if (!fallback) return set ? Value::of(*set) : type ? Value{} : Value::of("");
    const Value value = evaluate(*fallback, scope());
    if (set) return value_like(name, *set, value);
    return type ? converted(value, *type) : value;
}

void Definition::check_variables() const {
    for (const auto& [name, unused] : variables_) variable(name);
    for (const auto& [name, body] : variables_)
        for (const Block& rule : body.blocks) {
            const Expression* condition = rule.body.find("condition");
            if (rule.type != "validation" || !condition) continue;
            const Value holds = evaluate(*condition, scope());
            if (holds.is(Value::Kind::null))
                throw error(Errc::usage, "Invalid condition result; Condition expression must return either true or "
                                         "false, not null.")
                    .with_at(condition->at);
            if (truth_of(holds)) continue;
            const std::string why = text_at(rule.body, "error_message");
            throw error(Errc::usage, "Validation failed; {}",
                        rule.body.find("error_message") ? why : "This check failed, but has an invalid error message.")
                .with_at(condition->at);
        }
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
    // Its own: what it inherits describes others.
    for (const std::string& name : target_names()) out.push_back({name, own_part(name).target.description});
    for (const std::string& name : group_names()) out.push_back({name, group_description(name), true, members(name)});
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

} // namespace davit::baking

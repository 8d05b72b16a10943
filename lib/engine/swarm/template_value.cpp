#include "engine/swarm/template_value.hpp"

#include "base/error.hpp"
#include "engine/swarm/template_parse.hpp"

#include <compare>
#include <fmt/format.h>
#include <map>
#include <string_view>

namespace davit {

namespace {

using Values = std::vector<TemplateValue>;

const char* type_of(const TemplateValue& value) {
    constexpr const char* names[] = {"string", "int", "bool", "map[string]string", "template.Context", "bool"};
    return names[value.index()];
}

bool has_hole(const TemplateValue& value, const TemplateContext& context) {
    const auto* text = std::get_if<std::string>(&value);
    return text && text->find(context.holes.mark()) != std::string::npos;
}

void need(const std::string& function, const Values& arguments, std::size_t least, std::size_t most) {
    if (arguments.size() < least || arguments.size() > most)
        wrong_value(fmt::format("wrong number of args for {}: got {}", function, arguments.size()));
}

[[noreturn]] void only_for_each_task(const std::string& function) {
    throw error(Errc::unsupported,
                "template: '{}' asks for what is known for each task only: davit compares that with eq and ne alone",
                function);
}

TemplateValue equal(const std::string& function, const Values& arguments, const TemplateContext& context) {
    need(function, arguments, 2, function == "eq" ? 16 : 2);
    std::vector<std::string> conditions;
    bool any = false;
    for (std::size_t i = 1; i < arguments.size(); ++i) {
        const TemplateValue &a = arguments[0], &b = arguments[i];
        if (std::string_view(type_of(a)) != type_of(b) || a.index() > 2 || b.index() > 2)
            wrong_value(fmt::format("error calling {}: incompatible types for comparison", function));
        if (has_hole(a, context) || has_hole(b, context))
            conditions.push_back(swarm::Holes::equal(std::get<std::string>(a), std::get<std::string>(b)));
        else any = any || shown(a, context) == shown(b, context);
    }
    if (any || conditions.empty()) return any == (function == "eq");
    std::string text = conditions.front();
    for (std::size_t i = 1; i < conditions.size(); ++i) text = swarm::Holes::either(text, conditions[i]);
    return TemplateCondition{function == "eq" ? text : swarm::Holes::negated(text)};
}

TemplateValue compared(const std::string& function, const Values& arguments, const TemplateContext& context) {
    need(function, arguments, 2, 2);
    const TemplateValue &a = arguments[0], &b = arguments[1];
    if (a.index() != b.index() || a.index() > 1)
        wrong_value(fmt::format("error calling {}: incompatible types for comparison", function));
    if (has_hole(a, context) || has_hole(b, context)) only_for_each_task(function);
    const auto order = a.index() == 0 ? std::get<std::string>(a) <=> std::get<std::string>(b)
                                      : std::get<std::int64_t>(a) <=> std::get<std::int64_t>(b);
    const bool less = order < 0, same = order == 0;
    if (function == "lt") return less;
    if (function == "le") return less || same;
    return function == "gt" ? !less && !same : !less;
}

// The first that decides, or the last.
TemplateValue joined(const std::string& function, const Values& arguments) {
    need(function, arguments, 1, 16);
    const bool all = function == "and";
    std::string text; // of the conditions so far
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const auto truth = truth_of(arguments[i]);
        if (const auto* known = std::get_if<bool>(&truth)) {
            if (text.empty()) {
                if (*known != all || i + 1 == arguments.size()) return arguments[i];
            } else if (*known != all) return *known; // whatever the conditions are
            continue;
        }
        const std::string& condition = std::get<TemplateCondition>(truth).text;
        text = text.empty() ? condition
                            : (all ? swarm::Holes::both(text, condition) : swarm::Holes::either(text, condition));
    }
    return TemplateCondition{text};
}

TemplateValue negated(const Values& arguments) {
    need("not", arguments, 1, 1);
    const auto truth = truth_of(arguments[0]);
    if (const auto* known = std::get_if<bool>(&truth)) return !*known;
    return TemplateCondition{swarm::Holes::negated(std::get<TemplateCondition>(truth).text)};
}

TemplateValue formatted(const Values& arguments, const TemplateContext& context) {
    if (arguments.empty()) wrong_value("wrong number of args for printf");
    const std::string format = shown(arguments[0], context);
    std::string out;
    std::size_t next = 1;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 >= format.size()) {
            out += format[i];
            continue;
        }
        const char verb = format[++i];
        if (verb == '%') out += '%';
        else if ((verb == 's' || verb == 'd' || verb == 'v') && next < arguments.size())
            out += shown(arguments[next++], context);
        else wrong_value(fmt::format("printf: %{} cannot be filled", verb));
    }
    return out;
}

TemplateValue indexed(const Values& arguments, const TemplateContext& context) {
    if (arguments.size() != 2 || !std::holds_alternative<const swarm::Labels*>(arguments[0]))
        wrong_value("error calling index: it takes .Service.Labels and a key");
    const auto& map = *std::get<const swarm::Labels*>(arguments[0]);
    const auto it = map.find(shown(arguments[1], context));
    return it == map.end() ? std::string() : it->second; // as Go's index of a map
}

TemplateValue length(const Values& arguments, const TemplateContext& context) {
    need("len", arguments, 1, 1);
    if (has_hole(arguments[0], context)) only_for_each_task("len");
    if (const auto* map = std::get_if<const swarm::Labels*>(&arguments[0]))
        return static_cast<std::int64_t>((*map)->size());
    if (const auto* text = std::get_if<std::string>(&arguments[0])) return static_cast<std::int64_t>(text->size());
    wrong_value(fmt::format("error calling len: len of type {}", type_of(arguments[0])));
}

// The type that Go's reflection tells of a part of Swarm's context.
std::string structure_of(const std::string& path, const TemplateContext& context) {
    if (path == ".Service") return "struct { ID string; Name string; Labels map[string]string }";
    if (path == ".Node") return "struct { ID string; Hostname string; Platform template.Platform }";
    if (path == ".Node.Platform") return "template.Platform";
    if (path == ".Task") return "struct { ID string; Name string; Slot string }";
    return context.look_up ? "*template.PayloadContext" : "*template.Context";
}

} // namespace

std::variant<bool, TemplateCondition> truth_of(const TemplateValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return !text->empty(); // no hole is filled with nothing
    if (const auto* number = std::get_if<std::int64_t>(&value)) return *number != 0;
    if (const auto* known = std::get_if<bool>(&value)) return *known;
    if (const auto* map = std::get_if<const swarm::Labels*>(&value)) return !(*map)->empty();
    if (const auto* condition = std::get_if<TemplateCondition>(&value)) return *condition;
    return true;
}

std::string shown(const TemplateValue& value, const TemplateContext& context) {
    if (const auto* text = std::get_if<std::string>(&value)) return *text;
    if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
    if (const auto* known = std::get_if<bool>(&value)) return *known ? "true" : "false";
    if (const auto* condition = std::get_if<TemplateCondition>(&value))
        return context.holes.choice(condition->text, "true", "false");
    if (std::holds_alternative<TemplateField>(value))
        wrong_value("a context cannot be printed; say which of its fields");
    std::string out = "map[";
    for (const auto& [key, label] : *std::get<const swarm::Labels*>(value))
        out += fmt::format("{}{}:{}", out.size() > 4 ? " " : "", key, label);
    return out + "]";
}

TemplateValue context_field(const std::string& path, const TemplateContext& context) {
    const swarm::Holes& holes = context.holes;
    const swarm::Service& service = context.service;
    const std::map<std::string_view, std::string> plain{{".Service.ID", service.id},
                                                        {".Service.Name", service.spec.name},
                                                        {".Node.ID", holes.node_id()},
                                                        {".Node.Hostname", holes.node_hostname()},
                                                        {".Node.Platform.Architecture", context.architecture},
                                                        {".Node.Platform.OS", "linux"},
                                                        {".Task.ID", holes.task_id()},
                                                        {".Task.Name", holes.task_name()},
                                                        {".Task.Slot", holes.slot()}};
    if (const auto it = plain.find(path); it != plain.end()) return it->second;
    if (path == ".Service.Labels") return &service.spec.labels;
    for (const auto& [known, unused] : plain)
        if (known.starts_with(path + ".")) return TemplateField{path};
    const std::size_t dot = path.rfind('.');
    wrong_value(fmt::format("can't evaluate field {} in type {}", path.substr(dot + 1),
                            structure_of(path.substr(0, dot), context)));
}

TemplateValue label_of(const swarm::Labels& labels, const std::string& key) {
    const auto it = labels.find(key);
    if (it == labels.end()) wrong_value(fmt::format("map has no entry for key \"{}\"", key));
    return it->second;
}

TemplateValue call_template_function(const std::string& name, const Values& arguments, const TemplateContext& context) {
    if (name == "eq" || name == "ne") return equal(name, arguments, context);
    if (name == "lt" || name == "le" || name == "gt" || name == "ge") return compared(name, arguments, context);
    if (name == "and" || name == "or") return joined(name, arguments);
    if (name == "not") return negated(arguments);
    if (name == "index") return indexed(arguments, context);
    if (name == "len") return length(arguments, context);
    if (name == "printf") return formatted(arguments, context);
    if (name == "print" || name == "println" || name == "join") {
        std::string out;
        for (const auto& argument : arguments) {
            if (name == "println" && !out.empty()) out += ' ';
            out += shown(argument, context);
        }
        return name == "println" ? out + "\n" : out;
    }
    if (context.look_up && (name == "env" || name == "secret" || name == "config")) {
        need(name, arguments, 1, 1);
        return context.look_up(name, shown(arguments[0], context));
    }
    for (const char* other : {"html", "js", "urlquery", "call", "slice"})
        if (name == other) throw error(Errc::unsupported, "template: davit has no '{}' in a service's templates", name);
    wrong_template(fmt::format("function \"{}\" not defined", name));
}

} // namespace davit

#include "cli/format/template.hpp"

#include "base/error.hpp"
#include "base/printable.hpp"
#include "cli/format/go_structures.hpp"
#include "cli/format/template_escapes.hpp"
#include "cli/format/template_functions.hpp"
#include "cli/format/template_parser.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <strings.h>
#include <utility>

namespace davit::cli {

namespace {

using Json = nlohmann::ordered_json;
using Node = TemplateNode;
using Kind = TemplateNode::Kind;

constexpr int most_calls = 1'000;                                      // templates in one another
constexpr std::size_t most_steps = 10'000'000, most_output = 64 << 20; // against a mistake, as range 1000000000

[[noreturn]] void fail(const Node& at, const std::string& what) {
    throw error(Errc::usage, "template parsing error: template: :{}:{}: executing \"\" at <{}>: {}", at.line, at.column,
                template_source(at), what);
}

// The numbers of a document that was read without a structure are texts to Go (json.Number).
Json with_numbers_as_text(Json value) {
    if (value.is_number()) return value.dump();
    if (value.is_structured())
        for (Json& member : value) member = with_numbers_as_text(std::move(member));
    return value;
}

// Whether what it prints was written by the user, in the template itself.
bool only_literals(const Node& node) {
    if (node.kind == Kind::field || node.kind == Kind::variable) return false;
    return std::all_of(node.children.begin(), node.children.end(), only_literals);
}

// Go prints a nil pointer, a nil map and a nil list each in its way; JSON has one null for all.
std::string null_text(const std::string& field) {
    for (const char* pointer : {"OomKillDisable", "PidsLimit", "MemorySwappiness", "Init", "Healthcheck", "Health",
                                "IPAMConfig", "Data", "SizeRw", "SizeRootFs"})
        if (field == pointer) return "<nil>";
    for (const char* map : {"Volumes", "ExposedPorts", "Labels", "Sysctls", "Tmpfs", "Annotations", "StorageOpt",
                            "PortBindings", "DriverOpts", "Options", "Ports", "Status"})
        if (field == map) return "map[]";
    return field.empty() ? "<no value>" : "[]";
}

// "com.example.my-key" → "my key", as the title of a column.
std::string label_title(const std::string& key) {
    std::string out = key.substr(key.rfind('.') + 1);
    std::replace_if(
        out.begin(), out.end(), [](char c) { return c == '-' || c == '_'; }, ' ');
    return out;
}

enum class Flow { on, next, out };

class Execution {
public:
    enum class Of { document, row, titles, plain_json };

    Execution(const ParsedTemplate& whole, const Json& data, std::string_view keep, Of of)
        : whole_(whole), keep_(keep), header_(of == Of::titles), row_(of == Of::row), plain_(of == Of::plain_json) {
        variables_.emplace_back("", data);
    }

    Flow run(const Node& node, const Json& dot) {
        if (++steps_ > most_steps || out.size() > most_output)
            throw error(Errc::usage, "template parsing error: template: it does not come to an end");
        switch (node.kind) {
        case Kind::list:
            for (const Node& child : node.children)
                if (const Flow flow = run(child, dot); flow != Flow::on) return flow;
            return Flow::on;
        case Kind::text: out += node.text; return Flow::on;
        case Kind::action: {
            const Json value = evaluate(node.children[0], dot);
            if (node.children[0].variables.empty()) out += shown(node.children[0], value);
            return Flow::on;
        }
        case Kind::if_:
        case Kind::with: {
            const std::size_t scope = variables_.size();
            const Json value = evaluate(node.children[0], dot);
            const bool yes = go_truth(value);
            const Flow flow = run(node.children[yes ? 1 : 2], yes && node.kind == Kind::with ? value : dot);
            variables_.resize(scope);
            return flow;
        }
        case Kind::range: return range(node, dot);
        case Kind::call: call_template(node, dot); return Flow::on;
        case Kind::break_: return Flow::out;
        case Kind::continue_: return Flow::next;
        default: return Flow::on;
        }
    }

    std::string out;

private:
    // What comes straight from the data is one piece of text; what a function made may have lines of its own.
    std::string shown(const Node& pipeline, const Json& value) const {
        const Node& command = pipeline.children.back();
        const bool bare = pipeline.children.size() == 1 && command.children[0].kind != Kind::function;
        std::string text = value.is_null() ? nothing(command, bare) : go_text(value);
        if (only_literals(pipeline)) return text;
        return printable(text, bare ? keep_ : "\n\t");
    }

    std::string nothing(const Node& command, bool bare) const {
        if (!bare) return null_of_call(command);
        return nil_ ? nil_text(*nil_) : null_of_field(command.children[0]);
    }

    // What a map has not is no value; what a structure has, and is null, is of its kind.
    std::string null_of_field(const Node& field) const {
        const std::size_t size = field.chain.size();
        if (plain_) return "<no value>";
        for (std::size_t i = 0; i + 1 < size; ++i)
            if (is_map(field.chain[i])) return "<no value>";
        return null_text(size ? field.chain.back() : "");
    }

    // index of a map that has not the key: nothing, as the map's values are.
    static std::string null_of_call(const Node& command) {
        if (command.children[0].text != "index" || command.children.size() < 2) return "<no value>";
        const auto& chain = command.children[1].chain;
        const bool of_lists = !chain.empty() && (chain.back() == "Ports" || chain.back() == "PortBindings");
        return of_lists ? "[]" : "<nil>";
    }

    Flow range(const Node& node, const Json& dot) {
        const Node& pipeline = node.children[0];
        const std::size_t scope = variables_.size();
        const Json values = evaluate_commands(pipeline, dot);
        bool any = false;
        Flow flow = Flow::on;
        const auto turn = [&](const Json& key, const Json& value) {
            any = true;
            set_range_variables(pipeline, key, value);
            flow = run(node.children[1], value);
            variables_.resize(scope);
            return flow != Flow::out;
        };
        if (values.is_object()) {
            std::vector<std::string> keys;
            for (const auto& [key, value] : values.items()) keys.push_back(key);
            std::sort(keys.begin(), keys.end()); // as Go walks a map
            for (const std::string& key : keys)
                if (!turn(key, values.at(key))) break;
        } else if (values.is_array()) {
            for (std::size_t i = 0; i < values.size(); ++i)
                if (!turn(i, values[i])) break;
        } else if (values.is_number_integer()) {
            for (std::int64_t i = 0; i < values.get<std::int64_t>(); ++i)
                if (!turn(i, i)) break;
        } else if (!values.is_null()) {
            fail(pipeline.children.back(), "range can't iterate over " + go_text(values));
        }
        flow = Flow::on;
        if (!any) flow = run(node.children[2], dot);
        variables_.resize(scope);
        return flow;
    }

    // Another template: its dot is what it is given, and so is its $.
    void call_template(const Node& node, const Json& dot) {
        const auto found = whole_.named.find(node.text);
        if (found == whole_.named.end()) fail(node, "template \"" + node.text + "\" not defined");
        if (++calls_ > most_calls) fail(node, fmt::format("exceeded maximum template depth ({})", most_calls));
        const Json given = node.children.empty() ? Json() : evaluate(node.children[0], dot);
        auto outer = std::exchange(variables_, {{"", given}});
        run(found->second, given);
        variables_ = std::move(outer);
        --calls_;
    }

    void set_range_variables(const Node& pipeline, const Json& key, const Json& value) {
        const auto& names = pipeline.variables;
        if (names.size() == 1) set(pipeline, names[0], value);
        if (names.size() != 2) return;
        set(pipeline, names[0], key);
        set(pipeline, names[1], value);
    }

    void set(const Node& at, const std::string& name, const Json& value) {
        if (at.declares) {
            variables_.emplace_back(name, value);
            return;
        }
        const auto found =
            std::find_if(variables_.rbegin(), variables_.rend(), [&](const auto& v) { return v.first == name; });
        if (found == variables_.rend())
            throw error(Errc::usage, "template parsing error: template: :{}: undefined variable: ${}", at.line, name);
        found->second = value;
    }

    Json evaluate(const Node& pipeline, const Json& dot) {
        const Json value = evaluate_commands(pipeline, dot);
        for (const std::string& name : pipeline.variables) set(pipeline, name, value);
        return value;
    }

    Json evaluate_commands(const Node& pipeline, const Json& dot) {
        std::optional<Json> value;
        for (const Node& command : pipeline.children) value = call(command, dot, value);
        return *value;
    }

    Json call(const Node& command, const Json& dot, const std::optional<Json>& piped) {
        const Node& first = command.children[0];
        if (first.kind == Kind::function) return call_function(command, dot, piped);
        const std::size_t arguments = command.children.size() - 1 + (piped ? 1 : 0);
        const bool nothing = first.kind == Kind::literal && first.value->is_null();
        if (nothing) fail(first, "nil is not a command");
        if (arguments == 0) {
            if (row_ && first.kind == Kind::field && first.chain == std::vector<std::string>{"Label"})
                fail(first, "wrong number of args for Label: want 1 got 0");
            return operand(first, dot);
        }
        // A method with an argument: .Label "key".
        const bool method = !first.chain.empty() && first.chain.back() == "Label" && arguments == 1;
        if (!method && first.chain.empty())
            fail(first, "can't give argument to non-function " + template_source(first));
        if (!method && row_)
            fail(first, fmt::format("wrong number of args for {}: want 0 got {}", first.chain.back(), arguments));
        if (!method) fail(first, first.chain.back() + " is not a method but has arguments");
        const Json key = piped ? *piped : operand(command.children[1], dot);
        if (!key.is_string()) fail(first, "wrong type for value; expected string; got " + go_type(key));
        if (header_) return label_title(key.get<std::string>());
        const Json labels = operand(first, dot);
        const auto found = labels.find(key.get<std::string>());
        return found == labels.end() ? Json("") : *found;
    }

    Json call_function(const Node& command, const Json& dot, const std::optional<Json>& piped) {
        const std::string& name = command.children[0].text;
        const std::size_t written = command.children.size() - 1;
        std::vector<Json> arguments;
        raw_ = name == "json";
        for (std::size_t i = 0; i < written; ++i) {
            arguments.push_back(operand(command.children[i + 1], dot));
            raw_ = name == "json"; // an argument may be a call
            // .Label is a method of the row, no part of it.
            if (name == "json" && arguments.back().is_object() && arguments.back().contains("Labels"))
                if (const auto label = arguments.back().find("Label");
                    label != arguments.back().end() && label->is_object())
                    arguments.back().erase("Label");
            // What decides it is the last that is looked at.
            if ((name == "and" || name == "or") && go_truth(arguments.back()) == (name == "or"))
                return arguments.back();
        }
        raw_ = false;
        if (name == "call" && written)
            fail(command, arguments[0].is_null()
                              ? "error calling call: call of nil"
                              : fmt::format("error calling call: non-function {} of type {}",
                                            template_source(command.children[1]), go_type(arguments[0])));
        if (piped) arguments.push_back(*piped);
        if (header_ && leaves_titles_alone(name) && !arguments.empty()) return arguments[0];
        try {
            if (name == "json" && row_ && arguments.size() == 1 && arguments[0].is_object())
                return html_safe(call_template_function(name, arguments).get<std::string>());
            const Json value = call_template_function(name, arguments);
            // Of a map read without a structure what is not there is nothing, whatever else is there.
            const bool missing = plain_ && name == "index" && arguments.size() == 2 && arguments[0].is_object() &&
                                 arguments[1].is_string() && !arguments[0].contains(arguments[1].get<std::string>());
            return missing ? Json() : value;
        } catch (const TemplateFault& fault) {
            const auto argument = static_cast<std::size_t>(fault.argument);
            if (fault.number) fail(command.children[0], fault.what);
            if (fault.argument >= 0 && argument < written && command.children[argument + 1].kind == Kind::literal)
                fail(command.children[argument + 1], wrong_literal(fault.what, command.children[argument + 1]));
            fail(fault.argument >= 0 && argument < written ? command.children[argument + 1] : command, fault.what);
        }
    }

    // Go looks at what is written in the template itself before anything is called.
    static std::string wrong_literal(const std::string& what, const Node& node) {
        const bool number = what.find("expected int;") != std::string::npos;
        return fmt::format("expected {}; found {}", number ? "integer" : "string", template_source(node));
    }

    static bool leaves_titles_alone(const std::string& name) {
        for (const char* one : {"json", "title", "lower", "upper", "truncate", "split", "join"})
            if (name == one) return true;
        return false;
    }

    Json operand(const Node& node, const Json& dot) {
        switch (node.kind) {
        case Kind::field: at_ = &node; return chain(node, dot);
        case Kind::variable: {
            at_ = &node;
            const auto found = std::find_if(variables_.rbegin(), variables_.rend(),
                                            [&](const auto& v) { return v.first == node.text; });
            if (found == variables_.rend()) fail(node, "undefined variable: $" + node.text);
            return chain(node, found->second);
        }
        case Kind::chained: {
            const Json value = operand(node.children[0], dot);
            return chain(node, value);
        }
        case Kind::literal: at_ = &node; return *node.value;
        case Kind::function: {
            Node command;
            command.children.push_back(node);
            return call_function(command, dot, std::nullopt);
        }
        default: return evaluate(node, dot);
        }
    }

    // The second try of docker's inspect: no structures, and a key that is not there is a mistake.
    Json plain_chain(const Node& node, Json value) const {
        // What a function gives and what a variable holds is no field of a map.
        bool called = node.kind == Kind::chained || node.kind == Kind::variable;
        for (const std::string& name : node.chain) {
            const std::string type = called ? go_type(value) : "interface {}";
            if (value.is_null() && called) fail(place(node), "nil data; no entry for key \"" + name + "\"");
            if (value.is_null()) fail(node, "nil pointer evaluating interface {}." + name);
            if (!value.is_object()) fail(place(node), "can't evaluate field " + name + " in type " + type);
            if (!value.contains(name)) fail(place(node), "map has no entry for key \"" + name + "\"");
            called = false;
            Json next = std::move(value[name]);
            value = std::move(next);
        }
        return value;
    }

    // Of fields of a call's value: what Go looked at last, which is in the call.
    const Node& place(const Node& node) const { return node.kind == Kind::chained && at_ ? *at_ : node; }

    Json chain(const Node& node, Json value) const {
        if (plain_) return plain_chain(node, std::move(value));
        std::string parent;
        const GoStructure* expected = nullptr; // by the field that leads there
        nil_ = nullptr;
        for (const std::string& name : node.chain) {
            const GoStructure* structure = expected && value.is_object() ? expected : go_structure(value);
            const GoField* field = structure ? structure->field(name) : nullptr;
            if (!field && structure && structure->embeds(name)) { // whose fields are there as its own
                expected = structure;
                continue;
            }
            const std::string& key = field ? field->key : name;
            const bool member_given = value.is_object() && value.contains(key);
            if (member_given) {
                Json next = std::move(value[key]);
                value = std::move(next);
            } else if (const auto same = as_json_has_it(value, name)) {
                Json next = std::move(value[*same]);
                value = std::move(next);
            } else if (header_) {
                return "<no value>";
            } else if (value.is_null()) {
                fail(place(node), "nil pointer evaluating ." + name);
            } else if (value.is_object() && is_map(parent)) {
                return Json(); // and so has whatever is asked of it
            } else if (field) {
                value = zero_of(*field);
            } else if (const auto zero = left_out(value, name)) {
                value = *zero;
            } else {
                fail(place(node),
                     "can't evaluate field " + name + (value.is_object() ? "" : " in type " + go_type(value)));
            }
            if (field && !raw_) value = go_value(*field, value);
            nil_ = field && value.is_null() && structure->type.starts_with("swarm.") ? field : nullptr;
            expected = field ? structure_of(*field) : nullptr;
            if (expected && raw_ && value.is_object() && !member_given) value = Json::object();
            parent = name;
        }
        if (expected && !raw_ && value.is_object() && value.empty()) return zero_of(*expected);
        return value;
    }

    // docker's templates see the structures, whose fields are written in Go's way: ID, DNS, HostIP for Id, Dns, HostIp.
    static std::optional<std::string> as_json_has_it(const Json& value, const std::string& name) {
        const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
        const bool initials = std::adjacent_find(name.begin(), name.end(), [&](char a, char b) {
                                  return is_upper(a) && is_upper(b);
                              }) != name.end();
        if (!initials || !value.is_object()) return std::nullopt;
        for (const auto& [key, member] : value.items())
            if (!key.empty() && is_upper(key.front()) && ::strcasecmp(key.c_str(), name.c_str()) == 0) return key;
        return std::nullopt;
    }

    // docker's templates see the structures: what its JSON leaves out when it is empty is there all the same.
    static std::optional<Json> left_out(const Json& value, const std::string& name) {
        struct Field {
            const char *beside, *name; // a field that only this structure has
            Json zero;
        };
        static const std::vector<Field> fields{
            {"Propagation", "Name", ""},         {"Propagation", "Driver", ""},
            {"AttachStdin", "StopSignal", ""},   {"AttachStdin", "StopTimeout", nullptr},
            {"AttachStdin", "Shell", nullptr},   {"AttachStdin", "Healthcheck", nullptr},
            {"AttachStdin", "OnBuild", nullptr}, {"AttachStdin", "ExposedPorts", nullptr},
            {"ShmSize", "Tmpfs", nullptr},       {"ShmSize", "Sysctls", nullptr},
            {"ShmSize", "Mounts", nullptr},      {"ShmSize", "StorageOpt", nullptr},
            {"ShmSize", "Annotations", nullptr}, {"ShmSize", "Init", nullptr},
            {"OOMKilled", "Health", nullptr},    {"MinAPIVersion", "Experimental", false}};
        if (!value.is_object()) return std::nullopt;
        for (const Field& field : fields)
            if (name == field.name && value.contains(field.beside)) return field.zero;
        return std::nullopt;
    }

    // Of a map any key may be asked for; of what has fields only those that it has.
    static bool is_map(const std::string& name) {
        for (const char* map :
             {"Labels", "Label", "Ports", "Networks", "Volumes", "ExposedPorts", "Options", "Sysctls", "Tmpfs",
              "Annotations", "StorageOpt", "DriverOpts", "PortBindings", "Containers", "Attributes"})
            if (name == map) return true;
        return false;
    }

    const ParsedTemplate& whole_;
    std::string_view keep_;
    bool header_, row_, plain_;
    const Node* at_ = nullptr;             // the operand that was looked at last
    bool raw_ = false;                     // values as JSON has them: what json is given
    mutable const GoField* nil_ = nullptr; // of Swarm's: what the last chain of fields led to, where that is nothing
    int calls_ = 0;
    std::size_t steps_ = 0;
    std::vector<std::pair<std::string, Json>> variables_; // the innermost last; "" is $
};

} // namespace

Template::Template(const std::string& text) : parsed_(std::make_unique<ParsedTemplate>(parse_template(text))) {}
Template::Template(Template&&) noexcept = default;
Template::~Template() = default;

std::string Template::execute(const Json& data, std::string_view keep) const {
    Execution execution(*parsed_, data, keep, Execution::Of::document);
    execution.run(parsed_->root, data);
    return std::move(execution.out);
}

std::string Template::execute_inspected(const Json& data, const Json& plain) const {
    try {
        return execute(data, "\n\t");
    } catch (const Error&) {
        const Json texts = with_numbers_as_text(plain);
        Execution execution(*parsed_, texts, "\n\t", Execution::Of::plain_json);
        execution.run(parsed_->root, texts);
        return std::move(execution.out);
    }
}

std::string Template::execute_row(const Json& row) const {
    Execution execution(*parsed_, row, {}, Execution::Of::row);
    execution.run(parsed_->root, row);
    return std::move(execution.out);
}

std::string Template::execute_header(const Json& titles) const {
    Execution execution(*parsed_, titles, {}, Execution::Of::titles);
    execution.run(parsed_->root, titles);
    return std::move(execution.out);
}

} // namespace davit::cli

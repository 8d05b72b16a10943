#include "bake/parser.hpp"

#include "bake/expression_parser.hpp"
#include "base/error.hpp"
#include "base/json_depth.hpp"

#include <nlohmann/json.hpp>

namespace davit::baking {

namespace {

using Json = nlohmann::ordered_json;

Block block_of(TextReader& in, const std::string& type, const SourcePos& at, int depth);

Body body_of(TextReader& in, bool inside, int depth) {
    if (depth > 10) in.fail("blocks are nested too deep");
    Body out;
    for (;;) {
        in.skip(true);
        if (in.at_end() && !inside) return out;
        if (inside && in.take("}")) return out;
        const SourcePos at = in.place();
        // A key of an object of HCL's older form may be quoted; attributes are not.
        const std::string name = in.identifier();
        if (name.empty()) in.fail(in.at_end() ? "a '}' is missing" : "a name is needed here");
        in.skip(false);
        if (in.peek() == '=' && in.peek(1) != '=') {
            in.next();
            out.attributes.push_back({name, parse_expression(in)});
            in.skip(false);
            if (!in.at_end() && in.peek() != '\n' && in.peek() != '}') in.fail("the line should end here");
        } else {
            out.blocks.push_back(block_of(in, name, at, depth));
        }
    }
}

Block block_of(TextReader& in, const std::string& type, const SourcePos& at, int depth) {
    Block out;
    out.type = type;
    out.at = at;
    for (;;) {
        in.skip(false);
        if (in.take("{")) break;
        if (in.take("\"")) {
            const Expression label = parse_template(in, true);
            out.labels.push_back(text_of(evaluate(label, {})));
        } else {
            const std::string label = in.identifier();
            if (label.empty()) in.fail("a '=', a '{' or a name in quotes is needed here");
            out.labels.push_back(label);
        }
    }
    out.body = body_of(in, true, depth + 1);
    return out;
}

Expression expression_of(const Json& json, const std::string& file) {
    Expression out;
    out.at.file = file;
    if (json.is_string()) {
        const std::string text = json.get<std::string>();
        TextReader in(text, file);
        out = parse_template(in, false);
        out.at = {file, 0, 0};
    } else if (json.is_boolean()) {
        out.value = Value::of(json.get<bool>());
    } else if (json.is_number()) {
        out.value = Value::of(json.get<double>());
    } else if (json.is_array()) {
        out.kind = Expression::Kind::list;
        for (const Json& one : json) out.children.push_back(expression_of(one, file));
    } else if (json.is_object()) {
        out.kind = Expression::Kind::object;
        for (const auto& [key, value] : json.items()) {
            out.children.push_back(expression_of(Json(key), file));
            out.children.push_back(expression_of(value, file));
        }
    }
    return out;
}

// What is no value there: a type, and blocks within.
void add_of_variable(Body& to, const std::string& name, const Json& value, const std::string& file) {
    if (name == "type" && value.is_string()) {
        const std::string text = value.get<std::string>();
        TextReader in(text, file);
        to.attributes.push_back({name, parse_expression(in)});
        return;
    }
    if (name != "validation") {
        to.attributes.push_back({name, expression_of(value, file)});
        return;
    }
    const Json rules = value.is_array() ? value : Json::array({value});
    for (const Json& rule : rules) {
        Block block;
        block.type = name;
        block.at.file = file;
        if (rule.is_object())
            for (const auto& [key, one] : rule.items())
                block.body.attributes.push_back({key, expression_of(one, file)});
        to.blocks.push_back(std::move(block));
    }
}

} // namespace

const Expression* Body::find(const std::string& attribute) const {
    for (const Attribute& a : attributes)
        if (a.name == attribute) return &a.value;
    return nullptr;
}

Body parse_hcl(const std::string& text, const std::string& file) {
    TextReader in(text, file);
    return body_of(in, false, 0);
}

Body parse_json(const std::string& text, const std::string& file) {
    if (is_nested_too_deep(text)) throw error(Errc::usage, "{} is nested too deep", file);
    Json document;
    try {
        document = Json::parse(text);
    } catch (const nlohmann::json::exception& e) {
        throw error(Errc::usage, "{} is no JSON: {}", file, e.what());
    }
    if (!document.is_object()) throw error(Errc::usage, "{} is no object", file);
    Body out;
    for (const auto& [type, blocks] : document.items()) {
        const bool known = type == "target" || type == "group" || type == "variable" || type == "function";
        if (!known || !blocks.is_object()) {
            out.attributes.push_back({type, expression_of(blocks, file)});
            continue;
        }
        for (const auto& [label, body] : blocks.items()) {
            Block block;
            block.type = type;
            block.labels = {label};
            block.at.file = file;
            if (body.is_object())
                for (const auto& [name, value] : body.items()) {
                    if (type == "variable") add_of_variable(block.body, name, value, file);
                    else block.body.attributes.push_back({name, expression_of(value, file)});
                }
            out.blocks.push_back(std::move(block));
        }
    }
    return out;
}

} // namespace davit::baking

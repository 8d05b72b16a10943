// The text of a Go template as a tree.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::cli {

// One node of the parsed template; expressions too.
struct TemplateNode {
    enum class Kind {
        list,   // children in order
        text,   // text
        action, // a pipeline whose value is printed
        if_,    // pipeline, body, else
        with,   // the same
        range,  // the same
        call,   // {{template}}: text, its name; a pipeline, or none
        break_,
        continue_,
        pipeline, // commands; variables: what it declares or assigns
        command,  // operands; the first is called
        field,    // chain: of the dot
        variable, // text: its name; chain: its fields
        chained,  // chain: of the value of children[0], a pipeline
        literal,  // value
        function, // text: its name
    };
    Kind kind = Kind::list;
    std::string text;
    std::vector<std::string> chain;
    std::shared_ptr<const nlohmann::ordered_json> value;
    std::vector<TemplateNode> children;
    std::vector<std::string> variables;
    bool declares = false;    // :=, not =
    int line = 1, column = 0; // where it stands; the column counts from 0, as Go's
};

struct ParsedTemplate {
    TemplateNode root;
    std::map<std::string, TemplateNode> named; // by {{define}} and {{block}}
};

// As Go writes the node in its messages: "index .Args 5".
std::string template_source(const TemplateNode& node);

// Throws Error(usage): "template parsing error: template: :1: …".
ParsedTemplate parse_template(const std::string& text);

} // namespace davit::cli

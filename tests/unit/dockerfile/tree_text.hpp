// Parsed instructions as s-expressions, the form in which the reference parser prints its trees.
#pragma once

#include "dockerfile/parser.hpp"
#include "dockerfile/text.hpp"

#include <string>

namespace davit::dockerfile {

inline std::string tree_text(const Node& node) {
    std::string out = "(" + lower(node.keyword);
    if (!node.flags.empty()) {
        std::string flags;
        for (const std::string& flag : node.flags) flags += (flags.empty() ? "" : " ") + go_quoted(flag);
        out += " [" + flags + "]";
    }
    for (const Node& trigger : node.trigger) out += " " + tree_text(trigger);
    for (const std::string& arg : node.args) out += " " + go_quoted(arg);
    return out + ")";
}

inline std::string tree_text(const Syntax& syntax) {
    std::string out;
    for (const Node& node : syntax.nodes) out += tree_text(node) + "\n";
    return out;
}

} // namespace davit::dockerfile

// The text of a bake file → blocks and attributes. HCL, and JSON with the same structure. Pure.
#pragma once

#include "bake/expression.hpp"

#include <string>
#include <vector>

namespace davit::baking {

struct Attribute {
    std::string name;
    Expression value;
};

struct Block;
struct Body {
    std::vector<Attribute> attributes;
    std::vector<Block> blocks;
    const Expression* find(const std::string& attribute) const; // nullptr: none
};

struct Block { // target "app" { … }
    std::string type;
    std::vector<std::string> labels;
    Body body;
    SourcePos at;
};

// file: for messages. Throws Error(usage) with the place.
Body parse_hcl(const std::string& text, const std::string& file);
Body parse_json(const std::string& text, const std::string& file);

} // namespace davit::baking

// The --flags of one instruction, checked against those that it has.
#pragma once

#include "dockerfile/parser.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

struct FlagRule {
    enum class Kind { text, boolean, list };
    std::string_view name; // without dashes
    Kind kind = Kind::text;
};

class Flags {
public:
    // Throws Errc::invalid_project at the flag: one that is unknown, twice, without a value, no boolean.
    Flags(const Node& node, std::span<const FlagRule> rules);

    std::string text(std::string_view name) const; // empty: not given
    std::optional<bool> boolean(std::string_view name) const;
    std::vector<std::string> list(std::string_view name) const;

private:
    struct Given {
        std::string name, value;
    };
    std::vector<Given> given_;
};

} // namespace davit::dockerfile

#include "yaml/errors.hpp"

#include <fmt/format.h>

namespace davit::yaml {

namespace {

struct Explanation {
    std::string_view part; // of yaml-cpp's message
    std::string_view message, hint;
};

constexpr Explanation kExplanations[] = {
    {"illegal map value", "a ': ' stands where no key can be",
     "put a text that holds ': ' in quotes; below a key with a value nothing can be indented"},
    {"illegal block entry", "a '- ' stands where no list can be", "put the list on lines of its own, below its key"},
    {"end of map not found", "this line fits neither the mapping above nor its keys",
     "indent the keys of one mapping alike, and end each with ':'"},
    {"end of map flow", "a { is not closed before this place", "add the closing }, or a comma between the entries"},
    {"end of sequence flow", "a [ is not closed before this place", "add the closing ], or a comma between the items"},
    {"end of sequence not found", "this line fits neither the list above nor its items",
     "start each item of the list with '- ', indented alike"},
    {"illegal flow end", "a closing ] or } has no opening one", "remove it, or put the text in quotes"},
    {"EOF in scalar", "a quote is not closed before the file ends", "add the closing quote"},
    {"illegal tab", "a tab cannot indent", "YAML is indented with spaces"},
    {"unknown escape character", "a text in double quotes has an escape that YAML does not know",
     "write \\\\ for a backslash, or use single quotes"},
    {"referenced anchor is not defined", "no anchor of this name stands before",
     "mark what is meant with &NAME, above this line"},
    {"unknown token", "a text cannot start with this character", "put the text in quotes"},
    {"cannot assign multiple", "two anchors or tags stand at one value", "keep one of them"},
};

} // namespace

YamlMistake explain_yaml_error(std::string_view message, std::string_view line) {
    const std::size_t first = line.find_first_not_of(' ');
    if (first != std::string_view::npos && line[first] == '\t')
        return {"this is not valid YAML: a tab cannot indent", "YAML is indented with spaces"};
    for (const Explanation& e : kExplanations)
        if (message.find(e.part) != std::string_view::npos)
            return {fmt::format("this is not valid YAML: {}", e.message), std::string(e.hint)};
    return {fmt::format("this is not valid YAML: {}", message), {}};
}

} // namespace davit::yaml

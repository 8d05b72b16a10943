// Values and functions of a service's templates. Pure.
//
// What is known for each task only (its id, name and slot, the node) is a text with a hole. A comparison of such a text
// is a condition that is kept for the task, in the words of swarm::Holes::choice().
#pragma once

#include "engine/swarm/template_text.hpp"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace davit {

struct TemplateField { // of the context: "", ".Service", ".Node.Platform"
    std::string path;
};
struct TemplateCondition {
    std::string text; // see swarm::Holes
};
using TemplateValue =
    std::variant<std::string, std::int64_t, bool, const swarm::Labels*, TemplateField, TemplateCondition>;

// Arguments of `and`, `or` and `not`, of `if` and `with`: true, false, or for each task anew.
std::variant<bool, TemplateCondition> truth_of(const TemplateValue& value);
std::string shown(const TemplateValue& value, const TemplateContext& context);
// ".Service.Name" of the context.
TemplateValue context_field(const std::string& path, const TemplateContext& context);
TemplateValue label_of(const swarm::Labels& labels, const std::string& key);
TemplateValue call_template_function(const std::string& name, const std::vector<TemplateValue>& arguments,
                                     const TemplateContext& context);

} // namespace davit

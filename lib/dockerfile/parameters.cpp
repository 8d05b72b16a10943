#include "dockerfile/parameters.hpp"

#include "dockerfile/globals.hpp"

#include <algorithm>
#include <set>

namespace davit::dockerfile {

namespace {

using Names = std::set<std::string>;

template <typename Fn>
void each_arg(const std::vector<Instruction>& instructions, Fn&& fn) {
    for (const Instruction& instruction : instructions)
        if (const auto* arg = std::get_if<instruction::Arg>(&instruction.action))
            for (const auto& [name, value] : arg->args) fn(name, instruction.node);
}

// The first declaration of a name counts.
void add_parameter(std::vector<Parameter>& out, const std::string& name, const std::string* value, const Node& node) {
    if (std::none_of(out.begin(), out.end(), [&](const Parameter& p) { return p.name == name; }))
        out.push_back({name, value ? *value : "", description_of(node.comments, name)});
}

} // namespace

void list_arguments(const EvaluationScope& scope, const std::vector<char>& needed,
                    const std::vector<std::vector<Instruction>>& triggers, const std::vector<StageState>& states,
                    Evaluated& result) {
    const Document& document = scope.document;
    // Platforms are given by --platform, not as arguments.
    const Variables predefined = predefined_args(document, scope.options);
    const auto counts = [&](std::size_t i) { return needed[i] && !scope.graph[static_cast<int>(i)].replaced; };
    const auto note = [](Names& names) {
        return [&names](const std::string& name, const Node&) { names.insert(name); };
    };
    Names used, known;
    for (std::size_t i = 0; i < needed.size(); ++i) {
        each_arg(document.stages[i].instructions, note(known));
        each_arg(triggers[i], note(known));
        if (!counts(i)) continue;
        const auto& of_from = scope.graph[static_cast<int>(i)].used_args;
        used.insert(of_from.begin(), of_from.end());
        each_arg(document.stages[i].instructions, note(used));
        each_arg(triggers[i], note(used));
    }
    each_arg(document.global_args, [&](const std::string& name, const Node& node) {
        known.insert(name);
        if (used.count(name) && !predefined.find(name))
            add_parameter(result.parameters, name, scope.globals.find(name), node);
    });
    for (std::size_t i = 0; i < needed.size(); ++i) {
        if (!counts(i)) continue;
        const auto add = [&](const std::string& name, const Node& node) {
            if (!predefined.find(name)) add_parameter(result.parameters, name, states[i].env.find(name), node);
        };
        each_arg(triggers[i], add);
        each_arg(document.stages[i].instructions, add);
    }
    for (const auto& [name, value] : scope.options.build_args.entries()) {
        const bool for_us = is_proxy_variable(name) || name.starts_with("BUILDKIT_") || name == "SOURCE_DATE_EPOCH";
        if (!for_us && !scope.globals.find(name) && !known.count(name)) result.unused_args.push_back(name);
    }
}

} // namespace davit::dockerfile

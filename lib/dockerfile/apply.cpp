#include "dockerfile/applier.hpp"
#include "dockerfile/place.hpp"
#include "dockerfile/text.hpp"

namespace davit::dockerfile {

namespace {

// What progress shows: variables expanded where they are known, the rest as written.
std::string shown(const Node& node, const Variables& env, char escape) {
    std::string out = upper(node.keyword) + node.original.substr(node.keyword.size());
    try {
        return expand(out, env, {.escape = escape, .keep_quotes = true, .keep_escapes = true, .keep_unset = true}).text;
    } catch (const Error&) {
        return out;
    }
}

} // namespace

void apply(const Instruction& instruction, const EvaluationScope& scope, StageState& state, Step& step) {
    const Node& node = instruction.node;
    step.instruction = shown(node, state.env, scope.document.directives.escape);
    at_place(node.place, [&] { std::visit(Applier(node, scope, state, step), instruction.action); });
}

} // namespace davit::dockerfile

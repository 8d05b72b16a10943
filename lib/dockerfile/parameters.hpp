// Which arguments a build takes, and which of those given nothing takes.
#pragma once

#include "dockerfile/stage_state.hpp"

#include <vector>

namespace davit::dockerfile {

// Fills parameters and unused_args. needed, triggers, states: of each stage.
void list_arguments(const EvaluationScope& scope, const std::vector<char>& needed,
                    const std::vector<std::vector<Instruction>>& triggers, const std::vector<StageState>& states,
                    Evaluated& result);

} // namespace davit::dockerfile

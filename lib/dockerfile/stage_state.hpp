// A stage while its instructions are applied one after the other.
#pragma once

#include "dockerfile/checks.hpp"
#include "dockerfile/evaluate.hpp"
#include "dockerfile/stage_graph.hpp"

namespace davit::dockerfile {

struct StageState {
    Variables env; // the configuration's, and ARGs
    image::Config config;
    std::string author;
    std::string platform;              // that is built for
    std::string image_platform;        // that the configuration says
    std::string runs_on;               // Stage::runs_on
    std::vector<std::string> declared; // ARGs in scope, in order, each once
    bool workdir_set = false;          // by this file
    bool bare = false;                 // Evaluated::bare
    // The last of the instructions of which only one counts, in this stage.
    const Node *cmd = nullptr, *entrypoint = nullptr, *healthcheck = nullptr;
};

// What all stages see.
struct EvaluationScope {
    const Document& document;
    const EvaluateOptions& options;
    const Variables& globals;
    const StageGraph& graph;
    CheckList& checks;
    std::vector<std::string> proxies; // for RUN
    std::vector<char> evaluated;      // stages that are done
};

// One instruction: the state after it, and the step. step.place, .config and .author are the caller's to fill.
// Throws Errc::invalid_project, mostly with the place.
void apply(const Instruction& instruction, const EvaluationScope& scope, StageState& state, Step& step);

} // namespace davit::dockerfile

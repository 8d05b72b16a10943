// What each instruction does to a stage; apply() in stage_state.hpp is the way in.
#pragma once

#include "dockerfile/stage_state.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace davit::dockerfile {

class Applier {
public:
    Applier(const Node& node, const EvaluationScope& scope, StageState& state, Step& step)
        : node_(node), scope_(scope), state_(state), config_(state.config), step_(step) {}

    void operator()(const instruction::Arg& arg);
    void operator()(const instruction::Env& env);
    void operator()(const instruction::Label& label);
    void operator()(const instruction::Copy& copy);
    void operator()(const instruction::Run& run);
    void operator()(const instruction::Cmd& cmd);
    void operator()(const instruction::Entrypoint& entrypoint);
    void operator()(const instruction::Healthcheck& healthcheck);
    void operator()(const instruction::Expose& expose);
    void operator()(const instruction::Volume& volume);
    void operator()(const instruction::User& user);
    void operator()(const instruction::Workdir& workdir);
    void operator()(const instruction::StopSignal& stop_signal);
    void operator()(const instruction::Shell& shell);
    void operator()(const instruction::Maintainer& maintainer);
    void operator()(const instruction::OnBuild& onbuild);

private:
    // One word with the values from before the instruction; names that are nowhere are reported.
    std::string word(std::string_view text);
    std::vector<std::string> words(const std::vector<std::string>& texts);
    void report_undefined(const std::vector<std::string>& names);

    // Only the configuration and the history change.
    void configured(std::string history);
    std::vector<std::string> with_shell(const instruction::Command& command);
    void check_form(const instruction::Command& command);
    void check_used_once(const Node*& last);
    void check_pairs(const std::vector<instruction::Pair>& pairs);
    // The values of pairs, all expanded before the first is set.
    std::vector<instruction::Pair> expanded(const std::vector<instruction::Pair>& pairs);

    Input source_of(std::string_view from, bool numbers, const Place& place, std::string_view what);
    std::string destination_of(const std::string& written) const;
    void plain_sources(CopyStep& step); // of a Windows image
    void check_sources(const CopyStep& step);
    void check_ignored(const CopyStep& step);

    std::vector<std::string> heredoc_args(const instruction::Run& run, RunStep& step);
    void add_mounts(const instruction::Run& run, RunStep& step);
    void add_environment(const RunStep& step);

    const Node& node_;
    const EvaluationScope& scope_;
    StageState& state_;
    image::Config& config_;
    Step& step_;
};

} // namespace davit::dockerfile

// One function for each instruction: its arguments and flags, checked. All throw Errc::invalid_project at the place.
#pragma once

#include "dockerfile/flags.hpp"
#include "dockerfile/instructions.hpp"

namespace davit::dockerfile::forms {

instruction::Copy add(const Node& node);
instruction::Copy copy(const Node& node);
instruction::Run run(const Node& node);
instruction::Arg arg(const Node& node);
instruction::Env env(const Node& node);
instruction::Label label(const Node& node);
instruction::Cmd cmd(const Node& node);
instruction::Entrypoint entrypoint(const Node& node);
instruction::Healthcheck healthcheck(const Node& node);
instruction::Expose expose(const Node& node);
instruction::Volume volume(const Node& node);
instruction::User user(const Node& node);
instruction::Workdir workdir(const Node& node);
instruction::StopSignal stop_signal(const Node& node);
instruction::Shell shell(const Node& node);
instruction::Maintainer maintainer(const Node& node);
instruction::OnBuild onbuild(const Node& node);

} // namespace davit::dockerfile::forms

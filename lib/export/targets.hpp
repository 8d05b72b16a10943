// The targets: each maps a project and has the table of its rules.
#pragma once

#include "export/common.hpp"

namespace davit::exports {

std::vector<ExportedFile> to_swarm(const Scope& scope);
std::vector<ExportedFile> to_systemd(const Scope& scope);
std::vector<ExportedFile> to_kubernetes(const Scope& scope);
std::vector<ExportedFile> to_ecs(const Scope& scope);

const Rules& swarm_rules();
const Rules& systemd_rules();
const Rules& kubernetes_rules();
const Rules& ecs_rules();
const Rules& rules_of(ExportTarget target);

} // namespace davit::exports

// Steps that were compiled once for many containers: texts with holes in them become the texts of one container.
// Pure, and without what compile() needs: the supervisor does it at every start of a task.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace davit::runtime {

// fill: a text of the steps → what stands there instead; nothing: as it is. Throws failed for what are no steps of this
// machine and version, invalid_project for a text that cannot stand there (it contains a NUL byte).
std::string fill_steps(std::string steps, const std::function<std::optional<std::string>(std::string_view)>& fill);

} // namespace davit::runtime

// Fills in what follows from the rest: names, the default network, inferred dependencies.
#pragma once

#include "compose/diagnostics.hpp"
#include "compose/template.hpp"

#include <string>

namespace davit::compose {

// Without an environment, variables that are passed through (KEY alone) stay so.
void normalize(Tree&, Node& document, const std::string& project_name, const Environment*);

// Lower case, only [a-z0-9_-], no leading _ and -.
std::string normalize_project_name(std::string_view name);

} // namespace davit::compose

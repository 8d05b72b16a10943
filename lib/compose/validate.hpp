// Checks a tree: by the schema, then by the rules that need more than one value.
#pragma once

#include "compose/diagnostics.hpp"

namespace davit::compose {

// Marks what it complains about as failed.
void check_schema(Node& document, Diagnostics&);
// Conflicts inside one resource: external with driver, file with environment, count with device_ids …
void check_rules(const Node& document, Diagnostics&);

} // namespace davit::compose

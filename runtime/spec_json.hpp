// Spec ⇄ the OCI bundle's config.json (runtime-spec 1.3). What OCI has no word for (names of users,
// overlay layers, init, seccomp source, passed namespaces) stands in "annotations" as "davit.*", so that the text
// is a valid bundle for other tools and reads back to an equal Spec.
#pragma once

#include "runtime/spec.hpp"

#include <string>

namespace davit::runtime {

std::string to_json(const Spec& spec);
// Throws davit::Error naming the file and the JSON pointer of what is wrong.
Spec spec_from_json(const std::string& text, const std::string& file);

} // namespace davit::runtime

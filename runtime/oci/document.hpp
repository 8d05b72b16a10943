// Spec ⇄ the OCI bundle's config.json (runtime-spec 1.3). Every member of the specification has its place in Spec;
// what OCI has no word for (names of users, overlay layers, an init, passed namespaces) stands field by field in
// annotations "dev.davit.…", so that the text is a valid bundle for other tools and reads back to an equal Spec.
#pragma once

#include "runtime/spec.hpp"

#include <string>
#include <vector>

namespace davit::runtime {

// What a document had is written as it came, with what Spec has no place for.
std::string to_json(const Spec& spec);
// Also reads what davit wrote before it had these annotations. Throws davit::Error naming the file and the JSON
// pointer of what is wrong.
Spec spec_from_json(const std::string& text, const std::string& file);
// JSON pointers of what is set and would change nothing: there is no step for it, or nobody here knows it.
std::vector<std::string> not_acted_on(const Spec& spec);

} // namespace davit::runtime

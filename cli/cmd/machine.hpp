// What the groups beside the project (container, network, volume) share.
#pragma once

#include "davit/containers.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace davit::cli {

// --filter KEY=VALUE, all of them: a field of `fields` contains the text; label=KEY or label=KEY=VALUE.
// Throws Error(usage) for a key that is none of these.
bool passes(const std::vector<std::string>& filters, const std::map<std::string, std::string>& fields,
            const Labels& labels);

// JSON documents: as one indented array, or each by the template, or as an array on one line ("json").
void print_inspected(const std::vector<std::string>& documents, const std::string& format);

} // namespace davit::cli

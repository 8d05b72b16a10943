// One record of CSV, as docker's tools write options of several fields: "type=local,dest=x". Fields may stand in
// quotes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit {

// Throws Error(usage) in Go's words; an empty text has no record.
std::vector<std::string> csv_fields(std::string_view text);
// In quotes where a comma or a quote needs them.
std::string csv_field(const std::string& field);

} // namespace davit

// The functions a template may call, and how Go prints and judges values.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::cli {

bool is_template_function(const std::string& name);
// Throws Error(usage) for a wrong number or kind of arguments.
nlohmann::json call_template_function(const std::string& name, const std::vector<nlohmann::json>& arguments);

// As fmt.Print: "text", "5", "true", "[a b]", "map[k:v]", "<no value>".
std::string go_text(const nlohmann::json& value);
// false, 0, "", empty lists and maps are false.
bool go_truth(const nlohmann::json& value);

} // namespace davit::cli

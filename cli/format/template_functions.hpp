// The functions a template may call, and how Go prints and judges values.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace davit::cli {

// A call that cannot be made; whoever made it knows where it stands.
struct TemplateFault {
    std::string what;
    int argument = -1;   // it is about this one
    bool number = false; // of the number of arguments
};

bool is_template_function(const std::string& name);
// Throws TemplateFault for a wrong number or kind of arguments.
nlohmann::ordered_json call_template_function(const std::string& name,
                                              const std::vector<nlohmann::ordered_json>& arguments);

// What Go keeps as bytes (a binary value) as encoding/json has it: base64.
nlohmann::ordered_json without_bytes(nlohmann::ordered_json value);
// As fmt.Print: "text", "5", "true", "[a b]", "map[k:v]", "<no value>".
std::string go_text(const nlohmann::ordered_json& value);
// As fmt.Sprintf, %!d(string=x) and the like for what does not fit.
std::string go_printf(const std::string& format, const std::vector<nlohmann::ordered_json>& values);
// A text as Go's source has it: "a\"b\n".
std::string go_quoted(const std::string& text);
// Its type: "string", "map[string]interface {}".
std::string go_type(const nlohmann::ordered_json& value);
// false, 0, "", empty lists and maps are false.
bool go_truth(const nlohmann::ordered_json& value);

} // namespace davit::cli

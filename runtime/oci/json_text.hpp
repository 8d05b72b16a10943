// JSON's text and pointers. For .cpp files only: it pulls in nlohmann/json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace davit::runtime::oci {

// Throws davit::Error with line and column; also for what is nested so deep that walking it would end the stack.
nlohmann::json parsed(const std::string& text);
// One part of a JSON pointer.
std::string escaped(std::string_view part);

} // namespace davit::runtime::oci

// Members of canonical records as plain values; what is absent is empty or 0.
#pragma once

#include "compose/diagnostics.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace davit::stack {

std::string text_of(const compose::Node& record, std::string_view key);
std::optional<std::int64_t> integer_of(const compose::Node& record, std::string_view key);
double real_of(const compose::Node& record, std::string_view key);
std::optional<bool> boolean_of(const compose::Node& record, std::string_view key);
std::optional<std::int64_t> duration_of(const compose::Node& record, std::string_view key);
std::vector<std::string> texts_of(const compose::Node& record, std::string_view key);
std::map<std::string, std::string> map_of(const compose::Node& record, std::string_view key);
// 0, false, nothing: what an absent value is in docker's structures.
bool is_zero(const compose::Node& n);
// Nothing for an absent section: its map() is empty.
const compose::Node& section_of(const compose::Node& record, std::string_view key);

} // namespace davit::stack

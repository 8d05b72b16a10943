// Command lines as words, and words that look alike.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace davit {

// Splits as a shell would, without running anything: quotes and backslashes are resolved, variables
// and backticks stay. An unquoted ; | & < > ends the command: what follows goes to `rest`.
// nullopt: an open quote, bracket or backslash.
std::optional<std::vector<std::string>> split_words(std::string_view line, std::string_view* rest = nullptr);

// Edits (insert, delete, replace, swap neighbours) from one to the other.
std::size_t edit_distance(std::string_view a, std::string_view b);
// The nearest of the candidates if it is near enough to be meant.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

} // namespace davit

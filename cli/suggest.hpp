// "did you mean": the nearest known word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

// Number of insertions, deletions, replacements and swaps of neighbours between two words.
std::size_t edit_distance(std::string_view a, std::string_view b);

// " (did you mean \"--detach\"?)" when one of the words is near enough, else empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

} // namespace davit::cli

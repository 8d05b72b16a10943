// "did you mean": the nearest known word.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace davit::cli {

// " (did you mean \"--detach\"?)" when one of the words is near enough, else empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& known);

} // namespace davit::cli

// What may follow an option whose values are known beforehand.
#pragma once

#include "cli/options.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// "--progress" → auto, tty …; "--filter" → "dangling=true", "label=" …; empty: anything may follow.
std::vector<std::string> known_values(const OptionInfo& option);

// The values an option's help lists: ("never"|"always"), (auto, tty), [table | json], tcp or udp.
std::vector<std::string> listed_values(const std::string& help);

// Whether a path follows.
bool takes_path(const OptionInfo& option);

} // namespace davit::cli

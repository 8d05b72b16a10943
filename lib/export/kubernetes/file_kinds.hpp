// What a file that is bound in seems to be, by its name and by what stands in it.
#pragma once

#include <string>
#include <string_view>

namespace davit::exports {

// It keeps a key or a password whatever stands in it.
bool is_called_as_secret(std::string name);
// Somewhere in it a key or a password seems to be, in whatever language it is written.
bool holds_secret(std::string_view content);
// What a program keeps there, and not what somebody has written for it: it goes into no manifest, and could not be
// written to.
bool is_data(const std::string& name, const std::string& content);
// That a directory is in git, and nothing else.
bool is_placeholder(std::string_view name);

} // namespace davit::exports

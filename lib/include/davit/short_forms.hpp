// What compose files and command lines write in one word, and the files of variables beside them. Plain functions:
// no lock, several threads may call at once.
#pragma once

#include "davit/project.hpp"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// [[IP:][HOST]:]CONTAINER[/PROTOCOL], as in `ports:`; a range gives several. Errors: usage, its message says what is
// wrong with the text.
std::vector<Port> parse_short_ports(const std::string& text);
// [SOURCE:]TARGET[:OPTIONS], as in `volumes:`: a bind mount where the source is a path, which stays as it is written.
// Errors: usage.
Mount parse_short_volume(const std::string& text);

using VariableLookup = std::function<std::optional<std::string>(const std::string& name)>;
// The variables of an env_file, in its order; a key may come more than once, the last counts. outside: what its values
// may use and a bare KEY takes; it wins over the file's own earlier lines. Blocks on the disk. Errors: not_found,
// invalid_project with the place in the file.
std::vector<std::pair<std::string, std::string>> read_env_file(const std::string& file, const VariableLookup& outside);

} // namespace davit
#pragma GCC visibility pop

// What becomes of a compose file, as texts to look into.
#pragma once

#include <string>

namespace davit::test {

// The YAML of a whole file from a cell of tests/data/compose-keys.txt; the service is called "a".
std::string whole_file(const std::string& cell);

// The container that the service "a" of this file becomes: its record, its specification and what is written for it.
// What davit refuses is in it as well.
std::string container_of(const std::string& yaml);

// The project as it is loaded, rendered, with the loader's warnings; or the mistakes for which it does not load.
std::string loaded(const std::string& yaml);

// One line for each warning that something has no effect: "PATH: message".
std::string without_effect(const std::string& yaml);

} // namespace davit::test

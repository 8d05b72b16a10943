// Projects that no file holds: from a text, or built and changed in code. Blocks on the disk alone, for the files that
// a project names; several threads may call at once.
#pragma once

#include "davit/load.hpp"

#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// load() for the text of one compose file, which messages call "(text)"; `files` and `stdin_text` of the
// options are not looked at. Relative paths in it start at `project_directory` or `current_dir`.
LoadResult load_string(std::string text, LoadOptions = {});

// For a project that was built or changed in code: fills in what load() fills in (names of resources, the
// default network, dependencies that follow from links and namespaces, defaults, absolute paths, values
// that are passed through from `environment`, env_file and label_file) and checks all that load() checks.
// Returns warnings; throws LoadError, and leaves the project as it was then. Engine::up() wants it done.
std::vector<Diagnostic> normalize(Project&);
// What is wrong with it, in the words of load(); empty: nothing. The env files it names are read; nothing is changed.
std::vector<Diagnostic> validate(const Project&);

} // namespace davit
#pragma GCC visibility pop

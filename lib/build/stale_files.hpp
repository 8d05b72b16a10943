// -o type=local,mode=delete: what a directory holds beside the files of the build goes.
#pragma once

#include "davit/build.hpp"

#include <set>
#include <string>

namespace davit::build {

// Errc::usage for a mode that is neither copy nor delete.
bool wants_delete(const BuildOutput& output);
// Whether nobody need allow it: the directory is below the one where the process stands, and not that one itself.
bool is_below_here(const std::string& directory);
// Throws Error(denied) where stale files of that directory may not be deleted.
void check_delete(const BuildRequest& request, const std::string& directory);
// Removes from directory what built lacks, and what is of another kind there: a directory in the place of a file, a
// symbolic link in the place of either. Links are never followed, mounts not entered.
void remove_stale(int directory, int built);
// Removes from directory all but these.
void remove_others(int directory, const std::set<std::string>& kept);

} // namespace davit::build

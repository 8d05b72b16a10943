// Where davit's other programs and its private modules are: what name_programs() said, $DAVIT_LIBEXEC (tests),
// the directory of libdavit.so and libexec/davit of its prefix, the directory of this program and
// ../libexec/davit from there, the libexec directory of the build, and that of packages.
#pragma once

#include <string>

namespace davit {

// An embedder's choice, for the whole process.
void name_programs(const std::string& directory);
// The directory of this program: what was installed together runs together, whatever the environment says.
void name_programs_beside();

// "davit-shim" → its path. Throws (not_found) with the places looked at.
std::string find_program(const std::string& name);

// Opens "davit-registry.so" and gives the address of its entry point; it stays open. Libraries that
// few commands need are linked by such modules alone: libcurl costs every start 6 ms.
// Throws not_found, or unsupported when the file is no such module.
void* open_module(const std::string& file, const char* entry);

} // namespace davit

// Where davit's other programs and its private modules are: $DAVIT_LIBEXEC (tests, embedders), the
// directory of this program, ../libexec/davit from there, the libexec directory of the build.
#pragma once

#include <string>

namespace davit {

// "davit-shim" → its path. Throws (not_found) with the places looked at.
std::string find_program(const std::string& name);

// Opens "davit-registry.so" and gives the address of its entry point; it stays open. Libraries that
// few commands need are linked by such modules alone: libcurl costs every start 6 ms.
// Throws not_found, or unsupported when the file is no such module.
void* open_module(const std::string& file, const char* entry);

} // namespace davit

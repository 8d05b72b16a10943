// Which version of the library these headers belong to. CMakeLists.txt takes it from here.
// Before 1.0 the minor number changes with the ABI: a program needs the library it was compiled with.
#pragma once

#define DAVIT_VERSION_MAJOR 0
#define DAVIT_VERSION_MINOR 1
#define DAVIT_VERSION_PATCH 0
#define DAVIT_VERSION "0.1.0"

#pragma GCC visibility push(default)
namespace davit {

// DAVIT_VERSION of the library that is loaded.
const char* version() noexcept;

} // namespace davit
#pragma GCC visibility pop

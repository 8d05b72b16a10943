// Which version of the library these headers belong to. CMakeLists.txt takes it from here.
// Before 1.0 the minor number changes with the ABI: a program needs the library it was compiled with.
#pragma once

#define DAVIT_VERSION_MAJOR 0
#define DAVIT_VERSION_MINOR 1
#define DAVIT_VERSION_PATCH 0
#define DAVIT_VERSION "0.1.0"
// Of Docker, whose words davit has where it is called so, in the form that version numbers have for a variant.
#define DAVIT_DOCKER_VERSION "29.7.2+davit" DAVIT_VERSION
// For #if: whether the headers are of this version or a later one.
#define DAVIT_VERSION_AT_LEAST(major, minor, patch)                                                                    \
    (DAVIT_VERSION_MAJOR * 1000000 + DAVIT_VERSION_MINOR * 1000 + DAVIT_VERSION_PATCH >=                               \
     (major)*1000000 + (minor)*1000 + (patch))

#pragma GCC visibility push(default)
namespace davit {

// DAVIT_VERSION of the library that is loaded.
const char* version() noexcept;

inline constexpr const char* docker_version = DAVIT_DOCKER_VERSION;

// Whether the library that is loaded serves a program that was compiled for this version: the same major number (before
// 1.0 the same minor one), and not older.
bool version_serves(int major, int minor, int patch) noexcept;
// The one that these headers are of.
inline bool version_serves() noexcept {
    return version_serves(DAVIT_VERSION_MAJOR, DAVIT_VERSION_MINOR, DAVIT_VERSION_PATCH);
}

} // namespace davit
#pragma GCC visibility pop

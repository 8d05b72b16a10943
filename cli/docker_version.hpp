// What davit says when it is asked for Docker's version: the one whose words it has, and that it is davit, in the
// form that version numbers have for that, so that who compares numbers still can.
#pragma once

#include "davit/labels.hpp"
#include "davit/version.hpp"

#include <string_view>

namespace davit::cli {

inline constexpr const char* docker_version_line = "Docker version " DAVIT_DOCKER_VERSION ", build davit";
inline constexpr const char* compose_version = "5.5.0+davit" DAVIT_VERSION;
static_assert(std::string_view(compose_version).starts_with(label::compose_version));
// As programs of their own name themselves, the plugins of `docker info`.
inline constexpr const char* compose_plugin_version = "v5.5.0+davit" DAVIT_VERSION;
inline constexpr const char* buildx_version = "v0.36.1+davit" DAVIT_VERSION;
// No daemon listens; this is the API whose answers inspect and the lists print.
inline constexpr const char* docker_api_version = "1.52";
inline constexpr const char* docker_api_oldest = "1.44";

} // namespace davit::cli

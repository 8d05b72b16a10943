// What `davit config` prints instead of the whole file.
#pragma once

#include "davit/load.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace davit::cli {

// One name a line.
std::string list_services(const Project&);
std::string list_volumes(const Project&);
std::string list_networks(const Project&);
std::string list_models(const Project&);
std::string list_profiles(const Project&);
std::string list_images(const Project&);
// As it is written, or what the build of a service without one is called.
std::string image_of(const Project&, const Service&);
// "service hash" lines; which: a name, several with commas, or "*".
std::string list_hashes(const Project&, std::string_view which);
// KEY=value lines of what interpolation sees.
std::string list_environment(const Project&);
// The variables of the files as a table, or in a format that was asked for.
std::string list_variables(LoadOptions options, std::optional<RenderFormat> format);

} // namespace davit::cli

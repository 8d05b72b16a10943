// davit as the docker command's plugin "compose": a link to it named docker-compose in one of docker's
// directories of plugins.
#pragma once

#include "base/fd.hpp"
#include "cli/app.hpp"

#include <string>

namespace davit::cli {

// What docker asks each plugin for, and the answer.
inline constexpr const char* plugin_metadata_verb = "docker-cli-plugin-metadata";
std::string plugin_metadata();

// docker passes its own command line on: its global flags, then "compose". They are taken off, and what they mean is
// done: --config names the directory of the credentials. Throws Error(unsupported) for an engine elsewhere.
// Does nothing for any other command line.
void take_plugin_call(Args& args);

// Whether this process was called by docker.
bool called_as_plugin();

// docker's end of a socket that is closed when docker is told to end; nothing when docker has not called.
UniqueFd plugin_socket();

} // namespace davit::cli

// Where fetched files stay: one directory for each commit or digest, whole or not there.
#pragma once

#include <functional>
#include <string>

namespace davit::remote {

std::string default_cache_directory(); // $XDG_CACHE_HOME/davit or ~/.cache/davit

// <cache>/<key>; `fill` makes a directory of the given name first if it is not there yet.
std::string cached(const std::string& cache, const std::string& key,
                   const std::function<void(const std::string& directory)>& fill);

// The directory's compose file, by docker compose's default names. Throws not_found.
std::string compose_file_in(const std::string& directory, const std::string& shown);

} // namespace davit::remote

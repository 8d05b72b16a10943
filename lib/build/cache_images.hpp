// The build cache at other places: an image whose layers are those of the steps, and whose configuration holds the
// steps' records. So a registry, a layout and the store itself keep it as they keep images.
#pragma once

#include "build/outputs.hpp"

#include <string>

namespace davit::build {

// Errc::usage for a --cache-to that cannot be: before anything is done.
void check_caches(const BuildRequest& request);
// --cache-from: the records become the store's own. What is not there is a warning.
void import_caches(Session& session);
// --cache-to but for inline.
void export_caches(Session& session, const Built& built);
// What a configuration document says of its steps, for type=inline.
std::string with_records(const Session& session, const std::string& config_json, const Built& built);
bool wants_inline_cache(const BuildRequest& request);

} // namespace davit::build

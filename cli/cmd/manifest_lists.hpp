// `manifest create|annotate|push|rm` and `buildx imagetools create`: one name for the images of several platforms, put
// together at the registry.
#pragma once

#include "cli/app.hpp"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace davit::cli {

int run_manifest_create(Globals& globals, const Args& args);
int run_manifest_annotate(Globals& globals, const Args& args);
int run_manifest_push(Globals& globals, const Args& args);
int run_manifest_rm(Globals& globals, const Args& args);
int create_image_list(Globals& globals, const Args& args); // buildx imagetools create

// The list as it is to be pushed; an unknown one is null.
nlohmann::ordered_json kept_manifest_list(const std::string& name);

} // namespace davit::cli

// What the verbs of `davit image` share.
#pragma once

#include "cli/app.hpp"
#include "cli/format/container.hpp"
#include "image/store.hpp"

#include <string>
#include <vector>

namespace davit::cli {

image::Store open_image_store();
// Names of the containers, of all projects, that were made from an image.
std::vector<std::string> containers_of_image(const image::Image& image);
// Throws Errc::not_found in docker's words.
image::Image require_image(const image::Store& store, const std::string& name);

int run_image_ls(Globals&, const Args&);
int run_image_inspect(Globals&, const Args&);
int run_image_history(Globals&, const Args&);
int run_image_load(Globals&, const Args&);
int run_image_save(Globals&, const Args&);
int run_image_pull(Globals&, const Args&);

} // namespace davit::cli

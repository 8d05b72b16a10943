// What the verbs of `davit image` share.
#pragma once

#include "cli/app.hpp"
#include "cli/format/container.hpp"
#include "davit/images.hpp"

#include <string>
#include <vector>

namespace davit::cli {

// With the state directory of the environment. Throws Error(denied) for who is not root.
Engine image_engine();

// The list that `image prune` and `system prune` print; nothing when nothing went.
void print_pruned(const PrunedImages& pruned);

int run_image_build(Globals&, const Args&);
int run_image_ls(Globals&, const Args&);
int run_image_inspect(Globals&, const Args&);
int run_image_history(Globals&, const Args&);
int run_image_import(Globals&, const Args&);
int run_image_load(Globals&, const Args&);
int run_image_save(Globals&, const Args&);
int run_image_pull(Globals&, const Args&);
int run_image_push(Globals&, const Args&);

} // namespace davit::cli

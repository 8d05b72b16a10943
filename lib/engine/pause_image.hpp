// The image whose container holds the namespaces of an ECS task (model/pause_image.hpp), made here where it is missing.
#pragma once

#include "project/paths.hpp"

namespace davit {

// Blocks on the disk. Several processes may do it at once: the image is the same.
void make_pause_image(const Roots& roots);

} // namespace davit

// What a pull leaves to a process behind it, and what is done where that did not come to its end.
#pragma once

#include "image/store.hpp"

#include <string>

namespace davit::image {

// Lets davit-supervisor do finish_late_syncs(); without one it is done here, and blocks.
void start_late_sync(const std::string& root);

// After a power cut: images of the boot before that were not on the disk for sure are made again of their blobs, each
// layer where it was. One whose blobs are damaged is missing from now on. Blocks; the first that comes does it for all.
void recover(Store& store);

} // namespace davit::image

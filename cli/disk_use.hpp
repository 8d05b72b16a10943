// What takes the room below davit's state directory: for the hint of a full disk.
#pragma once

#include <string>

namespace davit::cli {

// "the log of container shop-web-1 (/…-json.log, 19MB), volume data (3MB)"; empty when nothing big is there, or it
// cannot be read.
std::string biggest_on_disk();

} // namespace davit::cli

// Sizes in docker's words.
#pragma once

#include <cstdint>
#include <string>

namespace davit::cli {

// Powers of 1000, three or four digits: "4.49MB", "172MB", "0B" (images, block and network I/O).
std::string human_size(double bytes, int digits = 4);
// Powers of 1024: "1.957GiB" (memory).
std::string human_size_binary(double bytes, int digits = 4);

} // namespace davit::cli

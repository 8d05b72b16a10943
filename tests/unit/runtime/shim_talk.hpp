// What the tests of the shim say to it and hear from it.
#pragma once

#include "unit/runtime/box.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace davit::runtime::test {

// Reads events of one kind from an attached client until the container's end.
struct Heard {
    std::string out, err;
    std::optional<Exited> end;
};
// The supervisor's connection is read as well: it holds a copy of stdin until it is told to drop it.
Heard listen(ShimConnection& c, Box& box);
int reply_to(ShimConnection& c, std::uint32_t request);

// Reads a terminal until the text has come.
std::string read_until(int fd, const std::string& wanted);
void wait_for_line(const Box& box, const std::string& text);

} // namespace davit::runtime::test

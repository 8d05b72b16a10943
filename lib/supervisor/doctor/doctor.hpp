// `davit system doctor`: what of davit's is in the kernel and on disk that no record or living
// project accounts for. Everything davit makes carries its name, so everything stale can be found.
#pragma once

#include "davit/system.hpp"
#include "project/paths.hpp"

#include <vector>

namespace davit {

// As davit/system.hpp has them, without what is left of images: this layer knows none.
// Reads /proc, /sys, both roots and netlink; some milliseconds, half a second where there is something, which has to be
// there all that time. What a running command is busy with
// (its project's lock is held) is no leak.
std::vector<Leak> find_leaks(const Roots& roots);
// Removes one. Throws when that fails; blocks up to seconds (control groups).
void fix_leak(const Roots& roots, const Leak& leak);

} // namespace davit

// A network as the public headers show it.
#pragma once

#include "davit/container.hpp"
#include "project/record.hpp"

namespace davit {

NetworkInfo info_of(const NetworkRecord& record);

} // namespace davit

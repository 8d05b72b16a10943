// Resource usage of containers, once or again and again.
#pragma once

#include "cli/context.hpp"
#include "cli/format/template.hpp"

#include <functional>
#include <string>
#include <vector>

namespace davit::cli {

struct StatsView {
    std::function<std::vector<ContainerInfo>()> which; // asked again for each round
    // What the column CONTAINER has; absent: the id.
    std::function<std::string(const ContainerInfo&)> called = {};
    std::string format;
    bool no_stream = false, no_trunc = false;
};
// 130 when it was interrupted.
int show_stats(Context& context, const StatsView& view);

} // namespace davit::cli

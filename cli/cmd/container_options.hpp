// What the words of `container` share.
#pragma once

#include "cli/context.hpp"
#include "cli/options.hpp"
#include "davit/container_flags.hpp"
#include "davit/containers.hpp"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace davit::cli {

void add_flags(Options& options, std::span<const ContainerFlag> table, ContainerFlags& flags);
ContainerFlagSurroundings flag_surroundings();

struct EachContainer {
    std::size_t at_once = 1;                    // side by side
    std::string said_before;                    // before the name and the reason: "cannot kill container: "
    std::vector<std::string>* failed = nullptr; // those whose turn failed
};

// Each by itself: one that fails does not keep the others from it. What was given is printed for each that succeeded,
// in order. 0, or 1 when one failed.
int for_each_container(Context& context, const std::vector<std::string>& names,
                       const std::function<void(const ContainerInfo&)>& act, const EachContainer& how = {});

// docker's refusal of -t where standard input is no terminal.
void check_terminal(bool input, bool tty);

} // namespace davit::cli

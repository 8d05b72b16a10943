// What the groups of Swarm's objects share: their exit codes, their inspect.
#pragma once

#include "cli/app.hpp"
#include "cli/cmd/inspected.hpp"
#include "cli/filters.hpp"
#include "cli/options.hpp"
#include "davit/engine.hpp"

#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace davit::cli {

// As run_group(); a flag that is none, or has a bad value, is exit code 125, as docker's.
int run_swarm_group(Globals& globals, const Args& args, const char* name, const char* summary,
                    std::span<const Verb> verbs);

// "3", "10" and "9" in the order of the numbers.
bool natural_less(std::string_view a, std::string_view b);

// `… inspect`: its flags, and for each name the document, or the text for people.
struct Inspection {
    std::string usage, summary;
    std::function<std::string(Engine&, const std::string&name)> document, pretty;
    const char* zeros;
    bool one_form = false; // --pretty and --format exclude each other; else --pretty goes first
};
int run_inspection(Globals& globals, const Args& args, const Inspection& of);

} // namespace davit::cli

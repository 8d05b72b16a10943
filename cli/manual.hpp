// Manual pages from the option tables of the verbs and the text written by hand in man/verbs.
#pragma once

#include "cli/options.hpp"

#include <string>
#include <vector>

namespace davit::cli {

struct ManualPage {
    std::string verb, summary;
    std::vector<CommandInfo> commands; // one, or those of a group
    bool group = false;
    std::string text; // scdoc: "# DESCRIPTION" first, then other sections
};

// In scdoc's format. Pure.
std::string to_scdoc(const ManualPage& page);

// What a verb takes, asked from the verb itself. Throws Error(not_found) for a verb that there is not.
ManualPage describe_verb(const std::string& verb);

} // namespace davit::cli

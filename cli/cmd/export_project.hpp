// `export --to`: the project as another engine's files.
#pragma once

#include "cli/app.hpp"

#include <string>
#include <vector>

namespace davit::cli {

struct ExportFlags {
    std::string to, format, layout, registry, report = "text", output;
    bool strict = false, with_vpc = false;
    std::vector<std::string> services;
};

// The exit code: 0, or 1 when --strict and something is dropped.
int export_project_files(Globals& globals, const ExportFlags& flags);

} // namespace davit::cli

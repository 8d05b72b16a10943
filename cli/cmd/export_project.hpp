// `export --to`: the project as another engine's files.
#pragma once

#include "cli/app.hpp"
#include "davit/export.hpp"

#include <string>
#include <vector>

namespace davit::cli {

struct ExportFlags {
    std::string to, format, layout, registry, report = "text", output;
    bool strict = false, with_vpc = false;
    std::vector<std::string> services;
};

ExportTarget export_target(const std::string& word);
// Writes the export of a loaded project to flags.output, which ends with '/', and prints the report.
// Errors: usage (flags), invalid_project (--strict, and something is dropped).
ExportResult export_loaded(const Project& project, const ExportFlags& flags);
// The exit code: 0, or 1 when --strict and something is dropped.
int export_project_files(Globals& globals, const ExportFlags& flags);

} // namespace davit::cli

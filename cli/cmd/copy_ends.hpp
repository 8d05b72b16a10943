// What copying files says on the command line, of services and of single containers.
#pragma once

#include "davit/files.hpp"

#include <string>

namespace davit::cli {

// "NAME:PATH"; a path that begins with "." or "/" is never one, whatever colons it holds.
struct CopyEnd {
    std::string of, path; // of empty: on this machine
    explicit CopyEnd(const std::string& text);
};

// quiet: nothing is said of what cannot be kept.
CopyOptions copy_options(bool follow, bool archive, bool quiet = false);
// Throws Error(usage) where standard output is a terminal.
void refuse_archive_on_terminal();
// -o FILE of save and export: its directory has to be there. what: "failed to save image".
void check_output_path(const std::string& path, const char* what);

} // namespace davit::cli

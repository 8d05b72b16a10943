// Relative paths become absolute, or relative to the including project.
#pragma once

#include "compose/diagnostics.hpp"

#include <string>
#include <string_view>

namespace davit::compose {

// What a relative path of a file is relative to, and whose ~ it is.
struct PathBase {
    std::string directory;
    std::string home; // of the user; "" = ~ stays
};

void resolve_paths(Tree&, Node& document, const PathBase&, Diagnostics&);

// Lexical: /a/./b/../c → /a/c; "" → ".".
std::string clean_path(std::string_view path);
std::string join_path(std::string_view directory, std::string_view path);
bool is_absolute(std::string_view path);
std::string parent_path(std::string_view path); // of "a" it is "."
std::string base_name(std::string_view path);
// `path` seen from `from`, both absolute.
std::string relative_path(std::string_view from, std::string_view path);
std::string expand_home(std::string_view path, const std::string& home);
// A place that is not in the file system: a git or other URL.
bool is_remote(std::string_view context);

} // namespace davit::compose

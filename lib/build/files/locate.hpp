// Paths inside a root, one component after the other: links are followed as a process with that root
// would follow them. What is found is held by descriptor.
#pragma once

#include "base/fd.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>

namespace davit::build {

struct Located {
    UniqueFd parent;       // O_PATH; empty: this is the root itself
    std::string name;      // in parent
    UniqueFd fd;           // O_PATH; empty: nothing is there yet
    std::string path;      // after all links, from the root, without a leading slash
    struct stat status {}; // of fd
    bool exists() const { return static_cast<bool>(fd); }
    bool is_directory() const { return fd && S_ISDIR(status.st_mode); }
};

struct LocateRules {
    bool follow_last = true;
    bool refuse_escape = false; // a link's ".." beyond the root is Error(denied), not the root
    // What counts as not there (told with its path).
    std::function<bool(const std::string& path)> hidden;
    // Makes a directory on the way that is missing; without it a missing one ends the search.
    std::function<void(int directory, const std::string& name, const std::string& path)> make;
};

// nullopt: a directory on the way is missing, or is none. Throws Error(failed) for too many links.
std::optional<Located> locate(int root, std::string_view path, const LocateRules& rules = {});

// "/a/./b/../c//" → "a/c": by the text alone, ".." stops at the root.
std::string lexical_path(std::string_view path);

} // namespace davit::build

// Names of things in git repositories, as BuildKit and docker compose read them. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace davit::remote {

struct GitRef {
    std::string url;          // what git clones
    std::string ref;          // branch, tag or commit; empty: HEAD
    std::string subdirectory; // "" or relative, without ".."
    bool operator==(const GitRef&) const = default;
};

// nullopt: it names no repository. http and https are only taken when the path ends in ".git".
// Throws Error(usage) for a subdirectory that leads outside.
std::optional<GitRef> parse_git_ref(std::string_view text);

} // namespace davit::remote

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

// Where http or https leads: what credentials are for.
struct WebPlace {
    std::string scheme, host; // host: with its port, as written
    bool operator==(const WebPlace&) const = default;
};
// The server that is connected to: of "https://a?@b/" that is a. nullopt: another way leads there, or some reader could
// take the address for another one (backslashes, several '@', lines).
std::optional<WebPlace> web_place(std::string_view url);

} // namespace davit::remote

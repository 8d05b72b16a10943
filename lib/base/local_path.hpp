// Whether a path stays where it begins, by its words alone. Links are another matter: who opens it stays inside.
#pragma once

#include <algorithm>
#include <string_view>

namespace davit {

// Neither empty nor absolute, and never above its beginning: "a/../b" yes, "a/../../b" no.
inline bool is_local_path(std::string_view path) {
    if (path.empty() || path.front() == '/') return false;
    int depth = 0;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, end);
        path.remove_prefix(std::min(end + 1, path.size()));
        if (part == "..") --depth;
        else if (!part.empty() && part != ".") ++depth;
        if (depth < 0) return false;
    }
    return true;
}

} // namespace davit

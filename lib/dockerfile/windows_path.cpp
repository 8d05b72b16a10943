#include "dockerfile/windows_path.hpp"

#include "base/error.hpp"
#include "dockerfile/text.hpp"

#include <algorithm>

namespace davit::dockerfile {

bool has_windows_paths(std::string_view platform) { return platform.substr(0, platform.find('/')) == "windows"; }

std::string from_windows_path(std::string_view path, bool keep_slash) {
    std::string out(path);
    std::replace(out.begin(), out.end(), '\\', '/');
    const std::size_t colon = out.find(':');
    if (out.starts_with("//"))
        throw error(Errc::invalid_project, "'{}' is a path of a server, which an image cannot hold", path);
    if (colon != std::string::npos) {
        if (out.size() == 2 && colon == 1) throw error(Errc::invalid_project, "'{}' is a drive without a path", path);
        if (lower(out.substr(0, colon)) != "c")
            throw error(Errc::invalid_project, "'{}' is not on the drive C:, the only one of an image", path);
        out.erase(0, colon + 1);
    }
    const bool slash = keep_slash && out.ends_with('/');
    out = clean_path(out);
    return slash && out.size() > 1 ? out + "/" : out;
}

std::string to_windows_path(std::string path) {
    std::replace(path.begin(), path.end(), '/', '\\');
    return path;
}

} // namespace davit::dockerfile

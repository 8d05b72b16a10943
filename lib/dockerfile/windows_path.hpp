// Paths of Windows images, which Dockerfiles write with drive letters and backslashes.
#pragma once

#include <string>
#include <string_view>

namespace davit::dockerfile {

// Whether a platform ("windows/amd64") has them.
bool has_windows_paths(std::string_view platform);

// With slashes, without its drive, clean; a slash at the end stays where keep_slash says so. Throws
// Errc::invalid_project without a place: another drive than C:, a drive alone, a server's share.
std::string from_windows_path(std::string_view path, bool keep_slash);
// The other way: \windows\temp.
std::string to_windows_path(std::string path);

} // namespace davit::dockerfile

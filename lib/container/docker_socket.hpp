// Where programs look for Docker's daemon, which davit has not.
#pragma once

#include <string_view>

namespace davit {

inline bool is_docker_socket(std::string_view path) { return path.ends_with("/docker.sock"); }

} // namespace davit

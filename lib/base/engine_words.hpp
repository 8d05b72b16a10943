// What docker's engine says where davit's own errors say more, for inspect's State.Error and for who speaks docker.
#pragma once

#include <string>

namespace davit {

// Why a container's port could not be published: "Bind for 0.0.0.0:80/tcp failed: port is already allocated, by …" with
// the container's name and its endpoint's id, as docker has it of another container's port and of a process's. Other
// texts as they are. Pure.
std::string port_error_of_engine(const std::string& text, const std::string& container, const std::string& endpoint);

} // namespace davit

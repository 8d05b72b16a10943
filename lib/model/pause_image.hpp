// What holds the namespaces of an ECS task while its containers come and go: an image of one small program, which davit
// makes itself where it is missing (engine/pause_image.hpp). Not the first container: with that one the network, the
// published ports and the names of all others would end. And no namespace alone: what a successor of the supervisor
// finds again (the sockets of DNS and of ports) is kept by a shim, and whoever reads records knows containers that have
// a process.
#pragma once

namespace davit {

// Nobody's registry: the domain "internal" is reserved.
inline constexpr const char* pause_image = "davit.internal/pause:1";

} // namespace davit

// A service of davit's own inside a container's namespace, at an address that nothing else has there.
#pragma once

#include "base/fd.hpp"

#include <cstdint>
#include <string>

namespace davit::net {

// A listening socket, not blocking. The address is put on lo. The socket's own port is any: a container may serve the
// same port on all its addresses, and so connections to address:port are redirected, by a table of that name.
UniqueFd open_local_service(int netns_fd, const std::string& address, std::uint16_t port, const char* table);

} // namespace davit::net

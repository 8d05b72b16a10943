// What the proxy gives up before it reads a byte of a stranger's.
#pragma once

#include <sys/types.h>

namespace davit::net::proxy {

// Nobody else's: as "nobody" it could be killed, and kill, whatever else runs under that name.
inline constexpr uid_t own_id = 65533;

// Leaves the machine's file systems, root and every capability, and all system calls but those of passing data on. What
// is open stays. False: it is not safe to go on.
bool confine();

} // namespace davit::net::proxy

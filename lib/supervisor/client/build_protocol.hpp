// What crosses the socket between a build and its supervisor: SOCK_SEQPACKET, one JSON object a message. Its end is
// the end of the build: whatever still runs is killed, and nothing stays.
//
//   → {"type":"run", "id":64 hex, "network":bool, "gateway_names":[text]} with the compiled steps as a
//     descriptor. The names are added to the file "hosts" of the container's directory. The container's init is held
//     until somebody attaches at <run>/projects/NAME/containers/ID/shim.sock.
//   ← {"type":"held", "id"}            attach now
//   ← {"type":"failed", "id", "error"} nothing ran, or it could not be set up
//   ← {"type":"gone", "id"}            after the exit, or after "failed": no process and no mount is left
//   → {"type":"kill", "id"}
#pragma once

#include <cstddef>

namespace davit::supervisor {

inline constexpr int build_socket = 3; // in the supervisor
inline constexpr std::size_t build_message_limit = 64 * 1024;
// Projects that no compose file can name.
inline constexpr char build_prefix[] = "build.";

} // namespace davit::supervisor

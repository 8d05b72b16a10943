// What the supervisor says to davit-port-proxy, one SEQPACKET message each. Both come from one build,
// but an older proxy may outlive an upgrade: version changes with the layout.
#pragma once

#include <cstdint>

namespace davit::net::proxy {

inline constexpr std::uint32_t magic = 0x44765078;
inline constexpr std::uint8_t version = 1;
inline constexpr int control_fd = 3; // the listening unix socket that the proxy is started with
inline constexpr std::uint32_t max_entries = 4096;

enum class Op : std::uint8_t {
    add = 1,    // with the listening (tcp) or bound (udp) socket: SCM_RIGHTS
    remove = 2, // everything of the owner
    list = 3,   // the reply is followed by count owners
};

inline constexpr std::uint32_t owner_size = 64; // a container id; shorter ones are padded with NUL

struct Command {
    std::uint32_t magic;
    std::uint8_t version;
    Op op;
    std::uint8_t udp;
    std::uint8_t target_v6;
    std::uint16_t target_port;
    std::uint16_t host_port;
    std::uint8_t target[16];
    char owner[owner_size];
};

struct Reply {
    std::int32_t errnum;
    std::uint32_t count; // entries that are left; 0: the proxy ends
};

} // namespace davit::net::proxy

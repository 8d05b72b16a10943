#include "davit/swarm.hpp"

#include "swarm/store.hpp"

#include <array>
#include <string_view>
#include <sys/random.h>

namespace davit::swarm {

// For programs that embed davit, as the other words are.
[[gnu::visibility("default")]] const char* to_string(TaskState state) {
    switch (state) {
    case TaskState::new_: return "new";
    case TaskState::pending: return "pending";
    case TaskState::assigned: return "assigned";
    case TaskState::accepted: return "accepted";
    case TaskState::preparing: return "preparing";
    case TaskState::ready: return "ready";
    case TaskState::starting: return "starting";
    case TaskState::running: return "running";
    case TaskState::complete: return "complete";
    case TaskState::shutdown: return "shutdown";
    case TaskState::failed: return "failed";
    case TaskState::rejected: return "rejected";
    case TaskState::remove: return "remove";
    case TaskState::orphaned: return "orphaned";
    }
    return "unknown";
}

std::string new_id() {
    constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuvwxyz";
    std::string id;
    while (id.size() < 25) {
        std::array<unsigned char, 32> bytes{};
        if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) continue;
        for (unsigned char b : bytes)
            if (b < 252 && id.size() < 25) id += digits[b % 36]; // 252 = 7 × 36: every digit as likely
    }
    return id;
}

} // namespace davit::swarm

// One more process in a running container: what it is, for Engine::exec() and for exec() of attach.hpp. Plain values.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

struct ExecOptions {
    std::vector<std::string> command;
    std::vector<std::string> environment;   // K=V, added to the container's; the last of a key wins
    std::optional<std::string> user;        // absent or empty: the container's
    std::optional<std::string> working_dir; // absent or empty: the container's
    bool tty = false;                       // a terminal: output and errors arrive as one stream
    bool interactive = true;                // keeps standard input open
    // As Docker: all capabilities that this machine can give. The container's seccomp filter and AppArmor profile stay.
    bool privileged = false;
    bool detach = false; // it has no streams, and nobody waits for it
};

enum class ExecStream { output = 1, errors = 2 };
// What the process wrote, as it comes; a slow sink makes the process wait.
using ExecSink = std::function<void(ExecStream, std::string_view)>;

} // namespace davit
#pragma GCC visibility pop

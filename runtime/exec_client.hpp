// The client's half of one more process in a container: its pipes, its request, its start and its end. The engine
// polls what is here; the supervisor, for hooks and healthchecks, has it in its event loop.
#pragma once

#include "base/fd.hpp"
#include "runtime/shim_client.hpp"

#include <cstdint>
#include <optional>

namespace davit::runtime {

enum class ExecStreams {
    none,     // its own /dev/null
    merged,   // output and errors as one pipe, no input
    all,      // a pipe each
    terminal, // one that the shim makes
};

class ExecClient {
public:
    ExecClient() = default;
    // Sends the request. steps_fd: compile_exec(); rows, columns: of the terminal, 0: unknown.
    ExecClient(ShimConnection& shim, int steps_fd, ExecStreams streams, std::uint16_t rows = 0,
               std::uint16_t columns = 0);

    std::uint32_t id() const { return id_; }
    // Blocks until the process runs; drops the other messages of the connection. Throws why it does not.
    void wait_for_start(ShimConnection& shim);
    // Its exit code, when the message tells of its end; 128 + SIGKILL when the container ended, and all in it.
    std::optional<int> exit_code(const ShimEvent& event) const;
    void resize(std::uint16_t rows, std::uint16_t columns) const;

    // Our ends: pipes from the beginning, a terminal's (input and output) after wait_for_start(). For the taking.
    UniqueFd input, output, errors;

private:
    std::uint32_t id_ = 0;
    bool terminal_ = false;
    UniqueFd console_;
};

} // namespace davit::runtime

// The client's end of a control connection: frames, blocking with poll. Internal to the client.
#pragma once

#include "base/fd.hpp"
#include "project/paths.hpp"
#include "supervisor/frame.hpp"
#include "supervisor/wire.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace davit::supervisor {

class Connection {
public:
    explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}
    int fd() const { return fd_.get(); }
    // false: the supervisor is gone.
    bool send(const json::Value& message);
    // What has arrived; empty: nothing yet (would_block) or the end.
    std::optional<json::Value> next();      // from what was read
    bool read();                            // reads what is there; false at the end
    std::optional<json::Value> wait(std::chrono::milliseconds limit); // empty: the end, or the limit

private:
    UniqueFd fd_;
    FrameReader reader_;
};

// Connected and greeted. Empty: none listens.
std::optional<Connection> connect_supervisor(const Roots& roots, const std::string& project);
// The same, starting davit-supervisor when none listens.
Connection start_supervisor(const Roots& roots, const std::string& project);

} // namespace davit::supervisor

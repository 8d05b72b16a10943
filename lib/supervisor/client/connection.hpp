// The client's end of a control connection: frames, blocking with poll. Internal to the client.
#pragma once

#include "base/fd.hpp"
#include "project/paths.hpp"
#include "supervisor/client/frame.hpp"
#include "supervisor/client/wire.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>

namespace davit::supervisor {

class Connection {
public:
    explicit Connection(UniqueFd fd) : fd_(std::move(fd)) {}
    int fd() const { return fd_.get(); }
    // false: the supervisor is gone.
    bool send(const json::Value& message);
    // What has arrived; empty: nothing yet (would_block) or the end.
    std::optional<json::Value> next();                                // from what was read
    bool read();                                                      // reads what is there; false at the end
    std::optional<json::Value> wait(std::chrono::milliseconds limit); // empty: the end, or the limit
    bool ended() const { return ended_; }

    // The supervisor's process, once it is known (0 until then), and the project's name for messages.
    void know(pid_t pid, std::string project) { pid_ = pid, project_ = std::move(project); }
    pid_t pid() const { return pid_; }
    // Throws when somebody has stopped the supervisor (SIGSTOP): it does not answer until it is continued.
    void require_awake() const;

private:
    UniqueFd fd_;
    FrameReader reader_;
    bool ended_ = false;
    pid_t pid_ = 0;
    std::string project_;
};

// Connected and greeted. Empty: none listens.
std::optional<Connection> connect_supervisor(const Roots& roots, const std::string& project);
// The same, starting davit-supervisor when none listens; guarded: with a guard (supervisor/guard.hpp).
Connection start_supervisor(const Roots& roots, const std::string& project, bool guarded = false);

} // namespace davit::supervisor

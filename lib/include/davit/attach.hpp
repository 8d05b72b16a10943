// The streams of a process in a container, connected to the caller's: of the container's own process (attach) and of
// one more (exec). Who has all of the input and wants only text calls Engine::exec().
//
// Both calls block until it is over; what happens meanwhile is asked for through Session::control and told by
// callbacks, in the calling thread but where it says otherwise; what one of them throws leaves the call. Many sessions
// may run at once, several at one container. Signal dispositions stay as they are: who reads no more is no SIGPIPE.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "davit/exec.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#pragma GCC visibility push(default)
namespace davit {

struct WindowSize {
    std::uint16_t rows = 0, columns = 0; // 0: unknown
};

// Steers a session from any thread, before and while it runs; copies steer the same one.
class SessionControl {
public:
    SessionControl();             // Errors: failed (no descriptor left)
    void signal(int number);      // to the process
    void resize(WindowSize size); // of its terminal; without one nothing happens
    void detach();                // leave: the process goes on

    class Requests;
    Requests& requests() const { return *requests_; } // the library's end

private:
    std::shared_ptr<Requests> requests_;
};

struct Session {
    // Descriptors of the caller's, which stay open. What the process reads: until its end, which is then the end of the
    // process's input (but of a terminal's); -1: nothing. exec: read in a thread of its own.
    int input = -1;
    // Sees what was read from input before it is passed on, in the thread that reads, and may change it. false: no more
    // is wanted after it, and the session is left, as by detach().
    std::function<bool(std::string&)> typed;
    // What the process writes: to a descriptor (exec: each in a thread of its own, so that none holds up another), or
    // where that is -1 to sink; without a sink it is dropped. A terminal's is output alone. Who does not read makes the
    // process wait.
    int output = -1, errors = -1;
    ExecSink sink;
    // The process runs (exec), or its streams are connected (attach); before the first byte passes.
    std::function<void()> started;
    WindowSize size; // of its terminal, to begin with
    SessionControl control;
};

// The container's own process: its id, project and name matter, and tty says whether it has a terminal. Returns its
// exit code when it has ended and everything that it wrote was passed on; nothing when the session was left before.
// Input needs a container with open_stdin. A container that RunOptions::hold_for_attach holds begins now. Stop leaves
// it as it is. Errors: unavailable (it is not running, the connection was lost), interrupted.
std::optional<int> attach(Engine& engine, const ContainerInfo& container, const Session& session,
                          std::stop_token stop = {});

// One more process. Returns its exit code, 128 + n when signal n killed it; nothing when the session was left before.
// With ExecOptions::detach it has no streams, and this returns 0 as soon as it runs. Stop kills it. Errors: as
// Engine::exec().
std::optional<int> exec(Engine& engine, const ContainerInfo& container, const ExecOptions& options,
                        const Session& session, std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop

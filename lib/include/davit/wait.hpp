// Waiting until a project is ready: any mix of conditions on its services under one deadline.
//
//     davit::wait(engine, "shop", {davit::healthy("db"), davit::port("web", 80)}, 30s);
//
// States, exits and health are told by the supervisor's events; lines are read from the log as they are written.
// Whether a port is listened at is read from the kernel's table of the container's network namespace
// (/proc/PID/net/tcp, state 0A, proc(5)): nothing connects, and nothing runs in the container. Only http() and
// command() try again and again, with growing pauses of at most half a second. Plain values and one blocking call;
// several threads may wait at once.
#pragma once

#include "davit/engine.hpp"
#include "davit/error.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

// One condition. It is about all containers of the service, but for log_line() and command(): one of them will do.
struct Wait {
    enum class Kind { running, healthy, exited, log_line, port, http, command };
    Kind kind = Kind::running;
    std::string service;
    std::string text;               // log_line: the expression; http: the path
    std::uint16_t port = 0;         // of the container
    int code = 0;                   // exited: exit code; http: status
    std::vector<std::string> words; // command
    bool operator==(const Wait&) const = default;
};

Wait running(std::string service);
Wait healthy(std::string service); // of one without a healthcheck: an error at once
Wait exited(std::string service, int code = 0);
// A line of its output, also of before, that matches: a POSIX extended regular expression (regex(7)).
Wait log_line(std::string service, std::string expression);
Wait log(std::string service, std::string expression); // the same
// TCP, IPv4 or IPv6. Listening at the container's own loopback address alone does not count, unless it has no other.
Wait port(std::string service, std::uint16_t port);
// GET gives this status; without TLS. Asked from this machine: at the published port, else at the container's address.
Wait http(std::string service, std::uint16_t port, std::string path = "/", int status = 200);
Wait command(std::string service, std::vector<std::string> words); // ends with 0 in the container

const char* to_string(Wait::Kind kind) noexcept; // "log_line"
std::string to_string(const Wait& wait);         // "web writes a line that matches /ready/"

struct Unmet {
    Wait wait;
    std::string why;                     // "is starting", "has exited with code 1"
    std::string container;               // its name; empty: the service has none
    std::vector<std::string> last_lines; // of what it wrote, at most ten
};

// Some conditions were not met: when the time was over, or because one of them never will be. describe() has all of it.
class WaitError : public Error { // Errc::failed
public:
    WaitError(bool timed_out, std::vector<Unmet> unmet);
    WaitError(const WaitError&) = default; // and what is moved from stays whole
    WaitError& operator=(const WaitError&) = default;
    bool timed_out() const noexcept { return timed_out_; }
    const std::vector<Unmet>& unmet() const noexcept { return *unmet_; }

private:
    bool timed_out_;
    std::shared_ptr<const std::vector<Unmet>> unmet_; // Error must copy without throwing
};

// Blocks until all are met; limit zero: without end. A container that has ended, and is not started again by its
// restart policy, ends the waiting at once where it was to run; so does another exit code than the one waited for, and
// a healthcheck that has failed for good. A service may come to have its containers meanwhile. Errors: WaitError, usage
// (an expression that is none, no command, port 0), interrupted.
void wait(Engine& engine, const std::string& project, const std::vector<Wait>& waits,
          std::chrono::nanoseconds limit = {}, std::stop_token stop = {});

} // namespace davit
#pragma GCC visibility pop

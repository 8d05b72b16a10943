// What containers wrote, and what they write: read from Docker's json-file logs, the rotated files first, whoever runs
// and whether anybody does. Plain values but for LogFollower.
#pragma once

#include "davit/container.hpp"
#include "davit/engine.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#pragma GCC visibility push(default)
namespace davit {

// A line, or a piece of one that is too long to be held (64 KiB).
struct LogLine {
    std::int64_t time_ns = 0; // of the line's first record, since the epoch
    bool is_error = false;    // written to stderr
    std::string text;         // without the newline; any bytes but that it is UTF-8
    bool first = true;        // the line begins here
    bool last = true;         // and ends here: with a newline, or with the log
};

struct LogRange {
    std::optional<std::size_t> tail; // only the last so many lines
    std::optional<std::int64_t> since_ns, until_ns;
    // What was written at once, at most 16 KiB, counts as a line and comes as one; LogLine::last says whether it had
    // its newline.
    bool by_record = false;
};

// Calls sink with each line that is there, oldest first, until it returns false. Blocks but on the disk; no lock. A
// container without a log (driver none) has no lines. Errors: failed (the disk). This and the next two may be called by
// several threads at once.
void read_log(const ContainerInfo& container, const LogRange& range, const std::function<bool(const LogLine&)>& sink);

// What `docker logs --details` puts before each line: "label=value,VARIABLE=value" of those that the log options
// labels, labels-regex, env and env-regex name; empty: none. Reads its record; blocks but on the disk. Errors: failed.
std::string log_details(Engine& engine, const ContainerInfo& container);

// Has what the project's containers write kept again, when nobody did since their shims were killed. Blocks until a
// supervisor answers. Errors: unavailable.
void keep_logs(Engine& engine, const std::string& project);

struct ContainerEnd {
    ContainerInfo container;
    int exit_code = 0;
    bool restarting = false; // it will run again by itself, or is being restarted
    bool shown = false;      // its log was passed on
};

// Who is told what: all of it in the thread that calls the follower. Empty ones are not called.
struct LogSink {
    std::function<void(const ContainerInfo&)> added; // its lines will come
    std::function<void(const ContainerInfo&, const LogLine&)> line;
    std::function<bool(const ContainerEnd&)> ended; // after its last line; false: no more is wanted
    std::function<void()> idle;                     // nothing more for now
};

struct FollowOptions {
    // Which containers: asked for each that is there and each that appears; all when empty.
    std::function<bool(const ContainerInfo&)> wanted;
    // Of the wanted ones, whose log is shown; all when empty. The others only count as running.
    std::function<bool(const ContainerInfo&)> shown;
    LogRange range;            // of those that are there at the start
    bool from_now = false;     // of those: only what is written from now on
    bool history_only = false; // run() is not called
};

// Follows the logs and the ends of a project's containers, by notices of the kernel: nothing depends on who is
// connected to whom. One thread at a time, but for wake().
class LogFollower {
public:
    // Takes the state of things now: what happens afterwards is reported by run(). The engine must outlive it.
    LogFollower(Engine& engine, const std::string& project, LogSink sink, FollowOptions options);
    ~LogFollower();
    LogFollower(const LogFollower&) = delete;
    LogFollower& operator=(const LogFollower&) = delete;

    // History of the containers that are there, merged by time. Stop leaves the rest of it.
    void read_history(std::stop_token stop = {});
    // Blocks until all wanted containers have ended, LogSink::ended returns false, or stop is requested; what was
    // written before that is passed on. `started`: while it is false that all have ended is no
    // end; after a change of it wake() is called.
    void run(std::stop_token stop, const std::function<bool()>& started = {});
    // Makes run() look again whether it is over. Thread-safe.
    void wake();
    bool empty() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit
#pragma GCC visibility pop

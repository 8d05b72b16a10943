// Follows the logs and the ends of a project's containers: inotify on the log files and on the
// statuses the supervisor writes, so that nothing depends on who is connected to whom.
#pragma once

#include "cli/logs/printer.hpp"
#include "cli/logs/reader.hpp"
#include "davit/engine.hpp"
#include "project/paths.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

namespace davit::cli {

struct ContainerEnd {
    ContainerInfo container;
    int exit_code = 0;
    bool restarting = false;
};

struct FollowOptions {
    // Which containers: asked for each that is there and each that appears.
    std::function<bool(const ContainerInfo&)> wanted;
    // Of the wanted ones, whose log is shown; all when empty. The others only count as running.
    std::function<bool(const ContainerInfo&)> shown;
    LogRange range;            // of those that are there at the start
    bool from_now = false;     // of those: only what is written from now on
    bool print_ends = true;    // "web-1 exited with code 0"
    bool history_only = false; // run() is not called
};

class LogFollower {
public:
    // Takes the state of things now: what happens afterwards is reported by run().
    LogFollower(Engine& engine, const Roots& roots, const std::string& project, LogPrinter& printer,
                FollowOptions options);
    ~LogFollower();

    // History of the containers that are there, merged by time.
    void print_history();
    // Prints until all wanted containers have ended, on_end returns false, or stop is requested; what
    // was written before that is printed. `started`: until it is true an empty set is no end.
    void run(const std::function<bool(const ContainerEnd&)>& on_end, std::stop_token stop,
             const std::function<bool()>& started = {});
    // Makes run() look again whether it is over. Thread-safe.
    void wake();
    bool empty() const;

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace davit::cli

// What happens and what is written, for programs with a loop of their own: a descriptor for poll(2), epoll(7) or
// whatever the loop has, and what has come, taken without blocking.
//
//     davit::Stream<davit::LogEntry> lines = davit::log_stream(engine, "shop");
//     pollfd ready{lines.fd(), POLLIN, 0};
//     while (!lines.done() && ::poll(&ready, 1, -1) >= 0)
//         while (auto entry = lines.next()) std::cout << entry->line.text << "\n";
//
// Behind each stream stands a thread that makes the blocking call. It is at most some hundred KiB ahead of who takes:
// then it waits, and with it the process that writes (exec); events and logs wait on the disk. A stream is used by one
// thread at a time; its engine must outlive it, where it is: it is not moved meanwhile. After fork(2) it is the
// parent's alone: a child neither uses nor destroys it, and leaves by execve(2) or _exit(2).
#pragma once

#include "davit/attach.hpp"
#include "davit/container.hpp"
#include "davit/engine.hpp"
#include "davit/events.hpp"
#include "davit/exec.hpp"
#include "davit/logs.hpp"
#include "davit/stats.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#pragma GCC visibility push(default)
namespace davit {

template <typename T>
class Stream {
public:
    struct Impl;
    explicit Stream(std::unique_ptr<Impl> impl); // the functions below make them
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;
    ~Stream(); // what is not taken is dropped

    // Readable while there is something to take, and from the stream's end on. The stream's own: it is only polled.
    int fd() const noexcept;
    // The next one, oldest first. Nothing: there is none yet, or the stream is done(). Throws what ended the stream,
    // once, when all before it was taken.
    std::optional<T> next();
    bool done() const noexcept; // it has ended, and all of it was taken

private:
    std::unique_ptr<Impl> impl_;
};

// What happens on the machine from this call on, or from range.since, as follow_machine_events() tells it. Ends at
// range.until, else never.
Stream<MachineEvent> event_stream(Engine& engine, const EventRange& range = {}, const EventFilters& filters = {});

struct LogEntry {
    ContainerInfo container;
    LogLine line;
};
struct LogStreamOptions {
    std::vector<std::string> services; // empty: all
    LogRange range;                    // of the containers that are there at the start
    bool from_now = false;             // of those: only what is written from now on
    bool forever = false;              // else it ends when all containers have
};
// What the project's containers write, of those that come later too. Errors: as of LogFollower.
Stream<LogEntry> log_stream(Engine& engine, const std::string& project, const LogStreamOptions& options = {});

struct StatsSample {
    ContainerInfo container;
    ContainerStats stats;
    double cpu_percent = 0; // since the sample before; 100: one processor all the time. 0 in the first one
};
struct StatsStreamOptions {
    std::string project;               // empty: all
    std::vector<std::string> services; // empty: all
    std::chrono::milliseconds interval{1000};
};
// What running containers use, at once and then at each interval; one that is started later is among them from the next
// one on. Never ends. Who takes late gets the samples of then, and the rounds that found no room are left out. Errors:
// usage (an interval of nothing).
Stream<StatsSample> stats_stream(Engine& engine, const StatsStreamOptions& options = {});

struct ExecPiece {
    ExecStream stream = ExecStream::output;
    std::string text; // as it was read, at most 64 KiB
};

extern template class Stream<MachineEvent>;
extern template class Stream<LogEntry>;
extern template class Stream<StatsSample>;

// The streams of a process in a container: of one more, which the end of this object ends, or of the container's own,
// which goes on.
class ProcessSession {
public:
    struct Impl;
    explicit ProcessSession(std::unique_ptr<Impl> impl); // the functions below make them
    ProcessSession(ProcessSession&&) noexcept;
    ProcessSession& operator=(ProcessSession&&) noexcept;
    ~ProcessSession();

    // What it writes: as of Stream. Errors: as Engine::exec(), attach().
    int fd() const noexcept;
    std::optional<ExecPiece> next();
    bool done() const noexcept;
    std::optional<int> exit_code() const; // once done(); 128 + n: killed by signal n; nothing: it was left

    // What it reads. How much of the text was taken: less when the pipe is full, until input_fd() is writable. Errors:
    // unavailable (nobody reads any more, the input was closed).
    std::size_t write(std::string_view text);
    int input_fd() const noexcept; // only polled; -1: closed
    void close_input();
    void signal(int number);
    void resize(WindowSize size); // of its terminal, where it has one
    void detach();                // leaves it: the process goes on, and this is done()

private:
    std::unique_ptr<Impl> impl_;
};

// Both return at once: that it cannot run, or does not, is told by next(). Errors: failed (no descriptor or thread is
// left), usage (ExecOptions::detach).
ProcessSession exec_session(Engine& engine, const ContainerInfo& container, const ExecOptions& options,
                            WindowSize size = {});
// The container's own process, as attach() has it: what it writes from now on. input: what is written here is read by
// it, which needs a container with open_stdin.
ProcessSession attach_session(Engine& engine, const ContainerInfo& container, bool input = false, WindowSize size = {});

} // namespace davit
#pragma GCC visibility pop

// Log lines of several containers on one output: "web-1  | text", coloured and padded as docker compose does.
#pragma once

#include "davit/logs.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace davit::cli {

struct PrinterOptions {
    bool prefix = true;
    bool timestamps = false;
    bool colour = false;
    bool split_streams = false; // stderr lines to stderr (up); else all to stdout (logs)
    bool whole_lines = false;   // what is written at once ends with a newline: something is drawn below
    // Writes go through this where a progress display shares the terminal.
    std::function<void(const std::function<void()>&)> beside = {};
};

// Thread-safe.
class LogPrinter {
public:
    explicit LogPrinter(const PrinterOptions& options) : options_(options) {}

    // Names are padded to the widest known one.
    void add(const std::string& name);
    // What is printed is written by flush(), or earlier when it has become much. A line that comes in pieces is
    // broken when something else is printed between them.
    void line(const std::string& name, const LogLine& line);
    // What a hook of it has written, as docker compose shows it: "web-1 ->  | text".
    void hook(const std::string& name, std::int64_t time_ns, const std::string& text);
    // "web-1 exited with code 0" and the like.
    void status(const std::string& name, const std::string& text);
    void flush();
    // While it is hidden what is printed goes nowhere, but for statuses.
    void hide(bool hidden) { hidden_ = hidden; }

private:
    void know(const std::string& name);
    std::string prefix_of(const std::string& name);
    void print(bool error, const std::string& text);
    void put_line(const std::string& name, const LogLine& line);
    void break_line();
    void put_out();
    void write_out();

    PrinterOptions options_;
    std::mutex mutex_;
    std::size_t width_ = 0;
    std::vector<std::pair<bool, std::string>> waiting_; // to stderr?, text
    std::size_t waiting_bytes_ = 0;
    std::atomic<bool> hidden_ = false;
    std::map<std::string, std::size_t> colours_;
    std::optional<std::pair<std::string, bool>> open_; // whose line has not ended yet: name, of stderr
};

// What is passed on goes to the printer, and each end to on_end. print_ends: "web-1 exited with code 0".
LogSink print_to(LogPrinter& printer, const std::string& project, bool print_ends,
                 std::function<bool(const ContainerEnd&)> on_end = {});

// What precedes a line: "web-1" for a numbered container of a service, else the container's name.
std::string log_name(const std::string& project, const std::string& container_name);

} // namespace davit::cli

// Log lines of several containers on one output: "web-1  | text", coloured and padded as docker compose does.
#pragma once

#include "cli/logs/reader.hpp"

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace davit::cli {

struct PrinterOptions {
    bool prefix = true;
    bool timestamps = false;
    bool colour = false;
    bool split_streams = false; // stderr lines to stderr (up); else all to stdout (logs)
    // Writes go through this where a progress display shares the terminal.
    std::function<void(const std::function<void()>&)> beside = {};
};

class LogPrinter {
public:
    explicit LogPrinter(const PrinterOptions& options) : options_(options) {}

    // Names are padded to the widest known one.
    void add(const std::string& name);
    // What is printed is written by flush(), or earlier when it has become much.
    void line(const std::string& name, const LogLine& line);
    // "web-1 exited with code 0" and the like.
    void status(const std::string& name, const std::string& text);
    void flush();

private:
    std::string prefix_of(const std::string& name);
    void print(bool error, const std::string& text);
    void write_out();

    PrinterOptions options_;
    std::size_t width_ = 0;
    std::vector<std::pair<bool, std::string>> waiting_; // to stderr?, text
    std::size_t waiting_bytes_ = 0;
    std::map<std::string, std::size_t> colours_;
};

// What precedes a line: "web-1" for a numbered container of a service, else the container's name.
std::string log_name(const std::string& project, const std::string& container_name);

} // namespace davit::cli

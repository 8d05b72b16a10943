// Log lines of several containers on one output: "web-1  | text", coloured and padded as docker compose does.
#pragma once

#include "cli/logs/reader.hpp"

#include <cstddef>
#include <map>
#include <string>

namespace davit::cli {

struct PrinterOptions {
    bool prefix = true;
    bool timestamps = false;
    bool colour = false;
    bool split_streams = false; // stderr lines to stderr (up); else all to stdout (logs)
};

class LogPrinter {
public:
    explicit LogPrinter(const PrinterOptions& options) : options_(options) {}

    // Names are padded to the widest known one.
    void add(const std::string& name);
    void line(const std::string& name, const LogLine& line);
    // "web-1 exited with code 0" and the like.
    void status(const std::string& name, const std::string& text);
    void flush();

private:
    std::string prefix_of(const std::string& name);

    PrinterOptions options_;
    std::size_t width_ = 0;
    std::map<std::string, std::size_t> colours_;
};

// What precedes a line: "web-1" for a numbered container of a service, else the container's name.
std::string log_name(const std::string& project, const std::string& container_name);

} // namespace davit::cli

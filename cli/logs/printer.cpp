#include "cli/logs/printer.hpp"

#include "cli/format/time.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace davit::cli {

namespace {

// cyan, yellow, green, magenta, blue, then the bright ones
constexpr const char* palette[] = {"36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"};

} // namespace

void LogPrinter::add(const std::string& name) {
    width_ = std::max(width_, name.size());
    colours_.emplace(name, colours_.size() % std::size(palette));
}

std::string LogPrinter::prefix_of(const std::string& name) {
    if (!colours_.count(name)) add(name);
    std::string text = name;
    text.append(width_ + 1 - std::min(width_, name.size()), ' ');
    text += " | ";
    if (!options_.colour) return text;
    return std::string("\x1b[") + palette[colours_[name]] + "m" + text + "\x1b[0m";
}

void LogPrinter::line(const std::string& name, const LogLine& line) {
    std::string out;
    if (options_.prefix) out += prefix_of(name);
    if (options_.timestamps) out += rfc3339_nano(line.time_ns) + " ";
    out += line.text;
    out += '\n';
    std::fwrite(out.data(), 1, out.size(), options_.split_streams && line.is_error ? stderr : stdout);
}

void LogPrinter::status(const std::string& name, const std::string& text) {
    const std::string out = name + " " + text + "\n";
    std::fwrite(out.data(), 1, out.size(), stdout);
}

void LogPrinter::flush() { std::fflush(stdout); }

std::string log_name(const std::string& project, const std::string& container_name) {
    for (const char separator : {'-', '_'})
        if (container_name.starts_with(project + separator)) return container_name.substr(project.size() + 1);
    return container_name;
}

} // namespace davit::cli

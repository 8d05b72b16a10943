#include "cli/logs/printer.hpp"

#include "cli/format/time.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>

namespace davit::cli {

namespace {

constexpr std::size_t most_waiting = 65536;

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
    print(options_.split_streams && line.is_error, out);
}

void LogPrinter::status(const std::string& name, const std::string& text) {
    print(false, name + " " + text + "\n");
}

void LogPrinter::print(bool error, const std::string& text) {
    if (waiting_.empty() || waiting_.back().first != error) waiting_.emplace_back(error, text);
    else waiting_.back().second += text;
    waiting_bytes_ += text.size();
    if (waiting_bytes_ >= most_waiting) flush();
}

void LogPrinter::flush() {
    if (waiting_.empty()) return;
    if (options_.beside) options_.beside([this] { write_out(); });
    else write_out();
    waiting_.clear();
    waiting_bytes_ = 0;
}

void LogPrinter::write_out() {
    for (const auto& [error, text] : waiting_) {
        FILE* to = error ? stderr : stdout;
        std::fwrite(text.data(), 1, text.size(), to);
        std::fflush(to);
    }
}

std::string log_name(const std::string& project, const std::string& container_name) {
    for (const char separator : {'-', '_'})
        if (container_name.starts_with(project + separator)) return container_name.substr(project.size() + 1);
    return container_name;
}

} // namespace davit::cli

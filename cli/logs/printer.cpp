#include "cli/logs/printer.hpp"

#include "cli/format/time.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace davit::cli {

namespace {

constexpr std::size_t most_waiting = 65536;

// cyan, yellow, green, magenta, blue, then the bright ones
constexpr const char* palette[] = {"36", "33", "32", "35", "34", "36;1", "33;1", "32;1", "35;1", "34;1"};

} // namespace

void LogPrinter::add(const std::string& name) {
    const std::lock_guard guard(mutex_);
    know(name);
}

void LogPrinter::know(const std::string& name) {
    width_ = std::max(width_, name.size());
    colours_.emplace(name, colours_.size() % std::size(palette));
}

std::string LogPrinter::prefix_of(const std::string& name) {
    if (!colours_.count(name)) know(name);
    std::string text = name;
    text.append(width_ + 1 - std::min(width_, name.size()), ' ');
    text += " | ";
    if (!options_.colour) return text;
    return std::string("\x1b[") + palette[colours_[name]] + "m" + text + "\x1b[0m";
}

void LogPrinter::line(const std::string& name, const LogLine& line) {
    const std::lock_guard guard(mutex_);
    put_line(name, line);
}

void LogPrinter::hook(const std::string& name, std::int64_t time_ns, const std::string& text) {
    const std::lock_guard guard(mutex_);
    const std::string source = name + " ->";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        put_line(source, {time_ns, false, text.substr(at, end - at)});
        at = end + 1;
    }
    put_out();
}

void LogPrinter::put_line(const std::string& name, const LogLine& line) {
    if (hidden_) return;
    const std::pair<std::string, bool> source(name, line.is_error);
    const bool goes_on = open_ == source && !line.first;
    if (!goes_on) break_line();
    if (!goes_on && !line.first && line.text.empty()) return; // only its newline was missing, and it has been broken
    std::string out;
    if (options_.prefix && !goes_on) out += prefix_of(name);
    if (options_.timestamps && !goes_on) out += rfc3339(line.time_ns) + " ";
    out += line.text;
    if (line.last) {
        out += '\n';
        open_.reset();
    } else {
        open_ = source;
    }
    print(options_.split_streams && line.is_error, out);
}

void LogPrinter::break_line() {
    if (const auto broken = std::exchange(open_, {})) print(options_.split_streams && broken->second, "\n");
}

void LogPrinter::status(const std::string& name, const std::string& text) {
    const std::lock_guard guard(mutex_);
    break_line();
    print(false, name + " " + text + "\n");
}

void LogPrinter::print(bool error, const std::string& text) {
    if (waiting_.empty() || waiting_.back().first != error) waiting_.emplace_back(error, text);
    else waiting_.back().second += text;
    waiting_bytes_ += text.size();
    if (waiting_bytes_ >= most_waiting) put_out();
}

void LogPrinter::flush() {
    const std::lock_guard guard(mutex_);
    put_out();
}

void LogPrinter::put_out() {
    if (options_.whole_lines) break_line();
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
    std::string name = container_name;
    // As long as the container that it replaces has the name: "0123456789ab_shop-web-1".
    constexpr std::size_t id = 12;
    if (name.size() > id + 1 && name.find_first_not_of("0123456789abcdef") == id && name[id] == '_')
        name.erase(0, id + 1);
    for (const char separator : {'-', '_'})
        if (name.starts_with(project + separator)) return name.substr(project.size() + 1);
    return name;
}

LogSink print_to(LogPrinter& printer, const std::string& project, bool print_ends,
                 std::function<bool(const ContainerEnd&)> on_end) {
    LogSink out;
    out.added = [&printer, project](const ContainerInfo& c) { printer.add(log_name(project, c.name)); };
    // Most lines come from the container that wrote the one before.
    out.line = [&printer, project, of = std::string(), name = std::string()](const ContainerInfo& c,
                                                                             const LogLine& line) mutable {
        if (of != c.name) name = log_name(project, of = c.name);
        printer.line(name, line);
    };
    out.ended = [&printer, project, print_ends, on_end = std::move(on_end)](const ContainerEnd& end) {
        if (print_ends && end.shown)
            printer.status(log_name(project, end.container.name),
                           fmt::format("exited with code {}{}", end.exit_code, end.restarting ? " (restarting)" : ""));
        printer.flush();
        return !on_end || on_end(end);
    };
    out.idle = [&printer] { printer.flush(); };
    return out;
}

} // namespace davit::cli

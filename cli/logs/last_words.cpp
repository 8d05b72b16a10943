#include "cli/logs/last_words.hpp"

#include "base/printable.hpp"
#include "cli/diagnostics.hpp"
#include "davit/logs.hpp"

#include <fmt/format.h>
#include <sstream>
#include <utility>

namespace davit::cli {

namespace {

constexpr std::size_t shown_lines = 10, shown_bytes = 2000;

bool is_broken(const ContainerInfo& c) {
    return !c.oneoff && (c.health == Health::unhealthy || (c.state == ContainerState::exited && c.exit_code != 0) ||
                         c.state == ContainerState::restarting);
}

void print_last_check(const ContainerInfo& c, const std::vector<HealthCheckResult>& results) {
    if (results.empty()) return;
    const HealthCheckResult& last = results.back();
    std::string text;
    std::istringstream lines(last.output);
    for (std::string line; std::getline(lines, line);) text += "  | " + printable(line, "\t") + '\n';
    const std::string end = last.exit_code < 0 ? "failed" : fmt::format("exited with {}", last.exit_code);
    print_note(fmt::format("the last healthcheck of {} {}{}\n{}", c.name, end, text.empty() ? " and said nothing" : ":",
                           text));
}

// These stand among davit's own lines: the beginning of each is enough, and nothing in it steers the terminal.
void append(std::string& text, const LogLine& line) {
    if (!line.first) return;
    const bool cut = !line.last || line.text.size() > shown_bytes;
    text += "  | " + printable(std::string_view(line.text).substr(0, shown_bytes), "\t") + (cut ? "…\n" : "\n");
}

void print_last_lines(const ContainerInfo& c) {
    std::string text;
    read_log(c, LogRange{shown_lines, {}, {}}, [&](const LogLine& line) {
        append(text, line);
        return true;
    });
    print_note(fmt::format("{}\n{}", text.empty() ? c.name + " wrote nothing" : "last lines of " + c.name + ":", text));
}

} // namespace

void print_last_words(Engine& engine, const std::string& project, const std::set<std::string>& of,
                      const std::set<std::string>& read) {
    for (const ContainerInfo& c : engine.containers(project)) {
        if (!is_broken(c) || (!of.empty() && !of.count(c.name) && !of.count("service:" + c.service))) continue;
        if (!read.count(c.service)) print_last_lines(c);
        if (c.health == Health::unhealthy) print_last_check(c, engine.health_log(c));
    }
}

void UnmetConditions::see(const Event& event) {
    if (event.kind != EventKind::operation_failed || event.op != OpKind::wait_container) return;
    const std::lock_guard lock(mutex_);
    who_.insert(event.container_name.empty() ? event.resource : event.container_name);
}

void UnmetConditions::tell(Engine& engine, const std::string& project, const std::set<std::string>& read) {
    const std::lock_guard lock(mutex_);
    if (!who_.empty()) print_last_words(engine, project, std::exchange(who_, {}), read);
}

} // namespace davit::cli

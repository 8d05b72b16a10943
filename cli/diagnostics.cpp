#include "cli/diagnostics.hpp"

#include "base/date.hpp"
#include "base/printable.hpp"
#include "base/sys.hpp"
#include "cli/format/json_text.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

std::string editor_line(const Diagnostic& d) {
    std::string out;
    if (!d.at.file.empty())
        out = d.at.line ? fmt::format("{}:{}:{}: ", d.at.file, d.at.line, d.at.column) : d.at.file + ": ";
    if (d.severity == Diagnostic::Severity::warning) out += "warning: ";
    if (!d.path.empty()) out += d.path + ": ";
    out += d.message;
    if (!d.hint.empty()) out += fmt::format(" ({})", d.hint);
    return printable(out);
}

namespace {

// As the logger of docker compose writes it.
nlohmann::ordered_json logged(const std::string& text) {
    return {{"level", "warning"}, {"msg", text}, {"time", rfc3339(sys::realtime_ns())}};
}

bool in_json = false;

} // namespace

std::string json_line(const Diagnostic& d) {
    const bool warning = d.severity == Diagnostic::Severity::warning;
    nlohmann::ordered_json line = warning ? logged(d.message) : nlohmann::ordered_json();
    line[warning ? "warning" : "error"] = true;
    line["message"] = d.message;
    if (!d.at.file.empty()) line["file"] = d.at.file;
    if (d.at.line > 0) line["line"] = d.at.line;
    if (d.at.column > 0) line["column"] = d.at.column;
    if (!d.path.empty()) line["path"] = d.path;
    if (!d.hint.empty()) line["hint"] = d.hint;
    return json_text(line);
}

std::string json_warning_line(const std::string& text) { return json_text(logged(text)); }

void diagnostics_in_json(bool now) { in_json = now; }
bool diagnostics_are_json() { return in_json; }

void print_diagnostics(const std::vector<Diagnostic>& all, bool json) {
    std::fflush(stdout);
    for (const Diagnostic& d : all) {
        std::fprintf(stderr, "%s\n", (json ? json_line(d) : printable(to_string(d), "\n\t")).c_str());
    }
}

namespace {

// Its further lines stand apart from those that davit begins itself.
std::string quoted_lines(const std::string& text) {
    std::string out;
    for (const char c : text) out += c == '\n' ? std::string("\n  | ") : std::string(1, c);
    return out;
}

} // namespace

std::string error_text(const Error& error) {
    Error shown(error.kind(), quoted_lines(error.what()));
    shown.with_at(error.at()).with_hint(quoted_lines(error.hint()));
    for (const std::string& context : error.context()) shown.with_context(quoted_lines(context));
    return printable(shown.describe(), "\n\t");
}

void print_error(const Error& error) { std::fprintf(stderr, "error: %s\n", error_text(error).c_str()); }

void print_warning(const std::string& text) {
    if (in_json) std::fprintf(stderr, "%s\n", json_warning_line(text).c_str());
    else std::fprintf(stderr, "warning: %s\n", printable(text, "\n\t").c_str());
}

void print_note(const std::string& lines) {
    const bool ended = lines.ends_with('\n');
    if (in_json)
        std::fprintf(stderr, "%s\n", json_warning_line(lines.substr(0, lines.size() - (ended ? 1 : 0))).c_str());
    else std::fprintf(stderr, "%s%s", lines.c_str(), ended ? "" : "\n");
}

} // namespace davit::cli

#include "cli/diagnostics.hpp"

#include "base/printable.hpp"
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

std::string json_line(const Diagnostic& d) {
    nlohmann::ordered_json line;
    line[d.severity == Diagnostic::Severity::warning ? "warning" : "error"] = true;
    line["message"] = d.message;
    if (!d.at.file.empty()) line["file"] = d.at.file;
    if (d.at.line > 0) line["line"] = d.at.line;
    if (d.at.column > 0) line["column"] = d.at.column;
    if (!d.path.empty()) line["path"] = d.path;
    if (!d.hint.empty()) line["hint"] = d.hint;
    return json_text(line);
}

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

void print_warning(const std::string& text) { std::fprintf(stderr, "warning: %s\n", printable(text, "\n\t").c_str()); }

} // namespace davit::cli

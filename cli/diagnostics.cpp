#include "cli/diagnostics.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::cli {

std::string editor_line(const Diagnostic& d) {
    std::string out;
    if (!d.at.file.empty()) out = d.at.line ? fmt::format("{}:{}:{}: ", d.at.file, d.at.line, d.at.column) : d.at.file + ": ";
    if (d.severity == Diagnostic::Severity::warning) out += "warning: ";
    if (!d.path.empty()) out += d.path + ": ";
    out += d.message;
    if (!d.hint.empty()) out += fmt::format(" ({})", d.hint);
    return out;
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
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

void print_diagnostics(const std::vector<Diagnostic>& all, bool json) {
    std::fflush(stdout);
    for (const Diagnostic& d : all) {
        std::fprintf(stderr, "%s\n", (json ? json_line(d) : to_string(d)).c_str());
    }
}

} // namespace davit::cli

// The report as people and as programs read it.
#include "davit/export.hpp"
#include "davit/to_string.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit {

namespace {

using ReportKind = ExportFinding::Kind;

void append_finding(std::string& out, const ExportFinding& f) {
    if (f.at.line) out += fmt::format("{}:{}: ", f.at.file, f.at.line);
    out += fmt::format("{}: {}", to_string(f.kind), f.path);
    if (!f.from.empty() && !f.to.empty()) out += fmt::format(": {} -> {}", f.from, f.to);
    else if (!f.to.empty()) out += fmt::format(" -> {}", f.to);
    if (!f.why.empty()) out += ": " + f.why;
    out += "\n";
    if (!f.hint.empty()) out += fmt::format("  hint: {}\n", f.hint);
}

} // namespace

int count_findings(const ExportResult& result, ReportKind kind) {
    return static_cast<int>(std::count_if(result.findings.begin(), result.findings.end(),
                                          [&](const ExportFinding& f) { return f.kind == kind; }));
}

std::string report_text(const ExportResult& result, bool all) {
    std::string out;
    // What is lost first, what is the same last.
    for (ReportKind kind : {ReportKind::dropped, ReportKind::needs_input, ReportKind::adjusted, ReportKind::exact})
        for (const ExportFinding& f : result.findings)
            if (f.kind == kind && (all || kind != ReportKind::exact)) append_finding(out, f);
    out += fmt::format("{} exact, {} adjusted, {} dropped, {} need input\n", count_findings(result, ReportKind::exact),
                       count_findings(result, ReportKind::adjusted), count_findings(result, ReportKind::dropped),
                       count_findings(result, ReportKind::needs_input));
    return out;
}

std::string report_json(const ExportResult& result) {
    nlohmann::ordered_json out;
    auto& list = out["findings"] = nlohmann::ordered_json::array();
    for (const ExportFinding& f : result.findings) {
        nlohmann::ordered_json item{{"path", f.path}, {"result", to_string(f.kind)}};
        if (f.at.line) item["file"] = f.at.file, item["line"] = f.at.line;
        for (const auto& [key, text] : {std::pair{"from", &f.from}, {"to", &f.to}, {"why", &f.why}, {"hint", &f.hint}})
            if (!text->empty()) item[key] = *text;
        list.push_back(std::move(item));
    }
    for (ReportKind kind : {ReportKind::exact, ReportKind::adjusted, ReportKind::dropped, ReportKind::needs_input})
        out[to_string(kind)] = count_findings(result, kind);
    return out.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace davit

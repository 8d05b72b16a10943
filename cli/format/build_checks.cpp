#include "cli/format/build_checks.hpp"

#include "base/file.hpp"
#include "base/printable.hpp"
#include "base/text_code.hpp"
#include "cli/display/dockerfile_excerpt.hpp"
#include "cli/format/json_text.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <vector>

namespace davit::cli {

namespace {

using ChecksJson = nlohmann::ordered_json;

// Empty: it was read from a stream.
std::string path_of(const BuildRequest& request) {
    if (request.dockerfile == "-" || request.context == "-") return {};
    return request.dockerfile.empty() ? request.context + "/Dockerfile" : request.dockerfile;
}

std::vector<BuildCheck> by_line(const BuildResult& result) {
    std::vector<BuildCheck> out = result.checks;
    std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.line < b.line; });
    return out;
}

ChecksJson source_of(const BuildRequest& request, const BuildResult& result, const std::string& text) {
    const std::string path = path_of(request), name = path.substr(path.rfind('/') + 1);
    ChecksJson out{{"filename", !result.checks.empty() ? result.checks.front().file
                                : name.empty()         ? std::string("Dockerfile")
                                                       : name}};
    if (!text.empty()) out["data"] = base64_encode(text);
    out["language"] = "Dockerfile";
    return out;
}

} // namespace

// Each line of the instruction is a range.
nlohmann::ordered_json line_location(int first, const std::string& text) {
    ChecksJson ranges = ChecksJson::array();
    for (int line = first; line <= last_line_of_instruction(text, first); ++line)
        ranges.push_back({{"start", {{"line", line}}}, {"end", {{"line", line}}}});
    return {{"ranges", std::move(ranges)}};
}

std::string rule_url(const std::string& rule) {
    const auto is = [&](std::size_t i, int (*kind)(int)) {
        return i < rule.size() && kind(static_cast<unsigned char>(rule[i])) != 0;
    };
    std::string words;
    for (std::size_t i = 0; i < rule.size(); ++i) {
        const bool begins = i > 0 && is(i, std::isupper) && (is(i - 1, std::islower) || is(i + 1, std::islower));
        if (begins) words += '-';
        words += static_cast<char>(std::tolower(static_cast<unsigned char>(rule[i])));
    }
    return fmt::format("https://docs.docker.com/go/dockerfile/rule/{}/", words);
}

std::string build_excerpt(const BuildRequest& request, const SourcePos& at) {
    const std::string path = path_of(request);
    return path.empty() ? path : dockerfile_excerpt(path, at);
}

std::string checks_text(const BuildRequest& request, const BuildResult& result) {
    const auto checks = by_line(result);
    if (checks.empty()) return result.check_failure ? "" : "Check complete, no warnings found.\n";
    std::string out = fmt::format("Check complete, {} {} found!\n", checks.size(),
                                  checks.size() == 1 ? "warning has been" : "warnings have been");
    for (const BuildCheck& check : checks) {
        const std::string file = printable(check.file);
        const std::string lines = build_excerpt(request, {check.file, check.line, 0});
        out += fmt::format("\nWARNING: {} - {}\n{}\n{}", check.rule, rule_url(check.rule), printable(check.message),
                           lines.empty() ? fmt::format("{}:{}\n", file, check.line) : lines);
    }
    return out;
}

std::string checks_json(const BuildRequest& request, const BuildResult& result) {
    const std::string text = path_of(request).empty() ? std::string() : dockerfile_text(path_of(request));
    ChecksJson out{{"warnings", ChecksJson::array()}};
    out["sources"].push_back(source_of(request, result, text));
    for (const BuildCheck& check : by_line(result))
        out["warnings"].push_back({{"ruleName", check.rule},
                                   {"url", rule_url(check.rule)},
                                   {"detail", check.message},
                                   {"location", line_location(check.line, text)}});
    if (result.check_failure)
        out["buildError"] = {{"message", result.check_failure->what()},
                             {"location", line_location(result.check_failure->at().line, text)}};
    return json_text(out, 2) + "\n";
}

} // namespace davit::cli

#include "cli/format/build_calls.hpp"

#include "base/printable.hpp"
#include "base/text_code.hpp"
#include "cli/format/build_checks.hpp"
#include "cli/format/json_text.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

namespace davit::cli {

namespace {

// Columns as wide as their widest cell, and blanks between them, as docker's.
std::string table_text(const std::vector<std::vector<std::string>>& rows, std::size_t gap) {
    std::string out;
    std::vector<std::size_t> widths;
    for (const auto& row : rows)
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (widths.size() <= i) widths.push_back(0);
            widths[i] = std::max(widths[i], row[i].size());
        }
    for (const auto& row : rows) {
        std::string line;
        for (std::size_t i = 0; i < row.size(); ++i) {
            line += row[i];
            if (i + 1 < row.size()) line.append(widths[i] - row[i].size() + gap, ' ');
        }
        out += printable(line) + "\n";
    }
    return out;
}

std::string targets_text(const BuildResult& result) {
    std::vector<std::vector<std::string>> rows{{"TARGET", "DESCRIPTION"}};
    for (const BuildTarget& target : result.targets)
        rows.push_back({target.name + (!target.is_default    ? ""
                                       : target.name.empty() ? "(default)"
                                                             : " (default)"),
                        target.description});
    return table_text(rows, 1);
}

std::string lower(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

// What is built: the target asked for, or the default one.
BuildTarget target_of(const BuildFlags& flags, const BuildResult& result) {
    for (const BuildTarget& one : result.targets)
        if (flags.request.target.empty() ? one.is_default : lower(one.name) == lower(flags.request.target)) return one;
    return {};
}

std::string requirements_text(const char* title, const std::vector<BuildRequirement>& list) {
    if (list.empty()) return "";
    std::vector<std::vector<std::string>> rows{{title, "REQUIRED"}};
    for (const auto& one : list) rows.push_back({one.name, one.required ? "true" : ""});
    return table_text(rows, 3) + "\n";
}

std::string outline_text(const BuildFlags& flags, const BuildResult& result) {
    std::string out;
    const BuildTarget target = target_of(flags, result);
    if (!target.name.empty() || !target.description.empty()) {
        std::vector<std::vector<std::string>> head{{"TARGET:", target.name.empty() ? "(default)" : target.name}};
        if (!target.description.empty()) head.push_back({"DESCRIPTION:", target.description});
        out += table_text(head, 1) + "\n";
    }
    std::vector<std::vector<std::string>> rows{{"BUILD ARG", "VALUE", "DESCRIPTION"}};
    for (const BuildParameter& parameter : result.parameters)
        rows.push_back({parameter.name, parameter.value, parameter.description});
    if (rows.size() > 1) out += table_text(rows, 3) + "\n";
    return out + requirements_text("SECRET", result.secrets) + requirements_text("SSH", result.ssh);
}

using CallJson = nlohmann::ordered_json;

CallJson outline_json(const BuildFlags& flags, const BuildResult& result) {
    const BuildTarget target = target_of(flags, result);
    CallJson out = CallJson::object();
    if (!target.name.empty()) out["name"] = target.name;
    if (!target.description.empty()) out["description"] = target.description;
    for (const auto& [name, value, description] : result.parameters) {
        CallJson arg{{"name", name}};
        if (!description.empty()) arg["description"] = description;
        if (!value.empty()) arg["value"] = value;
        out["args"].push_back(std::move(arg));
    }
    for (const auto& [key, list] : {std::pair{"secrets", &result.secrets}, {"ssh", &result.ssh}})
        for (const auto& [name, required] : *list) {
            CallJson one{{"name", name}};
            if (required) one["required"] = true;
            out[key].push_back(std::move(one));
        }
    if (!result.dockerfile.empty()) out["sources"] = {base64_encode(result.dockerfile)};
    return out;
}

CallJson targets_json(const BuildResult& result) {
    CallJson out{{"targets", CallJson::array()}};
    for (const BuildTarget& target : result.targets) {
        CallJson one = CallJson::object();
        if (!target.name.empty()) one["name"] = target.name;
        if (target.is_default) one["default"] = true;
        if (!target.description.empty()) one["description"] = target.description;
        if (!target.base.empty()) one["base"] = target.base;
        if (!target.platform.empty()) one["platform"] = target.platform;
        if (target.line > 0) one["location"] = line_location(target.line, result.dockerfile);
        out["targets"].push_back(std::move(one));
    }
    out["sources"] = {base64_encode(result.dockerfile)};
    return out;
}

} // namespace

namespace {

std::string text_of(const BuildFlags& flags, const BuildResult& result, bool json) {
    if (flags.call == "check") return json ? checks_json(flags.request, result) : checks_text(flags.request, result);
    if (result.check_failure) return "";
    if (!json) return flags.call == "targets" ? targets_text(result) : outline_text(flags, result);
    return json_text(flags.call == "targets" ? targets_json(result) : outline_json(flags, result), 2) + "\n";
}

} // namespace

std::string call_text(const BuildFlags& flags, const BuildResult& result) {
    return text_of(flags, result, flags.call_format == "json");
}

nlohmann::ordered_json call_metadata(const BuildFlags& flags, const BuildResult& result) {
    const std::string json = text_of(flags, result, true);
    std::string text = text_of(flags, result, false);
    CallJson out = CallJson::object();
    if (!json.empty()) out["result.json"] = CallJson::parse(json);
    if (flags.call == "check") {
        out["result.statuscode"] = result.checks.empty() && !result.check_failure ? "0" : "1";
        text.erase(0, text.find('\n') + 1); // the count is the client's
    }
    out["result.txt"] = text;
    out["version"] = "1.0.0";
    return out;
}

int call_status(const BuildFlags& flags, const BuildResult& result) {
    return flags.call == "check" && !flags.ignore_status && !result.checks.empty() ? 1 : 0;
}

} // namespace davit::cli

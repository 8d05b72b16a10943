// Projects from text, exported.
#pragma once

#include "davit/export.hpp"
#include "davit/load.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace davit::test {

// Files that configs, secrets and bind mounts name, by their last part.
inline const std::map<std::string, std::string>& given_files() {
    static const std::map<std::string, std::string> files{{"plain.txt", "a plain text\n"},
                                                          {"key.pem", "the-value-of-key.pem"},
                                                          {"file", "bound in"},
                                                          {"app.conf", "answer = 42\n"},
                                                          {"password.txt", "the-value-of-password.txt"}};
    return files;
}

inline Project load_text(const std::string& text, const std::string& directory = "/project") {
    LoadOptions options;
    options.files = {"-"};
    options.stdin_text = text;
    options.current_dir = directory;
    options.project_directory = directory;
    options.profiles = {"*"};
    options.resolve_environment = false; // the files of variables are not there
    options.resolve_labels = false;
    options.environment = {{"WORD", "the-value-of-WORD"}, {"GIVEN", "given by the shell"}};
    options.all_resources = true;
    Project out = load(options).project;
    out.compose_files = {"/project/compose.yaml"}; // units need a file that stays
    return out;
}

inline ExportOptions options_for(ExportTarget target) {
    ExportOptions out;
    out.target = target;
    out.program = "/usr/bin/davit";
    out.read_file = [](const std::string& path) -> std::optional<std::string> {
        const auto it = given_files().find(path.substr(path.rfind('/') + 1));
        return it == given_files().end() ? std::nullopt : std::optional(it->second);
    };
    out.version_key = [] { return std::string("the key of a machine"); };
    return out;
}

inline const ExportFinding* finding_at(const ExportResult& result, const std::string& path) {
    const auto it = std::find_if(result.findings.begin(), result.findings.end(),
                                 [&](const ExportFinding& f) { return f.path == path; });
    return it == result.findings.end() ? nullptr : &*it;
}

inline std::string all_text(const ExportResult& result) {
    std::string out;
    for (const ExportedFile& f : result.files)
        out += "==> " + f.path + (f.executable ? " (executable)" : "") + "\n" + f.text;
    return out;
}

} // namespace davit::test

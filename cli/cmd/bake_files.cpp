#include "cli/cmd/bake_files.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "base/sys.hpp"
#include "cli/cmd/bake_compose.hpp"
#include "cli/cmd/inspected.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <unistd.h>
#include <utility>

namespace davit::cli {

namespace {

constexpr const char* usual_files[] = {
    "compose.yaml",     "compose.yml",     "docker-compose.yml",        "docker-compose.yaml",
    "docker-bake.json", "docker-bake.hcl", "docker-bake.override.json", "docker-bake.override.hcl"};

bool is_json(const std::string& text) {
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string::npos && text[first] == '{';
}

// By the name, else by what the text looks like.
bool is_compose(const std::string& name, const std::string& text) {
    if (name.ends_with(".yaml") || name.ends_with(".yml")) return true;
    if (name.ends_with(".json") || name.ends_with(".hcl")) return false;
    if (is_json(text)) return text.find("\"services\"") != std::string::npos;
    for (std::size_t at = 0; at < text.size(); at = std::min(text.find('\n', at), text.size() - 1) + 1)
        if (text.compare(at, 9, "services:") == 0) return true;
    return false;
}

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    if (!value || !*value) return false;
    const std::string text = value;
    for (const char* yes : {"1", "t", "T", "true", "TRUE", "True"})
        if (text == yes) return true;
    for (const char* no : {"0", "f", "F", "false", "FALSE", "False"})
        if (text == no) return false;
    throw error(Errc::usage, "failed to parse {} value \"{}\": it is neither true nor false", variable, text);
}

// What is neither true nor false counts as not said, as with buildx.
bool disables_lookup() {
    try {
        return is_set("BUILDX_BAKE_DISABLE_VARS_ENV_LOOKUP");
    } catch (const Error&) {
        return false;
    }
}

// BUILDX_BAKE_FILE, between colons or what BUILDX_BAKE_PATH_SEPARATOR says.
std::vector<std::string> files_of_environment() {
    std::vector<std::string> out;
    const char *all = std::getenv("BUILDX_BAKE_FILE"), *between = std::getenv("BUILDX_BAKE_PATH_SEPARATOR");
    const std::string separator = between && *between ? between : ":";
    const std::string text = all ? all : "";
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find(separator, at), text.size());
        std::string name = text.substr(at, end - at);
        at = end + separator.size();
        name.erase(0, std::min(name.find_first_not_of(" \t"), name.size()));
        name.erase(name.find_last_not_of(" \t") + 1);
        if (name.empty()) continue;
        if (name != "-" && !exists(name))
            throw error(Errc::not_found, "stat {}: no such file or directory", name)
                .with_hint("BUILDX_BAKE_FILE names it");
        out.push_back(std::move(name));
    }
    return out;
}

} // namespace

std::string bake_path(const std::string& path) {
    constexpr std::string_view here = "cwd://";
    if (!path.starts_with(here)) return path;
    return path.size() == here.size() ? "." : path.substr(here.size());
}

void read_bake_files(const Globals& globals, const std::vector<std::string>& files,
                     const std::vector<std::string>& variables, BakeOptions& to) {
    std::vector<std::string> names = files.empty() ? files_of_environment() : files, compose;
    for (std::string& name : names) name = bake_path(name);
    to.file_relative_paths = is_set("BUILDX_BAKE_FILE_RELATIVE_PATHS");
    if (names.empty())
        for (const char* name : usual_files)
            if (exists(name)) names.emplace_back(name);
    if (names.empty())
        throw error(Errc::not_found, "couldn't find a bake definition").with_hint("docker-bake.hcl, or -f FILE");
    std::string input;
    for (const std::string& name : names) {
        if (name.ends_with(".yaml") || name.ends_with(".yml")) {
            compose.push_back(name);
            continue;
        }
        std::string text = name == "-" ? sys::read_all(STDIN_FILENO) : read_file(name);
        if (is_compose(name, text)) {
            compose.push_back(name);
            if (name == "-") input = std::move(text);
        } else {
            // What has no name that says so is JSON when it looks like it.
            const bool plain = !name.ends_with(".hcl") && !name.ends_with(".json") && is_json(text);
            to.files.push_back({plain ? name + ".json" : name, std::move(text)});
        }
    }
    if (!compose.empty()) read_bake_compose(globals, compose, input, to);
    to.local_platform = own_platform();
    std::map<std::string, std::string> set;
    for (const std::string& text : variables) {
        if (text.empty()) continue;
        const std::size_t equals = text.find('=');
        if (equals == std::string::npos)
            throw error(Errc::usage, "invalid variable \"{}\", expected key=value", text).with_hint("NAME=VALUE");
        if (equals == 0) throw error(Errc::usage, "invalid variable \"{}\", key is empty", text);
        set[text.substr(0, equals)] = text.substr(equals + 1);
    }
    const bool own_only = disables_lookup();
    to.environment = [set, own_only](const std::string& name) -> std::optional<std::string> {
        if (const auto found = set.find(name); found != set.end()) return found->second;
        if (own_only) return std::nullopt;
        const char* value = std::getenv(name.c_str());
        return value ? std::optional<std::string>(value) : std::nullopt;
    };
}

} // namespace davit::cli

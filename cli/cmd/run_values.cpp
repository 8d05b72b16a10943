#include "cli/cmd/run_values.hpp"

#include "base/error.hpp"
#include "davit/short_forms.hpp"

#include <cstdlib>
#include <filesystem>

namespace davit::cli {

namespace {

std::optional<std::string> variable(const std::string& name, const Project& project) {
    if (const char* value = std::getenv(name.c_str())) return value;
    const auto found = project.environment.find(name);
    if (found == project.environment.end()) return std::nullopt;
    return found->second;
}

} // namespace

RunEnvironment run_environment(const std::vector<std::string>& files, const std::vector<std::string>& entries,
                               const Project& project) {
    RunEnvironment out;
    for (const std::string& file : files)
        for (auto& [key, value] : read_env_file(file, [&](const std::string& name) { return variable(name, project); }))
            out.emplace_back(key, std::move(value));
    for (const std::string& entry : entries) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos) out.emplace_back(entry, variable(entry, project));
        else out.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    }
    return out;
}

namespace {

template <typename F>
auto parsed(const char* option, const std::string& text, F&& parse) {
    try {
        return parse(text);
    } catch (const Error& e) {
        throw error(Errc::usage, "invalid {} \"{}\": {}", option, text, e.what());
    }
}

} // namespace

std::vector<Port> parse_publish(const std::string& text) { return parsed("--publish", text, parse_short_ports); }

Mount parse_volume(const std::string& text) {
    Mount mount = parsed("--volume", text, parse_short_volume);
    if (mount.type != MountType::bind) return mount;
    if (mount.source.starts_with("~/"))
        if (const char* home = std::getenv("HOME")) mount.source = home + mount.source.substr(1);
    mount.source = std::filesystem::absolute(mount.source).lexically_normal();
    return mount;
}

} // namespace davit::cli

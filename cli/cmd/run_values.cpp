#include "cli/cmd/run_values.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "compose/dotenv.hpp"
#include "compose/short_forms.hpp"

#include <cstdlib>
#include <filesystem>
#include <map>

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
    std::map<std::string, std::string> found; // what the lookup points into
    const compose::Lookup lookup = [&](std::string_view name) -> const std::string* {
        const auto value = variable(std::string(name), project);
        return value ? &found.insert_or_assign(std::string(name), *value).first->second : nullptr;
    };
    for (const std::string& file : files) {
        const compose::DotenvResult read = compose::parse_dotenv(read_file(file), lookup);
        if (!read.errors.empty()) {
            const auto& wrong = read.errors.front();
            throw error(Errc::invalid_project, "{}", wrong.message)
                .with_at({file, wrong.line, 0})
                .with_hint(wrong.hint);
        }
        for (const auto& [key, value] : read.values) out.emplace_back(key, value);
    }
    for (const std::string& entry : entries) {
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos) out.emplace_back(entry, variable(entry, project));
        else out.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
    }
    return out;
}

std::vector<Port> parse_publish(const std::string& text) {
    const compose::ShortPorts parsed = compose::parse_ports(text);
    if (!parsed.error.empty()) throw error(Errc::usage, "invalid --publish \"{}\": {}", text, parsed.error);
    std::vector<Port> out;
    for (const compose::ShortPort& p : parsed.ports) {
        Port port;
        port.target = p.target;
        port.published = p.published;
        port.host_ip = p.host_ip;
        port.protocol = p.protocol.empty() ? "tcp" : p.protocol;
        port.mode = "ingress";
        out.push_back(std::move(port));
    }
    return out;
}

Mount parse_volume(const std::string& text) {
    const compose::ShortVolume parsed = compose::parse_volume(text);
    if (!parsed.error.empty()) throw error(Errc::usage, "invalid --volume \"{}\": {}", text, parsed.error);
    Mount mount;
    mount.type = parsed.bind ? MountType::bind : MountType::volume;
    mount.source = parsed.source;
    mount.target = parsed.target;
    mount.read_only = parsed.read_only;
    if (parsed.bind) {
        if (mount.source.starts_with("~/"))
            if (const char* home = std::getenv("HOME")) mount.source = home + mount.source.substr(1);
        mount.source = std::filesystem::absolute(mount.source).lexically_normal();
        mount.bind.emplace();
        mount.bind->propagation = parsed.propagation;
        mount.bind->selinux = parsed.selinux;
    } else if (parsed.nocopy && !mount.source.empty()) {
        mount.volume.emplace().nocopy = true;
    }
    return mount;
}

} // namespace davit::cli

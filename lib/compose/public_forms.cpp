#include "davit/short_forms.hpp"

#include "base/error.hpp"
#include "base/file.hpp"
#include "compose/dotenv.hpp"
#include "compose/short_forms.hpp"

#include <map>

namespace davit {

std::vector<Port> parse_short_ports(const std::string& text) {
    const compose::ShortPorts parsed = compose::parse_ports(text);
    if (!parsed.error.empty()) throw error(Errc::usage, "{}", parsed.error);
    std::vector<Port> out;
    for (const compose::ShortPort& p : parsed.ports) {
        Port& port = out.emplace_back();
        port.target = p.target;
        port.published = p.published;
        port.host_ip = p.host_ip;
        port.protocol = p.protocol.empty() ? "tcp" : p.protocol;
        port.mode = "ingress";
    }
    return out;
}

Mount parse_short_volume(const std::string& text) {
    const compose::ShortVolume parsed = compose::parse_volume(text);
    if (!parsed.error.empty()) throw error(Errc::usage, "{}", parsed.error);
    Mount mount;
    mount.type = parsed.bind ? MountType::bind : MountType::volume;
    mount.source = parsed.source;
    mount.target = parsed.target;
    mount.read_only = parsed.read_only;
    if (parsed.bind) {
        mount.bind.emplace();
        mount.bind->propagation = parsed.propagation;
        mount.bind->selinux = parsed.selinux;
    } else if (parsed.nocopy && !mount.source.empty()) {
        mount.volume.emplace().nocopy = true;
    }
    return mount;
}

std::vector<std::pair<std::string, std::string>> read_env_file(const std::string& file, const VariableLookup& outside) {
    std::map<std::string, std::string> found; // what the lookup points into
    const compose::Lookup lookup = [&](std::string_view name) -> const std::string* {
        const auto value = outside ? outside(std::string(name)) : std::nullopt;
        return value ? &found.insert_or_assign(std::string(name), *value).first->second : nullptr;
    };
    compose::DotenvResult read = compose::parse_dotenv(read_file(file), lookup);
    if (!read.errors.empty()) {
        const auto& wrong = read.errors.front();
        throw error(Errc::invalid_project, "{}", wrong.message).with_at({file, wrong.line, 0}).with_hint(wrong.hint);
    }
    return std::move(read.values);
}

} // namespace davit

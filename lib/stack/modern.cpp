#include "stack/modern.hpp"

#include "base/error.hpp"
#include "compose/short_forms.hpp"
#include "stack/convert.hpp"
#include "stack/modern_service.hpp"
#include "stack/text.hpp"

#include <algorithm>
#include <set>
#include <string_view>

namespace davit::stack {

namespace {

LoadOptions modern_options(const StackOptions& given) {
    LoadOptions out;
    out.files = given.files;
    out.stdin_text = given.stdin_text;
    out.current_dir = given.current_dir;
    out.environment = given.environment;
    out.project_name = modern_project;
    out.interpolate = given.interpolate;
    if (const auto it = given.environment.find("COMPOSE_PROFILES"); it != given.environment.end())
        for (std::string_view profile : compose::split(it->second, ',')) out.profiles.emplace_back(profile);
    return out;
}

SwarmNetwork network_of(const ModernScope& scope, const Network& n) {
    SwarmNetwork out;
    out.name = scope.own_name(n.name, n.key);
    if (!n.driver.empty()) out.driver = n.driver;
    out.driver_opts = n.driver_opts;
    out.labels = scope.labelled(n.labels);
    out.internal = n.internal;
    out.attachable = n.attachable;
    out.enable_ipv6 = n.enable_ipv6.value_or(false);
    for (const IpamPool& p : n.ipam.config) out.pools.push_back({p.subnet, p.ip_range, p.gateway, p.aux_addresses});
    return out;
}

std::string content_of(const FileObject& file, const StackOptions& options) {
    if (file.content) return *file.content;
    if (file.environment.empty()) return read_named_file(file.file);
    const auto it = options.environment.find(file.environment);
    if (it == options.environment.end())
        throw error(Errc::invalid_project, "{}: the variable {} is not set", file.key, file.environment)
            .with_at(file.origin.pos);
    return it->second;
}

std::vector<swarm::ConfigSpec> files_of(const ModernScope& scope, const std::map<std::string, FileObject>& files,
                                        const StackOptions& options) {
    std::vector<swarm::ConfigSpec> out;
    for (const auto& [key, file] : files) {
        if (file.external) continue;
        swarm::ConfigSpec& spec = out.emplace_back();
        spec.name = scope.own_name(file.name, key);
        spec.labels = scope.labelled(file.labels);
        spec.driver = file.driver;
        spec.template_driver = file.template_driver;
        if (spec.driver.empty()) spec.data = content_of(file, options);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

std::string because_of(const std::vector<std::string>& refused) {
    std::string keys;
    for (const std::string& key : refused) keys += (keys.empty() ? "" : ", ") + key;
    return fmt::format("Read as a compose file of today, because stack files of version 3 do not know {}: Docker's "
                       "`stack deploy` refuses it",
                       keys);
}

// "services.web.depends_on" is refused where it is a map.
std::set<std::string> with_map(const std::vector<std::string>& refused) {
    constexpr std::string_view section = "services.", key = ".depends_on";
    std::set<std::string> out;
    for (const std::string& path : refused)
        if (path.starts_with(section) && path.ends_with(key) && path.size() > section.size() + key.size())
            out.insert(path.substr(section.size(), path.size() - section.size() - key.size()));
    return out;
}

Stack stack_of(const std::string& name, const Project& project, const StackOptions& options,
               const std::vector<std::string>& refused) {
    Stack out;
    out.name = name;
    const ModernScope scope{name, project, with_map(refused)};
    for (const auto& [key, service] : project.services) {
        if (service.image.empty())
            throw error(Errc::invalid_project, "invalid image reference for service {}: no image specified", key)
                .with_at(service.origin.pos);
        out.services.push_back(service_of(scope, service));
    }
    std::sort(out.services.begin(), out.services.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    for (const auto& [key, network] : project.networks) {
        if (network.external) out.external_networks.push_back(network.name);
        else out.networks.push_back(network_of(scope, network));
    }
    std::sort(out.networks.begin(), out.networks.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    out.secrets = files_of(scope, project.secrets, options);
    out.configs = files_of(scope, project.configs, options);
    if (const std::string ignored = ignored_keys_of(project); !ignored.empty())
        out.warnings.push_back("Ignoring unsupported options: " + ignored + "\n");
    return out;
}

} // namespace

std::optional<Stack> load_modern(const std::string& name, const StackOptions& options,
                                 const std::vector<std::string>& refused) {
    std::optional<LoadResult> loaded;
    try {
        loaded = load(modern_options(options));
    } catch (const Error&) {
        return std::nullopt; // what is wrong as a stack file is told instead
    }
    Stack out = stack_of(name, loaded->project, options, refused);
    out.warnings.insert(out.warnings.begin(), because_of(refused));
    return out;
}

std::optional<std::string> render_modern(const StackOptions& options) {
    try {
        return render(load(modern_options(options)).project, RenderFormat::yaml);
    } catch (const Error&) {
        return std::nullopt;
    }
}

} // namespace davit::stack

#include "base/error.hpp"
#include "compose/paths.hpp"
#include "davit/service_flags.hpp"
#include "stack/flag_reader.hpp"
#include "stack/text.hpp"

#include <algorithm>

namespace davit {

namespace stack {

namespace {

// An error names it as it was given.
std::string env_file(const std::string& path, const std::string& given) {
    try {
        return read_named_file(path);
    } catch (const Error& e) {
        if (e.kind() != Errc::not_found) throw;
        throw error(Errc::usage, "open {}: no such file or directory", given);
    }
}

// Files first; of equal names the last counts, at its own place.
std::vector<std::string> environment_of(const FlagReader& flags, const FlagSurroundings& around) {
    std::vector<std::string> given, out;
    auto lookup = [&](std::string_view name) -> const std::string* {
        const auto it = around.environment.find(std::string(name));
        return it == around.environment.end() ? nullptr : &it->second;
    };
    for (const std::string& file : flags.all("env-file")) {
        const std::string path = compose::is_absolute(file) ? file : compose::join_path(around.current_dir, file);
        for (std::string& line : read_env_lines(env_file(path, file), file, lookup)) given.push_back(std::move(line));
    }
    for (const std::string& text : flags.all("env")) given.push_back(environment_entry(text, around));
    for (std::string& entry : given) {
        const std::string key = split_pair(entry).key + "=";
        std::erase_if(out, [&](const std::string& have) { return have.starts_with(key) && have != entry; });
        if (std::find(out.begin(), out.end(), entry) == out.end()) out.push_back(std::move(entry));
    }
    return out;
}

swarm::ServiceMode mode_of(const FlagReader& flags) {
    const std::string mode = flags.has("mode") ? flags.text("mode") : "replicated";
    swarm::ServiceMode out;
    const bool global = mode == "global" || mode == "global-job";
    auto refuse = [&](std::string_view flag, std::string_view modes) {
        if (flags.has(flag)) throw error(Errc::usage, "{} can only be used with {} mode", flag, modes);
    };
    if (global) {
        refuse("replicas", "replicated or replicated-job");
        refuse("replicas-max-per-node", "replicated or replicated-job");
        refuse("max-concurrent", "replicated-job");
        out.kind = mode == "global" ? swarm::ModeKind::global : swarm::ModeKind::global_job;
    } else if (mode == "replicated") {
        refuse("max-concurrent", "replicated-job");
        flags.apply("replicas", out.replicas, number_value);
    } else if (mode == "replicated-job") {
        out.kind = swarm::ModeKind::replicated_job;
        flags.apply("replicas", out.total_completions, number_value);
        out.max_concurrent = out.total_completions;
        flags.apply("max-concurrent", out.max_concurrent, number_value);
    } else {
        throw error(Errc::usage, "unknown mode: {}, only replicated and global supported", mode);
    }
    return out;
}

swarm::ContainerSpec container_of(const ServiceFlags& given, const FlagReader& flags, const FlagSurroundings& around) {
    swarm::ContainerSpec out;
    out.image = given.image;
    out.args = given.args;
    out.labels = flags.pairs("container-label");
    out.env = environment_of(flags, around);
    out.groups = flags.all("group");
    out.init = false;
    for (const std::string& text : flags.all("mount")) out.mounts.push_back(mount_value(text, around.current_dir));
    for (const std::string& text : flags.all("host")) out.hosts.push_back(host_value(text));
    out.dns_config = {flags.all("dns"), flags.all("dns-search"), flags.all("dns-option")};
    for (std::string& domain : out.dns_config->search)
        if (domain.size() > 1 && domain.ends_with('.')) domain.pop_back();
    out.sysctls = flags.pairs("sysctl");
    out.capability_add = flags.all("cap-add");
    out.capability_drop = flags.all("cap-drop");
    effective_capabilities(out.capability_add, out.capability_drop);
    for (const std::string& text : flags.all("ulimit")) out.ulimits.push_back(ulimit_value(text));
    std::sort(out.ulimits.begin(), out.ulimits.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    add_references(flags, "config", true, out.configs);
    add_references(flags, "secret", false, out.secrets);
    return out;
}

} // namespace

} // namespace stack

bool ServiceFlags::is_true(std::string_view name) const {
    const auto it = given.find(name);
    return it != given.end() && stack::boolean_value(it->second.back());
}

swarm::ServiceSpec create_spec(const ServiceFlags& given, const FlagSurroundings& around) {
    using namespace stack;
    const FlagReader flags(given);
    swarm::ServiceSpec out;
    out.name = flags.text("name");
    out.labels = flags.pairs("label");
    out.mode = mode_of(flags);
    out.task.container = container_of(given, flags, around);
    out.task.resources = swarm::Resources{swarm::ResourceLimits{}, swarm::ResourceReservations{}, {}, {}};
    for (const std::string& text : flags.all("generic-resource"))
        out.task.resources->reservations->generic.push_back(resource_value(text));
    out.task.placement.emplace();
    out.task.placement->constraints = flags.all("constraint");
    for (const std::string& text : flags.all("placement-pref"))
        out.task.placement->preferences.push_back(preference_value(text));
    out.task.networks = attachments(flags, "network", around);
    std::sort(out.task.networks.begin(), out.task.networks.end(),
              [](const auto& a, const auto& b) { return a.target < b.target; });
    out.endpoint = swarm::EndpointSpec{"vip", {}};
    for (const std::string& text : flags.all("publish"))
        for (const swarm::PortConfig& port : port_value(text)) out.endpoint->ports.push_back(port);
    apply_common(flags, out);
    if (out.mode.job() && (out.update_config || out.rollback_config))
        throw error(Errc::usage, "update and rollback configuration is not supported for jobs");
    return out;
}

swarm::ServiceSpec scaled_spec(const swarm::ServiceSpec& spec, std::uint64_t replicas) {
    swarm::ServiceSpec out = spec;
    if (out.mode.kind == swarm::ModeKind::replicated) out.mode.replicas = replicas;
    else if (out.mode.kind == swarm::ModeKind::replicated_job) out.mode.total_completions = replicas;
    else throw error(Errc::usage, "scale can only be used with replicated or replicated-job mode");
    return out;
}

} // namespace davit

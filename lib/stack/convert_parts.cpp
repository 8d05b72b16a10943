#include "base/error.hpp"
#include "base/units.hpp"
#include "stack/convert.hpp"
#include "stack/text.hpp"

namespace davit::stack {

using compose::Node;

namespace {

std::int64_t cpus_of(const Scope& scope, std::string_view name, const Node& n) {
    const std::string text = text_of(n, "cpus");
    if (text.empty()) return 0;
    const auto value = nano_cpus(text);
    if (!value) throw scope.mistake(name, n, fmt::format("failed to parse {} as a rational number", text));
    return *value;
}

std::int64_t memory_of(const Node& n) { return parse_int(text_of(n, "memory")).value_or(0); }

// What only another type of mount has.
void refuse_options(const Scope& scope, std::string_view service, const Node& n, std::string_view type,
                    std::initializer_list<std::string_view> foreign) {
    for (std::string_view key : foreign)
        if (n.has(key))
            throw scope.mistake(service, n, fmt::format("{} options are incompatible with type {}", key, type));
}

void named_volume(const Scope& scope, std::string_view service, const Node& n, swarm::Mount& out) {
    const std::string key = out.source;
    const Node* declared = scope.declared("volumes", key);
    if (!declared) throw scope.mistake(service, n, fmt::format("undefined volume \"{}\"", key));
    out.source = scope.name_of(*declared, key);
    out.volume_options = true;
    out.no_copy = boolean_of(section_of(n, "volume"), "nocopy").value_or(false);
    if (declared->has("external")) return;
    out.volume_labels = scope.labelled(map_of(*declared, "labels"));
    out.driver = text_of(*declared, "driver");
    out.driver_options = map_of(*declared, "driver_opts");
}

void bind(const Scope& scope, std::string_view service, const Node& n, swarm::Mount& out) {
    if (out.source.empty())
        throw scope.mistake(service, n, fmt::format("invalid {} source, source cannot be empty", out.type));
    if (const Node* options = n.find("bind")) {
        out.bind_options = true;
        out.propagation = text_of(*options, "propagation");
    }
}

void tmpfs(const Scope& scope, std::string_view service, const Node& n, swarm::Mount& out) {
    if (!out.source.empty()) throw scope.mistake(service, n, "invalid tmpfs source, source must be empty");
    if (const Node* options = n.find("tmpfs")) {
        out.tmpfs_options = true;
        out.tmpfs_size = integer_of(*options, "size").value_or(0);
    }
}

void cluster_volume(const Scope& scope, std::string_view service, const Node& n, swarm::Mount& out) {
    if (out.source.empty()) throw scope.mistake(service, n, "invalid cluster source, source cannot be empty");
    if (out.source.starts_with("group:")) return;
    const Node* declared = scope.declared("volumes", out.source);
    if (!declared) throw scope.mistake(service, n, fmt::format("undefined volume \"{}\"", out.source));
    out.source = scope.name_of(*declared, out.source);
}

swarm::Mount convert_mount(const Scope& scope, std::string_view service, const Node& n) {
    swarm::Mount out;
    out.type = text_of(n, "type");
    out.source = text_of(n, "source");
    out.target = text_of(n, "target");
    out.read_only = boolean_of(n, "read_only").value_or(false);
    out.consistency = text_of(n, "consistency");
    if (out.type.empty()) out.type = "volume";
    if (out.type == "volume") {
        refuse_options(scope, service, n, out.type, {"tmpfs", "bind", "cluster"});
        if (!out.source.empty()) named_volume(scope, service, n, out);
    } else if (out.type == "bind" || out.type == "npipe") {
        refuse_options(scope, service, n, out.type, {"volume", "tmpfs", "cluster"});
        bind(scope, service, n, out);
    } else if (out.type == "tmpfs") {
        refuse_options(scope, service, n, out.type, {"bind", "volume", "cluster"});
        tmpfs(scope, service, n, out);
    } else if (out.type == "cluster") {
        refuse_options(scope, service, n, out.type, {"tmpfs", "bind", "volume"});
        cluster_volume(scope, service, n, out);
    } else {
        throw scope.mistake(service, n, "volume type must be volume, bind, tmpfs, npipe, or cluster");
    }
    return out;
}

} // namespace

std::vector<swarm::Mount> convert_mounts(const Scope& scope, std::string_view name, const Node& service) {
    std::vector<swarm::Mount> out;
    for (const Node* item : section_of(service, "volumes").list()) out.push_back(convert_mount(scope, name, *item));
    return out;
}

swarm::Resources convert_resources(const Scope& scope, std::string_view name, const Node& deploy) {
    swarm::Resources out;
    const Node& n = section_of(deploy, "resources");
    if (const Node* limits = n.find("limits"))
        out.limits = {cpus_of(scope, name, *limits), memory_of(*limits), integer_of(*limits, "pids").value_or(0)};
    const Node* reservations = n.find("reservations");
    if (!reservations) return out;
    out.reservations.emplace();
    out.reservations->nano_cpus = cpus_of(scope, name, *reservations);
    out.reservations->memory = memory_of(*reservations);
    for (const Node* item : section_of(*reservations, "generic_resources").list()) {
        const Node& spec = section_of(*item, "discrete_resource_spec");
        out.reservations->generic.push_back({text_of(spec, "kind"), {}, integer_of(spec, "value").value_or(0)});
    }
    return out;
}

std::optional<swarm::RestartPolicy> restart_word(const std::string& word) {
    const std::size_t colon = word.find(':');
    const std::string name = word.substr(0, colon);
    swarm::RestartPolicy out;
    if (name.empty() || name == "no") return std::nullopt;
    if (name == "always" || name == "unless-stopped") out.condition = "any";
    else if (name == "on-failure") out.condition = "on-failure";
    else
        throw error(Errc::invalid_project,
                    "invalid restart policy: unknown policy '{}' (must be one of 'no', 'always', 'on-failure', or "
                    "'unless-stopped')",
                    name);
    if (colon == std::string::npos) return out;
    const auto count = parse_int(word.substr(colon + 1));
    if (!count)
        throw error(Errc::invalid_project, "invalid restart policy format: maximum retry count must be an integer");
    if (*count < 0)
        throw error(Errc::invalid_project, "invalid restart policy: maximum retry count cannot be negative");
    if (*count > 0) out.max_attempts = static_cast<std::uint64_t>(*count);
    return out;
}

std::optional<swarm::RestartPolicy> convert_restart(const Scope& scope, std::string_view name, const Node& service) {
    const Node* policy = section_of(service, "deploy").find("restart_policy");
    if (!policy) {
        try {
            return restart_word(text_of(service, "restart"));
        } catch (const Error& e) {
            throw scope.mistake(name, service, e.what());
        }
    }
    swarm::RestartPolicy out;
    out.condition = text_of(*policy, "condition");
    out.delay = duration_of(*policy, "delay");
    if (const auto attempts = integer_of(*policy, "max_attempts"))
        out.max_attempts = static_cast<std::uint64_t>(*attempts);
    out.window = duration_of(*policy, "window");
    return out;
}

} // namespace davit::stack

#include "base/error.hpp"
#include "compose/short_forms.hpp"
#include "davit/service_flags.hpp"
#include "stack/flag_values.hpp"
#include "stack/text.hpp"
#include "swarm/orchestrator/constraints.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace davit {

namespace stack {

namespace {

template <typename... Args>
Error refusal(fmt::format_string<Args...> text, Args&&... args) {
    return error(Errc::invalid_project, text, std::forward<Args>(args)...);
}

bool one_of(const std::string& word, std::initializer_list<std::string_view> words) {
    return word.empty() || std::find(words.begin(), words.end(), word) != words.end();
}

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// "." or names with dots between them, of letters, digits and inner hyphens; not of digits alone.
void check_domain(const std::string& text) {
    const std::size_t first = std::min(text.find_first_not_of(' '), text.size());
    std::string name = text.substr(first, text.find_last_not_of(' ') + 1 - first);
    if (name == ".") return;
    const bool letters = std::any_of(name.begin(), name.end(), [](char c) { return is_alnum(c) && c > '9'; });
    if (name.ends_with('.')) name.pop_back();
    bool fits = letters && name.size() < 255;
    for (std::string_view part : compose::split(name, '.'))
        fits = fits && !part.empty() && is_alnum(part.front()) && is_alnum(part.back()) &&
               std::all_of(part.begin(), part.end(), [](char c) { return is_alnum(c) || c == '-'; });
    if (!fits) throw error(Errc::usage, "{} is not a valid domain", text);
}

void check_actions(const std::optional<swarm::UpdateConfig>& u) {
    if (!u) return;
    if (!one_of(u->failure_action, {"pause", "continue", "rollback"}))
        throw refusal("unrecognized update failure action {}", u->failure_action);
    if (!one_of(u->order, {"stop-first", "start-first"})) throw refusal("unrecognized update order {}", u->order);
}

void check_update(const std::optional<swarm::UpdateConfig>& u) {
    if (!u) return;
    if (u->delay < 0) throw refusal("TaskSpec: update-delay cannot be negative");
    if (u->monitor.value_or(0) < 0) throw refusal("TaskSpec: update-monitor cannot be negative");
    if (u->max_failure_ratio < 0 || u->max_failure_ratio > 1)
        throw refusal("TaskSpec: update-maxfailureratio cannot be less than 0 or bigger than 1");
}

void check_restart(const std::optional<swarm::RestartPolicy>& p) {
    if (!p) return;
    if (!one_of(p->condition, {"none", "on-failure", "any"}))
        throw refusal("invalid RestartCondition: \"{}\"", p->condition);
    if (p->delay.value_or(0) < 0) throw refusal("TaskSpec: restart-delay cannot be negative");
    if (p->window.value_or(0) < 0) throw refusal("TaskSpec: restart-window cannot be negative");
}

void check_mounts(const std::vector<swarm::Mount>& mounts) {
    std::set<std::string> targets;
    for (const swarm::Mount& m : mounts) {
        if (!one_of(m.type, {"bind", "volume", "tmpfs", "npipe", "image", "cluster"}))
            throw refusal("invalid MountType: \"{}\"", m.type);
        if (m.target.empty()) throw refusal("ContainerSpec: mount target must be provided");
        if (!targets.insert(m.target).second) throw refusal("ContainerSpec: duplicate mount point: {}", m.target);
        if (!one_of(m.propagation, {"private", "rprivate", "shared", "rshared", "slave", "rslave"}))
            throw refusal("invalid MountPropagation: \"{}\"", m.propagation);
        if (m.type == "bind" && !m.source.starts_with('/') && m.source.find(':') == std::string::npos)
            throw refusal("invalid bind mount source, must be an absolute path: {}", m.source);
    }
}

void check_resources(const std::optional<swarm::Resources>& r) {
    constexpr std::int64_t least_cpu = 1'000'000, least_memory = 4 * 1024 * 1024;
    auto check = [&](std::int64_t cpus, std::int64_t memory) {
        if (cpus != 0 && cpus < least_cpu)
            throw refusal("invalid cpu value {}: Must be at least {}", static_cast<double>(cpus) / 1e9, 0.001);
        if (memory != 0 && memory < least_memory)
            throw refusal("invalid memory value {}: Must be at least 4MiB", memory);
    };
    if (r && r->swap && (!r->limits || r->limits->memory == 0))
        throw refusal("memory swap provided, but no memory-limit was set");
    if (r && r->limits) check(r->limits->nano_cpus, r->limits->memory);
    if (r && r->reservations) check(r->reservations->nano_cpus, r->reservations->memory);
}

void check_endpoint(const std::optional<swarm::EndpointSpec>& e) {
    if (!e) return;
    if (!one_of(e->mode, {"vip", "dnsrr"})) throw refusal("invalid resolution mode: \"{}\"", e->mode);
    std::set<std::pair<std::uint16_t, std::string>> published;
    for (const swarm::PortConfig& p : e->ports) {
        if (e->mode == "dnsrr" && p.mode == "ingress")
            throw refusal("EndpointSpec: port published with ingress mode can't be used with dnsrr mode");
        if (p.target == 0) throw refusal("EndpointSpec: target port must be specified");
        if (p.published != 0 && !published.emplace(p.published, p.protocol).second)
            throw refusal("EndpointSpec: duplicate published ports provided");
    }
}

void check_files(const swarm::ContainerSpec& c) {
    auto check = [](const char* kind, const std::vector<swarm::FileReference>& references) {
        std::map<std::string, std::string> targets;
        for (const swarm::FileReference& r : references)
            if (const auto [known, fresh] = targets.emplace(r.target, r.name); !fresh)
                throw refusal("{} references '{}' and '{}' have a conflicting target: '{}'", kind, known->second,
                              r.name, r.target);
    };
    check("secret", c.secrets);
    check("config", c.configs);
}

void check_health(const std::optional<swarm::Healthcheck>& h) {
    if (!h) return;
    constexpr std::int64_t least = 1'000'000;
    auto check = [&](std::int64_t value, std::string_view name) {
        if (value != 0 && value < least)
            throw refusal("ContainerSpec: {} in HealthConfig cannot be less than 1ms", name);
    };
    check(h->interval, "Interval");
    check(h->timeout, "Timeout");
    check(h->start_period, "StartPeriod");
    check(h->start_interval, "StartInterval");
    if (h->retries < 0) throw refusal("ContainerSpec: Retries in HealthConfig cannot be negative");
}

} // namespace

} // namespace stack

void ServiceFlags::add(const ServiceFlag& flag, const std::string& value) {
    using namespace stack;
    swarm::Privileges unused;
    switch (flag.kind) {
    case FlagKind::text:
    case FlagKind::list:
    case FlagKind::pair: break;
    case FlagKind::boolean: boolean_value(value); break;
    case FlagKind::integer: integer_value(value); break;
    case FlagKind::number: number_value(value); break;
    case FlagKind::ratio: ratio_value(value); break;
    case FlagKind::duration: duration_value(value); break;
    case FlagKind::positive:
        if (duration_value(value) < 0) throw error(Errc::usage, "duration cannot be negative");
        break;
    case FlagKind::cpus: cpus_value(value); break;
    case FlagKind::bytes: bytes_value(value); break;
    case FlagKind::words: words_value(value); break;
    case FlagKind::port: port_value(value); break;
    case FlagKind::mount: mount_value(value, "/"); break;
    case FlagKind::network: network_value(value); break;
    case FlagKind::config: file_value(value, true); break;
    case FlagKind::secret: file_value(value, false); break;
    case FlagKind::ulimit: ulimit_value(value); break;
    case FlagKind::host: host_value(value); break;
    case FlagKind::resource:
        if (value.find('=') == std::string::npos)
            throw error(Errc::usage, "invalid generic-resource format `{}` expected `name=value`", value);
        break;
    case FlagKind::label: check_label(value); break;
    case FlagKind::variable:
        if (value.empty() || value.front() == '=') throw error(Errc::usage, "invalid environment variable: {}", value);
        break;
    case FlagKind::domain: check_domain(value); break;
    case FlagKind::preference: preference_value(value); break;
    case FlagKind::credential: set_credential(value, unused); break;
    case FlagKind::address:
        if (!compose::is_ip_address(value))
            throw error(Errc::usage, "IP address is not correctly formatted: {}", value);
        break;
    }
    given[flag.name].push_back(value);
}

void check_swarm_name(const std::string& name) {
    using namespace stack;
    constexpr std::size_t longest = 63;
    const bool fits = !name.empty() && is_alnum(name.front()) && is_alnum(name.back()) &&
                      std::all_of(name.begin(), name.end(), [](char c) { return is_alnum(c) || c == '-' || c == '_'; });
    if (!fits) throw refusal("name must be valid as a DNS name component");
    if (name.size() > longest) throw refusal("name must be 63 characters or fewer");
}

void check_spec(const swarm::ServiceSpec& spec) {
    using namespace stack;
    check_swarm_name(spec.name);
    check_actions(spec.update_config);
    check_actions(spec.rollback_config);
    check_update(spec.update_config); // of a roll-back the engine looks at the words alone
    check_restart(spec.task.restart_policy);
    check_mounts(spec.task.container.mounts);
    check_resources(spec.task.resources);
    if (spec.task.placement)
        for (const std::string& text : spec.task.placement->constraints) {
            try {
                swarm::parse_constraint(text);
            } catch (const Error& e) {
                throw refusal("{}", e.what());
            }
        }
    check_endpoint(spec.endpoint);
    check_files(spec.task.container);
    check_health(spec.task.container.healthcheck);
    if (spec.mode.job() && spec.update_config) throw refusal("Jobs may not have an update config");
    if (spec.task.container.image.empty()) throw refusal("ContainerSpec: image reference must be provided");
}

} // namespace davit

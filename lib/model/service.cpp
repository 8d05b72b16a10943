#include "davit/project.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

namespace davit {

const Service* Project::find(const std::string& service) const {
    if (auto it = services.find(service); it != services.end()) return &it->second;
    if (auto it = disabled_services.find(service); it != disabled_services.end()) return &it->second;
    return nullptr;
}

const Service& Project::service(const std::string& key) const {
    const Service* found = find(key);
    if (!found) throw error(Errc::not_found, "no such service: {}", key);
    return *found;
}

Service& Project::service(const std::string& key) { return const_cast<Service&>(std::as_const(*this).service(key)); }

int replicas(const Service& s) {
    if (s.scale) return *s.scale;
    if (s.deploy && s.deploy->replicas) return *s.deploy->replicas;
    return 1;
}

std::vector<std::string> network_order(const Service& s) {
    std::vector<std::string> names;
    for (const auto& [name, unused] : s.networks) names.push_back(name);
    auto priority = [&](const std::string& name) {
        const auto& network = s.networks.at(name);
        return network ? network->priority : 0;
    };
    std::stable_sort(names.begin(), names.end(),
                     [&](const auto& a, const auto& b) { return priority(a) > priority(b); });
    return names;
}

EffectiveLimits effective_limits(const Service& s) {
    EffectiveLimits out{s.cpus, s.mem_limit, s.mem_reservation, s.pids_limit};
    if (!s.deploy) return out;
    if (const auto& limits = s.deploy->resources.limits) {
        if (limits->cpus > 0) out.cpus = limits->cpus;
        if (limits->memory != 0) out.memory = limits->memory;
        if (limits->pids != 0) out.pids = limits->pids;
    }
    if (const auto& reserved = s.deploy->resources.reservations)
        if (reserved->memory != 0) out.memory_reservation = reserved->memory;
    return out;
}

RestartPolicy effective_restart(const Service& s) {
    using Kind = RestartPolicy::Kind;
    if (s.deploy && s.deploy->restart_policy) {
        const auto& policy = *s.deploy->restart_policy;
        if (policy.condition == "none") return {Kind::no, 0};
        if (policy.condition == "on-failure") return {Kind::on_failure, policy.max_attempts.value_or(0)};
        return {Kind::always, 0};
    }
    std::string_view text = s.restart;
    if (text == "always") return {Kind::always, 0};
    if (text == "unless-stopped") return {Kind::unless_stopped, 0};
    if (text.substr(0, 10) != "on-failure") return {Kind::no, 0};
    RestartPolicy out{Kind::on_failure, 0};
    if (text.size() > 11) std::from_chars(text.data() + 11, text.data() + text.size(), out.max_attempts);
    return out;
}

} // namespace davit

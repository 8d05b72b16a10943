#include "davit/project.hpp"

#include "base/error.hpp"
#include "base/glob.hpp"

#include <algorithm>
#include <utility>

namespace davit {

namespace {

std::vector<std::string> matching(const Project& p, const std::string& pattern) {
    if (p.services.count(pattern)) return {pattern};
    std::vector<std::string> out;
    for (const auto& [name, unused] : p.services)
        if (glob_match(pattern, name)) out.push_back(name);
    return out;
}

bool has_profile(const Service& s, const std::vector<std::string>& active) {
    if (s.profiles.empty()) return true;
    return std::any_of(active.begin(), active.end(), [&](const std::string& p) {
        return p == "*" || std::find(s.profiles.begin(), s.profiles.end(), p) != s.profiles.end();
    });
}

Error missing(const Project& p, const std::string& service, const std::string& needed) {
    auto disabled = p.disabled_services.find(needed);
    if (disabled == p.disabled_services.end()) return error(Errc::not_found, "no such service: {}", needed);
    std::string hint = "name it as well, or use --no-deps";
    const auto& profiles = disabled->second.profiles;
    if (!profiles.empty()) hint = fmt::format("enable its profile with --profile {}, {}", profiles.front(), hint);
    return error(Errc::not_found, "service \"{}\" needs the service \"{}\", which is disabled", service, needed)
        .with_hint(hint);
}

template <typename Map, typename Set>
void keep(Map& map, const Set& names) {
    for (auto it = map.begin(); it != map.end();) it = names.count(it->first) ? std::next(it) : map.erase(it);
}

} // namespace

std::set<std::string> match_services(const Project& p, const std::vector<std::string>& patterns, Dependencies deps) {
    std::set<std::string> out;
    std::vector<std::string> todo;
    for (const auto& pattern : patterns) {
        auto names = matching(p, pattern);
        if (names.empty()) throw error(Errc::not_found, "no such service: {}", pattern);
        todo.insert(todo.end(), names.begin(), names.end());
    }
    while (!todo.empty()) {
        std::string name = std::move(todo.back());
        todo.pop_back();
        if (!out.insert(name).second || deps == Dependencies::ignore) continue;
        for (const auto& [other, dependency] : p.services.at(name).depends_on) {
            if (p.services.count(other)) todo.push_back(other);
            else if (dependency.required) throw missing(p, name, other);
        }
    }
    return out;
}

Project select_services(Project out, const std::vector<std::string>& patterns, Dependencies deps) {
    if (patterns.empty()) return out;
    const auto names = match_services(out, patterns, deps);
    for (auto it = out.services.begin(); it != out.services.end();) {
        if (names.count(it->first)) {
            keep(it->second.depends_on, names);
            ++it;
        } else {
            out.disabled_services.insert(out.services.extract(it++));
        }
    }
    return out;
}

Project enable_services(Project out, const std::vector<std::string>& names) {
    std::vector<std::string> profiles = out.profiles;
    bool more = false;
    for (const auto& name : names) {
        auto it = out.disabled_services.find(name);
        if (it == out.disabled_services.end()) continue;
        profiles.insert(profiles.end(), it->second.profiles.begin(), it->second.profiles.end());
        more = true;
    }
    if (!more) return out;
    out.profiles = profiles;
    for (auto it = out.disabled_services.begin(); it != out.disabled_services.end();) {
        auto here = it++;
        if (has_profile(here->second, profiles)) out.services.insert(out.disabled_services.extract(here));
    }
    return out;
}

Project without_unused_resources(Project out) {
    std::set<std::string> networks, volumes, secrets, configs, models;
    for (const auto& [name, s] : out.services) {
        for (const auto& [key, unused] : s.networks) networks.insert(key);
        for (const auto& m : s.volumes)
            if (m.type == MountType::volume && !m.source.empty()) volumes.insert(m.source);
        for (const auto& f : s.secrets) secrets.insert(f.source);
        for (const auto& f : s.configs) configs.insert(f.source);
        for (const auto& [key, unused] : s.models) models.insert(key);
        if (s.build)
            for (const auto& f : s.build->secrets) secrets.insert(f.source);
    }
    keep(out.networks, networks);
    keep(out.volumes, volumes);
    keep(out.secrets, secrets);
    keep(out.configs, configs);
    keep(out.models, models);
    return out;
}

} // namespace davit

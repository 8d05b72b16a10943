#include "compose/consistency.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "base/words.hpp"
#include "compose/paths.hpp"
#include "graph/graph.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <map>

namespace davit::compose {

namespace {

class ServiceChecker {
public:
    ServiceChecker(const Project& project, Service& service, std::vector<Diagnostic>& out,
                   bool may_need_disabled = false)
        : p_(project), s_(service), out_(out), may_need_disabled_(may_need_disabled) {}

    void run() {
        source();
        if (s_.build) build(*s_.build);
        networks();
        health();
        dependencies();
        references();
        scale();
        limits();
        mounts();
        watch();
    }

private:
    void error(std::string_view attribute, std::string message, std::string hint = {}) {
        std::string path = "services." + s_.name;
        if (!attribute.empty()) path += fmt::format(".{}", attribute);
        out_.push_back({Diagnostic::Severity::error, {}, std::move(path), std::move(message), std::move(hint), {}});
    }

    template <typename Map>
    std::string hint_for(std::string_view name, const Map& known, std::string_view section) {
        std::vector<std::string_view> names;
        for (const auto& [key, unused] : known) names.push_back(key);
        if (auto near = nearest(name, names)) return fmt::format("did you mean '{}'?", *near);
        return fmt::format("declare it below {}: at the top of the file", section);
    }

    template <typename Map>
    void undeclared(std::string_view path, std::string_view what, const std::string& name, const Map& known) {
        if (!known.count(name))
            error(path, fmt::format("the {} '{}' is not declared", what, name),
                  hint_for(name, known, fmt::format("{}s", what)));
    }

    // A service that is there but not enabled, or not there at all.
    void need_service(std::string_view attribute, const std::string& name) {
        if (p_.services.count(name)) return;
        auto disabled = p_.disabled_services.find(name);
        if (disabled != p_.disabled_services.end()) {
            std::string profiles;
            for (const auto& profile : disabled->second.profiles) profiles += (profiles.empty() ? "" : ", ") + profile;
            return error(
                attribute, fmt::format("needs the service '{}', which is disabled", name),
                fmt::format("enable one of its profiles ({}) with --profile, or write  required: false", profiles));
        }
        std::vector<std::string_view> names;
        for (const auto& [key, unused] : p_.services) names.push_back(key);
        auto near = nearest(name, names);
        error(attribute, fmt::format("needs the service '{}', which does not exist", name),
              near ? fmt::format("did you mean '{}'?", *near) : fmt::format("there are: {}", fmt::join(names, ", ")));
    }

    void source() {
        if (s_.image.empty() && !s_.build && !s_.provider)
            error("", "has neither an image nor a build", "add  image: NAME  or  build: .");
    }

    void build(const BuildConfig& b) {
        if (!b.dockerfile.empty() && !b.dockerfile_inline.empty())
            error("build", "dockerfile and dockerfile_inline exclude each other", "keep one of them");
        for (const auto& [key, context] : b.additional_contexts) {
            const SharedWith built = SharedWith::parse(context);
            if (!built.is_service()) continue;
            const std::string name(built.name);
            const Service* other = p_.find(name);
            std::string path = "build.additional_contexts." + key;
            if (!other)
                error(path, fmt::format("'{}' names the service '{}', which does not exist", key, name),
                      "write service:NAME with the name of a service of this file");
            else if (!other->build)
                error(path, fmt::format("'{}' names the service '{}', which is not built", key, name),
                      "add  build: .  to that service");
        }
        if (!s_.platform.empty() && !b.platforms.empty() &&
            std::find(b.platforms.begin(), b.platforms.end(), s_.platform) == b.platforms.end())
            error("platform", fmt::format("'{}' is not among build.platforms", s_.platform), "add it there");
        for (std::size_t i = 0; i < b.secrets.size(); ++i)
            undeclared(fmt::format("build.secrets[{}]", i), "secret", b.secrets[i].source, p_.secrets);
    }

    void networks() {
        if (!s_.network_mode.empty() && !s_.networks.empty())
            error("", "network_mode and networks exclude each other", "keep one of them");
        for (const auto& [name, network] : s_.networks) undeclared("networks." + name, "network", name, p_.networks);
        if (s_.mac_address.empty() || s_.networks.empty()) return;
        const auto& first = s_.networks.at(network_order(s_).front());
        if (first && !first->mac_address.empty() && first->mac_address != s_.mac_address)
            error("mac_address", "differs from the one of its main network", "keep one of them");
    }

    void health() {
        if (!s_.healthcheck || s_.healthcheck->test.empty()) return;
        const std::string& kind = s_.healthcheck->test[0];
        if (kind != "CMD" && kind != "CMD-SHELL" && kind != "NONE")
            error("healthcheck.test",
                  fmt::format("a list must start with CMD, CMD-SHELL or NONE, and this one starts with '{}'", kind),
                  "add \"CMD\" as its first item, or write the command as a text");
    }

    // Which attribute an inferred dependency comes from.
    std::string origin_of(const std::string& name) const {
        const std::pair<std::string_view, const std::string&> shared[] = {{"network_mode", s_.network_mode},
                                                                          {"ipc", s_.ipc},
                                                                          {"pid", s_.pid},
                                                                          {"uts", s_.uts},
                                                                          {"cgroup", s_.cgroup}};
        for (const auto& [attribute, value] : shared)
            if (SharedWith::parse(value) == SharedWith{SharedWith::Kind::service, name}) return std::string(attribute);
        auto starts = [&](const std::string& text) { return text.substr(0, text.find(':')) == name; };
        return std::any_of(s_.links.begin(), s_.links.end(), starts) ? "links" : "volumes_from";
    }

    void dependencies() {
        for (const auto& [name, dependency] : s_.depends_on) {
            if ((!dependency.required || may_need_disabled_) && p_.disabled_services.count(name)) continue;
            need_service(dependency.inferred ? origin_of(name) : "depends_on." + name, name);
        }
        // Without normalisation these are not among depends_on.
        if (const SharedWith other = SharedWith::parse(s_.network_mode); other.is_service()) {
            const std::string name(other.name);
            if (!s_.depends_on.count(name)) need_service("network_mode", name);
        }
    }

    void references() {
        for (std::size_t i = 0; i < s_.volumes.size(); ++i) {
            const Mount& m = s_.volumes[i];
            if (m.type != MountType::volume || m.source.empty() || p_.volumes.count(m.source)) continue;
            std::string path = fmt::format("volumes[{}]", i);
            if (m.source.find('/') == std::string::npos) undeclared(path, "volume", m.source, p_.volumes);
            else
                error(path, fmt::format("the volume '{}' is not declared", m.source),
                      fmt::format("a path of this machine starts with ./ or /: ./{}", m.source));
        }
        for (std::size_t i = 0; i < s_.secrets.size(); ++i)
            undeclared(fmt::format("secrets[{}]", i), "secret", s_.secrets[i].source, p_.secrets);
        for (std::size_t i = 0; i < s_.configs.size(); ++i)
            undeclared(fmt::format("configs[{}]", i), "config", s_.configs[i].source, p_.configs);
        for (const auto& [name, unused] : s_.models) undeclared("models." + name, "model", name, p_.models);
    }

    void scale() {
        if (s_.scale && s_.deploy) {
            if (s_.deploy->replicas && *s_.deploy->replicas != *s_.scale) distinct("scale", "deploy.replicas");
            else s_.deploy->replicas = s_.scale;
        }
        if (s_.scale && *s_.scale < 0) error("scale", fmt::format("must be 0 or more, and this is {}", *s_.scale));
        if (s_.deploy && s_.deploy->replicas && *s_.deploy->replicas < 0)
            error("deploy.replicas", fmt::format("must be 0 or more, and this is {}", *s_.deploy->replicas));
        if (!s_.container_name.empty() && replicas(s_) > 1)
            error("container_name", fmt::format("{} replicas cannot have one container name", replicas(s_)),
                  "remove container_name");
    }

    void distinct(std::string_view one, std::string_view other) {
        error(one, fmt::format("differs from {}", other),
              "they mean the same: keep one of them, or give both the same value");
    }

    void limits() {
        if (!s_.deploy) return;
        if (const auto& l = s_.deploy->resources.limits) {
            if (s_.cpus != 0 && static_cast<float>(l->cpus) != static_cast<float>(s_.cpus))
                distinct("cpus", "deploy.resources.limits.cpus");
            if (s_.mem_limit != 0 && l->memory != s_.mem_limit) distinct("mem_limit", "deploy.resources.limits.memory");
            if (s_.pids_limit.value_or(0) != 0 && l->pids != *s_.pids_limit)
                distinct("pids_limit", "deploy.resources.limits.pids");
        }
        if (const auto& r = s_.deploy->resources.reservations)
            if (s_.mem_reservation != 0 && r->memory != s_.mem_reservation)
                distinct("mem_reservation", "deploy.resources.reservations.memory");
    }

    void mounts() {
        std::map<std::string_view, std::string> taken;
        const auto take = [&](std::string_view target, std::string path) {
            const auto [it, fresh] = taken.try_emplace(target, path);
            if (fresh) return;
            const bool same = it->second.substr(0, 5) == path.substr(0, 5);
            error(path,
                  same ? fmt::format("{} is the target of {} already", target, it->second)
                       : fmt::format("{} is the target of a volume and of a tmpfs", target),
                  "remove one of the two");
        };
        for (std::size_t i = 0; i < s_.tmpfs.size(); ++i)
            take(std::string_view(s_.tmpfs[i]).substr(0, s_.tmpfs[i].find(':')), fmt::format("tmpfs[{}]", i));
        for (std::size_t i = 0; i < s_.volumes.size(); ++i) take(s_.volumes[i].target, fmt::format("volumes[{}]", i));
    }

    void watch() {
        if (!s_.develop) return;
        const auto& rules = s_.develop->watch;
        for (std::size_t i = 0; i < rules.size(); ++i)
            if (rules[i].target.empty() && !rules[i].action.empty() && rules[i].action != "rebuild" &&
                rules[i].action != "restart")
                error(fmt::format("develop.watch[{}]", i), fmt::format("the action {} needs a target", rules[i].action),
                      "add  target: /path/in/the/container");
    }

    const Project& p_;
    Service& s_;
    std::vector<Diagnostic>& out_;
    bool may_need_disabled_;
};

} // namespace

namespace {
// The first service of the first cycle.
std::string cycle_start(const Project& project) {
    Graph graph;
    for (const auto& [name, service] : project.services)
        for (const auto& [other, unused] : service.depends_on)
            if (project.services.count(other)) graph.add_edge(name, other);
    auto cycle = graph.find_cycle();
    return cycle.empty() ? std::string() : cycle.front();
}
} // namespace

namespace {
void check_cycles(const Project& project, std::vector<Diagnostic>& out) {
    if (!out.empty()) return;
    try {
        dependency_levels(project);
    } catch (const Error& e) {
        out.push_back({Diagnostic::Severity::error,
                       {},
                       "services." + cycle_start(project),
                       e.what(),
                       "one of these services must be able to start before the others: remove one depends_on",
                       {}});
    }
}
} // namespace

void check_consistency(Project& project, std::vector<Diagnostic>& out) {
    for (auto& [name, service] : project.services) ServiceChecker(project, service, out).run();
    for (const auto& [key, secret] : project.secrets)
        if (!secret.external && secret.file.empty() && secret.environment.empty())
            out.push_back({Diagnostic::Severity::error,
                           {},
                           "secrets." + key,
                           "does not say where its content comes from",
                           "add one of: file, environment",
                           {}});
    check_cycles(project, out);
}

void check_consistency_of(Project& project, const std::set<std::string>& services, std::vector<Diagnostic>& out) {
    for (const auto& name : services) ServiceChecker(project, project.services.at(name), out, true).run();
    check_cycles(project, out);
}

void check_container_names(const Project& project, std::vector<Diagnostic>& out) {
    std::map<std::string, std::string> owners;
    for (const auto& [name, service] : project.services) {
        if (service.container_name.empty()) continue;
        auto [it, fresh] = owners.emplace(service.container_name, name);
        if (!fresh)
            out.push_back({Diagnostic::Severity::error,
                           {},
                           fmt::format("services.{}.container_name", name),
                           fmt::format("container name \"{}\" is already in use by service {}", service.container_name,
                                       it->second),
                           "container names must be unique",
                           {}});
    }
}

} // namespace davit::compose

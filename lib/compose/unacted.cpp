#include "compose/unacted.hpp"

#include "compose/diagnostics.hpp"
#include "compose/path_table.hpp"

namespace davit::compose {

namespace {

struct Unacted {
    std::string_view why;
    std::string_view only = {};      // the value it is about; "" = any
    std::string_view other_why = {}; // a second value
    std::string_view other = {};
    std::string_view acted =
        {}; // of a mapping: the keys that have an effect, as " one two "; the row is about the others
};

// In the order of the specification. A row goes when davit learns to act on it.
const PathTable<Unacted>& table() {
    static const PathTable<Unacted> rows{
        {"services.*.build", {"davit builds no images; it uses the one that is there"}},
        {"services.*.pull_policy", {"davit builds no images", "build"}},
        {"services.*.develop.watch", {"davit does not watch files; run 'davit up -d' again after a change"}},
        {"services.*.pre_start.[].per_replica", {"the hook runs once, before the first replica"}},
        {"services.*.cpu_count", {"it is for Windows containers"}},
        {"services.*.cpu_percent", {"it is for Windows containers"}},
        {"services.*.credential_spec", {"it is for Windows containers"}},
        {"services.*.storage_opt", {"overlay file systems have no such options"}},
        {"services.*.use_api_socket", {"there is no engine whose socket could be given"}},
        {"services.*.models", {"davit runs no models"}},
        {"services.*.deploy.mode", {"there is one machine", "global"}},
        {"services.*.deploy.placement", {"there is one machine"}},
        {"services.*.deploy.endpoint_mode", {"names resolve to all replicas (dnsrr)", "vip"}},
        {"services.*.deploy.resources.reservations.cpus", {"a CPU cannot be reserved; use cpu_shares"}},
        {"services.*.deploy.resources.reservations.generic_resources", {"there is one machine"}},
        {"services.*.deploy.labels", {"they are for services of Swarm; those of containers are  labels:"}},
        {"services.*.deploy.update_config", {"replicas are replaced as they are, without a plan of their own"}},
        {"services.*.deploy.restart_policy.delay", {"the delay doubles from 100 ms to a minute"}},
        {"services.*.deploy.restart_policy.window", {"a container that ran for ten seconds counts as started"}},
        {"services.*.deploy.rollback_config", {"there is nothing to roll back to"}},
        {"services.*.volumes.[].type",
         {"it is for Windows containers", "npipe", "cluster volumes need Swarm", "cluster"}},
        {"services.*.volumes.[].bind.selinux", {"davit sets no labels of SELinux"}},
        {"services.*.volumes.[].consistency", {"it is for Docker Desktop"}},
        {"services.*.logging.options.compress",
         {"rotated log files stay as they are", "true", "rotated log files stay as they are", "1"}},
        {"services.*.ports.[].mode", {"there is one machine; it is published as ingress is", "host"}},
        {"services.*.ports.[].app_protocol", {"nothing on this machine reads it"}},
        {"services.*.logging.options.labels", {"lines of davit's logs have no attributes"}},
        {"services.*.logging.options.labels-regex", {"lines of davit's logs have no attributes"}},
        {"services.*.logging.options.env", {"lines of davit's logs have no attributes"}},
        {"services.*.logging.options.env-regex", {"lines of davit's logs have no attributes"}},
        {"services.*.logging.options.tag", {"lines of davit's logs have no attributes"}},
        {"configs.*.labels", {"nothing is made that could have labels"}},
        {"configs.*.template_driver", {"davit has no template drivers"}},
        {"configs.*.external", {"davit keeps no configs; use file, environment or content"}},
        {"secrets.*.labels", {"nothing is made that could have labels"}},
        {"secrets.*.driver_opts", {"davit has no secret drivers"}},
        {"secrets.*.template_driver", {"davit has no template drivers"}},
        {"secrets.*.driver", {"davit has no secret drivers"}},
        {"secrets.*.external", {"davit keeps no secrets; use file or environment"}},
        {"networks.*.driver_opts",
         {.why = "davit does not know this option",
          .acted = " com.docker.network.bridge.name com.docker.network.driver.mtu "
                   "com.docker.network.bridge.enable_icc com.docker.network.bridge.default_bridge "
                   "com.docker.network.bridge.enable_ip_masquerade "
                   "com.docker.network.bridge.gateway_mode_ipv4 com.docker.network.container_iface_prefix "}},
        {"services.*.networks.*.driver_opts",
         {.why = "davit does not know this option", .acted = " com.docker.network.endpoint.sysctls "}},
        {"networks.*.ipam.options", {"davit gives out the addresses itself"}},
        {"networks.*.attachable", {"any container of this machine can be attached"}},
    };
    return rows;
}

void say(const Tree& tree, const Entry& e, const Path& path, const std::string& what, std::string_view why,
         std::vector<Diagnostic>& out) {
    const Pos pos = e.key_pos.line ? e.key_pos : e.value->pos;
    out.push_back({Diagnostic::Severity::warning,
                   tree.where(pos),
                   path.text(),
                   fmt::format("{}: {}", what, why),
                   {},
                   std::string(tree.line_text(pos))});
}

void walk(const Tree& tree, const Entry& e, PathTable<Unacted>::Cursor at, Path& path, std::vector<Diagnostic>& out) {
    if (!at) return;
    const Node& n = *e.value;
    const Unacted* rule = at.rule();
    bool off = n.is_null() || (n.is_bool() && !n.boolean) || n.empty();
    const bool second = rule && !rule->other.empty() && n.str() == rule->other;
    const std::string nothing = "is read but has no effect";
    if (rule && !rule->acted.empty()) {
        for (const Entry& child : n.map()) {
            auto step = path.key(child.key);
            if (rule->acted.find(fmt::format(" {} ", child.key)) == std::string_view::npos)
                say(tree, child, path, nothing, rule->why, out);
        }
    } else if (rule && !off && (rule->only.empty() || n.str() == rule->only || second)) {
        say(tree, e, path, rule->only.empty() ? nothing : fmt::format("the value '{}' has no effect", n.str()),
            second ? rule->other_why : rule->why, out);
    }
    for (const Entry& child : n.map()) {
        auto below = at.key(child.key);
        if (!below) continue;
        auto step = path.key(child.key);
        walk(tree, child, below, path, out);
    }
    auto items = n.list();
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto step = path.item(i);
        walk(tree, {{}, items[i], items[i]->pos}, at.item(), path, out);
    }
}

} // namespace

std::vector<Diagnostic> find_unacted(const Tree& tree, const Node& document) {
    std::vector<Diagnostic> out;
    Path path;
    for (const Entry& section : document.map()) {
        auto step = path.key(section.key);
        walk(tree, section, table().root().key(section.key), path, out);
    }
    return out;
}

} // namespace davit::compose

namespace davit {

std::vector<Diagnostic> unacted_attributes(const LoadResult& loaded) {
    auto enabled = [&](const Diagnostic& d) {
        std::string_view path = d.path;
        if (path.substr(0, 9) == "services.") {
            // Names may have dots: the enabled service whose name the path starts with.
            for (const auto& [name, unused] : loaded.project.services)
                if (path.substr(9, name.size() + 1) == name + ".") return true;
            return false;
        }
        auto in = [&](std::string_view section, const auto& map) {
            for (const auto& [name, unused] : map)
                if (path.substr(0, section.size() + name.size() + 2) == fmt::format("{}.{}.", section, name))
                    return true;
            return false;
        };
        const Project& p = loaded.project;
        return in("configs", p.configs) || in("secrets", p.secrets) || in("networks", p.networks) ||
               in("volumes", p.volumes);
    };
    std::vector<Diagnostic> out;
    for (const Diagnostic& d : loaded.unacted)
        if (enabled(d)) out.push_back(d);
    return out;
}

} // namespace davit

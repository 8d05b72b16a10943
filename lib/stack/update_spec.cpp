#include "base/error.hpp"
#include "compose/short_forms.hpp"
#include "davit/service_flags.hpp"
#include "stack/convert.hpp"
#include "stack/flag_reader.hpp"
#include "stack/text.hpp"

#include <algorithm>

namespace davit {

namespace stack {

namespace {

// What --x-add and --x-rm make of a map.
void update_map(const FlagReader& flags, const std::string& name, std::map<std::string, std::string>& map) {
    for (const auto& [key, value] : flags.pairs(name + "-add")) map[key] = value;
    for (const std::string& key : flags.all(name + "-rm")) map.erase(key);
}

// Of a list whose order means nothing: sorted, so that the same list stays the same.
void update_sorted(const FlagReader& flags, const std::string& name, std::vector<std::string>& list, bool once) {
    if (!flags.any({name + "-add", name + "-rm"})) return;
    const auto& added = flags.all(name + "-add");
    list.insert(list.end(), added.begin(), added.end());
    const auto gone = flags.set(name + "-rm");
    std::erase_if(list, [&](const std::string& item) { return gone.count(item) != 0; });
    if (once) list = sorted_set(std::move(list));
    else std::sort(list.begin(), list.end());
}

void update_environment(const FlagReader& flags, const FlagSurroundings& around, std::vector<std::string>& env) {
    if (flags.has("env-add")) {
        std::map<std::string, std::string> by_key;
        for (const std::string& entry : env) by_key[split_pair(entry).key] = entry;
        for (const std::string& text : flags.all("env-add"))
            by_key[split_pair(text).key] = environment_entry(text, around);
        env.clear();
        for (const auto& [key, entry] : by_key) env.push_back(entry);
        std::sort(env.begin(), env.end());
    }
    const auto gone = flags.set("env-rm");
    std::erase_if(env, [&](const std::string& entry) { return gone.count(split_pair(entry).key) != 0; });
}

void update_mounts(const FlagReader& flags, const FlagSurroundings& around, std::vector<swarm::Mount>& mounts) {
    std::map<std::string, swarm::Mount> by_target;
    for (const std::string& text : flags.all("mount-add")) {
        swarm::Mount mount = mount_value(text, around.current_dir);
        const std::string target = mount.target;
        if (!by_target.emplace(target, std::move(mount)).second) throw error(Errc::usage, "duplicate mount target");
    }
    for (const swarm::Mount& mount : mounts) by_target.emplace(mount.target, mount);
    for (const std::string& target : flags.all("mount-rm")) by_target.erase(target);
    mounts.clear();
    for (const auto& [target, mount] : by_target) mounts.push_back(mount);
    std::stable_sort(mounts.begin(), mounts.end(), [](const auto& a, const auto& b) { return a.source < b.source; });
}

void update_ports(const FlagReader& flags, swarm::EndpointSpec& endpoint) {
    std::vector<swarm::PortConfig> gone;
    for (const std::string& text : flags.all("publish-rm"))
        for (const swarm::PortConfig& port : port_value(text)) gone.push_back(port);
    std::erase_if(endpoint.ports, [&](const swarm::PortConfig& have) {
        return std::any_of(gone.begin(), gone.end(), [&](const swarm::PortConfig& g) {
            return g.target == have.target && g.protocol == have.protocol && g.mode == have.mode;
        });
    });
    for (const std::string& text : flags.all("publish-add"))
        for (const swarm::PortConfig& port : port_value(text))
            if (std::find(endpoint.ports.begin(), endpoint.ports.end(), port) == endpoint.ports.end())
                endpoint.ports.push_back(port);
    sort_ports(endpoint.ports);
}

// "NAME:ADDRESS" takes that one away, "NAME" every address of it. A line may have several names.
void remove_host(const std::string& text, std::vector<std::string>& hosts) {
    const std::size_t at = text.find_first_of(":=");
    const std::string name = text.substr(0, at), address = at == std::string::npos ? "" : text.substr(at + 1);
    for (std::string& line : hosts) {
        const std::size_t space = std::min(line.find(' '), line.size());
        if (!address.empty() && line.substr(0, space) != address) continue;
        std::string left;
        for (std::string_view word :
             compose::split(std::string_view(line).substr(std::min(space + 1, line.size())), ' '))
            if (!word.empty() && word != name) left.append(" ").append(word);
        line = left.empty() ? "" : line.substr(0, space) + left;
    }
    std::erase(hosts, "");
}

void update_hosts(const FlagReader& flags, std::vector<std::string>& hosts) {
    for (const std::string& text : flags.all("host-rm")) remove_host(text, hosts);
    for (const std::string& text : flags.all("host-add")) {
        std::string line = host_value(text);
        if (std::find(hosts.begin(), hosts.end(), line) == hosts.end()) hosts.push_back(std::move(line));
    }
}

// Dropping what was added takes the adding back, and only the second time drops; adding likewise.
void update_capabilities(const FlagReader& flags, swarm::ContainerSpec& c) {
    auto names = [](const std::vector<std::string>& list) {
        std::set<std::string> out;
        for (const std::string& name : list) out.insert(capability(name));
        return out;
    };
    std::set<std::string> added = names(c.capability_add), dropped = names(c.capability_drop);
    std::set<std::string> add = names(flags.all("cap-add")), drop = names(flags.all("cap-drop"));
    if (add.erase("RESET")) added.clear();
    if (drop.erase("RESET")) dropped.clear();
    for (const std::string& name : drop)
        if (!add.count(name) && !added.erase(name)) dropped.insert(name);
    for (const std::string& name : add)
        if (!dropped.erase(name)) added.insert(name);
    c.capability_add.assign(added.begin(), added.end());
    c.capability_drop.assign(dropped.begin(), dropped.end());
    effective_capabilities(c.capability_add, c.capability_drop);
}

void update_ulimits(const FlagReader& flags, std::vector<swarm::Ulimit>& ulimits) {
    std::map<std::string, swarm::Ulimit> by_name;
    for (const swarm::Ulimit& u : ulimits) by_name[u.name] = u;
    for (const std::string& name : flags.all("ulimit-rm")) by_name.erase(name);
    for (const std::string& text : flags.all("ulimit-add")) {
        const swarm::Ulimit u = ulimit_value(text);
        by_name[u.name] = u;
    }
    ulimits.clear();
    for (const auto& [name, u] : by_name) ulimits.push_back(u);
}

void update_generic(const FlagReader& flags, swarm::TaskSpec& task) {
    if (!flags.any({"generic-resource-add", "generic-resource-rm"})) return;
    if (!task.resources) task.resources.emplace();
    if (!task.resources->reservations) task.resources->reservations.emplace();
    auto& generic = task.resources->reservations->generic;
    std::map<std::string, swarm::GenericResource> by_kind;
    for (const swarm::GenericResource& g : generic) by_kind[g.kind] = g;
    for (const std::string& kind : flags.all("generic-resource-rm")) {
        if (!by_kind.erase(kind)) throw error(Errc::usage, "could not find generic-resource `{}` to remove it", kind);
    }
    for (const std::string& text : flags.all("generic-resource-add")) {
        const swarm::GenericResource g = resource_value(text);
        by_kind[g.kind] = g;
    }
    generic.clear();
    for (const auto& [kind, g] : by_kind) generic.push_back(g);
}

void update_placement(const FlagReader& flags, swarm::TaskSpec& task) {
    if (!flags.any({"constraint-add", "constraint-rm", "placement-pref-add", "placement-pref-rm"})) return;
    if (!task.placement) task.placement.emplace();
    update_sorted(flags, "constraint", task.placement->constraints, false);
    auto& preferences = task.placement->preferences;
    for (const std::string& text : flags.all("placement-pref-rm")) std::erase(preferences, preference_value(text));
    for (const std::string& text : flags.all("placement-pref-add")) preferences.push_back(preference_value(text));
}

void update_networks(const FlagReader& flags, const FlagSurroundings& around,
                     std::vector<swarm::NetworkAttachment>& networks) {
    if (!flags.any({"network-add", "network-rm"})) return;
    std::set<std::string> gone;
    for (const std::string& name : flags.all("network-rm")) gone.insert(network_target(name, around));
    std::erase_if(networks, [&](const auto& n) { return gone.count(n.target) != 0; });
    const auto& given = flags.all("network-add");
    auto named = given.begin();
    for (swarm::NetworkAttachment& n : attachments(flags, "network-add", around)) {
        const std::string name = network_value(*named++).target;
        for (const swarm::NetworkAttachment& have : networks)
            if (have.target == n.target) throw error(Errc::usage, "service is already attached to network {}", name);
        networks.push_back(std::move(n));
    }
    std::sort(networks.begin(), networks.end(), [](const auto& a, const auto& b) { return a.target < b.target; });
}

void update_references(const FlagReader& flags, const std::string& name, std::vector<swarm::FileReference>& list) {
    const auto gone = flags.set(name + "-rm");
    std::erase_if(list, [&](const swarm::FileReference& r) { return gone.count(r.name) != 0; });
    add_references(flags, name + "-add", name == "config", list);
}

void update_dns(const FlagReader& flags, swarm::ContainerSpec& c) {
    if (!flags.any({"dns-add", "dns-rm", "dns-option-add", "dns-option-rm", "dns-search-add", "dns-search-rm"})) return;
    if (!c.dns_config) c.dns_config.emplace();
    swarm::DnsConfig& dns = *c.dns_config;
    dns.nameservers = sorted_set(std::move(dns.nameservers));
    dns.search = sorted_set(std::move(dns.search));
    dns.options = sorted_set(std::move(dns.options));
    update_sorted(flags, "dns", dns.nameservers, true);
    update_sorted(flags, "dns-search", dns.search, true);
    update_sorted(flags, "dns-option", dns.options, true);
}

void update_mode(const FlagReader& flags, swarm::ServiceMode& mode) {
    const bool job = mode.kind == swarm::ModeKind::replicated_job;
    if (flags.has("replicas")) {
        if (mode.kind != swarm::ModeKind::replicated) // `service scale` is for jobs
            throw error(Errc::usage, "replicas can only be used with replicated mode");
        mode.replicas = number_value(flags.text("replicas"));
    }
    if (flags.has("max-concurrent")) {
        if (!job) throw error(Errc::usage, "max-concurrent can only be used with replicated-job mode");
        mode.max_concurrent = number_value(flags.text("max-concurrent"));
    }
}

void update_container(const FlagReader& flags, const FlagSurroundings& around, swarm::ContainerSpec& c) {
    flags.apply("image", c.image);
    if (flags.has("image")) c.image_id.clear();
    flags.apply("args", c.args, words_value);
    update_map(flags, "container-label", c.labels);
    update_map(flags, "sysctl", c.sysctls);
    update_environment(flags, around, c.env);
    if (flags.any({"mount-add", "mount-rm"})) update_mounts(flags, around, c.mounts);
    update_sorted(flags, "group", c.groups, false);
    update_hosts(flags, c.hosts);
    update_dns(flags, c);
    if (flags.any({"cap-add", "cap-drop"})) update_capabilities(flags, c);
    if (flags.any({"ulimit-add", "ulimit-rm"})) update_ulimits(flags, c.ulimits);
    update_references(flags, "config", c.configs);
    update_references(flags, "secret", c.secrets);
}

} // namespace

} // namespace stack

swarm::ServiceSpec updated_spec(const swarm::ServiceSpec& spec, const ServiceFlags& given,
                                const FlagSurroundings& around) {
    using namespace stack;
    const FlagReader flags(given);
    swarm::ServiceSpec out = spec;
    if (flags.is_true("rollback")) {
        if (given.given.size() > 1) throw error(Errc::usage, "other flags may not be combined with --rollback");
        return out;
    }
    update_map(flags, "label", out.labels);
    update_container(flags, around, out.task.container);
    update_generic(flags, out.task);
    update_placement(flags, out.task);
    update_networks(flags, around, out.task.networks);
    update_mode(flags, out.mode);
    if (flags.any({"publish-add", "publish-rm"})) {
        if (!out.endpoint) out.endpoint.emplace();
        update_ports(flags, *out.endpoint);
    }
    apply_common(flags, out);
    if (flags.is_true("force")) ++out.task.force_update;
    return out;
}

} // namespace davit

#include "compose/attributes/rule_table.hpp"
#include "compose/short_forms.hpp"
#include "compose/validate.hpp"

#include <fmt/ranges.h>

namespace davit::compose {

namespace {

struct Context {
    Diagnostics& diag;
    Path& path;
};

void external_volume(const Node& n, const Context& c) {
    const Node* external = n.find("external");
    if (!external || !external->is_bool() || !external->boolean) return;
    for (const Entry& e : n.map()) {
        if (e.key == "name" || e.key == "external" || e.key.substr(0, 2) == "x-") continue;
        c.diag.error(e.key_pos, c.path, fmt::format("an external volume cannot have '{}'", e.key),
                     "davit does not create external volumes: remove this key or external: true");
    }
}

// Upstream says nothing; what such a key asks for never happens.
void external_resource(const Node& n, const Context& c) {
    const Node* external = n.find("external");
    if (!external || !external->is_bool() || !external->boolean) return;
    for (const Entry& e : n.map()) {
        if (e.key == "name" || e.key == "external" || e.key.substr(0, 2) == "x-" || e.value->empty()) continue;
        auto step = c.path.key(e.key);
        c.diag.warning(e.key_pos, c.path, "has no effect: this is external, so davit does not create it",
                       "remove this key or external: true");
    }
}

void one_source(const Node& n, const Context& c, std::initializer_list<std::string_view> keys) {
    std::vector<std::string_view> given;
    const Entry* last = nullptr;
    for (const Entry& e : n.map())
        if (std::find(keys.begin(), keys.end(), e.key) != keys.end()) {
            given.push_back(e.key);
            last = &e;
        }
    if (given.size() > 1)
        c.diag.error(last->key_pos, c.path, fmt::format("{} exclude each other", fmt::join(given, " and ")),
                     "keep one of them");
    if (given.empty() && n.is_map() && !n.has("driver") && !n.has("external"))
        c.diag.error(n.pos, c.path, "does not say where its content comes from",
                     fmt::format("add one of: {}", fmt::join(keys, ", ")));
}

void config_source(const Node& n, const Context& c) { one_source(n, c, {"file", "environment", "content"}); }
void secret_source(const Node& n, const Context& c) { one_source(n, c, {"file", "environment"}); }

// As Docker Compose: what only another type of mount has is told and left out.
void mount_options(const Node& n, const Context& c) {
    const Node* type = n.find("type");
    for (std::string_view section : {"bind", "volume", "tmpfs", "image"}) {
        const Entry* given = n.is_map() ? n.find_entry(section) : nullptr;
        if (!given || !type || type->str() == section || !given->value->is_map()) continue;
        // Filled in by defaults and short forms; of SELinux there is a warning of its own.
        if (std::all_of(given->value->map().begin(), given->value->map().end(),
                        [](const Entry& e) { return e.key == "create_host_path" || e.key == "selinux"; }))
            continue;
        auto step = c.path.key(section);
        c.diag.warning(given->key_pos.line ? given->key_pos : given->value->pos, c.path,
                       fmt::format("has no effect: this is a mount of type {}", type->str()),
                       fmt::format("remove it, or write  type: {}", section));
    }
}

void port_address(const Node& n, const Context& c) {
    const Node* ip = n.find("host_ip");
    if (ip && ip->is_string() && !ip->str().empty() && !is_ip_address(ip->str()))
        c.diag.error(ip->pos, c.path, fmt::format("host_ip '{}' is no IP address", ip->str()),
                     "write it without brackets, for example 127.0.0.1 or ::1");
}

void watch_path(const Node& n, const Context& c) {
    if (n.is_string() && n.str().empty()) c.diag.error(n.pos, c.path, "must not be empty");
}

void device_request(const Node& n, const Context& c) {
    if (n.has("count") && n.has("device_ids"))
        c.diag.error(n.pos, c.path, "count and device_ids exclude each other", "keep one of them");
}

void check(Check rule, const Node& n, const Context& c) {
    switch (rule) {
    case Check::none: return;
    case Check::external_volume: return external_volume(n, c);
    case Check::external_resource: return external_resource(n, c);
    case Check::config_source: return config_source(n, c);
    case Check::secret_source: return secret_source(n, c);
    case Check::mount_options: return mount_options(n, c);
    case Check::port_address: return port_address(n, c);
    case Check::watch_path: return watch_path(n, c);
    case Check::device_request: return device_request(n, c);
    }
}

void walk(const Node& n, RuleTable<Check>::Cursor at, Path& path, Diagnostics& diag) {
    if (!at || n.failed) return;
    if (at.rule()) check(*at.rule(), n, {diag, path});
    for (const Entry& e : n.map()) {
        auto below = at.key(e.key);
        if (!below) continue;
        auto step = path.key(e.key);
        walk(*e.value, below, path, diag);
    }
    auto items = n.list();
    for (std::size_t i = 0; i < items.size(); ++i) {
        auto step = path.item(i);
        walk(*items[i], at.item(), path, diag);
    }
}

} // namespace

void check_rules(const Node& document, Diagnostics& diag) {
    Path path;
    walk(document, rule_table<&Rules::check>().root(), path, diag);
}

} // namespace davit::compose

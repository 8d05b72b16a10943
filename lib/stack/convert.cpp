#include "stack/convert.hpp"

#include "base/error.hpp"
#include "base/shared_with.hpp"
#include "stack/text.hpp"

#include <algorithm>
#include <set>

namespace davit::stack {

using compose::Entry;
using compose::Node;
using compose::Tree;

namespace {

SwarmNetwork convert_network(const Scope& scope, std::string_view key, const Node& n) {
    SwarmNetwork out;
    out.name = scope.name_of(n, key);
    if (const std::string driver = text_of(n, "driver"); !driver.empty()) out.driver = driver;
    out.driver_opts = map_of(n, "driver_opts");
    out.labels = scope.labelled(map_of(n, "labels"));
    out.internal = boolean_of(n, "internal").value_or(false);
    out.attachable = boolean_of(n, "attachable").value_or(false);
    for (const Node* pool : section_of(section_of(n, "ipam"), "config").list()) {
        SwarmNetwork::Pool& p = out.pools.emplace_back();
        p.subnet = text_of(*pool, "subnet");
        if (p.subnet.find('/') == std::string::npos && !p.subnet.empty())
            p.subnet += p.subnet.find(':') == std::string::npos ? "/32" : "/128";
    }
    return out;
}

// Those that services use; what is only declared is not made.
void convert_networks(const Scope& scope, Stack& out) {
    std::set<std::string_view> used;
    for (const Entry& service : section_of(scope.root(), "services").map()) {
        const auto networks = section_of(*service.value, "networks").map();
        if (networks.empty()) used.insert("default");
        for (const Entry& e : networks) used.insert(e.key);
    }
    static const Node nothing;
    for (std::string_view key : used) {
        const Node* declared = scope.declared("networks", key);
        if (declared && declared->has("external")) out.external_networks.push_back(text_of(*declared, "name"));
        else out.networks.push_back(convert_network(scope, key, declared ? *declared : nothing));
    }
    std::sort(out.external_networks.begin(), out.external_networks.end());
    std::sort(out.networks.begin(), out.networks.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
}

// section: configs or secrets.
std::string content_of(const Scope& scope, std::string_view section, const Entry& e) {
    try {
        return read_named_file(text_of(*e.value, "file"));
    } catch (Error& failure) {
        const bool directory = failure.kind() == Errc::invalid_project; // as of one that says nothing
        failure.with_context(fmt::format("reading {}.{}", section, e.key)).with_at(scope.where(e.key_pos));
        if (directory) failure.with_hint("file: names the one with its content; external: true, what is there already");
        throw;
    }
}

std::vector<swarm::ConfigSpec> convert_files(const Scope& scope, std::string_view section) {
    std::vector<swarm::ConfigSpec> out;
    for (const Entry& e : section_of(scope.root(), section).map()) {
        const Node& n = *e.value;
        if (n.has("external")) continue;
        swarm::ConfigSpec& spec = out.emplace_back();
        spec.name = scope.name_of(n, e.key);
        spec.labels = scope.labelled(map_of(n, "labels"));
        spec.driver = text_of(n, "driver");
        spec.template_driver = text_of(n, "template_driver");
        if (spec.driver.empty()) spec.data = content_of(scope, section, e);
    }
    std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

void check_images(const Scope& scope) {
    for (const Entry& e : section_of(scope.root(), "services").map())
        if (text_of(*e.value, "image").empty())
            throw scope
                .mistake({}, *e.value, fmt::format("invalid image reference for service {}: no image specified", e.key))
                .with_hint("a stack builds nothing: give image:, which `davit build` and `davit push` may have made");
}

} // namespace

Error Scope::mistake(std::string_view service, const Node& at, std::string text) const {
    if (!service.empty()) text = fmt::format("service {}: {}", service, text);
    return Error(Errc::invalid_project, text).with_at(tree_.where(at.pos));
}

namespace {

std::string lower_of(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return text;
}

} // namespace

std::string publish_mode(const std::string& word) { return lower_of(word) == "host" ? "host" : "ingress"; }

std::string port_protocol(const std::string& word) {
    std::string lower = lower_of(word);
    return lower == "udp" || lower == "sctp" ? lower : "tcp";
}

void sort_ports(std::vector<swarm::PortConfig>& ports) {
    auto key = [](const swarm::PortConfig& p) { return std::tie(p.published, p.target, p.protocol, p.mode); };
    std::stable_sort(ports.begin(), ports.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

bool is_user_defined(std::string_view network) {
    return network != "default" && network != "bridge" && network != "host" && network != "none" &&
           !SharedWith::parse(network).is_container();
}

swarm::ServiceMode service_mode(const std::string& mode, std::optional<std::uint64_t> replicas) {
    swarm::ServiceMode out;
    const bool global = mode == "global" || mode == "global-job";
    if (global && replicas)
        throw error(Errc::invalid_project, "replicas can only be used with replicated or replicated-job mode");
    if (global) {
        out.kind = mode == "global" ? swarm::ModeKind::global : swarm::ModeKind::global_job;
    } else if (mode == "replicated-job") {
        out.kind = swarm::ModeKind::replicated_job;
        out.max_concurrent = out.total_completions = replicas;
    } else if (mode.empty() || mode == "replicated") {
        out.replicas = replicas;
    } else {
        throw error(Errc::invalid_project, "unknown mode: {}", mode);
    }
    return out;
}

Stack convert_file(const Tree& tree, const Node& root, const std::string& name) {
    const Scope scope(tree, root, name);
    Stack out;
    out.name = name;
    check_images(scope);
    for (const Entry& e : section_of(root, "services").map())
        out.services.push_back(convert_service(scope, e.key, *e.value));
    std::sort(out.services.begin(), out.services.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    convert_networks(scope, out);
    out.secrets = convert_files(scope, "secrets");
    out.configs = convert_files(scope, "configs");
    return out;
}

} // namespace davit::stack

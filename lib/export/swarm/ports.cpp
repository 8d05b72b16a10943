// Published ports: what the mesh of a swarm takes, and once.
#include "base/units.hpp"
#include "export/swarm/stack_file.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace davit::exports {

namespace {

using yaml::Node;

// The engine puts no task on the network that balances beside the node's own, or beside none.
bool has_no_own_network(const Service& service) {
    return service.network_mode == "host" || service.network_mode == "none";
}

std::string first_of(const Port& port) { return port.published.substr(0, port.published.find('-')); }

std::string in_the_mesh(const Port& port) {
    if (port.published.empty() || port.mode == "host") return {};
    return first_of(port) + "/" + (port.protocol.empty() ? "tcp" : port.protocol);
}

// Without its addresses a port that is published on two of them is there twice.
bool is_there_before(const Service& service, std::size_t i) {
    const std::string wanted = in_the_mesh(service.ports[i]);
    return !wanted.empty() && std::any_of(service.ports.begin(), service.ports.begin() + static_cast<std::ptrdiff_t>(i),
                                          [&](const Port& p) { return !is_loopback(p) && in_the_mesh(p) == wanted; });
}

bool is_left_out(const Service& service, std::size_t i) {
    return has_no_own_network(service) || is_loopback(service.ports[i]) || is_there_before(service, i);
}

void note_left_out(const StackFile& file, const Service& service, std::size_t i) {
    const std::string path = key_path(service, fmt::format("ports[{}]", i)), to(left_out);
    Report& report = file.scope.report;
    if (service.network_mode == "host")
        report.adjusted(path, to, "network_mode: host: the program's ports are the node's, as they are here");
    else if (service.network_mode == "none")
        report.adjusted(path, to, "network_mode: none: nobody reaches a port, as it is here");
    else if (is_loopback(service.ports[i]))
        report.adjusted(path, to, "Swarm publishes on every address of every node, and this one is the machine's own",
                        "publish it without an address, where it is meant to be reached from outside");
    else if (is_there_before(service, i))
        report.adjusted(path, to, "Swarm publishes on every address of every node, and the port is published already");
}

void note_mode(const StackFile& file, const Service& service) {
    if (!service.deploy || service.deploy->endpoint_mode != "dnsrr") return;
    for (std::size_t i = 0; i < service.ports.size(); ++i)
        if (!is_left_out(service, i) && service.ports[i].mode != "host")
            return file.scope.report.needs(key_path(service, "deploy.endpoint_mode"),
                                           "Swarm refuses dnsrr with a port that it balances",
                                           "endpoint_mode: vip, or ports with mode: host");
}

} // namespace

// 8080-8090: Swarm takes no free one of several.
void swarm_ports(StackFile& file, const Service& service, Node& node) {
    Node* ports = node.find("ports");
    if (!ports) return;
    note_mode(file, service);
    for (std::size_t i = std::min(service.ports.size(), ports->list().size()); i-- > 0;) {
        if (is_left_out(service, i)) {
            note_left_out(file, service, i);
            ports->erase_item(i);
            continue;
        }
        const std::string& published = service.ports[i].published;
        Node& port = *ports->list()[i];
        port.erase("host_ip");
        port.erase("name");
        port.erase("app_protocol");
        if (published.empty()) continue;
        const std::string first = first_of(service.ports[i]);
        if (first != published)
            file.scope.report.adjusted(fmt::format("services.{}.ports[{}].published", service.name, i), first,
                                       "Swarm takes no free port of a range", "write the port that is meant");
        file.tree.set(port, "published", file.tree.integer(parse_int(first).value_or(0)));
    }
    if (ports->list().empty()) node.erase("ports");
}

void note_ports_of_others(const StackFile& file) {
    std::map<std::string, std::string> owners;
    for (const auto& [name, service] : file.scope.project.services)
        for (std::size_t i = 0; i < service.ports.size(); ++i) {
            const std::string port = in_the_mesh(service.ports[i]);
            if (port.empty() || is_left_out(service, i)) continue;
            const auto [it, mine] = owners.emplace(port, name);
            if (!mine)
                file.scope.report.needs(
                    key_path(service, fmt::format("ports[{}].published", i)),
                    fmt::format("Swarm publishes a port once, and {} is that of {}", port, it->second),
                    "another port, or mode: host");
        }
}

} // namespace davit::exports

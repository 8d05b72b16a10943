// Ports, names and the network namespace: one for all containers of a task (awsvpc), or one for each.
#include "base/shared_with.hpp"
#include "compose/ecs/task.hpp"

#include <fmt/format.h>

namespace davit::compose::ecs {

namespace {

// "80" of 80, "8000-8010" of a range.
std::string container_ports(Object& mapping) {
    const std::string range = mapping.word("containerPortRange");
    if (const auto port = mapping.whole("containerPort")) {
        if (*port < 1 || *port > 65535) mapping.error("containerPort", fmt::format("{} is not a port", *port));
        return std::to_string(*port);
    }
    return range;
}

void add_port(Context& c, const Task& task, const Copy& copy, Object mapping, Node& holder) {
    const std::string inside = container_ports(mapping);
    const auto host = mapping.whole("hostPort");
    std::string protocol = mapping.word("protocol");
    mapping.printed({"name", "appProtocol"}); // Service Connect's names; nothing is lost without
    mapping.finish();
    if (inside.empty()) return mapping.error("containerPort", "needs 'containerPort' or 'containerPortRange'");
    std::string outside;
    if (host && *host > 0) {
        if (*host > 65535) return mapping.error("hostPort", fmt::format("{} is not a port", *host));
        outside = std::to_string(*host);
        if (task.one_network() && outside != inside)
            mapping.warning("hostPort", fmt::format("is published as {}; ECS refuses it, as with awsvpc it must be the "
                                                    "container's port, {}",
                                                    outside, inside));
    } else if (task.one_network()) outside = inside;
    if (copy.number > 1 && !outside.empty()) {
        mapping.warning(
            host ? "hostPort" : "containerPort",
            fmt::format("port {} of this machine is the first task's; that of the others is published on a free "
                        "port",
                        outside),
            "'davit port' tells which");
        outside.clear();
    }
    if (protocol.empty()) protocol = "tcp";
    if (protocol != "tcp" && protocol != "udp") return mapping.error("protocol", "must be tcp or udp");
    const std::string text = (outside.empty() ? "" : outside + ":") + inside + "/" + protocol;
    Node& ports = c.list_in(holder, "ports", mapping.node().pos);
    for (const Node* known : ports.list())
        if (known->str() == text) return;
    c.tree.push(ports, c.text(text, mapping.at("containerPort")));
}

// Those of the network belong to who holds it.
void add_sysctls(Context& c, Object& definition, Node& service, Node& holder) {
    for (Object& control : definition.objects("systemControls")) {
        const std::string name = control.required("namespace"), value = control.required("value");
        control.finish();
        if (name.empty() || value.empty()) continue;
        Node& owner = name.starts_with("net.") ? holder : service;
        c.set(c.map_in(owner, "sysctls", control.node().pos), name, c.text(value, control.at("value")));
    }
}

void add_names(Context& c, const Task& task, Object& definition, Node& holder) {
    for (Object& host : definition.objects("extraHosts")) {
        const std::string name = host.required("hostname"), address = host.required("ipAddress");
        host.finish();
        if (name.empty() || address.empty()) continue;
        c.tree.push(c.list_in(holder, "extra_hosts", host.node().pos), c.text(name + "=" + address, host.node().pos));
    }
    for (const auto& [key, to] : {std::pair("dnsServers", "dns"), std::pair("dnsSearchDomains", "dns_search")})
        for (const Node* n : definition.texts(key)) c.tree.push(c.list_in(holder, to, n->pos), c.tree.clone(*n));
    const Node* hostname = definition.text("hostname");
    if (!hostname) return;
    if (task.one_network())
        definition.warning("hostname", "has no effect: the containers of the task share one network, and its name");
    else c.set(holder, "hostname", c.tree.clone(*hostname));
}

} // namespace

void add_network(Context& c, const Task& task, const Copy& copy, Object& definition, Node& service, Node& holder) {
    const Pos here = definition.node().pos;
    const bool cut_off = definition.truth("disableNetworking");
    if (task.one_network()) c.set(service, "network_mode", c.text(mode_of_service(task.holder + copy.suffix), here));
    else if (task.mode != "bridge" || cut_off)
        c.set(service, "network_mode", c.text(cut_off ? "none" : task.mode, here));
    if (cut_off && task.one_network())
        definition.warning("disableNetworking", "has no effect: the containers of the task share one network");
    const bool published = task.mode == "awsvpc" || (task.mode == "bridge" && !cut_off);
    for (Object& mapping : definition.objects("portMappings"))
        if (published) add_port(c, task, copy, mapping, holder);
        else if (task.mode == "none" || cut_off)
            mapping.warning("containerPort", "there is no network to publish it on");
    for (const Node* link : definition.texts("links")) {
        if (task.mode != "bridge") {
            c.diag.warning(link->pos, definition.path("links"), "links are for networkMode bridge alone");
            break;
        }
        std::string text(link->str());
        const auto colon = text.find(':');
        if (!copy.suffix.empty())
            text = text.substr(0, colon) + copy.suffix + (colon == std::string::npos ? ":" + text : text.substr(colon));
        c.tree.push(c.list_in(service, "links", link->pos), c.text(text, link->pos));
    }
    add_sysctls(c, definition, service, holder);
    add_names(c, task, definition, holder);
}

} // namespace davit::compose::ecs

// Published ports: listeners of load balancers, their target groups, and how they ask whether a task is well.
#include "export/ecs/plan.hpp"

#include "base/units.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace davit::exports::ecs {

namespace {

constexpr std::size_t most_targets = 5; // of a service
constexpr const char* health_key = "x-aws-health";

std::string protocol_of(const Service& service, const Port& p) {
    return p.app_protocol.empty() ? text_of(service.extensions, "x-aws-protocol") : p.app_protocol;
}

// What the container speaks on it, and what clients therefore get where no certificate says otherwise.
void set_protocols(Layout& plan, const Port& p, const std::string& said, Listener& out) {
    const bool port_443 = out.listener == 443, certified = !plan.certificate.empty();
    const bool inner_tls = said == "https" || (said.empty() && p.target == 443);
    const bool http = said == "http" || (said.empty() && (p.target == 80 || out.listener == 80));
    if (p.protocol == "udp") out.protocol = "UDP";
    else if (certified && said != "tcp" && (port_443 || said == "https")) out.protocol = "HTTPS";
    else out.protocol = http && !inner_tls ? "HTTP" : "TCP"; // gRPC is HTTP/2: an ALB has it behind a certificate alone
    out.target = !out.application() ? out.protocol : inner_tls ? "HTTPS" : "HTTP";
    if (out.application() && said == "grpc") out.version = "GRPC";
    if (certified || out.protocol == "UDP" || !(port_443 || inner_tls)) return;
    plan.scope.report.needs(out.path,
                            out.protocol == "HTTP"
                                ? "without a certificate the listener on 443 speaks plain HTTP"
                                : "without a certificate the listener passes TLS on to the container",
                            "x-aws-certificate: ARN at the top of the file");
}

// One listener a port and balancer; TCP and UDP of one port are one listener, with one target group.
void place(Layout& plan, Task& task, Listener out) {
    for (Listener& other : task.published) {
        const bool udp = out.protocol == "UDP", other_udp = other.protocol == "UDP";
        if (other.listener != out.listener) continue;
        if (udp == other_udp || other.protocol == "TCP_UDP") return;
        if (out.application() || other.application()) continue; // of another balancer
        if (other.container != out.container || other.of != out.of) {
            plan.scope.report.dropped(
                out.path,
                fmt::format("port {} has one listener for TCP and UDP, which leads to one port of a container",
                            out.listener),
                "the same port of the same container for both, or another published port");
            return;
        }
        other.protocol = other.target = "TCP_UDP";
        return;
    }
    task.published.push_back(std::move(out));
}

const Service& service_of(const Layout& plan, const Task& task, const Listener& p) {
    return **std::find_if(task.members.begin(), task.members.end(),
                          [&](const Service* s) { return plan.labels.at(s->name) == p.of; });
}

// A balancer asks UDP by TCP.
std::uint32_t tcp_port_of(const Service& service) {
    for (const Port& p : service.ports)
        if (p.protocol.empty() || p.protocol == "tcp") return p.target;
    for (const std::string& text : service.expose)
        if (!text.ends_with("/udp") && !text.ends_with("/sctp"))
            if (const auto port = parse_int(text.substr(0, text.find_first_of("-/"))))
                return static_cast<std::uint32_t>(*port);
    return 0;
}

void set_health(const Layout& plan, const Service& service, Listener& p) {
    TargetHealth& out = p.health;
    if (const auto it = service.extensions.find(health_key); it != service.extensions.end()) {
        const auto said = [&](const char* key) {
            const Value* v = find_member(it->second, key);
            return v ? text_of(*v) : std::string();
        };
        out.path = said("path");
        out.status = said("status");
        out.port = static_cast<std::uint32_t>(parse_int(said("port")).value_or(0));
        if ((out.path.empty() && out.status.empty() && out.port == 0) || (!out.path.empty() && out.path[0] != '/'))
            plan.scope.report.needs(key_path(service, health_key),
                                    "it says neither a path that begins with /, nor a port",
                                    "x-aws-health: {path: /health, status: 200-299, port: 8080}");
    }
    if (!p.application()) {
        out.protocol = out.path.empty() ? "TCP" : "HTTP";
        if (out.path.empty()) out.status.clear();
        else if (out.status.empty()) out.status = "200-399";
        if (p.protocol == "UDP" && out.port == 0) out.port = tcp_port_of(service);
        return;
    }
    const bool grpc = p.version == "GRPC";
    out.protocol = p.target;
    if (out.path.empty()) out.path = grpc ? "/AWS.ALB/healthcheck" : "/";
    if (out.status.empty()) out.status = grpc ? "12" : "200";
}

// The protocol of a target group never changes: another is another group. 32 characters.
std::string group_name(const Layout& plan, const Service& service, const Listener& p) {
    const std::string more = !p.version.empty()      ? "-grpc"
                             : p.target == "HTTPS"   ? "-tls"
                             : p.target == "UDP"     ? "-udp"
                             : p.target == "TCP_UDP" ? "-both"
                                                     : "";
    return fmt::format("{}-{}{}", dns_label(plan.project + "-" + service.name, more.empty() ? 24 : 20), p.listener,
                       more);
}

} // namespace

void add_published(Layout& plan, Task& task, const Service& service) {
    for (std::size_t i = 0; i < service.ports.size(); ++i) {
        const Port& p = service.ports[i];
        const std::string path = fmt::format("services.{}.ports[{}]", service.name, i);
        if (p.published.empty() || is_loopback(p)) continue;
        if (p.protocol == "sctp") {
            plan.scope.report.dropped(path, "no load balancer of AWS knows SCTP");
            continue;
        }
        Listener out{.container = p.target, .of = plan.labels.at(service.name), .path = path};
        out.listener = static_cast<std::uint32_t>(parse_int(p.published.substr(0, p.published.find('-'))).value_or(0));
        set_protocols(plan, p, protocol_of(service, p), out);
        out.path += ".published";
        place(plan, task, std::move(out));
    }
}

void settle_published(Layout& plan) {
    std::set<std::pair<std::uint32_t, bool>> taken;
    for (Task& task : plan.tasks) {
        std::vector<Listener> kept;
        for (Listener& p : task.published) {
            const char* why = !taken.emplace(p.listener, p.application()).second
                                  ? "another service has that port of the load balancer"
                              : kept.size() == most_targets ? "a service of ECS has five target groups at most"
                                                            : nullptr;
            if (why) {
                if (plan.scope.options.format != EcsFormat::taskdef)
                    plan.scope.report.dropped(p.path, why, "another port, or another service");
                continue;
            }
            const Service& service = service_of(plan, task, p);
            set_health(plan, service, p);
            p.group = group_name(plan, service, p);
            kept.push_back(std::move(p));
        }
        task.published = std::move(kept);
    }
}

void note_published(const Layout& plan) {
    if (plan.scope.options.format == EcsFormat::taskdef) return;
    bool certified = plan.certificate.empty();
    for (const Task& task : plan.tasks)
        for (const Listener& p : task.published) {
            certified = certified || p.protocol == "HTTPS";
            const Service& service = service_of(plan, task, p);
            if (p.protocol == "UDP" && p.health.port == 0)
                plan.scope.report.needs(
                    key_path(service, health_key),
                    fmt::format("the load balancer asks by TCP whether {} is well, and it names no TCP "
                                "port: its tasks are replaced for ever",
                                p.of),
                    "x-aws-health: {port: …}, of a TCP port that it listens on");
            if (p.application() && !service.extensions.contains(health_key))
                plan.scope.report.needs(
                    key_path(service, health_key),
                    fmt::format("the load balancer asks {} of port {} and takes {} alone: what answers otherwise is "
                                "replaced for ever",
                                p.health.path, p.container, p.health.status),
                    "x-aws-health: {path: /health, status: 200-299}");
        }
    if (!certified)
        plan.scope.report.adjusted("x-aws-certificate", std::string(left_out), "no port is published as 443",
                                   "publish 443, or app_protocol: https at the port");
}

std::vector<OpenPort> open_ports(const Listener& listener) {
    std::vector<OpenPort> out;
    if (listener.protocol != "UDP") out.push_back({"tcp", listener.listener});
    if (listener.protocol.ends_with("UDP")) out.push_back({"udp", listener.listener});
    return out;
}

std::vector<OpenPort> target_ports(const Task& task) {
    std::vector<OpenPort> out;
    const auto add = [&](const char* protocol, std::uint32_t port) {
        const OpenPort one{protocol, port};
        if (std::find(out.begin(), out.end(), one) == out.end()) out.push_back(one);
    };
    for (const Listener& p : task.published) {
        if (p.protocol != "UDP") add("tcp", p.container);
        if (p.protocol.ends_with("UDP")) add("udp", p.container);
        if (p.health.port) add("tcp", p.health.port);
    }
    return out;
}

} // namespace davit::exports::ecs

#include "base/date.hpp"
#include "base/network_drivers.hpp"
#include "base/text_code.hpp"
#include "davit/swarm_look.hpp"
#include "davit/version.hpp"
#include "engine/inspect/json_parts.hpp"
#include "swarm/json_spec.hpp"

#include <algorithm>
#include <sys/utsname.h>
#include <unistd.h>

namespace davit::swarm {

namespace {

using documents::Json;

template <typename T>
Json heading(const T& object) {
    return {{"ID", object.id},
            {"Version", {{"Index", object.version}}},
            {"CreatedAt", rfc3339_nano(object.created_at)},
            {"UpdatedAt", rfc3339_nano(object.updated_at)}};
}

// What Swarm's allocator has given: nothing for names that answer with each task's address, without ports.
Json endpoint_of(const Service& s, const EndpointSpec& spec) {
    Json out = {{"Spec", Json::object()}};
    const bool asks = !spec.ports.empty() || (spec.mode != "dnsrr" && !s.spec.task.networks.empty());
    if (!asks) return out;
    out["Spec"] = json_of(spec);
    if (!s.ports.empty()) out["Ports"] = json_of(s.ports);
    else if (!spec.ports.empty()) out["Ports"] = json_of(spec.ports);
    for (const VirtualAddress& a : s.addresses)
        out["VirtualIPs"].push_back(Json{{"NetworkID", a.network_id}, {"Addr", a.address}});
    return out;
}

Json update_status_of(const UpdateStatus& u) {
    Json out = {{"State", u.state}};
    if (u.started_at) out["StartedAt"] = rfc3339_nano(u.started_at);
    if (u.completed_at) out["CompletedAt"] = rfc3339_nano(u.completed_at);
    out["Message"] = u.message;
    return out;
}

Json iteration(std::uint64_t index) { return index == 0 ? Json::object() : Json{{"Index", index}}; }

long memory_bytes() { return ::sysconf(_SC_PHYS_PAGES) * ::sysconf(_SC_PAGESIZE); }

// What the engine lists of itself, by type and name.
Json plugins() {
    Json out = {{{"Type", "Log"}, {"Name", "json-file"}}, {{"Type", "Log"}, {"Name", "local"}}};
    for (const std::string& driver : network_plugins()) out.push_back({{"Type", "Network"}, {"Name", driver}});
    out.push_back({{"Type", "Volume"}, {"Name", "local"}});
    return out;
}

Json network_of(const NetworkInfo& n) {
    Json spec = {{"Name", n.name}, {"Labels", n.labels}, {"DriverConfiguration", {{"Name", n.driver}}}};
    if (n.enable_ipv6) spec["IPv6Enabled"] = true;
    if (n.internal) spec["Internal"] = true;
    if (n.attachable) spec["Attachable"] = true;
    spec["IPAMOptions"] = {{"Driver", {{"Name", "default"}}}};
    spec["Scope"] = n.scope;
    Json pools = Json::array();
    for (const NetworkPool& pool : n.pools) {
        Json one = {{"Subnet", pool.subnet}};
        if (!pool.gateway.empty()) one["Gateway"] = pool.gateway;
        pools.push_back(std::move(one));
    }
    return {{"ID", n.id},
            {"CreatedAt", rfc3339_nano(n.created)},
            {"UpdatedAt", rfc3339_nano(n.created)},
            {"Spec", std::move(spec)},
            {"DriverState", {{"Name", n.driver}}},
            {"IPAMOptions", {{"Driver", {{"Name", "default"}}}, {"Configs", std::move(pools)}}}};
}

// Of a task whose container runs: where it is, with its addresses.
Json attachments_of(Engine& engine, const ContainerInfo& container) {
    Json out = Json::array();
    if (container.networks.empty()) return out;
    const std::vector<NetworkInfo> networks = engine.networks();
    for (const AttachedNetwork& a : container.networks) {
        const auto n = std::find_if(networks.begin(), networks.end(), [&](const auto& x) { return x.name == a.name; });
        Json addresses = Json::array();
        for (const std::string& address : {a.ipv4, a.ipv6})
            for (std::size_t i = 0; n != networks.end() && !address.empty() && i < n->pools.size(); ++i) {
                const std::string& subnet = n->pools[i].subnet;
                const bool same_family =
                    (subnet.find(':') == std::string::npos) == (address.find(':') == std::string::npos);
                if (same_family) addresses.push_back(address + subnet.substr(subnet.find('/')));
            }
        if (!addresses.empty()) out.push_back({{"Network", network_of(*n)}, {"Addresses", std::move(addresses)}});
    }
    return out;
}

void forget(std::optional<UpdateConfig>& filled, const std::optional<UpdateConfig>& given) {
    if (!given) filled.reset();
    else if (given->monitor.value_or(0) == 0) filled->monitor.reset();
}

// The engine fills in for the client only what a service is by now; tasks and the spec before show what was given.
ServiceSpec as_given(const ServiceSpec& spec) {
    ServiceSpec out = with_defaults(spec);
    forget(out.update_config, spec.update_config);
    forget(out.rollback_config, spec.rollback_config);
    if (!spec.task.container.stop_grace_period) out.task.container.stop_grace_period.reset();
    if (!spec.task.restart_policy) out.task.restart_policy.reset();
    else if (!spec.task.restart_policy->delay) out.task.restart_policy->delay.reset();
    return out;
}

} // namespace

std::string inspect(const Service& s) {
    const ServiceSpec spec = with_defaults(s.spec);
    Json out = heading(s);
    out["Spec"] = json_of(spec);
    if (s.previous) out["PreviousSpec"] = json_of(as_given(*s.previous));
    out["Endpoint"] = endpoint_of(s, *spec.endpoint);
    if (s.update_status) out["UpdateStatus"] = update_status_of(*s.update_status);
    if (spec.mode.job()) {
        Json& job = out["JobStatus"] = {{"JobIteration", iteration(s.job_iteration)}};
        if (s.job_started_at) job["LastExecution"] = rfc3339_nano(s.job_started_at);
    }
    return documents::text_of(out);
}

std::string inspect(Engine& engine, const Service& service, const Task& task) {
    Json out = {{"ID", task.id},
                {"Version", {{"Index", task.spec_version}}},
                {"CreatedAt", rfc3339_nano(task.created_at)},
                {"UpdatedAt", rfc3339_nano(task.updated_at)},
                {"Labels", Json::object()}};
    const bool before = task.spec_version != service.spec_version && service.previous;
    out["Spec"] = json_of(as_given(before ? *service.previous : service.spec).task);
    out["Spec"].erase("Runtime");
    out["ServiceID"] = service.id;
    if (task.slot) out["Slot"] = task.slot;
    if (!task.node_id.empty()) out["NodeID"] = task.node_id;
    Json status = {{"Timestamp", rfc3339_nano(task.state_since)}, {"State", to_string(task.state)}};
    if (!task.message.empty()) status["Message"] = task.message;
    if (!task.error.empty()) status["Err"] = task.error;
    const auto container = container_of(engine, service, task);
    if (container)
        status["ContainerStatus"] = {
            {"ContainerID", task.container_id}, {"PID", container->pid}, {"ExitCode", task.exit_code}};
    Json ports = Json::array();
    for (const PublishedPort& p : ports_of(engine, service, task))
        ports.push_back(Json{{"Protocol", p.protocol},
                             {"TargetPort", p.target},
                             {"PublishedPort", p.host_port},
                             {"PublishMode", "host"}});
    status["PortStatus"] = Json::object();
    if (!ports.empty()) status["PortStatus"]["Ports"] = std::move(ports);
    out["Status"] = std::move(status);
    out["DesiredState"] = to_string(task.desired);
    if (Json attachments = container ? attachments_of(engine, *container) : Json(); !attachments.empty())
        out["NetworksAttachments"] = std::move(attachments);
    out["Volumes"] = nullptr; // those of a cluster
    if (service.spec.mode.job()) out["JobIteration"] = iteration(task.job_iteration);
    return documents::text_of(out);
}

std::string inspect(FileKind kind, const Config& file) {
    Json spec = {{"Name", file.spec.name}, {"Labels", file.spec.labels}};
    if (kind == FileKind::config && !file.spec.data.empty()) spec["Data"] = base64_encode(file.spec.data);
    if (!file.spec.driver.empty()) spec["Driver"] = {{"Name", file.spec.driver}};
    if (!file.spec.template_driver.empty()) spec["Templating"] = {{"Name", file.spec.template_driver}};
    Json out = heading(file);
    out["Spec"] = std::move(spec);
    return documents::text_of(out);
}

std::string inspect(const Node& node) {
    utsname machine{};
    ::uname(&machine);
    Json out = heading(node);
    out["Spec"] = {{"Labels", node.labels}, {"Role", node.role}, {"Availability", node.availability}};
    out["Description"] = {
        {"Hostname", node.name},
        {"Platform", {{"Architecture", machine.machine}, {"OS", "linux"}}},
        {"Resources",
         {{"NanoCPUs", ::sysconf(_SC_NPROCESSORS_ONLN) * 1'000'000'000L}, {"MemoryBytes", memory_bytes()}}},
        {"Engine", {{"EngineVersion", docker_version}, {"Plugins", plugins()}}}};
    out["Status"] = {{"State", "ready"}, {"Addr", "127.0.0.1"}};
    out["ManagerStatus"] = {{"Leader", true}, {"Reachability", "reachable"}, {"Addr", "127.0.0.1:2377"}};
    return documents::text_of(out);
}

} // namespace davit::swarm

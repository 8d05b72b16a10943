#include "build/run_spec.hpp"

#include "base/error.hpp"
#include "runtime/defaults.hpp"
#include "runtime/host_devices.hpp"

#include <algorithm>

namespace davit::build {

namespace {

bool allowed(const BuildRequest& request, std::string_view entitlement) {
    return std::find(request.entitlements.begin(), request.entitlements.end(), entitlement) !=
           request.entitlements.end();
}

SourcePos position_of(const dockerfile::Step& step) {
    SourcePos at;
    at.file = step.place.file;
    at.line = step.place.first_line;
    at.column = step.place.column;
    return at;
}

runtime::Mount bound_file(const std::string& source, const std::string& destination) {
    runtime::Mount m;
    m.source = source;
    m.destination = destination;
    m.readonly = true;
    m.nosuid = m.nodev = m.noexec = true;
    return m;
}

void set_limits(runtime::Spec& spec, const BuildRequest& request) {
    for (const auto& [name, limit] : request.ulimits) {
        const auto resource = runtime::rlimit_from_name(name);
        if (!resource) throw error(Errc::usage, "invalid ulimit type: {}", name);
        spec.process.rlimits.push_back(
            {*resource, static_cast<std::uint64_t>(limit.soft), static_cast<std::uint64_t>(limit.hard)});
    }
    if (request.shm_size > 0)
        if (runtime::Mount* shm = runtime::find_mount(spec, "/dev/shm"))
            shm->data = "mode=1777,size=" + std::to_string(request.shm_size);
}

bool has_path(const std::vector<std::string>& env) {
    return std::any_of(env.begin(), env.end(), [](const std::string& entry) { return entry.starts_with("PATH="); });
}

// What the step mounts hides what every container has below: /etc with its hosts, /sys/fs. The devices stay.
void hide_below(runtime::Spec& spec, const std::string& destination) {
    if (destination == "/dev") return;
    std::erase_if(spec.mounts,
                  [&](const runtime::Mount& mount) { return mount.destination.starts_with(destination + "/"); });
}

} // namespace

RunNetwork network_of(const dockerfile::Step& step, const dockerfile::RunStep& run, const BuildRequest& request) {
    using Network = dockerfile::RunStep::Network;
    if (run.insecure && !allowed(request, "security.insecure"))
        throw error(Errc::denied, "security.insecure is not allowed")
            .with_at(position_of(step))
            .with_hint("--allow security.insecure gives the build's commands all rights on this machine");
    const bool host = run.network == Network::host || (run.network == Network::by_default && request.network == "host");
    if (run.network == Network::none || request.network == "none") return RunNetwork::none;
    if (!host) return RunNetwork::bridge;
    if (run.network == Network::host && request.network != "host" && !allowed(request, "network.host"))
        throw error(Errc::denied, "network.host is not allowed")
            .with_at(position_of(step))
            .with_hint("--allow network.host, or --network host for all steps");
    return RunNetwork::host;
}

std::string host_name_of(const BuildRequest& request) {
    std::string out = "buildkitsandbox"; // what Dockerfiles in the wild see
    for (const auto& [name, value] : request.args)
        if (name == "BUILDKIT_SANDBOX_HOSTNAME" && value && !value->empty()) out = *value;
    return out;
}

namespace {

constexpr const char* host_gateway = "host-gateway";

// As containers have it: without a way to the host the name resolves all the same, to Docker's own default bridge.
const char* fixed_gateway(RunNetwork network) {
    return network == RunNetwork::host ? "127.0.0.1" : network == RunNetwork::none ? "172.17.0.1" : nullptr;
}

} // namespace

std::vector<std::string> gateway_names(const BuildRequest& request, RunNetwork network) {
    std::vector<std::string> out;
    for (const auto& [name, address] : request.extra_hosts)
        if (address == host_gateway && !fixed_gateway(network)) out.push_back(name);
    return out;
}

std::string hosts_of(const BuildRequest& request, RunNetwork network) {
    std::string out = "127.0.0.1\tlocalhost " + host_name_of(request) + "\n::1\tlocalhost ip6-localhost ip6-loopback\n";
    for (const auto& [name, address] : request.extra_hosts) {
        const char* known = address == host_gateway ? fixed_gateway(network) : address.c_str();
        if (known) out += std::string(known) + "\t" + name + "\n";
    }
    return out;
}

runtime::Spec run_spec(const RunInput& input) {
    runtime::Spec spec = runtime::default_spec();
    // BuildKit makes no link beside those of /dev: it would stand in the layer.
    std::erase_if(spec.symlinks, [](const auto& link) { return !link.first.starts_with("/dev/"); });
    spec.id = input.id;
    spec.cgroup = input.cgroup;
    spec.root.overlay = input.root;
    spec.hostname = host_name_of(input.request);
    spec.process.args = input.run.args;
    spec.process.env = input.step.env;
    for (const auto* more : {&input.step.unkeyed_env, &input.env}) // the last one of a key wins
        spec.process.env.insert(spec.process.env.end(), more->begin(), more->end());
    if (!has_path(spec.process.env))
        spec.process.env.insert(spec.process.env.begin(),
                                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    spec.process.cwd = input.step.config.working_dir.empty() ? "/" : input.step.config.working_dir;
    spec.process.user.name = input.step.config.user;
    set_limits(spec, input.request);
    switch (network_of(input.step, input.run, input.request)) {
    case RunNetwork::bridge: spec.ns.net.mode = runtime::NsMode::passed; break;
    case RunNetwork::none: break;
    case RunNetwork::host: spec.ns.net.mode = runtime::NsMode::host; break;
    }
    spec.open_ports_and_ping = spec.ns.net.mode != runtime::NsMode::host;
    runtime::add_mount(spec, bound_file(input.hosts, "/etc/hosts"));
    runtime::add_mount(spec, bound_file(input.resolv_conf, "/etc/resolv.conf"));
    for (const runtime::Mount& mount : input.mounts) hide_below(spec, mount.destination);
    for (const runtime::Mount& mount : input.mounts) runtime::add_mount(spec, mount);
    if (input.run.insecure || input.request.privileged) runtime::make_privileged(spec, runtime::host_devices("/dev"));
    runtime::arrange_mounts(spec);
    return spec;
}

} // namespace davit::build

// ContainerBuilder: device files of the machine, and devices that CDI specifications tell of by name.
#include "container/builder.hpp"

#include "base/error.hpp"
#include "container/cdi.hpp"
#include "runtime/defaults.hpp"

#include <algorithm>
#include <fmt/ranges.h>
#include <string_view>

namespace davit {

namespace {

// "[[gpu nvidia]]" as the engine prints what a device request asks for.
std::string capabilities_text(const DeviceRequest& request) {
    return fmt::format("[[{}]]",
                       request.capabilities.empty() ? "gpu" : fmt::format("{}", fmt::join(request.capabilities, " ")));
}

// The kind that GPUs of this machine have; empty: nothing tells of any. As the engine, NVIDIA's before AMD's.
std::string gpu_kind(const cdi::Registry& registry, const std::string& driver) {
    for (const char* kind : {"nvidia.com/gpu", "amd.com/gpu"}) {
        const bool asked = driver.empty() || std::string_view(kind).starts_with(driver + ".");
        if (asked && !registry.devices_of(kind).empty()) return kind;
    }
    return "";
}

// The names of what a request asks for; none: it is for a driver that is not there.
std::vector<std::string> names_of(const DeviceRequest& request, const cdi::Registry& registry) {
    if (request.driver == "cdi") return request.device_ids;
    const auto& wants = request.capabilities;
    const std::string kind = wants.empty() || std::find(wants.begin(), wants.end(), "gpu") != wants.end()
                                 ? gpu_kind(registry, request.driver)
                                 : "";
    if (kind.empty()) return {};
    std::vector<std::string> out = request.device_ids;
    const std::vector<std::string> known = registry.devices_of(kind);
    if (out.empty() && request.count < 0 && std::find(known.begin(), known.end(), "all") != known.end())
        out.emplace_back("all");
    else if (out.empty() && request.count < 0) out = known;
    for (std::int64_t i = 0; request.device_ids.empty() && i < request.count; ++i) out.push_back(std::to_string(i));
    for (std::string& id : out)
        if (!cdi::is_name(id)) id = kind + "=" + id;
    return out;
}

void set_variable(std::vector<std::string>& env, const std::string& entry) {
    const std::string key = entry.substr(0, entry.find('=') + 1);
    std::erase_if(env, [&](const std::string& one) { return one.starts_with(key); });
    env.push_back(entry);
}

void add_node(runtime::Spec& spec, const cdi::Node& node, Surroundings& around) {
    if (node.type == 0)
        runtime::add_devices(spec, around.devices(node.host_path), node.host_path, node.path, node.access);
    else {
        spec.devices.push_back({node.path, node.type, node.major, node.minor, 0666, 0, 0});
        if (!spec.resources.devices.empty() && node.type != 'p')
            spec.resources.devices.push_back({true, node.type, node.major, node.minor, node.access});
    }
    for (runtime::Device& device : spec.devices) {
        if (device.path != node.path) continue;
        if (node.mode) device.mode = *node.mode;
        if (node.uid) device.uid = *node.uid;
        if (node.gid) device.gid = *node.gid;
    }
}

runtime::Mount mount_of(const cdi::Mount& mount) {
    if (mount.type == "tmpfs")
        return runtime::tmpfs_mount(mount.target, fmt::format("{}", fmt::join(mount.options, ",")));
    runtime::Mount out;
    out.source = mount.source;
    out.destination = mount.target;
    for (const std::string& option : mount.options) {
        if (option == "bind") out.recursive = false;
        else if (option == "ro") out.readonly = true;
        else if (option == "nosuid") out.nosuid = true;
        else if (option == "nodev") out.nodev = true;
        else if (option == "noexec") out.noexec = true;
        else if (option == "rshared") out.propagation = runtime::Propagation::rshared;
        else if (option == "rslave") out.propagation = runtime::Propagation::rslave;
    }
    return out;
}

} // namespace

void ContainerBuilder::devices() {
    for (std::size_t i = 0; i < service_.devices.size(); ++i) {
        const Device& device = service_.devices[i];
        if (device.source.empty() || device.source.front() != '/') continue; // named_devices()
        at_start(fmt::format("devices[{}]", i), [&] {
            in_context(fmt::format("adding device {}", device.source), [&] {
                runtime::add_devices(out_.spec, around_.devices(device.source), device.source,
                                     device.target.empty() ? device.source : device.target, device.permissions);
            });
        });
    }
    about_each("device_cgroup_rules", service_.device_cgroup_rules,
               [&](const auto& rule) { out_.spec.resources.devices.push_back(runtime::device_rule_from_text(rule)); });
}

// After the mounts: what a device brings stands in the way of nobody's volume.
void ContainerBuilder::named_devices() {
    std::vector<std::pair<std::string, const DeviceRequest*>> requests; // with where they stand
    for (const DeviceRequest& request : service_.gpus) requests.emplace_back("gpus", &request);
    if (service_.deploy && service_.deploy->resources.reservations)
        for (const DeviceRequest& request : service_.deploy->resources.reservations->devices)
            requests.emplace_back("deploy.resources.reservations.devices", &request);
    const bool named = std::any_of(service_.devices.begin(), service_.devices.end(),
                                   [](const Device& d) { return !d.source.starts_with('/'); });
    if (!named && requests.empty()) return;
    const cdi::Registry registry(around_.cdi_files());
    std::vector<std::string> names; // together: what a file wants with each of its devices is wanted once
    for (std::size_t i = 0; i < service_.devices.size(); ++i) {
        const std::string& source = service_.devices[i].source;
        if (source.starts_with('/')) continue;
        at_start(fmt::format("devices[{}]", i), [&] { // a program without its device would fail in less clear ways
            registry.edits({source});
            names.push_back(source);
        });
    }
    for (const auto& [part, request] : requests)
        at_start(part, [&, request = request] {
            const std::vector<std::string> found = names_of(*request, registry);
            if (found.empty())
                throw error(Errc::unsupported, "{}",
                            request->driver.empty()
                                ? "failed to discover GPU vendor from CDI: no known GPU vendor found"
                                : fmt::format("could not select device driver \"{}\" with capabilities: {}",
                                              request->driver, capabilities_text(*request)))
                    .with_hint(
                        "no CDI specification in /etc/cdi or /var/run/cdi tells of GPUs; 'nvidia-ctk cdi generate "
                        "--output=/etc/cdi/nvidia.yaml' writes NVIDIA's");
            registry.edits(found);
            names.insert(names.end(), found.begin(), found.end());
        });
    at_start("devices", [&] { apply(registry.edits(names)); });
}

void ContainerBuilder::apply(const cdi::Edits& edits) {
    runtime::Spec& spec = out_.spec;
    for (const std::string& entry : edits.env) set_variable(spec.process.env, entry);
    for (const cdi::Node& node : edits.nodes)
        in_context(fmt::format("adding device {}", node.host_path), [&] { add_node(spec, node, around_); });
    for (const cdi::Mount& mount : edits.mounts) runtime::add_mount(spec, mount_of(mount));
    runtime::arrange_mounts(spec);
    for (const gid_t gid : edits.gids) spec.process.user.groups.push_back(std::to_string(gid));
    if (!edits.hooks.empty())
        out_.warnings.push_back(fmt::format(
            "service \"{}\": hooks of its devices are not run ({}): links and library caches that they would make are "
            "missing",
            service_.name, edits.hooks.front()));
}

} // namespace davit
